"""The options of the invented world: priced like its stocks, summed like its chains, and marked where it says so."""

from __future__ import annotations

import duckdb
import numpy as np
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
    ((pairs, apart),) = ask(
        f"""
        WITH sides AS (
            SELECT ticker, session, expiry, strike, any_value(underlying_price) AS spot,
                   sum(CASE "right" WHEN 'call' THEN 1 ELSE -1 END * (bid + ask) / 2) AS difference,
                   sum(ask - bid) / 2 + 0.02 AS allowed, greatest(expiry - session, 0.4) / 365 AS years
            FROM c GROUP BY ALL
        )
        SELECT count(*), count(*) FILTER (abs(difference - (spot - strike * exp(-{RATE} * years))) > allowed)
        FROM sides WHERE strike <= spot""",
        c=facts["chain_facts"],
    )
    assert isinstance(pairs, int)
    assert isinstance(apart, int)
    assert pairs > 50_000
    assert apart / pairs < 0.001


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


# each day's put volume over its median of the 60 sessions before, where at least 30 are known
UNUSUAL = """
unusual AS (
    SELECT ticker, session, put_volume / before AS ratio
    FROM (SELECT *, median(put_volume) OVER w AS before, count(*) OVER w AS n FROM v
          WINDOW w AS (PARTITION BY ticker ORDER BY session ROWS BETWEEN 60 PRECEDING AND 1 PRECEDING))
    WHERE n >= 30
)
"""


def test_planted_footprints_stand_out(facts: Facts) -> None:
    ((breaches, footprints),) = ask(
        "SELECT count(*) FILTER (kind = 'breach'), count(*) FILTER (kind = 'option_footprint') FROM t",
        t=facts["truth_facts"],
    )
    assert isinstance(breaches, int)
    assert isinstance(footprints, int)
    assert 0.5 < footprints / breaches < 0.8  # before some breaches only: recall can be measured
    ((days, typical, clear),) = ask(
        f"""
        WITH {UNUSUAL}, marked AS (
            SELECT ticker, CAST(unnest(string_split(regexp_extract(detail, ' on (.*)$', 1), ', ')) AS DATE) AS session
            FROM t WHERE kind = 'option_footprint'
        )
        SELECT count(*), median(ratio), count(*) FILTER (ratio > 2) / count(*)
        FROM marked JOIN unusual USING (ticker, session)""",
        t=facts["truth_facts"],
        v=facts["option_volume_facts"],
    )
    assert isinstance(days, int)
    assert days >= 2 * footprints
    assert isinstance(typical, float)
    assert typical > 3
    assert isinstance(clear, float)
    assert clear > 0.9


def test_decoys_stand_out_too_and_other_days_do_not(facts: Facts) -> None:
    """The eve of an earnings day with a decoy looks like a footprint; of all days few do."""
    ((eve, usual),) = ask(
        f"""
        WITH {UNUSUAL}, eves AS (
            SELECT t.ticker, max(u.session) AS session FROM t JOIN unusual u
            ON u.ticker = t.ticker AND u.session < t.event_on AND t.kind = 'earnings_decoy'
            GROUP BY t.ticker, t.event_on
        )
        SELECT (SELECT median(ratio) FROM eves JOIN unusual USING (ticker, session)),
               (SELECT count(*) FILTER (ratio > 3) / count(*) FROM unusual)""",
        t=facts["truth_facts"],
        v=facts["option_volume_facts"],
    )
    assert isinstance(eve, float)
    assert eve > 2
    assert isinstance(usual, float)
    assert usual < 0.06


def test_earnings_are_announced_before_they_come_and_decoys_come_before_earnings(facts: Facts) -> None:
    ((late, fewest),) = ask(
        """SELECT (SELECT count(*) FROM e WHERE known_from >= event_on OR known_from IS NULL),
                  (SELECT min(n) FROM (SELECT count(*) AS n FROM e GROUP BY ticker))""",
        e=facts["company_event_facts"],
    )
    assert late == 0
    assert isinstance(fewest, int)
    assert fewest >= 3
    ((decoys, told),) = ask(
        """SELECT count(*), count(e.ticker) FROM t LEFT JOIN e ON e.ticker = t.ticker AND e.event_on = t.event_on
           WHERE t.kind = 'earnings_decoy'""",
        t=facts["truth_facts"],
        e=facts["company_event_facts"],
    )
    assert isinstance(decoys, int)
    assert decoys > 100
    assert told == decoys


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
