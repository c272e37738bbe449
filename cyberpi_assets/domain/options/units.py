"""In which units a day's contracts are: splits that no list names, told by the price of the underlying.

Chains are as traded; daily bars are adjusted for every split since. So the price a chain states over the bar's close is
the product of the splits to come, and where it steps there was a split, listed or not. What volumes are compared with
belongs to `averages.py`.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.calendar import ordinal
from cyberpi_assets.domain.columns import day_numbers
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.tables import CORPORATE_ACTIONS

INFERRED = "inferred"
_FIT = 0.04  # how far a stated price may lie from a close times a whole number
_PLAIN = 0.25  # how far from the close itself: no split is so small but 5 for 4
_GAP = 10  # sessions between two known days over which a step is still dated

# A split is by a whole number, or the other way round; a ratio that is near neither says nothing.
_BASIS = """
WITH ratios AS (
    SELECT p.ticker, p.session, median(p.price / b.close) AS ratio
    FROM prices p JOIN bars b USING (ticker, session) WHERE p.price > 0 AND b.close > 0 GROUP BY ALL
), sized AS (
    SELECT *, CASE WHEN ratio >= 1 THEN ratio ELSE 1 / ratio END AS size FROM ratios
)
SELECT ticker, session, CASE WHEN ratio >= 1 THEN whole ELSE 1 / whole END AS basis
FROM (SELECT *, CASE WHEN size <= 1 + $plain THEN 1.0
                     WHEN size >= 2 - 2 * $fit AND abs(size / round(size) - 1) <= $fit THEN round(size) END AS whole
      FROM sized)
WHERE whole IS NOT NULL"""

_STEPS = """
WITH before AS (
    SELECT ticker, session, ordinal, basis, lag(basis) OVER w AS was, lag(session) OVER w AS since,
           lag(ordinal) OVER w AS was_ordinal
    FROM known WINDOW w AS (PARTITION BY ticker ORDER BY session)
)
SELECT ticker, session, 'split' AS action, was / basis AS value, $source AS source FROM before b
WHERE was <> basis AND ordinal - was_ordinal <= $gap AND NOT EXISTS (
    SELECT 1 FROM actions a WHERE a.ticker = b.ticker AND a.action = 'split' AND a.session > b.since
       AND a.session <= b.session)"""


def basis_of(prices: pa.Table, bars: Frame) -> pa.Table:
    """How many shares of today's bars one share was, by ticker and session: ticker, session, basis.

    prices: ticker, session, price of the underlying as stated that day. bars: ticker, session, close. Sessions whose
    prices do not tell are left out.
    """
    near = ask(
        "SELECT ticker, session, close FROM bars WHERE ticker IN (SELECT ticker FROM prices)",
        bars=bars,
        prices=prices,
    )
    return ask(_BASIS, params={"fit": _FIT, "plain": _PLAIN}, prices=prices, bars=near)


def all_splits(actions: pa.Table | None, basis: pa.Table) -> pa.Table:
    """The listed actions and the splits that the basis shows beside them. Columns: `tables.CORPORATE_ACTIONS`."""
    listed = CORPORATE_ACTIONS.empty() if actions is None else actions
    days = day_numbers(basis.column("session")).astype("int32")
    known = basis.append_column("ordinal", pa.array(ordinal(days), pa.int64()))
    found = ask(_STEPS, CORPORATE_ACTIONS, {"gap": _GAP, "source": INFERRED}, known=known, actions=listed)
    return pa.concat_tables([listed.select(CORPORATE_ACTIONS.names).cast(CORPORATE_ACTIONS.schema), found])
