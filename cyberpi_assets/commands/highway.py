"""The commands about the highway and its stores: worker, graph, similar.

Imports nothing slow: a command imports what it needs when it is called.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from cyberpi_assets.reports.terminal import NotFound, Options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from cyberpi_assets.settings import Settings
    from cyberpi_assets.storage.highway.keys import Queue
    from cyberpi_assets.storage.highway.worker import Handler, Worker
    from cyberpi_assets.storage.vectors.embedding import Embedding
    from cyberpi_assets.storage.vectors.store import VectorStore

EXIT_UNAVAILABLE = 1
_QUEUES: dict[str, Queue] = {"graph": "neo4j", "vectors": "weaviate", "alerts": "alerts"}
_FORM = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
_LIMIT = click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Rows listed.")


@click.command("worker")
@click.argument("what", type=click.Choice(["graph", "vectors", "alerts", "all"]), default="all")
@click.option("--once", is_flag=True, help="End when nothing is left to take.")
@click.pass_context
def worker_command(ctx: click.Context, what: str, once: bool) -> None:
    """Take threat items off the highway into the graph, the vectors and the notices, until SIGTERM or Ctrl-C.

    Any number of workers may run, on any number of machines that reach the Redis server. An item is acknowledged when
    the store has it; what a killed worker had taken goes to another. On SIGTERM the batch in hand is finished.
    Exit codes: 0 ended, 1 a store or Redis cannot be used as configured, 2 usage.
    """
    import logging
    import signal
    import threading

    from cyberpi_assets.storage.highway.worker import StoreUnavailable

    settings = ctx.ensure_object(Options).settings(reads_sources=False)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda _number, _frame: stop.set())
    try:
        workers = [_worker(settings, name, stop) for name in (_QUEUES if what == "all" else (what,))]
    except StoreUnavailable as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(EXIT_UNAVAILABLE)
    threads = [threading.Thread(target=w.run, args=(once,), name=w.queue) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # a join without a time would not let signals through
            thread.join(0.5)
    for worker in workers:
        tally = worker.tally
        click.echo(f"{worker.queue}: {tally.stored:,} stored, {tally.buried:,} buried, {tally.put_off:,} put off")


def _worker(settings: Settings, name: str, stop: Event) -> Worker:
    from cyberpi_assets.storage.highway.worker import Worker
    from cyberpi_assets.storage.redis_server import connect

    return Worker(_QUEUES[name], lambda: connect(settings), _handler(settings, name), settings.highway, stop)


def _handler(settings: Settings, name: str) -> Handler:
    from cyberpi_assets.storage.highway.handlers import GraphHandler, NoticeHandler, VectorHandler, write_notices
    from cyberpi_assets.storage.redis_server import connect

    if name == "graph":
        from cyberpi_assets.storage.graph.store import open_graph

        return GraphHandler(open_graph(settings))
    if name == "vectors":
        from cyberpi_assets.storage.vectors.embedding import embedding_of
        from cyberpi_assets.storage.vectors.store import open_vectors

        def opened() -> tuple[Embedding, VectorStore]:
            embedding = embedding_of(settings)
            return embedding, open_vectors(settings, embedding.engine, embedding.dimensions)

        return VectorHandler(*opened(), opened)
    from cyberpi_assets.orchestration.notifying import both_to, wanted

    send = write_notices(settings.data_dir / "notices.jsonl")
    return NoticeHandler(lambda: connect(settings), both_to(send, settings) if wanted(settings) else send)


@click.group("graph")
def graph_command() -> None:
    """Ask the graph of companies, threat items, vulnerabilities, vendors, incidents and officials.

    Of the graph in a file, the newest snapshot answers.
    """


@graph_command.command("neighbours")
@click.argument("ticker")
@_LIMIT
@_FORM
@click.pass_context
def neighbours_command(ctx: click.Context, ticker: str, limit: int, form: str) -> None:
    """What touches a company: items that name it, incidents, vendors, officials who traded it."""
    columns = ("relation", "label", "id", "day", "words", "evidence")
    _ask(ctx, "neighbours", ticker.strip().upper(), limit, form, columns)


@graph_command.command("path")
@click.argument("cve")
@_LIMIT
@_FORM
@click.pass_context
def path_command(ctx: click.Context, cve: str, limit: int, form: str) -> None:
    """From a CVE to listed companies: by the product's vendor, or by an item that names both."""
    columns = ("ticker", "company", "second", "label", "words", "first", "cvss", "rating")
    _ask(ctx, "paths", cve.strip().upper(), limit, form, columns)


@graph_command.command("officials")
@click.argument("ticker")
@_LIMIT
@_FORM
@click.pass_context
def officials_command(ctx: click.Context, ticker: str, limit: int, form: str) -> None:
    """Officials who traded a company that an incident hit, at whatever time. This is no evidence of wrongdoing."""
    columns = ("name", "trades", "bought", "sold", "first_on", "last_on", "day", "incident")
    _ask(ctx, "officials", ticker.strip().upper(), limit, form, columns)


def _ask(
    ctx: click.Context,
    question: Literal["neighbours", "paths", "officials"],
    subject: str,
    limit: int,
    form: str,
    columns: Sequence[str],
) -> None:
    from cyberpi_assets.storage.graph.store import open_graph
    from cyberpi_assets.storage.highway.worker import StoreUnavailable

    settings = ctx.ensure_object(Options).settings(reads_sources=False)
    try:
        store = open_graph(settings, writes=False)
        try:
            rows = cast("list[dict[str, Any]]", getattr(store, question)(subject, limit))
        finally:
            store.close()
    except StoreUnavailable as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(EXIT_UNAVAILABLE)
    if not rows:
        raise NotFound(f"the graph has nothing about {subject[:40]!r}")
    _print(rows, columns, form)


@click.command("similar")
@click.argument("what")
@_LIMIT
@_FORM
@click.pass_context
def similar_command(ctx: click.Context, what: str, limit: int, form: str) -> None:
    """Threat items like one given by its id, or like a text.

    Without an embedding model likeness is lexical: alike words, not alike meanings.
    """
    from cyberpi_assets.storage.highway.worker import StoreUnavailable
    from cyberpi_assets.storage.vectors.embedding import embedding_of
    from cyberpi_assets.storage.vectors.store import open_vectors

    settings = ctx.ensure_object(Options).settings(reads_sources=False)
    try:
        embedding = embedding_of(settings)
        store = open_vectors(settings, embedding.engine, embedding.dimensions)
        try:
            known = store.vector(what) if what.startswith("threat_") else None
            vector = embedding.embed([what])[0] if known is None else known
            found = store.like(vector, limit, without=None if known is None else what)
        finally:
            store.close()
    except StoreUnavailable as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(EXIT_UNAVAILABLE)
    if not found:
        raise NotFound("no item is stored, or the text has no word")
    rows = [
        {"similarity": round(m.similarity, 3), "severity": m.severity, "published": (m.published or "")[:10],
         "tickers": " ".join(m.tickers), "title": m.title, "threat_id": m.threat_id}
        for m in found
    ]  # fmt: skip
    _print(rows, ("similarity", "severity", "published", "tickers", "title", "threat_id"), form)
    click.echo(f"likeness: {embedding.likeness} ({embedding.engine})", err=True)


def _print(rows: Sequence[dict[str, Any]], columns: Sequence[str], form: str) -> None:
    if form == "json":
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2))
        return
    from rich.table import Table
    from rich.text import Text

    from cyberpi_assets.reports.safe import clean
    from cyberpi_assets.reports.terminal import show

    found = Table(*columns, box=None, header_style="bold")
    for row in rows:
        found.add_row(*(Text("" if row.get(c) is None else clean(str(row[c]), 200) or "") for c in columns))
    show(lambda _: [found])


def say_highway(settings: Settings) -> None:
    """Print how full the highway is, where a server runs; none is started for the look."""
    import redis

    from cyberpi_assets.storage import redis_server
    from cyberpi_assets.storage.highway.gauges import gauges

    folder = settings.data_dir / "redis"
    if settings.redis_url is None and redis_server.find(folder) is None:
        click.echo("\nhighway: no Redis server runs")
        return
    try:
        client = redis_server.connect(settings)
        try:
            lines = [f"  {g.queue:<9} {g.words()}" for g in gauges(client)]
        finally:
            client.close()
    except (redis_server.RedisUnavailable, redis.RedisError) as error:
        why = redis_server.said(error) if isinstance(error, redis.RedisError) else str(error)
        lines = [f"  not known: {why}"]
    click.echo("\n".join(["\nhighway:", *lines]))


COMMANDS: tuple[click.Command, ...] = (worker_command, graph_command, similar_command)
