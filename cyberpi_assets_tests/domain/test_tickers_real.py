"""Names against symbols on real rows: the symbol that a filer printed, hidden, is found again by the asset's text."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from benchmarks.tickers import evaluate
from cyberpi_assets.domain.company_match import ListedNames
from cyberpi_assets.domain.symbols import symbol_history
from cyberpi_assets.sources.files.source import FileSources
from cyberpi_assets.sources.intake import Intake

LISTS = (
    "tickers_raw/sec_cik_mapper_stocks_2022-01.csv.gz",
    "tickers_raw/sec_company_tickers_2026-02.json.gz",
    "tickers_raw/nasdaq_screener_2023-11.csv.gz",
    "tickers_raw/nasdaq_screener_2026-02.csv.gz",
    "ticker_changes.parquet",
)


@pytest.mark.real
def test_what_is_matched_by_name_is_what_the_filer_printed(real: Path, tmp_path: Path) -> None:
    """At least 99 rows of 100 matched: of the rest most are slips of the filer or a symbol that has changed since.

    A fifteenth of all rows, four lists of companies in place of all; recall is that of what these lists know.
    """
    folder = tmp_path / "lists"
    folder.mkdir()
    for name in LISTS:
        shutil.copy(real / "reference" / name, folder)
    facts = FileSources(folder, Intake(tmp_path / "intake"), 2**28).gather()
    history = symbol_history(facts.facts("symbol_facts"))
    rows = duckdb.execute(
        """SELECT row_number() OVER () AS row, upper(replace(ticker, '.', '-')) AS ticker_printed,
                  NULL::VARCHAR AS ticker_current, asset_description AS asset, 'stock' AS asset_type,
                  transaction_date AS day
           FROM read_parquet(?)
           WHERE asset_type IN ('Stock', 'ST') AND NOT is_paper AND ticker IS NOT NULL
             AND hash(doc_id, row_in_doc) % 15 = 0
             AND transaction_date BETWEEN DATE '2019-01-01' AND DATE '2025-12-31'
           ORDER BY doc_id, row_in_doc""",
        [str(real / "disclosures" / "congress_trades.parquet")],
    ).to_arrow_table()
    (*_, widest), _ = evaluate(rows, history, ListedNames(facts.facts("company_facts"), history))
    assert widest.asked > 1_500
    assert widest.precision >= 0.99
    assert widest.recall >= 0.75
