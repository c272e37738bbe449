"""The simulated world: the same for the same seed, shaped as declared, and invented throughout."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import exchange_calendars
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.sources.demo import DemoSources
from cyberpi_assets.sources.demo.companies import _listed, companies
from cyberpi_assets.sources.demo.horizon import horizon
from cyberpi_assets.sources.demo.people import officials
from cyberpi_assets.sources.demo.world import build
from cyberpi_assets.sources.intake import Gathered, Intake
from cyberpi_assets.tables import FACTS

SEED, FIRST, LAST = 20230103, "2023-01", "2025-12"
PRODUCED = {
    "bar_facts",
    "action_facts",
    "company_facts",
    "person_facts",
    "term_facts",
    "committee_facts",
    "membership_facts",
    "symbol_facts",
    "disclosure_facts",
    "truth_facts",
    "watchlist_facts",
    "company_event_facts",
    "chain_facts",
    "snapshot_facts",
    "option_volume_facts",
    "news_facts",
    "halt_facts",
    "company_filing_facts",
    "kev_facts",
    "vulnerability_facts",
    "sanction_facts",
    "incident_facts",
    "mna_facts",
}


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    return DemoSources(Intake(tmp_path_factory.mktemp("intake")), SEED, FIRST, LAST).gather()


def _frame(gathered: Gathered, name: str) -> pd.DataFrame:
    return gathered.facts(name).to_pandas()


def test_same_seed_gives_the_same_tables() -> None:
    (one, aside), (two, aside_too) = build(SEED, FIRST, LAST, "demo:1"), build(SEED, FIRST, LAST, "demo:1")
    assert set(one) == PRODUCED
    assert all(one[name].equals(two[name]) for name in PRODUCED)
    assert aside.equals(aside_too)


def test_another_process_builds_the_same_world(gathered: Gathered, tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from cyberpi_assets.sources.demo import DemoSources\n"
        "from cyberpi_assets.sources.intake import Intake\n"
        f"DemoSources(Intake(pathlib.Path(sys.argv[1])), {SEED}, '{FIRST}', '{LAST}').gather()\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0].startswith('dagster')))\n"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]", "the world is built without dagster"
    assert (tmp_path / gathered.units[0] / "manifest.json").exists()
    elsewhere = Gathered(Intake(tmp_path), gathered.units)
    assert elsewhere.signatures() == gathered.signatures()
    for name in sorted(PRODUCED):
        assert elsewhere.facts(name).equals(gathered.facts(name)), name


def test_another_seed_gives_another_world() -> None:
    one, _ = build(1, "2023-01", "2023-12", "demo")
    two, _ = build(2, "2023-01", "2023-12", "demo")
    for name in ("bar_facts", "disclosure_facts", "truth_facts"):
        assert not one[name].equals(two[name]), name


def test_a_world_that_ends_later_continues_the_same_world() -> None:
    short, _ = build(SEED, FIRST, "2024-08", "demo")
    long, _ = build(SEED, FIRST, "2025-12", "demo")
    bars, more = short["bar_facts"].to_pandas(), long["bar_facts"].to_pandas().iloc[: short["bar_facts"].num_rows]
    for column in ("session", "open", "high", "low", "close", "volume", "line"):
        pd.testing.assert_series_equal(bars[column], more[column])
    filed = short["disclosure_facts"]
    later = long["disclosure_facts"].slice(0, filed.num_rows)
    # what becomes known only later: a new symbol, and that an amendment replaced a row
    same = [c for c in filed.schema.names if c not in ("ticker_printed", "asset", "is_superseded")]
    assert filed.select(same).equals(later.select(same))


def test_the_account_balances_and_shows_what_was_put_aside(gathered: Gathered) -> None:
    (file,) = gathered.files().to_pylist()
    assert file["kind"] == "demo"
    assert file["format"] == "demo/world"
    assert file["rows_read"] == file["accepted"] + file["quarantined"]
    assert 24 <= file["quarantined"] <= 100
    aside = _frame(gathered, "quarantine_facts")
    assert "20222-08-09" in set(aside["value"])
    assert aside["reason"].str.len().min() > 5
    assert set(aside["kind"]) == {"disclosures"}
    rows = _frame(gathered, "disclosure_facts")
    lines = np.sort(np.concatenate([rows["line"], aside["line"]]))
    np.testing.assert_array_equal(lines, np.arange(1, len(rows) + len(aside) + 1))


def test_every_fact_is_traced_and_keyed(gathered: Gathered) -> None:
    for name in sorted(PRODUCED):
        frame = _frame(gathered, name)
        assert (frame["source"] == "demo").all(), name
        assert (frame["file"] == f"demo:{SEED}").all(), name
        assert frame["line"].is_unique, name
        assert not frame.duplicated(list(FACTS[name].key)).any(), name


def test_a_second_gather_builds_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    sources = DemoSources(Intake(tmp_path), SEED, "2023-01", "2023-06")
    first = sources.gather(told.append)
    assert told
    told.clear()
    written = (tmp_path / first.units[0] / "manifest.json").stat().st_mtime_ns
    assert sources.gather(told.append).signatures() == first.signatures()
    assert not told
    assert (tmp_path / first.units[0] / "manifest.json").stat().st_mtime_ns == written


def test_the_whole_world_is_built_and_kept_in_under_five_seconds(tmp_path: Path) -> None:
    start = time.perf_counter()
    DemoSources(Intake(tmp_path), SEED + 1, FIRST, LAST).gather()
    assert time.perf_counter() - start < 5


def test_the_world_is_as_large_as_promised(gathered: Gathered) -> None:
    listed = _frame(gathered, "company_facts")
    assert len(listed) >= 60
    assert listed["sector"].nunique() >= 8
    assert listed["cik"].is_unique
    people = _frame(gathered, "person_facts")
    assert len(people) >= 40
    assert people["bioguide_id"].is_unique
    assert people["full_name"].is_unique
    assert people["nickname"].notna().sum() > 10
    terms = _frame(gathered, "term_facts")
    assert set(terms["chamber"]) == {"house", "senate"}
    assert {"Republican", "Democrat"} <= set(terms["party"])
    assert terms.loc[terms["chamber"] == "senate", "district"].isna().all()
    assert terms.loc[terms["chamber"] == "house", "district"].notna().all()
    assert (terms["starts_on"] < terms["ends_on"]).all()
    rows = _frame(gathered, "disclosure_facts")
    assert 6_000 <= len(rows) <= 12_000


def test_terms_of_one_person_do_not_overlap(gathered: Gathered) -> None:
    terms = _frame(gathered, "term_facts").sort_values(["bioguide_id", "starts_on"])
    following = terms.groupby("bioguide_id")["starts_on"].shift(-1)
    assert (terms["ends_on"][following.notna()] <= following.dropna()).all()


def test_committee_seats_belong_to_known_people_and_committees(gathered: Gathered) -> None:
    seats = _frame(gathered, "membership_facts")
    committees = _frame(gathered, "committee_facts")
    assert set(seats["bioguide_id"]) <= set(_frame(gathered, "person_facts")["bioguide_id"])
    assert set(seats["committee_id"]) <= set(committees["committee_id"])
    assert set(committees["parent_id"].dropna()) <= set(committees["committee_id"])
    top = seats[seats["committee_id"].str.len() == 4]
    chairs = top[top["title"] == "Chair"].groupby(["committee_id", "as_of"]).size()
    assert len(chairs) > 10
    assert (chairs == 1).all()


def test_bars_lie_on_exchange_sessions_only(gathered: Gathered) -> None:
    bars = _frame(gathered, "bar_facts")
    sessions = exchange_calendars.get_calendar("XNYS").sessions_in_range("2023-01-01", "2025-12-31")
    assert set(pd.to_datetime(bars["session"])) == set(sessions)
    per_ticker = bars.groupby("ticker").size()
    assert (per_ticker == len(sessions)).sum() >= 60
    assert (per_ticker < len(sessions)).sum() == 2  # one listed late, one delisted


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("2023-13", "2024-01", "not written YYYY-MM"),
        ("2023-1", "2024-01", "not written YYYY-MM"),
        ("2024-02", "2024-01", "before it starts"),
    ],
)
def test_a_span_that_is_none_is_refused(first: str, last: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(1, first, last, "demo")


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        build(-1, FIRST, LAST, "demo")


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**40), start=st.integers(0, 30), length=st.integers(0, 14))
def test_any_span_gives_whole_tables(seed: int, start: int, length: int) -> None:
    months = [f"{2022 + m // 12}-{m % 12 + 1:02d}" for m in (start, start + length)]
    facts, aside = build(seed, months[0], months[1], "demo")
    for name, table in facts.items():
        assert table.schema.equals(FACTS[name].schema), name
        for column in FACTS[name].columns:
            assert column.nullable or table.column(column.name).null_count == 0, (name, column.name)
    span = pc.min_max(pc.strftime(facts["bar_facts"].column("session"), "%Y-%m")).as_py()
    assert [span["min"], span["max"]] == months
    lines = facts["disclosure_facts"].column("line").to_pylist() + aside.column("line").to_pylist()
    assert len(set(lines)) == len(lines)


@pytest.mark.real
def test_no_symbol_or_name_is_real(real: Path) -> None:
    reference = pd.read_parquet(real / "reference" / "tickers.parquet", columns=["ticker", "name", "sec_name"])
    symbols = set(reference["ticker"]) | set(
        pd.read_parquet(real / "market" / "prices.parquet", columns=["ticker"])["ticker"]
    )
    changes = pd.read_parquet(real / "reference" / "ticker_changes.parquet")
    symbols |= set(changes["old_ticker"]) | set(changes["new_ticker"])
    early, late = companies(horizon(1, FIRST, "2023-02")), companies(horizon(1, FIRST, LAST))
    mine = {c.ticker for c in (*early, *late, *_listed())} | {"ZZIDX"}
    assert len(mine) == len(late) + 3  # two old symbols and the fund
    assert not mine & symbols
    words = {w for n in ("name", "sec_name") for t in reference[n].dropna().str.lower() for w in t.split()}
    assert not {c.name.split()[0].lower() for c in (*early, *late)} & words


@pytest.mark.real
def test_no_official_is_real(real: Path) -> None:
    legislators = pd.read_parquet(real / "reference" / "legislators.parquet")
    mine = officials(horizon(1, FIRST, LAST))
    assert not {p.bioguide_id for p in mine} & set(legislators["bioguide_id"])
    assert not {p.last.lower() for p in mine} & set(legislators["last_name"].str.lower())
    assert not {p.lis_id for p in mine if p.lis_id} & set(legislators["lis"].dropna())
