"""The evidence of tickers, sectors and committees: many officials' trades together.

Here belongs the assembly of `ticker_evidence`, `sector_evidence` and `committee_evidence`. Under the null every
official's calendar is shifted as a whole and by itself; trades of different officials on the same news are then taken
for independent, which they may not be.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.columns import frame, places
from cyberpi_assets.domain.evidence.clusters import COUNTED, Clusters
from cyberpi_assets.domain.evidence.jurisdictions import SECTORS, seats
from cyberpi_assets.domain.evidence.summary import Columns, Evidence, column
from cyberpi_assets.domain.features import Ints
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.timing import SUSPICIOUS
from cyberpi_assets.rules.figures import EvidenceRules
from cyberpi_assets.tables import COMMITTEE_EVIDENCE, SECTOR_EVIDENCE, TICKER_EVIDENCE, Table


def _shaped(columns: Columns, shape: Table) -> pa.Table:
    table = frame(shape, {name: columns[name] for name in shape.names})
    key = shape.key[0]
    return ask(f"SELECT * FROM t ORDER BY q_value NULLS LAST, p_value NULLS LAST, {key}", shape=shape, t=table)


def _distinct(values: Ints, group: Ints, size: int) -> Ints:
    """Distinct values per group. Shapes: (pairs,), (pairs,), (size,)."""
    pairs = np.unique(np.stack([group, values], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=size).astype(np.int64)


def _totals(trades: pa.Table, correlations: pa.Table, companies: pa.Table, house_from: dt.date) -> pa.Table:
    """Trades that count and scored trades per ticker, of those with a scored one.

    Columns: ticker, name, sector, n, scored.
    """
    return ask(
        f"""
        WITH {COUNTED}
        SELECT c.ticker, any_value(k.name) AS name, any_value(k.sector) AS sector, count(*) AS n, count(score) AS scored
        FROM counted c LEFT JOIN (SELECT ticker AS symbol, name, sector FROM companies) k ON k.symbol = c.ticker
        WHERE c.ticker IS NOT NULL GROUP BY c.ticker HAVING count(score) > 0 ORDER BY c.ticker""",
        params={"house_from": house_from},
        trades=trades,
        correlations=correlations.select(["trade_id", "score"]),
        companies=companies,
    )


def ticker_evidence(
    data: Clusters,
    trades: pa.Table,
    correlations: pa.Table,
    companies: pa.Table,
    volatility: pa.Table,
    rules: EvidenceRules,
    house_from: dt.date,
) -> pa.Table:
    """Evidence per ticker with a scored trade. Columns: `tables.TICKER_EVIDENCE`, by q, p, ticker."""
    totals = _totals(trades, correlations, companies, house_from)
    if totals.num_rows == 0:
        return TICKER_EVIDENCE.empty()
    names = [str(t) for t in totals.column("ticker").to_pylist()]
    group = places(data.table.column("ticker"), names)
    found = Evidence(
        data,
        names,
        np.arange(group.size),
        group,
        totals.column("n").to_numpy(),
        totals.column("scored").to_numpy(),
        rules,
    )
    how = ask(
        "SELECT t.ticker, v.volatility, v.third FROM totals t LEFT JOIN volatility v USING (ticker) ORDER BY t.ticker",
        totals=totals,
        volatility=volatility,
    )
    columns: Columns = found.columns | {
        "ticker": pa.array(names, pa.string()),
        "name": totals.column("name"),
        "sector": totals.column("sector"),
        "volatility": how.column("volatility"),
        "volatility_third": how.column("third"),
        "n_officials": column(_distinct(data.person, group, len(names))),
    }
    return _shaped(columns, TICKER_EVIDENCE)


def sector_evidence(
    data: Clusters,
    trades: pa.Table,
    correlations: pa.Table,
    companies: pa.Table,
    rules: EvidenceRules,
    house_from: dt.date,
) -> pa.Table:
    """Evidence per sector with a scored trade. Columns: `tables.SECTOR_EVIDENCE`, by q, p, sector."""
    totals = ask(
        """
        SELECT coalesce(sector, 'unknown') AS sector, sum(n)::BIGINT AS n, sum(scored)::BIGINT AS scored FROM t GROUP
        BY 1
        ORDER BY 1""",
        t=_totals(trades, correlations, companies, house_from),
    )
    if totals.num_rows == 0:
        return SECTOR_EVIDENCE.empty()
    names = [str(s) for s in totals.column("sector").to_pylist()]
    of: Any = data.table.column("sector")
    group = places(of.fill_null("unknown"), names)
    found = Evidence(
        data,
        names,
        np.arange(group.size),
        group,
        totals.column("n").to_numpy(),
        totals.column("scored").to_numpy(),
        rules,
    )
    columns: Columns = found.columns | {
        "sector": pa.array(names, pa.string()),
        "n_officials": column(_distinct(data.person, group, len(names))),
        "n_tickers": column(_distinct(data.code, group, len(names))),
    }
    return _shaped(columns, SECTOR_EVIDENCE)


def committee_evidence(data: Clusters, committees: pa.Table, memberships: pa.Table, rules: EvidenceRules) -> pa.Table:
    """Evidence per mapped committee with members who trade in its sectors. Columns: `tables.COMMITTEE_EVIDENCE`.

    committees, memberships: the tables of committees and of seats. Trades count when the member sat on the committee
    on the day of the trade and the ticker's sector is one that the committee is taken to oversee.
    """
    sat = seats(memberships, data.table)
    sector = np.array(data.table.column("sector").to_pylist(), dtype=object)
    member = {
        committee: np.array(rows, dtype=np.int64)
        for committee, rows in ask(
            "SELECT committee_id, list(cluster ORDER BY cluster) AS rows FROM sat GROUP BY 1 ORDER BY 1", sat=sat
        ).to_pandas().itertuples(index=False)
    }  # fmt: skip
    names, inside, outside = list[str](), list[Ints](), list[Ints]()
    for committee in sorted(set(member) & set(SECTORS)):
        rows = member[committee]
        within = np.isin(sector[rows], np.array(SECTORS[committee], dtype=object))
        if within.any():
            names.append(committee)
            inside.append(rows[within])
            outside.append(rows[~within & data.tested[rows]])
    if not names:
        return COMMITTEE_EVIDENCE.empty()
    size = len(names)
    cluster = np.concatenate(inside)
    group = np.repeat(np.arange(size), [c.size for c in inside])
    n_trades = data.table.column("n_trades").to_numpy()
    scored = np.bincount(group, weights=n_trades[cluster], minlength=size).astype(np.int64)
    found = Evidence(data, names, cluster, group, scored, scored, rules)
    known = ask(
        "SELECT committee_id, any_value(name) AS name, any_value(chamber) AS chamber FROM c GROUP BY 1", c=committees
    ).to_pandas()
    about = known.set_index("committee_id").reindex(names)
    with_sector = np.array([s is not None for s in sector])
    columns: Columns = found.columns | {
        "committee_id": pa.array(names, pa.string()),
        "name": pa.array([str(n) if isinstance(n, str) else c for c, n in zip(names, about["name"], strict=True)]),
        "chamber": pa.array([c if isinstance(c, str) else None for c in about["chamber"]], pa.string()),
        "sectors": pa.array([list(SECTORS[c]) for c in names], pa.list_(pa.string())),
        "breadth": column([np.isin(sector[with_sector], np.array(SECTORS[c], dtype=object)).mean() for c in names]),
        "membership": pa.array(["congress"] * size, pa.string()),
        "n_officials": column(_distinct(data.person[cluster], group, size)),
        "n_outside": column([c.size for c in outside]),
        "oe_outside": column([_ratio(data, c) for c in outside]),
    }
    return _shaped(columns, COMMITTEE_EVIDENCE)


def _ratio(data: Clusters, cluster: Ints) -> float:
    expected = float(data.expected_suspicious[cluster].sum())
    return float((data.score[cluster] >= SUSPICIOUS).sum()) / expected if expected > 0 else float("nan")
