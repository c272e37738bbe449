"""Highway tables: what was published to the stores, and what the stores hold."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

THREAT_HIGHWAY = table(
    "threat_highway",
    "One row per threat item that was put onto the highway: what of it, when, onto which queues, and why.",
    """
threat_id   string!  the item
digest      string!  what the item said when it was published; the stores know it by this
severity    string!  critical | high | medium | low | info
queues      strings  weaviate | neo4j | alerts
available_at timestamp! first moment the item could be known
published_at timestamp! last publication
epoch       string!  which life of the Redis server it went to; another one means that it was lost and goes again
reason      string!  new | changed | lost (Redis forgot) | expired (its document ran out before it was stored)
""",
    key="threat_id",
)

KNOWLEDGE_GRAPH = table(
    "knowledge_graph",
    "One row per kind of node and relation of the graph: how many it holds, and how many of them are the lake's.",
    """
part        string!  label of nodes, or kind of relations
is_node     bool!    nodes or relations
n           int!     in the store, with what came by the highway alone
of_lake     int!     written from the lake's tables
generation  string!  digest of all that the lake wrote
place       string!  the store: a file under the data folder, or a server's name
""",
    key="part",
)

VECTOR_INDEX = table(
    "vector_index",
    "One row per engine of vectors in use: how many items it holds, and whether likeness is of words or of meaning.",
    """
engine      string!  lexical, or ollama and the model
likeness    string!  lexical: alike in words | semantic: alike in meaning, as far as the model goes
dimensions  int!     of a vector
n           int!     items in the store, with what came by the highway alone
of_lake     int!     items of the lake
embedded    int!     of them, embedded anew in the last run
removed     int!     items that the lake no longer has, removed in the last run
place       string!  the store: a file under the data folder, or a server's name
""",
    key="engine",
)
