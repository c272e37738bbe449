"""The clusters that every test counts: one per official, ticker and day, however many lots were disclosed.

Here belongs the gathering of what is known of each cluster, once for all levels of evidence. Tests and intervals over
them belong to the modules beside.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.columns import day_numbers, places
from cyberpi_assets.domain.evidence.surface import Surface, read_surface
from cyberpi_assets.domain.evidence.windows import Windows, windows
from cyberpi_assets.domain.features import Bools, Floats, Ints
from cyberpi_assets.domain.sql import Frame, ask, only
from cyberpi_assets.rules.figures import EvidenceRules, TimingRules

THIRDS = ("calm", "middling", "wild")

# One row per trade that counts, as in `domain/rankings.py`: superseded, deleted and repeated rows are no trades of
# their own, and House filings before `house_from` are an incomplete record.
COUNTED = """
counted AS (
    SELECT t.*, c.score, coalesce(t.bioguide_id, 'name:' || lower(t.official)) AS person
    FROM trades t JOIN correlations c USING (trade_id)
    WHERE t.superseded_by IS NULL AND t.repeat_of IS NULL AND t.filing_status IS DISTINCT FROM 'deleted'
      AND NOT (t.chamber = 'house' AND coalesce(t.filed_on, t.transaction_date) < $house_from)
)
"""


def ticker_volatility(bars: Frame) -> pa.Table:
    """Annual volatility of each ticker and its third. bars: ticker, session, close. Columns: ticker, volatility, third.

    Sample standard deviation of daily log returns over all bars, returns beyond 40 % left out, times sqrt(252); null
    with fewer than 60 returns. Thirds are of the tickers with a volatility: calm | middling | wild.
    """
    return ask(
        """
        WITH r AS (
            SELECT ticker, ln(close / lag(close) OVER (PARTITION BY ticker ORDER BY session)) AS r FROM bars WHERE
            close > 0
        ), v AS (
            SELECT ticker, CASE WHEN count(r) FILTER (abs(r) < 0.4) >= 60
                THEN stddev_samp(r) FILTER (abs(r) < 0.4) * sqrt(252) END AS volatility
            FROM r GROUP BY ticker
        ), t AS (SELECT *, ntile(3) OVER (ORDER BY volatility, ticker) AS n FROM v WHERE volatility IS NOT NULL)
        SELECT ticker, v.volatility, CASE n WHEN 1 THEN 'calm' WHEN 2 THEN 'middling' WHEN 3 THEN 'wild' END AS third
        FROM v LEFT JOIN t USING (ticker, volatility) ORDER BY ticker""",
        bars=only(bars, "ticker", "session", "close"),
    )


@dataclass(frozen=True)
class Clusters:
    """All clusters, sorted by person, ticker and day. Arrays: one value per cluster."""

    table: pa.Table  # person, ticker, day, sector, third, party, chamber, n_trades
    people: list[str]  # bioguide id, or `name:` and the folded name
    person: Ints  # place in `people`
    code: Ints  # ticker's number on the surface, -1 for none
    day: Ints
    score: Floats
    p_placebo: Floats  # NaN where there is no null
    expected_score: Floats
    expected_suspicious: Floats
    mirror: Floats
    spans: Windows  # per person
    surface: Surface

    @property
    def tested(self) -> Bools:
        """Which clusters have a null."""
        return np.isfinite(self.p_placebo)


def clusters(
    correlations: pa.Table,
    trades: pa.Table,
    nulls: pa.Table,
    surface: Frame,
    terms: pa.Table,
    companies: pa.Table,
    volatility: pa.Table,
    timing: TimingRules,
    rules: EvidenceRules,
    house_from: dt.date,
) -> Clusters:
    """Gather the clusters of all scored trades that count.

    correlations, trades, nulls, surface, terms, companies: the tables of these names; volatility: as
    `ticker_volatility`.
    """
    table = ask(
        f"""
        WITH {COUNTED}
        SELECT c.person, c.ticker, c.transaction_date AS day, any_value(k.sector) AS sector, any_value(v.third) AS
        third,
               mode(c.party) AS party, mode(c.chamber) AS chamber, count(*) AS n_trades, max(n.p_placebo) AS p_placebo,
               max(n.expected_score) AS expected_score, max(n.expected_suspicious) AS expected_suspicious,
               max(n.mirror_score) AS mirror, max(c.score) AS score
        FROM counted c LEFT JOIN nulls n USING (trade_id)
        LEFT JOIN companies k ON k.ticker = c.ticker LEFT JOIN volatility v ON v.ticker = c.ticker
        WHERE c.score IS NOT NULL GROUP BY c.person, c.ticker, c.transaction_date ORDER BY ALL""",
        params={"house_from": house_from},
        correlations=correlations.select(["trade_id", "score"]),
        trades=trades,
        nulls=nulls.select(["trade_id", "p_placebo", "expected_score", "expected_suspicious", "mirror_score"]),
        companies=companies.select(["ticker", "sector"]),
        volatility=volatility,
    )
    index = read_surface(surface, timing, rules, table.column("ticker"))
    return build(table, index, terms)


def build(table: pa.Table, index: Surface, terms: pa.Table) -> Clusters:
    """Clusters from their table (columns as in `clusters`, sorted by person, ticker and day) and a surface."""
    people = [str(p) for p in table.column("person").unique().to_pylist()]
    person, day = places(table.column("person"), people), day_numbers(table.column("day"))

    def floats(name: str) -> Floats:
        return table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)

    return Clusters(
        table,
        people,
        person,
        index.codes(table.column("ticker")),
        day,
        floats("score"),
        floats("p_placebo"),
        floats("expected_score"),
        floats("expected_suspicious"),
        floats("mirror"),
        windows(people, person, day, terms),
        index,
    )


def batches(person: Ints, day: Ints) -> Ints:
    """Number of each cluster's trading day: one per official and day. Shape: (clusters,)."""
    key: npt.NDArray[np.int64] = (person << 32) | day
    return np.unique(key, return_inverse=True)[1].astype(np.int64)
