"""Precision and recall of relevance and of company linking on the labelled sample, with Wilson intervals.

A group counts as found where the pipeline names it; `groups_either` and `tickers_either` are those on which a careful
reader could go either way: neither found nor missed. An incident is cyber too. Share classes of one company are one.

`python -m cyberpi_assets_tests.domain.news.measure <folder of real data> [dev|test]` prints the table.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cyberpi_assets.domain.news.items import news_items
from cyberpi_assets.domain.news.naming import Names
from cyberpi_assets.domain.news.topics import Keywords
from cyberpi_assets.domain.reference import companies
from cyberpi_assets.sources.files.source import read_file
from cyberpi_assets.sources.lists import read_list
from cyberpi_assets.sources.rows import Origin
from cyberpi_assets.tables import NEWS_FACTS, SYMBOL_HISTORY
from cyberpi_assets_tests.domain.news.sample import LABELS, headlines

HOME = Path(__file__).resolve().parents[3]
GROUPS = ("relevant", "cyber_incident", "cyber", "mna", "sanctions", "market_anomaly", "companies")
CLASSES = {"GOOG": "GOOGL", "BRK-A": "BRK-B", "FOX": "FOXA"}


@dataclass
class Found:
    """Right, wrong and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.right + self.missed, 1)

    def __str__(self) -> str:
        p = wilson(self.right, self.right + self.wrong)
        r = wilson(self.right, self.right + self.missed)
        return (
            f"{self.right:4d} {self.wrong:4d} {self.missed:4d}   {self.precision:.3f} ({p[0]:.2f}-{p[1]:.2f})"
            f"   {self.recall:.3f} ({r[0]:.2f}-{r[1]:.2f})"
        )


def wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    if n == 0:
        return 0.0, 1.0
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def names_of(real: Path) -> Names:
    """Companies of the real reference list, with the delivered lists of names."""
    with tempfile.TemporaryDirectory() as scratch:
        path = real / "reference" / "tickers.parquet"
        _, reading = read_file(path, Origin("tickers.parquet"), 2**31, Path(scratch))
    facts = reading.facts["company_facts"]
    assert isinstance(facts, pa.Table)
    return Names(companies(facts), read_list("aliases", HOME), read_list("ambiguous_names", HOME))


def read_sample(real: Path) -> dict[str, dict[str, Any]]:
    """Each labelled headline by key, as the pipeline reads it."""
    drawn = headlines(real / "market" / "news.parquet")
    con = duckdb.connect()
    con.register("drawn", pa.table({"key": [k for k, _, _ in drawn], "headline": [h for _, _, h in drawn]}))
    rows = con.execute(
        "SELECT key, d.headline, string_agg(DISTINCT tickers, ','), any_value(category) FROM read_parquet(?) n "
        "JOIN drawn d ON n.headline = d.headline GROUP BY ALL",
        [str(real / "market" / "news.parquet")],
    ).fetchall()
    facts = [
        {
            "provider": "sample",
            "article_id": key,
            "headline": headline,
            "tickers": sorted(set(filter(None, (tickers or "").split(",")))),
            "published_at": dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC),
            "precision": "s",
            "tz_suspect": False,
            "category": category,
            "flags": [],
            "source": "sample",
            "file": "sample",
            "line": i,
        }
        for i, (key, headline, tickers, category) in enumerate(rows, 1)
    ]
    table = pa.Table.from_pylist(facts, schema=NEWS_FACTS.schema)
    words = Keywords(read_list("keywords", HOME))
    items = news_items(table, SYMBOL_HISTORY.empty(), names_of(real), words, "2026-01", "2026-01")
    return {row["article_id"]: row for row in items.to_pylist()}


def labels(half: str) -> list[dict[str, str]]:
    """The labels of one half."""
    with LABELS.open(newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["half"] == half]


def measure(read: dict[str, dict[str, Any]], half: str) -> dict[str, Found]:
    """What was found of each group, and of companies."""
    result = {group: Found() for group in GROUPS}
    for label in labels(half):
        item = read[label["key"]]
        wanted, either = _groups(label["groups"]), _groups(label["groups_either"])
        given = set(item["groups"])
        for group in GROUPS[1:-1]:
            _count(result[group], group in given, group in wanted, group in either)
        _count(result["relevant"], bool(given), bool(wanted), bool(either))
        names, doubtful = set(label["tickers"].split()), set(label["tickers_either"].split())
        if "*" in doubtful:
            continue
        linked = {CLASSES.get(t, t) for t in item["named_tickers"]}
        for ticker in linked | names:
            _count(result["companies"], ticker in linked, ticker in names, ticker in doubtful)
    return result


def _groups(text: str) -> set[str]:
    found = set(text.split()) - {"none"}
    return found | ({"cyber"} if "cyber_incident" in found else set())


def _count(found: Found, given: bool, wanted: bool, either: bool) -> None:
    if given and wanted:
        found.right += 1
    elif given and not either:
        found.wrong += 1
    elif wanted and not given:
        found.missed += 1


if __name__ == "__main__":
    folder, half = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "dev"
    print(f"{'':16}right wrong missed precision (95 %)      recall (95 %)")
    for group, found in measure(read_sample(folder), half).items():
        print(f"{group:16}{found}")
