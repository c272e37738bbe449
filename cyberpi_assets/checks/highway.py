"""What must hold of the highway and its stores: nothing dead unseen, nothing of the lake missing."""

from __future__ import annotations

from cyberpi_assets.assets.highway import knowledge_graph, threat_highway, vector_index
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.highway.gauges import gauges
from cyberpi_assets.storage.redis_server import connect as redis_of


@check(threat_highway, blocking=False, more="No entry of a queue had to be given up; each that was has its reason.")
def no_dead_letters(subject: Subject) -> Verdict:
    client = redis_of(subject.settings)
    try:
        dead = {f"{g.queue}_dead_letters": g.dead for g in gauges(client)}
    finally:
        client.close()
    return Verdict(not any(dead.values()), dead)


@check(knowledge_graph, blocking=False, more="The store holds at least what the lake wrote into it, of every kind.")
def graph_holds_the_lake(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.sql("SELECT count(*), count(*) FILTER (n < of_lake) FROM knowledge_graph").fetchone()
    assert found is not None
    return Verdict(found[1] == 0, {"parts": int(found[0]), "short": int(found[1])})


@check(vector_index, blocking=False, more="Every threat item of the lake has a vector.")
def every_item_has_a_vector(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.sql("""
        SELECT (SELECT count(*) FROM intelligence_items), (SELECT coalesce(sum(of_lake), 0) FROM vector_index),
               (SELECT coalesce(sum(n), 0) FROM vector_index)""").fetchone()
    assert found is not None
    items, of_lake, n = map(int, found)
    return Verdict(n >= of_lake == items, {"items": items, "of_lake": of_lake, "vectors": n})


CHECKS = [no_dead_letters, graph_holds_the_lake, every_item_has_a_vector]
