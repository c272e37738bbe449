"""The National Vulnerability Database as a part of profile live: what is exploited, and what headlines name.

Belongs here: which vulnerabilities are asked for, and how slowly: five requests in half a minute, whoever asks. Known
exploited ones are asked for as a list, whole at first, then what changed since the last whole look. Others are asked
for one by one when a headline of the last weeks names them, until they have a score. How an answer is read is in
`sources/events/nvd.py`.

This product uses the NVD API but is not endorsed or certified by the NVD.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.sources.events.nvd import read_nvd
from cyberpi_assets.sources.files.content import as_dict, decode, load_json
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.shelf import Shelf
from cyberpi_assets.sources.live.troubles import LEFT, Troubles, in_words
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import DamagedCache, write_whole
from cyberpi_assets.sources.web.client import Answer, Freshness, PoliteClient
from cyberpi_assets.storage.engine import connect

NAME: Final = "nvd"
PER_SECOND: Final = 5 / 30
PAGE: Final = 500
MOST_PAGES: Final = 20
LONGEST_WINDOW: Final = dt.timedelta(days=119)  # the database refuses more than 120 days
OVERLAP: Final = dt.timedelta(hours=2)
NAMED_WITHIN: Final = dt.timedelta(days=30)
WIRES: Final = ("feeds", "yahoo_news", "ibkr_news")  # shelves of headlines that may name a vulnerability
_CVE: Final = r"(?i)\bCVE-\d{4}-\d{4,7}\b"


class NvdPart:
    """Entries of the database; a unit per day."""

    name = NAME
    remote = True

    def __init__(self, client: PoliteClient, url: str, folder: Path, most: int, hours: float) -> None:
        """`folder` keeps the shelves; `most`: entries asked for one by one in a poll; `hours` between two lists."""
        self._client, self._url, self._folder, self._most = client, url, folder, most
        self._hours = dt.timedelta(hours=hours)
        self._record = folder / "nvd_until.json"
        self._shelf = Shelf(folder, NAME, "vulnerability_facts", "vulnerabilities")

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles, now = Troubles(NAME), self._client.clock.now()
        for ask in (self._exploited, self._named):
            try:
                ask(now, troubles, progress)
            except e.FetchError as error:
                troubles.fail(error)
                troubles.miss(NAME, "list", in_words(error), retryable=error.again, code=type(error).__name__)
                break  # it throttles by the address: what comes next would fare no better
            except (Unreadable, DamagedCache) as error:
                troubles.miss(NAME, "list", str(error), retryable=True, code="Unreadable")
        return [*self._shelf.units(intake), *troubles.units(intake)]

    # ---------------------------------------------------------------------------------------------- known exploited

    def _exploited(self, now: dt.datetime, troubles: Troubles, progress: Callable[[str], None]) -> None:
        """The list since the last whole look. A look that breaks off is repeated; pages that came are kept."""
        until = self._until()
        if until is not None and now - until < self._hours:
            return
        window = ""
        if until is not None and now - until < LONGEST_WINDOW:
            window = f"&lastModStartDate={_printed(until - OVERLAP)}&lastModEndDate={_printed(now)}"
        at = 0
        for page in range(MOST_PAGES):
            progress(f"exploited vulnerabilities, page {page + 1}")
            url = f"{self._url}?hasKev{window}&resultsPerPage={PAGE}&startIndex={at}"
            total, reading = self._ask(url, "kept" if window else "validated", "exploited", now)
            at += reading.rows_read or 0
            if at >= total:
                write_whole(self._record, json.dumps({"until": now.isoformat()}).encode())
                return
            if not reading.rows_read:
                raise Unreadable(f"{at:,} of {total:,} entries, and no more on the next page")
        troubles.miss(NAME, "list", f"more than {MOST_PAGES * PAGE:,} entries", retryable=False)

    def _until(self) -> dt.datetime | None:
        try:
            return dt.datetime.fromisoformat(json.loads(self._record.read_text())["until"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    # ----------------------------------------------------------------------------------------------- named in headlines

    def _named(self, now: dt.datetime, troubles: Troubles, progress: Callable[[str], None]) -> None:
        for number, cve in enumerate(self._wanted(now)):
            if number >= self._most:
                troubles.miss(cve, "vulnerability", LEFT.format(self._most), retryable=True)
                continue
            progress(cve)
            try:
                total, _ = self._ask(f"{self._url}?cveId={cve}", "validated", cve, now)
            except e.Missing:
                total = 0
            if not total:
                troubles.miss(cve, "vulnerability", "the database has no such entry", retryable=True, code="Missing")

    def _wanted(self, now: dt.datetime) -> list[str]:
        """Numbers that headlines of the last weeks name and that have no score here yet, the newest first."""
        since = f"{now - NAMED_WITHIN:%Y-%m-%d}"
        told = [str(p) for wire in WIRES for p in (self._folder / wire).glob("*.parquet") if p.stem >= since]
        if not told:
            return []
        had = [str(p) for p in (self._folder / NAME).glob("*.parquet")]
        con = connect()
        try:
            scored = "SELECT cve FROM read_parquet($had) WHERE cvss IS NOT NULL" if had else "SELECT '' AS cve"
            rows = con.execute(
                f"""
                SELECT upper(cve) AS cve FROM (
                    SELECT unnest(regexp_extract_all(concat_ws(' ', headline, body), '{_CVE}')) AS cve, published_at
                    FROM read_parquet($told, union_by_name = true)
                )
                WHERE upper(cve) NOT IN ({scored}) GROUP BY 1 ORDER BY max(published_at) DESC, 1""",
                {"told": told} | ({"had": had} if had else {}),
            ).fetchall()
        finally:
            con.close()
        return [row[0] for row in rows]

    # ----------------------------------------------------------------------------------------------------------- asking

    def _ask(self, url: str, fresh: Freshness, what: str, now: dt.datetime) -> tuple[int, Reading]:
        """One answer onto the shelf: how many entries there are in all, and those it holds."""
        document = load_json(decode(self._client.get(url, fresh=fresh, check=_an_answer).body())[0])
        reading = read_nvd(document, Origin(f"live:{NAME}/{what}"))
        found = reading.facts["vulnerability_facts"]
        assert isinstance(found, pa.Table)
        at = found.schema.get_field_index("seen_at")
        seen = pa.array([now] * found.num_rows, found.schema.field(at).type)
        reading.facts["vulnerability_facts"] = found.set_column(at, found.schema.field(at), seen)
        self._shelf.add([reading], now)
        total: Any = as_dict(document).get("totalResults")
        return total if isinstance(total, int) else found.num_rows, reading


def _printed(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}.000"


def _an_answer(answer: Answer) -> None:
    try:
        read_nvd(load_json(decode(answer.body)[0]), Origin(NAME))
    except Unreadable as error:
        raise e.NotADocument(answer.url, str(error)) from None
