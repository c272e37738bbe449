"""Symbols by company name: rows that print a symbol, with the symbol hidden, matched by the text of the asset alone.

`python -m benchmarks.tickers DATA` reads a folder of bulk files and prints, by lowest accepted score, how many rows
are matched, how many of these to the symbol printed (after renames), and how many rows print none and are matched.
The printed symbol is not always right either (BRKB, MCRN), and a company's symbol of then is not that of now (HHC,
HHH), so true precision lies above what is said. Nothing here is timed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from cyberpi_assets.domain.company_match import ListedNames
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.tickers import PRINTED, RESPELLED, STATED, resolve_tickers

LEVELS = (100, 99, 98, 97, 96)


@dataclass(frozen=True)
class Level:
    """What the matches with at least this score are worth. Rows, not distinct texts."""

    score: int
    matched: int
    right: int
    asked: int
    found_without_symbol: int
    without_symbol: int

    @property
    def precision(self) -> float:
        """Share of the matched rows that have the symbol printed."""
        return self.right / self.matched if self.matched else float("nan")

    @property
    def recall(self) -> float:
        """Share of the rows with a printed symbol that are matched rightly."""
        return self.right / self.asked if self.asked else float("nan")


def evaluate(
    rows: pa.Table, history: pa.Table, names: ListedNames
) -> tuple[list[Level], Counter[tuple[str, str, str]]]:
    """Per score what a match is worth, and the disagreements (text, symbol printed, symbol matched) with their rows.

    rows: row, ticker_printed, ticker_current, asset, asset_type, day. Shares, options and rows without a type count,
    where they have a text.
    """
    kept = ask(
        """SELECT * FROM rows WHERE asset IS NOT NULL AND coalesce(asset_type, 'stock') IN ('stock', 'option')
           ORDER BY row""",
        rows=rows,
    )
    truth = resolve_tickers(kept, history, names)
    told = ask(
        """SELECT k.asset, k.day, r.ticker, k.ticker_printed IS NOT NULL AS printed, r.ticker_evidence AS evidence
           FROM kept k JOIN truth r USING (row) ORDER BY k.row""",
        kept=kept,
        truth=truth,
    ).to_pylist()
    found = names.match_all([(t["asset"], t["day"]) for t in told])
    sure = {PRINTED, STATED, RESPELLED, "symbol history"}
    asked = sum(t["printed"] and t["evidence"] in sure for t in told)
    bare = sum(not t["printed"] for t in told)
    matched, right, without = Counter[int](), Counter[int](), Counter[int]()
    wrong: Counter[tuple[str, str, str]] = Counter()
    for t, match in zip(told, found, strict=True):
        if match.ticker is None or match.score is None:
            continue
        score = int(match.score)
        if not t["printed"]:
            without[score] += 1
        elif t["evidence"] in sure:
            matched[score] += 1
            right[score] += match.ticker == t["ticker"]
            if match.ticker != t["ticker"]:
                wrong[t["asset"][:80], t["ticker"], match.ticker] += 1

    def at_least(low: int, counted: Counter[int]) -> int:
        return sum(n for score, n in counted.items() if score >= low)

    levels = [
        Level(low, at_least(low, matched), at_least(low, right), asked, at_least(low, without), bare) for low in LEVELS
    ]
    return levels, wrong


def main() -> int:
    """Measure and print."""
    from cyberpi_assets.domain.amendments import standing_rows
    from cyberpi_assets.domain.symbols import changes_of_lists, symbol_history
    from cyberpi_assets.sources.files.source import FileSources
    from cyberpi_assets.sources.intake import Intake

    parser = argparse.ArgumentParser("python -m benchmarks.tickers", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of bulk files")
    parser.add_argument("--wrong", type=int, default=20, help="disagreements to print")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        facts = FileSources(options.data, Intake(Path(scratch)), 2**31).gather()
        listed = facts.facts("company_facts")
        history = symbol_history(pa.concat_tables([facts.facts("symbol_facts"), changes_of_lists(listed)]))
        kept, _ = standing_rows(facts.facts("disclosure_facts"), facts.facts("filing_facts"))
    kept = kept.append_column("row", pa.array(range(kept.num_rows), pa.int64()))
    query = """SELECT row, ticker_printed, ticker_current, asset, asset_type,
                      coalesce(transaction_date, filed_on) AS day FROM kept"""
    levels, wrong = evaluate(ask(query, kept=kept), history, ListedNames(listed, history))
    print("score   matched  right    precision  recall   found of those without a symbol")
    for x in levels:
        print(
            f"{x.score:>4}+ {x.matched:>9,} {x.right:>8,} {x.precision:>9.2%} {x.recall:>8.1%}"
            f"   {x.found_without_symbol:,} of {x.without_symbol:,}"
        )
    for (asset, printed, matched), n in wrong.most_common(options.wrong):
        print(f"{n:>5}  {asset!r}: {printed} printed, {matched} matched")
    return 0


if __name__ == "__main__":
    sys.exit(main())
