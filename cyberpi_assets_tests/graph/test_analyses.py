"""The graph of ops that analyses threats, materialised: by rules alone, with a model, and again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from cyberpi_assets.assets.analyses import threat_analyses
from cyberpi_assets.checks.analyses import CHECKS
from cyberpi_assets.domain.analysed import worth_it
from cyberpi_assets.orchestration.resources import resources_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE, THREAT_ANALYSES, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.test_working_memory import indicator, score
from cyberpi_assets_tests.graph.world import QUIET
from cyberpi_assets_tests.llm.ollama_server import Said, answered, ollama_server

OUTSIDE = [dg.AssetSpec(name) for name in ("threat_scores", "threat_indicators", "companies")]
UNH, DAL, LOW = score("UNH", 70), score("DAL", 85, severity="critical"), score("LOW", 69)


def fired(of: dict[str, Any], value: float = 821.0) -> dict[str, Any]:
    return indicator(of, "volume_excess", "fired", value, f"Volume is {value:g} % over its average.")


def good(question: dict[str, Any]) -> Said:
    """Cites the one indicator of whichever threat is asked about."""
    told = question["messages"][1]["content"]
    ticker = next(t for t in ("UNH", "DAL") if f'"ticker": "{t}"' in told)
    cited = f"financial_{ticker}_20251104_1623/volume_excess"
    return answered(
        {"hypothesis": f"Somebody may expect a fall of {ticker}.", "supporting": [cited], "alternatives": ["Hedging."],
         "refuted_by": ["Calm tomorrow."], "urgency": "today"}
    )  # fmt: skip


class House:
    """A lake with scores and indicators, and runs of the one asset over it."""

    def __init__(self, folder: Path, **llm: Any) -> None:
        self.settings = Settings(store=folder, llm=llm)  # pyright: ignore
        (folder / "spill").mkdir(parents=True, exist_ok=True)
        needed = [spec.key.path[-1] for spec in OUTSIDE] + ["threat_analyses", "check_results"]
        self.lake = Lake(self.settings.lake_dir, {name: LAKE[name] for name in needed})
        self.lake.create()
        self.given([UNH, DAL, LOW], [fired(UNH), fired(DAL), fired(LOW)])

    def given(self, scores: list[dict[str, Any]], indicators: list[dict[str, Any]]) -> None:
        self.lake.write("threat_scores", rows.frame("threat_scores", scores), ["2025-11"])
        self.lake.write("threat_indicators", rows.frame("threat_indicators", indicators), ["2025-11"])

    def run(self, checked: bool = False, **llm: Any) -> list[dict[str, Any]]:
        settings = self.settings.model_copy(update={"llm": self.settings.llm.model_copy(update=llm)})
        done = dg.materialize(
            [threat_analyses, *OUTSIDE, *(CHECKS if checked else [])],
            resources=resources_of(settings) | {"sources": None},
            run_config=QUIET,
        )
        assert done.success
        assert [e.passed for e in done.get_asset_check_evaluations()] == [True] * len(CHECKS) * checked
        found = self.lake.read("threat_analyses")
        conform(THREAT_ANALYSES, found)
        return sorted(found.to_pylist(), key=lambda r: (r["threat_id"], r["engine"]))


def engines(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(r["ticker"], r["engine"]) for r in found]


def test_without_a_server_every_threat_is_explained_by_rules_and_a_repeated_run_changes_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, host="http://127.0.0.1:1")
    found = house.run()
    assert engines(found) == [("DAL", "rules"), ("UNH", "rules")]
    assert all(not r["abstained"] and r["seconds"] is None for r in found)
    assert house.run() == found


def test_a_model_is_asked_once_about_each_threat_and_never_changes_a_score(tmp_path: Path) -> None:
    house = House(tmp_path)
    before = house.lake.read("threat_scores").to_pylist()
    with ollama_server(answer=good) as server:
        found = house.run(True, host=server.host)
        assert engines(found) == [("DAL", "ollama"), ("DAL", "rules"), ("UNH", "ollama"), ("UNH", "rules")]
        assert len(server.asked) == 2
        assert house.run(host=server.host) == found
        assert len(server.asked) == 2
        # another figure of one threat is another question; a threat that is gone takes its analyses along
        house.given([UNH, LOW], [fired(UNH, 500.0), fired(LOW)])
        assert engines(house.run(host=server.host)) == [("UNH", "ollama"), ("UNH", "rules")]
        assert len(server.asked) == 3
    assert house.lake.read("threat_scores").num_rows == 2
    assert [r for r in before if r["ticker"] == "UNH"] == [
        r for r in house.lake.read("threat_scores").to_pylist() if r["ticker"] == "UNH"
    ]


def test_what_could_not_be_answered_is_asked_again_and_a_run_asks_only_so_many(tmp_path: Path) -> None:
    house = House(tmp_path)
    with ollama_server(Said(status=500, error="out of memory")) as server:
        found = house.run(host=server.host)
    assert engines(found) == [("DAL", "ollama"), ("DAL", "rules"), ("UNH", "rules")]
    assert found[0]["abstained"]
    with ollama_server(answer=good) as server:
        first = house.run(host=server.host, most_per_run=1)
        assert engines(first) == [("DAL", "ollama"), ("DAL", "rules"), ("UNH", "rules")]
        assert not first[0]["abstained"]
        assert len(server.asked) == 1
    # without a server what was answered stays
    assert house.run(host="http://127.0.0.1:1") == first


@pytest.mark.parametrize("least", [1, 70, 86])
def test_of_several_providers_the_one_that_scores_highest_is_explained(least: int) -> None:
    scores = rows.frame("threat_scores", [UNH, UNH | {"source": "other", "seed_score": 80}, DAL])
    given = [fired(UNH), fired(UNH | {"source": "other"}), fired(DAL)]
    chosen, of = worth_it(scores, rows.frame("threat_indicators", given), least)
    expected = [] if least == 86 else [("DAL", "made"), ("UNH", "other")]
    assert [(r["ticker"], r["source"]) for r in chosen.to_pylist()] == expected
    assert sorted((r["ticker"], r["source"]) for r in of.to_pylist()) == expected
