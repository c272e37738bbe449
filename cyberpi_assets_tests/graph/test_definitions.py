"""The graph as it loads: what every asset says of itself, what it depends on, and that none is a stub."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import dagster as dg
import pytest

from cyberpi_assets.definitions import STAGES, build_defs
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.tables import ALL

ROOT = Path(__file__).resolve().parents[2]
GROUPS = [
    "reference",
    "market",
    "alerts",
    "disclosures",
    "correlations",
    "evidence",
    "rankings",
    "options",
    "threats",
    "news",
    "highway",
    "backtest",
    "signals",
    "reports",
]
# what all figures on the worth of scores are computed from, in one step
WEIGHED = {
    "disclosed_trades",
    "disclosure_correlations",
    "timing_surface",
    "timing_nulls",
    "daily_bars",
    "companies",
    "officials",
    "official_terms",
    "committees",
    "committee_memberships",
    "demo_truth",
}  # fmt: skip
EVIDENCE = {
    "official_evidence",
    "ticker_evidence",
    "sector_evidence",
    "committee_evidence",
    "party_evidence",
    "temporal_patterns",
    "calibration",
}  # fmt: skip
BACKTEST = ("early_warning_backtest", "backtest_alarms", "backtest_events", "backtest_null")
BACKTESTED = {"daily_bars", "companies", "option_volumes", "market_alerts", "incidents"}
PRICED = {"disclosed_trades", "disclosure_correlations", "daily_bars", "companies"}

# The lineage of the design, asset by asset. `source_files` is what was read; whatever rests on facts rests on it.
LINEAGE: dict[str, set[str]] = {
    "source_files": set(),
    "companies": {"source_files"},
    "official_terms": {"source_files"},
    "officials": {"official_terms"},
    "committee_memberships": {"source_files"},
    "committees": {"committee_memberships"},
    "symbol_history": {"source_files"},
    "demo_truth": {"source_files"},
    "corporate_actions": {"source_files"},
    "daily_bars": {"corporate_actions"},
    "market_alerts": {"daily_bars", "corporate_actions", "companies"},
    "alerts": {
        "market_alerts", "daily_bars", "threat_scores", "trading_halts", "intelligence_items", "fused_signals",
    },
    "working_memory": {"threat_scores", "threat_indicators", "companies"},
    "disclosed_trades": {"officials", "official_terms", "symbol_history"},
    "watchlist": {"source_files", "top_traded_tickers", "companies", "daily_bars"},
    "market_snapshots": {"source_files", "symbol_history"},
    "option_chains": {"daily_bars", "corporate_actions", "symbol_history"},
    "option_volumes": {"option_chains", "symbol_history"},
    "company_events": {"source_files", "corporate_actions", "symbol_history"},
    "source_gaps": {"source_files"},
    "option_flow": {"option_chains", "option_volumes", "market_snapshots", "daily_bars", "corporate_actions"},
    "threat_scores": {"option_flow", "company_events", "companies"},
    "threat_indicators": {"option_flow", "company_events", "companies"},
    "threat_analyses": {"threat_scores", "threat_indicators", "companies"},
    "news_items": {"source_files", "companies", "symbol_history"},
    "trading_halts": {"source_files"},
    "company_filings": {"companies"},
    "sanctions_changes": {"source_files"},
    "known_exploited": {"companies"},
    "incidents": {"source_files"},
    "mna_events": {"companies"},
    "intelligence_items": {
        "news_items", "company_filings", "trading_halts", "sanctions_changes", "known_exploited", "companies",
        "source_files",
    },
    "vulnerabilities": {"known_exploited", "intelligence_items", "companies"},
    "threat_highway": {"intelligence_items"},
    "knowledge_graph": {
        "companies", "intelligence_items", "known_exploited", "vulnerabilities", "incidents", "officials",
        "disclosed_trades",
    },
    "vector_index": {"intelligence_items"},
    "detector_signals": {
        "daily_bars", "companies", "market_alerts", "threat_scores", "trading_halts", "intelligence_items",
        "company_filings", "company_events", "incidents", "mna_events", "sanctions_changes", "demo_truth",
    },
    "fused_signals": {
        "market_alerts", "threat_scores", "trading_halts", "disclosed_trades", "disclosure_correlations",
        "company_filings", "intelligence_items", "known_exploited", "sanctions_changes", "detector_signals",
    },
    "early_warnings": {
        "fused_signals", "detector_signals", "early_warning_backtest", "companies", "daily_bars", "intelligence_items",
    },
    "warning_ledger": {
        "fused_signals", "early_warnings", "incidents", "company_filings", "demo_truth", "daily_bars",
        "intelligence_items",
    },
    "quarantined_rows": {"source_files", "daily_bars", "disclosed_trades", "option_chains", "market_snapshots"},
    "filings": {"disclosed_trades", "officials", "official_terms"},
    "filing_coverage": {"filings"},
    "ocr_review": {"filings"},
    "filing_timeliness": {"disclosed_trades"},
    "official_timeliness": {"filing_timeliness", "disclosed_trades"},
    "timing_surface": {"market_alerts", "daily_bars"},
    "disclosure_correlations": {"disclosed_trades", "timing_surface", "market_alerts", "daily_bars"},
    "timing_nulls": {"disclosed_trades", "disclosure_correlations", "timing_surface", "official_terms"},
    **dict.fromkeys(EVIDENCE, WEIGHED),
    "trade_returns": PRICED,
    "return_tests": PRICED,
    "portfolio_returns": PRICED,
    "official_rankings": {"disclosed_trades", "disclosure_correlations", "officials", *EVIDENCE},
    "ticker_rankings": {"disclosed_trades", "disclosure_correlations", "companies"},
    "sector_rankings": {"disclosed_trades", "disclosure_correlations", "companies"},
    "party_comparison": {"disclosed_trades", "disclosure_correlations"},
    "top_traded_tickers": {"disclosed_trades", "companies", "daily_bars"},
    "timing_report": {
        "disclosure_correlations", "disclosed_trades", "timing_nulls", "official_rankings", "demo_truth",
        "filing_coverage",
    },
    "pattern_report": {
        "official_rankings", "ticker_rankings", "sector_rankings", "party_comparison", "demo_truth", *EVIDENCE,
        "filing_coverage",
    },
    "check_report": set(),  # of results, in a log; what is in it says nothing about tables
    **dict.fromkeys(BACKTEST, BACKTESTED),
    "published_warehouse": {
        "timing_report",
        "pattern_report",
        "quarantined_rows",
        "ocr_review",
        "official_timeliness",
        "trade_returns",
        "return_tests",
        "portfolio_returns",
        "committees",
        "top_traded_tickers",
        "daily_bars",
        "watchlist",
        "market_snapshots",
        "option_volumes",
        "company_events",
        "source_gaps",
        "alerts",
        "threat_analyses",
        "intelligence_items",
        "incidents",
        "mna_events",
        "warning_ledger",
        "early_warning_backtest",
        "backtest_alarms",
        "backtest_events",
        "backtest_null",
    },
}  # fmt: skip
BY_MONTH = {
    "news_items",
    "trading_halts",
    "company_filings",
    "intelligence_items",
    "option_flow",
    "threat_scores",
    "threat_indicators",
    "market_snapshots",
    "option_chains",
    "option_volumes",
    "daily_bars",
    "market_alerts",
    "disclosed_trades",
    "filings",
    "filing_timeliness",
    "timing_surface",
    "disclosure_correlations",
}  # fmt: skip

ASSETS = {key.to_user_string(): asset for stage in STAGES for asset in stage.ASSETS for key in asset.keys}
NAMES = sorted(ASSETS)


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_defs(Settings(store=tmp_path_factory.mktemp("nothing")))  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("profile", list(Profile))
def test_definitions_load_and_resolve_for_each_profile_without_touching_the_store(
    profile: Profile, tmp_path: Path
) -> None:
    store, data = tmp_path / "store", tmp_path / "data"
    settings = Settings(profile=profile, data=data, store=store)  # pyright: ignore[reportCallIssue]
    defs = build_defs(settings)
    dg.Definitions.validate_loadable(defs)
    assert {j.name for j in defs.resolve_all_job_defs()} >= {"everything", "reports_again"}
    assert list(tmp_path.iterdir()) == []


def test_the_lineage_is_the_one_of_the_design(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    found = {
        key.to_user_string(): {p.to_user_string() for p in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert found == LINEAGE


def test_the_groups_are_the_stages_in_their_order() -> None:
    assert [s.__name__.rsplit(".", 1)[1] for s in STAGES] == GROUPS
    for stage in STAGES:
        groups = {spec.group_name for a in stage.ASSETS for spec in a.specs}
        assert groups == {stage.__name__.rsplit(".", 1)[1]}
    assert {spec.group_name for a in ASSETS.values() for spec in a.specs} == set(GROUPS)


@pytest.mark.parametrize("name", NAMES)
def test_every_asset_tells_its_user_what_it_is(defs: dg.Definitions, name: str) -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey(name))
    assert node.description is not None
    assert len(node.description) >= 40
    assert ALL[name].about in node.description
    assert node.owners
    assert node.kinds
    schema = node.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [c.name for c in schema.columns] == ALL[name].names
    assert all(c.description for c in schema.columns)
    assert (name in BY_MONTH) == (node.partitions_def is not None)
    if node.partitions_def is not None:
        assert node.backfill_policy == dg.BackfillPolicy.single_run()


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"working_memory"}))
def test_every_stored_asset_has_a_check_that_blocks(defs: dg.Definitions, name: str) -> None:
    graph = defs.resolve_asset_graph()
    checks = [k for k in graph.asset_check_keys if k.asset_key == dg.AssetKey(name)]
    assert any(graph.get(k).blocking for k in checks), f"{name} has no blocking check"


def test_every_asset_has_at_least_one_check_with_a_description(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    checked = {k.asset_key.to_user_string() for k in graph.asset_check_keys}
    assert checked == set(NAMES)
    assert all(len(graph.get(k).description or "") > 20 for k in graph.asset_check_keys)


def is_stub(source: str) -> bool:
    """Whether a function does nothing: only a docstring, pass, ..., raise, or a return that calls nothing."""
    function = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(function, ast.FunctionDef)
    return not any(isinstance(node, ast.Call) for statement in function.body for node in ast.walk(statement)) or all(
        isinstance(s, (ast.Pass, ast.Raise)) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in function.body
    )


@pytest.mark.parametrize(
    ("source", "stub"),
    [
        ("def f(a):\n    'doc'", True),
        ("def f(a):\n    ...", True),
        ("def f(a):\n    return None", True),
        ("def f(a):\n    return a", True),
        ("def f(a):\n    return [1, 2]", True),
        ("def f(a):\n    raise NotImplementedError('later')", True),
        ("def f(a):\n    return g(a)", False),
    ],
)
def test_a_stub_is_known_when_seen(source: str, stub: bool) -> None:
    assert is_stub(source) == stub


@pytest.mark.parametrize("name", NAMES)
def test_no_asset_is_a_stub(name: str) -> None:
    node = ASSETS[name].node_def
    ops = node.node_defs if isinstance(node, dg.GraphDefinition) else [node]
    for op in ops:
        assert isinstance(op, dg.OpDefinition)
        source = textwrap.dedent(inspect.getsource(op.compute_fn.decorated_fn))  # pyright: ignore[reportAttributeAccessIssue]
        assert not is_stub(source[source.index("def ") :]), op.name


def test_the_model_alone_asks_for_a_gpu(defs: dg.Definitions) -> None:
    """A worker of the queue on Celery, a node on Kubernetes, one at a time by the pool; no other op waits for one."""
    graph = ASSETS["threat_analyses"].node_def
    assert isinstance(graph, dg.GraphDefinition)
    tagged = {op.name: op.tags for op in graph.node_defs if op.tags}
    assert set(tagged) == {"model_answers"}
    tags = tagged["model_answers"]
    assert tags["dagster-celery/queue"] == "gpu"
    asked = json.loads(tags["dagster-k8s/config"])
    assert asked["container_config"]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert {op.name: op.pool for op in graph.node_defs if isinstance(op, dg.OpDefinition) and op.pool} == {
        "model_answers": "gpu"
    }


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_domain_reads_no_clock_no_environment_and_no_dagster() -> None:
    """What import contracts cannot see: calls of the clock, and the environment through the standard library."""
    offences: list[str] = []
    for path in sorted((ROOT / "cyberpi_assets" / "domain").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow", "environ", "getenv"}:
                offences.append(f"{path.name}:{node.lineno} {node.attr}")
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [a.name for a in node.names] + [getattr(node, "module", "") or ""]
                offences += [f"{path.name}:{node.lineno} {n}" for n in names if n.split(".")[0] in {"dagster", "os"}]
    assert offences == []


def test_only_the_settings_read_variables_of_ours() -> None:
    offences = [
        f"{path.relative_to(ROOT)}"
        for path in sorted((ROOT / "cyberpi_assets").rglob("*.py"))
        if path.name != "settings.py" and ("getenv(" in (text := path.read_text()) or "environ[" in text)
    ]
    assert offences == []


def test_telemetry_is_off_wherever_an_instance_is_described(tmp_path: Path) -> None:
    import yaml

    from cyberpi_assets.orchestration.instance import instance_config

    assert yaml.safe_load((ROOT / "dagster.yaml").read_text())["telemetry"] == {"enabled": False}
    assert instance_config(tmp_path, tmp_path / "lock")["telemetry"] == {"enabled": False}
