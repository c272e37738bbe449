"""The Cypher that both graph stores run, word for word.

Here belongs every query and every statement that writes. Labels and relations come from the lists here, never from
data; values are bound. Only what Neo4j and the embedded store both understand is used: no procedures, no dates, no maps
made in the query.
"""

from __future__ import annotations

from typing import Final

LABELS: Final = ("Company", "Item", "CVE", "Vendor", "Event", "Official")
# relation: labels it goes from and to
RELATIONS: Final[dict[str, tuple[str, str]]] = {
    "NAMES": ("Item", "Company"),
    "MENTIONS": ("Item", "CVE"),
    "IN_PRODUCT_OF": ("CVE", "Vendor"),
    "LISTED_AS": ("Vendor", "Company"),
    "HIT": ("Event", "Company"),
    "TRADED": ("Official", "Company"),
}

UNIQUE: Final = tuple(
    f"CREATE CONSTRAINT {label.lower()}_id IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE" for label in LABELS
)


def nodes_of(label: str, origin: str) -> str:
    """Write nodes given as $rows: id, and p with the properties. What the lake owns, the highway does not take."""
    _known(label in LABELS)
    return f"UNWIND $rows AS r MERGE (n:{label} {{id: r.id}}) {_owned('n', origin)} SET n += r.p"


def relations_of(kind: str, origin: str) -> str:
    """Write relations given as $rows: a, b, and p; both ends have to be there."""
    _known(kind in RELATIONS)
    start, end = RELATIONS[kind]
    return (
        f"UNWIND $rows AS r MATCH (a:{start} {{id: r.a}}) MATCH (b:{end} {{id: r.b}}) "
        f"MERGE (a)-[e:{kind}]->(b) {_owned('e', origin)} SET e += r.p"
    )


def _owned(name: str, origin: str) -> str:
    if origin == "lake":
        return f"SET {name}.origin = 'lake', {name}.generation = $generation"
    return f"ON CREATE SET {name}.origin = 'highway'"


def _known(known: bool) -> None:
    if not known:
        raise ValueError("no label or relation of the graph")


def ends_of(label: str) -> str:
    """Make nodes that are only named by a relation, given as $ids; they get their properties from who knows them."""
    _known(label in LABELS)
    return f"UNWIND $ids AS id MERGE (n:{label} {{id: id}}) ON CREATE SET n.origin = 'highway'"


# What the lake no longer has: first its relations, then its nodes that nothing holds.
SWEPT_RELATIONS: Final = tuple(
    f"MATCH (:{start})-[e:{kind}]->(:{end}) WHERE e.origin = 'lake' AND e.generation <> $generation DELETE e"
    for kind, (start, end) in RELATIONS.items()
)
SWEPT_NODES: Final = tuple(
    f"MATCH (n:{label}) WHERE n.origin = 'lake' AND n.generation <> $generation AND NOT (n)--() DELETE n"
    for label in LABELS
)

NODES: Final = tuple((label, f"MATCH (n:{label}) RETURN count(n) AS n") for label in LABELS)
EDGES: Final = tuple(
    (kind, f"MATCH (:{start})-[e:{kind}]->(:{end}) RETURN count(e) AS n") for kind, (start, end) in RELATIONS.items()
)

NEIGHBOURS: Final = (
    "MATCH (c:Company {id: $ticker})-[e]-(n) "
    "RETURN type(e) AS relation, labels(n)[0] AS label, n.id AS id, n.words AS words, n.day AS day, "
    "e.evidence AS evidence ORDER BY label, day DESC, id LIMIT $limit"
)
PATHS: Final = (
    "MATCH (v:CVE {id: $cve})-[e]-(x)-[f]-(c:Company) "
    "RETURN type(e) AS first, labels(x)[0] AS label, x.id AS id, x.words AS words, type(f) AS second, "
    "c.id AS ticker, c.words AS company, v.cvss AS cvss, v.rating AS rating "
    "ORDER BY label DESC, ticker, id LIMIT $limit"
)
OFFICIALS: Final = (
    "MATCH (o:Official)-[t:TRADED]->(c:Company {id: $ticker})<-[h:HIT]-(e:Event) "
    "RETURN o.id AS official, o.words AS name, c.id AS ticker, t.trades AS trades, t.bought AS bought, "
    "t.sold AS sold, t.first_on AS first_on, t.last_on AS last_on, e.id AS event, e.words AS incident, e.day AS day "
    "ORDER BY day DESC, event, trades DESC, official LIMIT $limit"
)
