"""What is usual for an underlying: mean and median option volume of prior sessions, and the stock's daily volume.

Here belongs what volumes are held against. Only sessions before the one compared count. A split makes of each contract
several, so volumes before it are multiplied by its ratio where that is a whole number; where it is not, exchanges
change the contract's size and not its count. Shares of daily bars are adjusted for every split known; contracts are
as traded, so a flow of shares is brought to the same units by the splits after it.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.calendar import ordinal
from cyberpi_assets.domain.columns import day_numbers
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.rules.figures import OptionRules

# Product of the splits with ex-date up to each session; the splits of a ticker are few.
_FACTOR = """
(SELECT coalesce(product(s.value), 1.0) FROM splits s WHERE s.ticker = {of}.ticker AND s.session {side} {of}.session)"""

_USUAL = f"""
WITH days AS (SELECT DISTINCT ticker, {{group}} session, ordinal FROM asked),
known AS (
    SELECT h.ticker, {{group}} h.ordinal, h.volume / {_FACTOR.format(of="h", side="<=")} AS volume
    FROM history h WHERE h.volume IS NOT NULL AND h.ticker IN (SELECT ticker FROM days)
      AND h.ordinal >= (SELECT min(ordinal) FROM days) - $longest
), before AS (
    SELECT d.ticker, {{qualified}} d.session, d.ordinal - h.ordinal AS back,
           h.volume * {_FACTOR.format(of="d", side="<=")} AS volume
    FROM days d JOIN known h USING (ticker {{using}})
    WHERE h.ordinal < d.ordinal AND h.ordinal >= d.ordinal - $longest
)
SELECT ticker, {{group}} session,
       avg(volume) FILTER (back <= $mean) AS mean_volume, count(*) FILTER (back <= $mean) AS n_mean,
       median(volume) FILTER (back <= $median) AS median_volume, count(*) FILTER (back <= $median) AS n_median
FROM before GROUP BY ALL"""

_SPLITS = """
SELECT ticker, session, value FROM actions
WHERE action = 'split' AND value > 0 AND ({any} OR (value >= 2 AND value = round(value)))"""


def splits_of(actions: pa.Table | None, *, whole: bool) -> pa.Table:
    """Splits as ticker, session, value; with `whole` only those that multiply contracts."""
    if actions is None:
        return pa.table({"ticker": pa.array([], pa.string()), "session": pa.array([], pa.date32()), "value": [0.0][:0]})
    return ask(_SPLITS.format(any=str(not whole).upper()), actions=actions)


def usual_volume(asked: pa.Table, history: pa.Table, actions: pa.Table | None, rules: OptionRules) -> pa.Table:
    """Mean and median volume of the prior sessions of each ticker (and source) asked for, in contracts of that session.

    asked: ticker, session, and source where history is by source. history: the same with volume, one row per session.
    Returns ticker, (source,) session, mean_volume, n_mean, median_volume, n_median; null where too few are known.
    """
    by_source = "source" in history.column_names
    query = _USUAL.format(
        group="source, " if by_source else "",
        qualified="d.source, " if by_source else "",
        using=", source" if by_source else "",
    )
    found = ask(
        query,
        params={
            "mean": rules.average_sessions,
            "median": rules.median_sessions,
            "longest": max(rules.average_sessions, rules.median_sessions),
        },
        asked=with_ordinal(asked),
        history=with_ordinal(history),
        splits=splits_of(actions, whole=True),
    )
    return ask(
        """
        SELECT * REPLACE (CASE WHEN n_mean >= $mean THEN mean_volume END AS mean_volume,
                          CASE WHEN n_median >= $median THEN median_volume END AS median_volume) FROM found""",
        params={"mean": rules.average_present, "median": rules.median_present},
        found=found,
    )


def stock_volume(
    asked: pa.Table, bars: Frame, actions: pa.Table | None, basis: pa.Table, rules: OptionRules
) -> pa.Table:
    """The stock's mean daily volume over prior sessions, in shares as they were on the session asked for.

    asked: ticker, session. bars: `tables.DAILY_BARS`. basis: `units.basis_of`; listed splits decide where it says
    nothing. Returns ticker, session, adv; null where too few are known.
    """
    wanted = with_ordinal(asked)
    first = ask("SELECT min(session) - 2 * $n::INTEGER - 10 AS day FROM asked",
                params={"n": rules.adv_sessions}, asked=wanted)  # fmt: skip
    near = ask(
        "SELECT ticker, session, volume FROM bars WHERE volume IS NOT NULL AND session >= (SELECT day FROM first) "
        "AND ticker IN (SELECT ticker FROM asked)",
        bars=bars,
        first=first,
        asked=wanted,
    )
    return ask(
        f"""
        SELECT a.ticker, a.session, CASE WHEN count(*) >= $present
               THEN avg(b.volume) / coalesce(any_value(u.basis), {_FACTOR.format(of="a", side=">")}) END AS adv
        FROM (SELECT DISTINCT ticker, session, ordinal FROM asked) a JOIN bars b USING (ticker)
        LEFT JOIN basis u ON u.ticker = a.ticker AND u.session = a.session
        WHERE b.ordinal BETWEEN a.ordinal - $sessions AND a.ordinal - 1 GROUP BY a.ticker, a.session""",
        params={"sessions": rules.adv_sessions, "present": rules.adv_present},
        asked=wanted,
        bars=with_ordinal(near),
        basis=basis,
        splits=splits_of(actions, whole=False),
    )


def with_ordinal(table: pa.Table) -> pa.Table:
    """The table with the running number of each row's session as a further column."""
    days = day_numbers(table.column("session")).astype("int32")
    return table.append_column("ordinal", pa.array(ordinal(days), pa.int64()))
