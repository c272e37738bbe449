"""What must hold of the universe, quotes, option chains and volumes, beyond their shape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from cyberpi_assets.assets.options import market_snapshots, option_chains, option_volumes, watchlist
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.calendar import hours, sessions
from cyberpi_assets.domain.quality.verdict import by_month, counted
from cyberpi_assets.storage.engine import literal

LEAST_KNOWN_VOLUME = 0.5  # share of contracts below which flow says little
LEAST_AGREEING = 0.95  # share of chains whose underlying costs what its bar says


@contextmanager
def _opened(subject: Subject, *names: str) -> Generator[duckdb.DuckDBPyConnection]:
    """The tables as views, and table `calendar`: each session, its opening, and the opening after it."""
    with subject.engine(*names) as con:
        opens = pa.array(hours()[0], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
        days = pa.array(sessions(), pa.int32()).cast(pa.date32())
        con.register("openings", pa.table({"day": days, "opens": opens}))
        con.execute("CREATE TEMP TABLE calendar AS SELECT *, lead(opens) OVER (ORDER BY day) AS next FROM openings")
        yield con


def _misdated(table: str) -> str:
    """A query that counts snapshots that are not of their session, and snapshots of the future, by month."""
    now = literal(dt.datetime.now(dt.UTC).isoformat())
    return f"""
        SELECT s.month, count(*) AS moments, count(*) FILTER (c.day IS NULL) AS of_another_session,
               count(*) FILTER (s.snapshot_at > TIMESTAMPTZ {now}) AS of_the_future
        FROM (SELECT DISTINCT month, snapshot_at, session FROM {table}) s
        LEFT JOIN calendar c ON c.day = s.session AND s.snapshot_at >= c.opens AND s.snapshot_at < c.next
        GROUP BY s.month"""


@check(market_snapshots, blocking=True, more="Every quote is of the session it names, and none is of the future.")
def quotes_are_of_their_session(subject: Subject) -> Verdict:
    with _opened(subject, "market_snapshots") as con:
        return counted(con.sql(_misdated("market_snapshots")).to_arrow_table(), harmless=("moments",))


@check(
    option_chains,
    blocking=True,
    more="Every contract lives at its snapshot, which is of its session and not of the future; strikes are positive.",
)
def contracts_are_alive(subject: Subject) -> Verdict:
    with _opened(subject, "option_chains") as con:
        found = con.sql(f"""
            WITH dated AS ({_misdated("option_chains")}), alive AS (
                SELECT month, count(*) AS contracts, count(*) FILTER (expiry < session OR expiry IS NULL) AS expired,
                       count(*) FILTER (NOT strike > 0) AS without_strike,
                       count(*) FILTER ("right" NOT IN ('call', 'put') OR "right" IS NULL) AS without_right,
                       count(*) FILTER (volume < 0 OR open_interest < 0) AS negative_counts
                FROM option_chains GROUP BY month
            )
            SELECT * FROM dated JOIN alive USING (month)""").to_arrow_table()
    return counted(found, harmless=("moments", "contracts"))


@check(
    option_chains,
    blocking=False,
    more="At least half of the contracts have a known volume; how many have a volatility and their underlying's price.",
)
def volume_is_known(subject: Subject) -> Verdict:
    with subject.engine("option_chains") as con:
        found = con.sql("""
            SELECT month, count(*) AS contracts, count(volume) AS with_volume, count(implied_vol) AS with_implied_vol,
                   count(underlying_price) AS with_underlying
            FROM option_chains GROUP BY month""").to_arrow_table()

    def shares(figures: Mapping[str, int]) -> dict[str, int | float]:
        n = figures["contracts"]
        return {"contracts": n} | {k: round(v / max(n, 1), 4) for k, v in figures.items() if k != "contracts"}

    def enough(figures: Mapping[str, int]) -> bool:
        return figures["with_volume"] >= LEAST_KNOWN_VOLUME * figures["contracts"]

    return by_month(found, enough, shares)


@check(
    option_chains,
    blocking=False,
    more="The underlying of a chain at the close costs within a tenth of its bar's close, or a multiple of it such as "
    "a later split makes: halves and wholes from one and a half on.",
)
def underlying_agrees_with_bars(subject: Subject) -> Verdict:
    with subject.engine("option_chains", "daily_bars") as con:
        found = con.sql("""
            WITH chains AS (
                SELECT month, ticker, session, source, any_value(underlying_price) AS price FROM option_chains
                WHERE underlying_price IS NOT NULL AND data_type IN ('end_of_day', 'simulated') GROUP BY ALL
            ), held AS (
                SELECT chains.month, price / b.close AS ratio FROM chains JOIN daily_bars b USING (ticker, session)
            ), judged AS (
                SELECT month, abs(ratio - 1) < 0.1 AS same,
                       greatest(ratio, 1 / ratio) >= 1.4 AND
                       abs(2 * greatest(ratio, 1 / ratio) - round(2 * greatest(ratio, 1 / ratio))) < 0.05 AS split
                FROM held
            )
            SELECT month, count(*) AS compared, count(*) FILTER (same) AS same,
                   count(*) FILTER (NOT same AND split) AS on_the_basis_before_a_split
            FROM judged GROUP BY month""").to_arrow_table()

    def agree(figures: Mapping[str, int]) -> bool:
        agreeing = figures["same"] + figures["on_the_basis_before_a_split"]
        return agreeing >= LEAST_AGREEING * figures["compared"]

    return by_month(found, agree)


@check(option_volumes, blocking=True, more="The total is the sum of calls and puts where both are known.")
def totals_are_sums(subject: Subject) -> Verdict:
    return subject.counts(
        """
        SELECT month, count(*) AS days, count(*) FILTER (total_volume <> call_volume + put_volume) AS not_the_sum,
               count(total_volume) AS with_total
        FROM option_volumes GROUP BY month""",
        "option_volumes",
        harmless=("days", "with_total"),
    )


@check(
    watchlist,
    blocking=False,
    more="Somebody is watched; how many have bars, a chain in the last month with chains, and volumes.",
)
def universe_is_covered(subject: Subject) -> Verdict:
    with subject.engine("watchlist", "option_chains", "option_volumes") as con:
        found = con.sql("""
        SELECT count(*), count(*) FILTER (has_bars),
               count(*) FILTER (ticker IN (SELECT ticker FROM option_chains
                                           WHERE month = (SELECT max(month) FROM option_chains))),
               count(*) FILTER (ticker IN (SELECT ticker FROM option_volumes))
        FROM watchlist""").fetchone()
    assert found is not None
    detail = dict(zip(("watched", "with_bars", "with_a_recent_chain", "with_volumes"), map(int, found), strict=True))
    return Verdict(detail["watched"] > 0, detail)


CHECKS = [
    quotes_are_of_their_session,
    contracts_are_alive,
    volume_is_known,
    underlying_agrees_with_bars,
    totals_are_sums,
    universe_is_covered,
]
