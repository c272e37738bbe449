"""What must hold of the universe, quotes, option chains and volumes, beyond their shape."""

from __future__ import annotations

import datetime as dt

import duckdb
import pyarrow as pa

from cyberpi_assets.assets.options import market_snapshots, option_chains, option_volumes, watchlist
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.calendar import hours, sessions
from cyberpi_assets.storage.engine import connect, literal

LEAST_KNOWN_VOLUME = 0.5  # share of contracts below which flow says little
LEAST_AGREEING = 0.95  # share of chains whose underlying costs what its bar says


def _opened(subject: Subject) -> duckdb.DuckDBPyConnection:
    """The lake's tables as views, and table `calendar`: each session, its opening, and the opening after it."""
    con = connect(subject.settings.duckdb_memory_limit, subject.settings.duckdb_threads)
    subject.lake.views(con)
    opens = pa.array(hours()[0], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    days = pa.array(sessions(), pa.int32()).cast(pa.date32())
    con.register("openings", pa.table({"day": days, "opens": opens}))
    con.execute("CREATE TEMP TABLE calendar AS SELECT *, lead(opens) OVER (ORDER BY day) AS next FROM openings")
    return con


def _misdated(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Snapshots that are not of their session, and snapshots of the future."""
    now = literal(dt.datetime.now(dt.UTC).isoformat())
    found = con.sql(f"""
        SELECT count(*), count(*) FILTER (c.day IS NULL), count(*) FILTER (s.snapshot_at > TIMESTAMPTZ {now})
        FROM (SELECT DISTINCT snapshot_at, session FROM {table}) s
        LEFT JOIN calendar c ON c.day = s.session AND s.snapshot_at >= c.opens AND s.snapshot_at < c.next""").fetchone()
    assert found is not None
    return dict(zip(("moments", "of_another_session", "of_the_future"), map(int, found), strict=True))


@check(market_snapshots, blocking=True, more="Every quote is of the session it names, and none is of the future.")
def quotes_are_of_their_session(subject: Subject) -> Verdict:
    figures = _misdated(_opened(subject), "market_snapshots")
    return Verdict(figures["of_another_session"] == 0 and figures["of_the_future"] == 0, figures)


@check(
    option_chains,
    blocking=True,
    more="Every contract lives at its snapshot, which is of its session and not of the future; strikes are positive.",
)
def contracts_are_alive(subject: Subject) -> Verdict:
    con = _opened(subject)
    figures = _misdated(con, "option_chains")
    found = con.sql("""
        SELECT count(*), count(*) FILTER (expiry < session OR expiry IS NULL), count(*) FILTER (NOT strike > 0),
               count(*) FILTER ("right" NOT IN ('call', 'put') OR "right" IS NULL),
               count(*) FILTER (volume < 0 OR open_interest < 0)
        FROM option_chains""").fetchone()
    assert found is not None
    names = ("contracts", "expired", "without_strike", "without_right", "negative_counts")
    figures |= dict(zip(names, map(int, found), strict=True))
    return Verdict(sum(n for name, n in figures.items() if name not in ("moments", "contracts")) == 0, figures)


@check(
    option_chains,
    blocking=False,
    more="At least half of the contracts have a known volume; how many have a volatility and their underlying's price.",
)
def volume_is_known(subject: Subject) -> Verdict:
    found = (
        _opened(subject)
        .sql("""
        SELECT count(*), count(volume) / greatest(count(*), 1), count(implied_vol) / greatest(count(*), 1),
               count(underlying_price) / greatest(count(*), 1) FROM option_chains""")
        .fetchone()
    )
    assert found is not None
    names = ("with_volume", "with_implied_vol", "with_underlying")
    shares = {name: round(float(value), 4) for name, value in zip(names, found[1:], strict=True)}
    enough = found[0] == 0 or shares["with_volume"] >= LEAST_KNOWN_VOLUME
    return Verdict(enough, {"contracts": int(found[0]), **shares})


@check(
    option_chains,
    blocking=False,
    more="The underlying of a chain at the close costs within a tenth of its bar's close, or a multiple of it such as "
    "a later split makes: halves and wholes from one and a half on.",
)
def underlying_agrees_with_bars(subject: Subject) -> Verdict:
    found = (
        _opened(subject)
        .sql("""
        WITH chains AS (
            SELECT ticker, session, source, any_value(underlying_price) AS price FROM option_chains
            WHERE underlying_price IS NOT NULL AND data_type IN ('end_of_day', 'simulated') GROUP BY ALL
        ), held AS (
            SELECT price / b.close AS ratio FROM chains JOIN daily_bars b USING (ticker, session)
        ), judged AS (
            SELECT abs(ratio - 1) < 0.1 AS same,
                   greatest(ratio, 1 / ratio) >= 1.4 AND
                   abs(2 * greatest(ratio, 1 / ratio) - round(2 * greatest(ratio, 1 / ratio))) < 0.05 AS split
            FROM held
        )
        SELECT count(*), count(*) FILTER (same), count(*) FILTER (NOT same AND split) FROM judged""")
        .fetchone()
    )
    assert found is not None
    compared, same, split = map(int, found)
    detail = {"compared": compared, "same": same, "on_the_basis_before_a_split": split}
    return Verdict(compared == 0 or (same + split) / compared >= LEAST_AGREEING, detail)


@check(option_volumes, blocking=True, more="The total is the sum of calls and puts where both are known.")
def totals_are_sums(subject: Subject) -> Verdict:
    found = (
        _opened(subject)
        .sql("""
        SELECT count(*), count(*) FILTER (total_volume <> call_volume + put_volume), count(total_volume)
        FROM option_volumes""")
        .fetchone()
    )
    assert found is not None
    detail = dict(zip(("days", "not_the_sum", "with_total"), map(int, found), strict=True))
    return Verdict(detail["not_the_sum"] == 0, detail)


@check(
    watchlist,
    blocking=False,
    more="Somebody is watched; how many have bars, a chain in the last month with chains, and volumes.",
)
def universe_is_covered(subject: Subject) -> Verdict:
    found = (
        _opened(subject)
        .sql("""
        SELECT count(*), count(*) FILTER (has_bars),
               count(*) FILTER (ticker IN (SELECT ticker FROM option_chains
                                           WHERE month = (SELECT max(month) FROM option_chains))),
               count(*) FILTER (ticker IN (SELECT ticker FROM option_volumes))
        FROM watchlist""")
        .fetchone()
    )
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
