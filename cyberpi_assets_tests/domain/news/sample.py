"""How the labelled sample of real headlines was drawn: a fixed procedure over the file, before any rule was written.

The file's distinct headlines are ordered by a digest with a seed, and so many are taken from each stratum. The strata
use loose patterns of their own, so that the sample does not follow the product's keywords. Only the key of a headline
and its labels are kept in the project (`labels.csv`); half of them, by another digest, are the untouched test half.

`python -m cyberpi_assets_tests.domain.news.sample <news.parquet>` prints the sample again.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import duckdb

SEED = "cyberpi headlines 2026-11"
LABELS = Path(__file__).with_name("labels.csv")
STRATA = (  # the first that fits; how many are drawn
    (
        "cyber",
        r"cyber|hack|breach|ransom|malware|phish|data leak|leaked|exploit|vulnerab|zero.day|ddos|botnet|stolen|"
        r"intrusion|outage|cve-|spyware|trojan|credential",
        120,
    ),
    ("sanctions", r"sanction|embargo|blacklist|export control|entity list|ofac", 24),
    ("mna", r"acqui|merger|merge|takeover|buyout|to buy|bid for|stake in|tender offer", 40),
    (
        "anomaly",
        r"plunge|plummet|tumbl|soar|surge|spike|crash|halt|unusual|put option|call option|sinks|slump|volatil",
        40,
    ),
    ("other", r"", 200),
)


def key_of(headline: str, day: str) -> str:
    """The key of a headline: 16 hex digits over its text and the date (YYYY-MM-DD, UTC) it first carries."""
    return hashlib.sha256(f"{headline}\x1f{day}".encode()).hexdigest()[:16]


def half_of(key: str) -> str:
    """dev | test: the half a key belongs to."""
    return "test" if int(hashlib.sha256(f"half {key}".encode()).hexdigest()[:8], 16) % 2 else "dev"


def headlines(news: Path) -> list[tuple[str, str, str]]:
    """Distinct headlines as (key, stratum, headline). Stated tickers and other columns play no part."""
    rows = duckdb.execute(
        "SELECT headline, min(strftime(published_at AT TIME ZONE 'UTC', '%Y-%m-%d')) FROM read_parquet(?) "
        "WHERE length(headline) BETWEEN 15 AND 400 GROUP BY headline",
        [str(news)],
    ).fetchall()
    keyed = sorted((hashlib.sha256(f"{SEED} {key_of(h, d)}".encode()).hexdigest(), key_of(h, d), h) for h, d in rows)
    result: list[tuple[str, str, str]] = []
    rules = [(name, re.compile(pattern, re.IGNORECASE), n) for name, pattern, n in STRATA]
    left = {name: n for name, _, n in rules}
    for _, key, text in keyed:
        name = next(name for name, rule, _ in rules if rule.search(text))
        if left[name]:
            left[name] -= 1
            result.append((key, name, text))
        if not any(left.values()):
            break
    return result


if __name__ == "__main__":
    for key, stratum, headline in headlines(Path(sys.argv[1])):
        print(key, stratum, half_of(key), headline, sep="\t")
