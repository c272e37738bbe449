"""An export from a terminal: the warnings of the lake written as STIX and MISP, or pushed to a TAXII collection."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

from cyberpi_assets.orchestration.resources import lake_of
from cyberpi_assets.reports.exports.misp import misp_event
from cyberpi_assets.reports.exports.stix import Tlp, before_of, stix_bundle
from cyberpi_assets.reports.hunt import HuntFilter, hunt
from cyberpi_assets.reports.terminal import write_whole
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.taxii import push

_LAST = "pushed.stix.json"


def export(
    settings: Settings,
    chosen: HuntFilter,
    stix_file: Path | None,
    misp_file: Path | None,
    taxii_url: str | None,
    tlp: Tlp,
) -> Iterator[str]:
    """Write and push what is asked for; a line for a person after each. Raises TaxiiRefused, OSError.

    What was pushed last is kept beside the reports, so that an object that says the same keeps its version.
    """
    now, lake = dt.datetime.now(dt.UTC), lake_of(settings)
    con = connect(settings.duckdb_memory_limit, settings.duckdb_threads)
    try:
        lake.views(con)
        found = hunt(con, chosen)
        ciks = dict(con.execute("SELECT ticker, cik FROM companies WHERE cik IS NOT NULL").fetchall())
    finally:
        con.close()
    n = f"{len(found.warnings):,} warnings"
    if stix_file is not None:
        bundle = stix_bundle(found, ciks, now, tlp=tlp, before=before_of(_text(stix_file)))
        write_whole(stix_file, json.dumps(bundle, indent=1, ensure_ascii=False) + "\n")
        yield f"{n} written to {stix_file}"
    if misp_file is not None:
        event = misp_event(found, now, tlp=tlp)
        write_whole(misp_file, json.dumps(event, indent=1, ensure_ascii=False) + "\n")
        yield f"{n} written to {misp_file}"
    if taxii_url is not None:
        kept = settings.reports_dir / _LAST
        bundle = stix_bundle(found, ciks, now, tlp=tlp, before=before_of(_text(kept)))
        password = settings.taxii_password.get_secret_value() if settings.taxii_password is not None else ""
        login = (settings.taxii_user, password) if settings.taxii_user is not None else None
        pushed = push(taxii_url, bundle["objects"], login=login)
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, json.dumps(bundle, ensure_ascii=False) + "\n")
        yield f"{n}: {pushed.taken:,} objects taken, {pushed.pending:,} still pending, {len(pushed.failed):,} refused"
        yield from (f"  refused: {f}" for f in pushed.failed[:10])


def _text(path: Path) -> str | None:
    return path.read_text("utf-8", errors="replace") if path.is_file() else None
