"""The options of the invented world: priced like its stocks, summed like its chains, and marked where it says so."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cyberpi_assets.domain.calendar import is_session
from cyberpi_assets.domain.columns import day_numbers
from cyberpi_assets.sources.demo.contracts import RATE
from cyberpi_assets.sources.demo.world import build

Facts = dict[str, pa.Table]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return build(20230103, "2023-01", "2025-12", "demo")[0]


def ask(query: str, **tables: pa.Table) -> list[tuple[object, ...]]:
    con = duckdb.connect()
    for name, table in tables.items():
        con.register(name, table)
    return con.execute(query).fetchall()


def test_the_world_stays_small_and_its_chains_cover_eight_months(facts: Facts) -> None:
    chains = facts["chain_facts"]
    ((contracts, tickers, days, first, last),) = ask(
        "SELECT count(*), count(DISTINCT ticker), count(DISTINCT session), min(session), max(session) FROM c", c=chains
    )
    assert isinstance(contracts, int)
    assert 100_000 < contracts < 300_000
    assert tickers == 22
    assert days == 168
    assert (str(first)[:7], str(last)[:7]) == ("2025-05", "2025-12")
    assert set(chains.column("ticker").unique().to_pylist()) <= set(
        facts["watchlist_facts"].column("ticker").to_pylist()
    )
    assert set(facts["watchlist_facts"].column("ticker").to_pylist()) <= set(
        facts["company_facts"].column("ticker").to_pylist()
    )


def test_expiries_are_alive_and_on_days_of_trading(facts: Facts) -> None:
    chains = facts["chain_facts"]
    assert is_session(day_numbers(chains.column("expiry")).astype(np.int32)).all()
    assert ask("SELECT count(*) FROM c WHERE expiry < session", c=chains) == [(0,)]
    # a chain has near and far expiries: two within 14 days, one about a month out, one beyond
    worst = ask(
        """SELECT min(near), min(n), max(far) > 45 FROM (
               SELECT count(DISTINCT expiry) FILTER (expiry <= session + 14) AS near, count(DISTINCT expiry) AS n,
                      max(expiry - session) AS far FROM c GROUP BY ticker, session)""",
        c=chains,
    )
    assert worst == [(2, 4, True)]


def test_calls_and_puts_of_a_strike_agree_with_the_stock(facts: Facts) -> None:
    """Put-call parity, C - P = S - K exp(-rT), within the spreads; where early exercise is worth nothing."""
    frame = facts["chain_facts"].to_pandas()
    frame["mid"] = (frame["bid"] + frame["ask"]) / 2
    frame["width"] = frame["ask"] - frame["bid"]
    sides = frame.pivot_table(
        index=["ticker", "session", "expiry", "strike", "underlying_price"], columns="right", values=["mid", "width"]
    ).reset_index()
    days = (pd.to_datetime(sides["expiry"]) - pd.to_datetime(sides["session"])).dt.days
    forward = sides["underlying_price"] - sides["strike"] * np.exp(-RATE * np.maximum(days, 0.4) / 365)
    apart = (sides[("mid", "call")] - sides[("mid", "put")] - forward).abs()
    allowed = (sides[("width", "call")] + sides[("width", "put")]) / 2 + 0.02
    out_of_the_money_put = sides["strike"] <= sides["underlying_price"]
    assert out_of_the_money_put.sum() > 50_000
    assert (apart <= allowed)[out_of_the_money_put].mean() > 0.999


def test_chains_cost_what_the_bars_say_also_before_a_split(facts: Facts) -> None:
    ratios = ask(
        """SELECT ticker, ratio, count(*) FROM (
               SELECT c.ticker, round(c.price / b.close, 3) AS ratio
               FROM (SELECT ticker, session, any_value(underlying_price) AS price FROM c GROUP BY ALL) c
               JOIN b USING (ticker, session))
           WHERE ratio <> 1 GROUP BY ticker, ratio""",
        c=facts["chain_facts"],
        b=facts["bar_facts"],
    )
    assert ratios == [("ZPHYC", 5.0, 26)]  # five new shares for one in session 610; chains begin in session 584


def test_the_days_sums_are_those_of_the_chains(facts: Facts) -> None:
    apart = ask(
        """SELECT count(*),
                  count(*) FILTER (v.call_volume <> s.calls OR v.put_volume <> s.puts OR v.put_open_interest <> s.oi)
           FROM v JOIN (SELECT ticker, session, sum(volume) FILTER ("right" = 'call') AS calls,
                               sum(volume) FILTER ("right" = 'put') AS puts,
                               sum(open_interest) FILTER ("right" = 'put') AS oi FROM c GROUP BY ALL) s
           USING (ticker, session)""",
        v=facts["option_volume_facts"],
        c=facts["chain_facts"],
    )
    assert apart == [(22 * 168, 0)]


def test_open_interest_follows_the_volume_of_the_sessions_before(facts: Facts) -> None:
    """A contract's open interest changes overnight by no more than was traded in it the day before."""
    jumps = ask(
        """SELECT count(*), count(*) FILTER (abs(change) > before) FROM (
               SELECT open_interest - lag(open_interest) OVER w AS change, lag(volume) OVER w AS before
               FROM c WINDOW w AS (PARTITION BY ticker, expiry, "right", strike ORDER BY session))
           WHERE change IS NOT NULL AND before IS NOT NULL""",
        c=facts["chain_facts"],
    )
    ((pairs, wrong),) = jumps
    assert isinstance(pairs, int)
    assert pairs > 50_000
    assert wrong == 0


def test_some_figures_are_missing_as_in_life(facts: Facts) -> None:
    chains = facts["chain_facts"]
    for column in ("volume", "implied_vol"):
        assert 0.005 < chains.column(column).null_count / chains.num_rows < 0.03, column


def unusual(facts: Facts) -> pd.DataFrame:
    """Each day's put volume over its median of the 60 sessions before, by ticker."""
    volumes = facts["option_volume_facts"].to_pandas().sort_values(["ticker", "session"])
    before = volumes.groupby("ticker")["put_volume"].transform(lambda v: v.shift(1).rolling(60, 30).median())
    return volumes.assign(ratio=volumes["put_volume"] / before).set_index(["ticker", "session"])


def test_planted_footprints_and_decoys_stand_out_and_others_do_not(facts: Facts) -> None:
    truth, ratio = facts["truth_facts"].to_pandas(), unusual(facts)["ratio"]
    footprints = truth[truth["kind"] == "option_footprint"]
    breaches = truth[truth["kind"] == "breach"]
    assert 0.5 < len(footprints) / len(breaches) < 0.8  # some breaches only: recall can be measured
    marked = {
        (row.ticker, pd.Timestamp(day).date())
        for row in footprints.itertuples()
        for day in row.detail.rsplit(" on ", 1)[1].split(", ")
    }
    at_footprints = np.array([ratio[key] for key in marked])
    assert np.median(at_footprints) > 3
    assert (at_footprints > 2).mean() > 0.9
    decoys = truth[truth["kind"] == "earnings_decoy"]
    sessions = np.array(sorted({s for _, s in ratio.index}))
    eves = np.array(
        [
            ratio.get((row.ticker, sessions[np.searchsorted(sessions, row.event_on) - 1]), np.nan)
            for row in decoys.itertuples()
        ]
    )
    assert np.nanmedian(eves) > 2
    assert (ratio.dropna() > 3).mean() < 0.06


def test_earnings_are_announced_before_they_come_and_decoys_come_before_earnings(facts: Facts) -> None:
    events = facts["company_event_facts"].to_pandas()
    assert (events["known_from"] < events["event_on"]).all()
    assert (events.groupby("ticker").size() >= 3).all()
    told = set(zip(events["ticker"], events["event_on"], strict=True))
    truth = facts["truth_facts"].to_pandas()
    decoys = truth[truth["kind"] == "earnings_decoy"]
    assert len(decoys) > 100
    assert set(zip(decoys["ticker"], decoys["event_on"], strict=True)) <= told


def test_a_contract_of_a_day_is_the_same_in_a_longer_world(facts: Facts) -> None:
    short = build(20230103, "2023-01", "2025-08", "demo")[0]["chain_facts"]
    same = ask(
        """SELECT count(*), count(*) FILTER (a.bid <> b.bid OR a.volume IS DISTINCT FROM b.volume OR a.delta <> b.delta)
           FROM a JOIN b USING (ticker, session, expiry, "right", strike)""",
        a=short,
        b=facts["chain_facts"],
    )
    ((common, other),) = same
    assert isinstance(common, int)
    assert common > 40_000
    assert other == 0
