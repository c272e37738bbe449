"""The self-test on real bars: nulls are uniform, the correction holds its level, and a broken null is caught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from scipy.stats import kstest

from cyberpi_assets.domain.alerts import raise_alerts
from cyberpi_assets.domain.evidence import calibration, worlds
from cyberpi_assets.domain.evidence.clusters import ticker_volatility
from cyberpi_assets.domain.evidence.surface import Surface, read_surface
from cyberpi_assets.domain.timing import timing_surface
from cyberpi_assets.rules.figures import AlertThresholds
from cyberpi_assets.tables import CALIBRATION, conform
from cyberpi_assets_tests.domain.evidence import material as m
from cyberpi_assets_tests.domain.rows import D, frame

pytestmark = pytest.mark.xdist_group("calibration")

# quiet, middling and restless names
TICKERS = (
    "KO",
    "PG",
    "JNJ",
    "PEP",
    "WMT",
    "MCD",
    "AAPL",
    "MSFT",
    "JPM",
    "DIS",
    "HD",
    "CSCO",
    "NVDA",
    "TSLA",
    "AMD",
    "NFLX",
    "MU",
    "BA",
)
THRESHOLDS = AlertThresholds()  # pyright: ignore[reportCallIssue]
RULES = m.rules()


@pytest.fixture(scope="module")
def surface_and_volatility(real: Path) -> tuple[Surface, pa.Table]:
    prices = ds.dataset(real / "market" / "prices.parquet").to_table(
        columns=["ticker", "date", "close", "volume"],
        filter=ds.field("ticker").isin(TICKERS)
        & (ds.field("date") >= D(2015, 1, 2))
        & (ds.field("date") < D(2023, 1, 1)),
    )
    rows = prices.rename_columns(["ticker", "session", "close", "volume"]).to_pandas()
    rows = rows.drop_duplicates(["ticker", "session"]).astype({"volume": "Int64"})
    rows["month"] = rows["session"].astype(str).str.slice(0, 7)
    for name in ("open", "high", "low", "adj_close"):
        rows[name] = np.nan
    rows["basis"], rows["source"] = "split", "test"
    shape = frame("daily_bars", [])
    made = pa.Table.from_pandas(rows[shape.schema.names], schema=shape.schema, preserve_index=False)
    alerts = raise_alerts(made, THRESHOLDS)
    surface = timing_surface(alerts, made, m.TIMING, THRESHOLDS)
    return read_surface(surface, m.TIMING, RULES), ticker_volatility(made)


def test_p_values_of_random_dates_on_real_bars_are_uniform_and_the_correction_holds_its_level(
    surface_and_volatility: tuple[Surface, pa.Table],
) -> None:
    surface, volatility = surface_and_volatility
    found = conform(
        CALIBRATION, calibration.calibrate(surface, volatility, RULES, officials=40, worlds=200)
    ).to_pylist()
    assert [r["part"] for r in found if r["test"] == "uniform p"] == ["all", "calm", "middling", "wild"]
    assert all(r["n"] > 500 for r in found if r["test"] == "uniform p")
    assert all(r["passed"] for r in found if r["test"] != "power"), found
    power = {r["part"]: r["observed"] for r in found if r["test"] == "power"}
    for test in ("calendars", "episodes"):
        assert power[f"{test}, strength 0.9"] > power[f"{test}, strength 0.3"]


def test_the_self_test_fails_where_trades_follow_the_alerts(surface_and_volatility: tuple[Surface, pa.Table]) -> None:
    surface, volatility = surface_and_volatility
    rng = np.random.default_rng(4)
    tickers = worlds.universe(surface, volatility, 500)
    plans = [worlds.Plan(f"i{k}", strength=0.3, days=60, per_day=1, sessions=750) for k in range(20)]
    data = worlds.traders(surface, tickers, plans, rng)
    assert kstest(worlds.randomised_p(data, rng), "uniform").pvalue < 1e-6


def test_worlds_are_made_again_from_the_same_seed(surface_and_volatility: tuple[Surface, pa.Table]) -> None:
    surface, volatility = surface_and_volatility
    tickers = worlds.universe(surface, volatility, 500)
    one, two = (
        worlds.traders(surface, tickers, [worlds.Plan("a", 0.5), worlds.Plan("b")], np.random.default_rng(9)).table
        for _ in range(2)
    )
    assert one.drop(["mirror"]).equals(two.drop(["mirror"]))


def test_too_few_bars_to_test_on_is_an_error() -> None:
    spans = {"A": (D(2020, 1, 2), D(2020, 3, 31))}
    surface = read_surface(m.surface({}, spans), m.TIMING, RULES)
    volatility = pa.table({"ticker": ["A"], "volatility": [0.2], "third": ["calm"]})
    with pytest.raises(ValueError, match="no ticker has enough admissible days"):
        calibration.calibrate(surface, volatility, RULES)


def test_power_counts_the_planted_and_false_findings_the_others() -> None:
    truth = frame(
        "demo_truth",
        [
            {"subject": "official", "bioguide_id": p, "kind": k, "strength": s}
            for p, k, s in (
                ("a", "informed", 0.9),
                ("b", "informed", 0.9),
                ("c", "informed", 0.3),
                ("d", "random", 0.0),
                ("e", "late_filer", 0.0),
            )
        ]
        + [{"subject": "company", "ticker": "T", "kind": "breach", "strength": 0.1}],
    )
    evidence = pa.table({"bioguide_id": ["a", "b", "d"], "q_value": [0.05, 0.2, 0.01], "q_episodes": [0.01, 0.01, 0.9]})
    rows = {(r["test"], r["part"]): r for r in calibration.planted_power(evidence, truth, RULES)}
    assert rows["power", "simulated world, calendars, 0.9"]["observed"] == 0.5
    assert rows["power", "simulated world, calendars, 0.3"]["observed"] == 0
    assert rows["power", "simulated world, episodes, 0.9"]["observed"] == 1
    assert rows["false discoveries", "simulated world, calendars"]["observed"] == 0.5
    assert rows["false discoveries", "simulated world, episodes"]["observed"] == 0
    assert rows["false discoveries", "simulated world, episodes"]["n"] == 2
    assert calibration.planted_power(evidence, truth.slice(0, 0), RULES) == []
