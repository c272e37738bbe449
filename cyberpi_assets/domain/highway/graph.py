"""What of the tables, and of an item on its way, becomes nodes and relations of the graph.

Here belongs which node has which properties. Labels, relations and queries are in `storage/graph/cypher.py`. `words` is
what a person reads, `day` is YYYY-MM-DD; what is not known is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cyberpi_assets.domain.highway.items import Item, latest, text, texts, tickers
from cyberpi_assets.domain.sql import Frame, ask, one_engine

Properties = dict[str, Any]


@dataclass
class Pieces:
    """Nodes by label (id to properties), and relations by kind: start, end, properties; each pair once."""

    nodes: dict[str, dict[str, Properties]] = field(default_factory=dict[str, dict[str, Properties]])
    edges: dict[str, dict[tuple[str, str], Properties]] = field(
        default_factory=dict[str, dict[tuple[str, str], Properties]]
    )

    def node(self, label: str, id_: str, **properties: Any) -> None:
        """Add a node, or properties to it."""
        known = {k: v for k, v in properties.items() if v is not None}
        self.nodes.setdefault(label, {}).setdefault(id_, {}).update(known)

    def edge(self, kind: str, start: str, end: str, **properties: Any) -> None:
        """Add a relation, or properties to it."""
        known = {k: v for k, v in properties.items() if v is not None}
        self.edges.setdefault(kind, {}).setdefault((start, end), {}).update(known)


def of_items(items: Sequence[Item]) -> Pieces:
    """Items as their documents say: the item, the companies and vulnerabilities it names, with the evidence."""
    found = Pieces()
    for item in latest(items):
        id_ = str(item["threatId"])
        day = text(item, "publishedDate", 10)
        found.node(
            "Item", id_, words=text(item, "title", 500) or "", severity=text(item, "severity", 20), day=day,
            source=text(item, "source", 200), url=text(item, "sourceUrl", 2_000),
        )  # fmt: skip
        evidence = _evidence(item)
        for ticker in tickers(item):
            found.edge("NAMES", id_, ticker, evidence=evidence.get(ticker))
        for cve in texts(item, "cves", 40):
            found.edge("MENTIONS", id_, cve)
    return found


def _evidence(item: Mapping[str, Any]) -> dict[str, str]:
    """Why an item is linked to each company, where its metadata say so."""
    metadata = item.get("metadata")
    said = texts(metadata, "tickerEvidence") if isinstance(metadata, dict) else []
    linked = tickers(item)
    return dict(zip(linked, said, strict=True)) if len(said) == len(linked) else {}


_COMPANIES: Final = "SELECT ticker AS id, coalesce(name, ticker) AS words, sector FROM companies ORDER BY id"
_ITEMS: Final = """
    SELECT threat_id AS id, title AS words, severity, strftime(published_on, '%Y-%m-%d') AS day, source,
           source_url AS url
    FROM items ORDER BY id"""
_NAMES: Final = """
    SELECT threat_id AS a, unnest(tickers) AS b,
           unnest(CASE WHEN len(ticker_evidence) = len(tickers) THEN ticker_evidence END) AS evidence
    FROM items ORDER BY a, b"""
_MENTIONS: Final = "SELECT DISTINCT threat_id AS a, unnest(cves) AS b FROM items ORDER BY a, b"
_RATED: Final = """
    SELECT cve AS id, left(description, 200) AS words, strftime(published_at, '%Y-%m-%d') AS day, cvss, rating
    FROM rated WHERE source IS NOT NULL ORDER BY id"""
_MAKERS: Final = "SELECT DISTINCT unnest(vendors) AS id, id AS words FROM rated ORDER BY id"
_OF_MAKER: Final = """
    SELECT cve AS a, v AS b, array_to_string([p[len(v) + 3:] FOR p IN products IF starts_with(p, v || ': ')][:5], ', ')
           AS evidence
    FROM (SELECT cve, products, unnest(vendors) AS v FROM rated) ORDER BY a, b"""
_CVES: Final = """
    SELECT cve AS id, coalesce(name, vendor || ' ' || product) AS words, strftime(added_on, '%Y-%m-%d') AS day,
           ransomware
    FROM exploited ORDER BY id"""
_VENDORS: Final = "SELECT lower(vendor) AS id, min(vendor) AS words FROM exploited GROUP BY 1 ORDER BY id"
_IN_PRODUCT_OF: Final = "SELECT cve AS a, lower(vendor) AS b, product AS evidence FROM exploited ORDER BY a, b"
_LISTED_AS: Final = """
    SELECT DISTINCT lower(vendor) AS a, ticker AS b FROM exploited WHERE ticker IS NOT NULL ORDER BY a, b"""
_EVENTS: Final = """
    SELECT event_id AS id, company || coalesce(': ' || event, '') AS words,
           strftime(disclosed_on, '%Y-%m-%d') AS day, event_type AS kind, grade
    FROM incidents ORDER BY id"""
_HIT: Final = "SELECT event_id AS a, ticker AS b, said_by AS evidence FROM incidents ORDER BY a, b"
_OFFICIALS: Final = """
    SELECT bioguide_id AS id, official AS words, party, chamber FROM officials
    WHERE bioguide_id IN (SELECT bioguide_id FROM trades) ORDER BY id"""
_TRADED: Final = """
    SELECT bioguide_id AS a, ticker AS b, count(*) AS trades, count(*) FILTER (side = 'buy') AS bought,
           count(*) FILTER (side = 'sell') AS sold, strftime(min(transaction_date), '%Y-%m-%d') AS first_on,
           strftime(max(transaction_date), '%Y-%m-%d') AS last_on
    FROM trades
    WHERE bioguide_id IS NOT NULL AND ticker IS NOT NULL AND superseded_by IS NULL AND repeat_of IS NULL
    GROUP BY a, b ORDER BY a, b"""


def of_tables(
    companies: Frame,
    items: Frame,
    exploited: Frame,
    rated: Frame,
    incidents: Frame,
    officials: Frame,
    trades: Frame,
) -> Pieces:
    """The whole graph that the lake holds.

    `tables.COMPANIES`, `INTELLIGENCE_ITEMS`, `KNOWN_EXPLOITED`, `VULNERABILITIES`, `INCIDENTS`, `OFFICIALS`,
    `DISCLOSED_TRADES`. What the catalogue of exploited vulnerabilities says stands over the database's words. Trades
    are summed by official and company; those that a later filing replaced or repeats do not count.
    """
    found = Pieces()
    with one_engine():
        nodes: tuple[tuple[str, str, dict[str, Frame]], ...] = (
            ("Company", _COMPANIES, {"companies": companies}),
            ("Item", _ITEMS, {"items": items}),
            ("CVE", _RATED, {"rated": rated}),
            ("CVE", _CVES, {"exploited": exploited}),
            ("Vendor", _MAKERS, {"rated": rated}),
            ("Vendor", _VENDORS, {"exploited": exploited}),
            ("Event", _EVENTS, {"incidents": incidents}),
            ("Official", _OFFICIALS, {"officials": officials, "trades": trades}),
        )
        for label, query, frames in nodes:
            for row in ask(query, None, None, **frames).to_pylist():
                found.node(label, row.pop("id"), **row)
        edges: tuple[tuple[str, str, dict[str, Frame]], ...] = (
            ("NAMES", _NAMES, {"items": items}),
            ("MENTIONS", _MENTIONS, {"items": items}),
            ("IN_PRODUCT_OF", _OF_MAKER, {"rated": rated}),
            ("IN_PRODUCT_OF", _IN_PRODUCT_OF, {"exploited": exploited}),
            ("LISTED_AS", _LISTED_AS, {"exploited": exploited}),
            ("HIT", _HIT, {"incidents": incidents}),
            ("TRADED", _TRADED, {"trades": trades}),
        )
        for kind, query, frames in edges:
            for row in ask(query, None, None, **frames).to_pylist():
                found.edge(kind, row.pop("a"), row.pop("b"), **row)
    return found
