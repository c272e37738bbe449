"""Rows of scans through the graph: let in and marked, not scored, and a check that would say so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from cyberpi_assets.assets import alerts, correlations, disclosures, market, reference
from cyberpi_assets.checks.scores import no_unreviewed_scan_is_scored
from cyberpi_assets.orchestration.check_log import CheckLog
from cyberpi_assets.orchestration.resources import resources_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.engine import connect
from cyberpi_assets_tests.graph.world import QUIET, House, facts, rows

pytestmark = pytest.mark.xdist_group("ranges")

D = dt.date
_STAGES = (reference, market, alerts, disclosures, correlations)
_SCORED = {"disclosed_trades", "disclosure_correlations"}
_NEEDED = _SCORED | {
    "companies", "official_terms", "officials", "symbol_history", "corporate_actions", "daily_bars", "market_alerts",
    "timing_surface", "filings", "ocr_review",
}  # fmt: skip
SCAN = {"chamber": "house", "document": "8200001", "file": "made.csv", "source": "house_clerk"}


def _world() -> dict[str, Any]:
    row = {
        "page": 1, "row": 1, "owner": "self", "asset": "Full Corp (FULL)", "ticker_printed": "FULL", "side": "buy",
        "transaction_date": D(2024, 1, 22), "amount_low": 1001.0, "original": "Full Corp (FULL)", "confidence": 0.9,
    }  # fmt: skip
    document = {"n_pages": 1, "n_read": 1, "n_rows": 1, "reader": "tesseract 5, reading 1"}
    listed = {"filing_type": "P", "filer": "Ada Example", "state": "OR", "filed_on": D(2024, 2, 6), "year": 2024}
    read = {"status": "scanned", "reason": "images", "rows_read": 0, "content_hash": "0"}
    return facts() | {
        "ocr_row_facts": rows("ocr_row_facts", [SCAN | row]),
        "ocr_document_facts": rows("ocr_document_facts", [SCAN | document]),
        "filing_facts": rows("filing_facts", [SCAN | listed]),
        "document_facts": rows("document_facts", [SCAN | read]),
    }


def _verdict(house: House) -> bool:
    """The check alone, on the tables as they are."""
    body = no_unreviewed_scan_is_scored.op.compute_fn.decorated_fn  # pyright: ignore[reportAttributeAccessIssue]
    context = SimpleNamespace(run=SimpleNamespace(tags={}, run_id="none"))
    return body(context, house.lake, house.sources, house.settings, CheckLog(house.lake)).passed


def _compute(house: House, names: set[str], first: str = "2024-01") -> None:
    """Some tables, until February."""
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": "2024-02"}
    every = [a for s in _STAGES for a in s.ASSETS if s is not alerts or a.key.path[-1] == "market_alerts"]
    chosen = [a for a in every if a.key.path[-1] in names]
    resources = resources_of(house.settings) | {"sources": house.sources}
    done = dg.materialize(every, selection=chosen, resources=resources, tags=tags, run_config=QUIET)
    assert done.success


def _with(house: House, **ocr: Any) -> None:
    house.settings = Settings(store=house.folder, duckdb_threads=1, ocr={"enabled": True, **ocr})  # pyright: ignore


def test_a_row_of_a_scan_waits_for_review_and_gets_in_and_is_scored_by_two_more_settings(tmp_path: Path) -> None:
    house = House.build(tmp_path, _world())

    def found() -> tuple[int, str, list[Any]]:
        con = connect()
        house.lake.views(con)
        (reviewed,) = con.sql("SELECT count(*) FROM ocr_review WHERE status = 'needs_review'").fetchone() or (None,)
        (status,) = con.sql("SELECT status FROM filings WHERE document = '8200001'").fetchone() or (None,)
        ours = con.sql("""
            SELECT t.transcription, t.flags, c.score IS NOT NULL, c.reason FROM disclosed_trades t
            JOIN disclosure_correlations c USING (trade_id) WHERE t.source = 'house_clerk_ocr'""").fetchall()
        return reviewed, status, ours

    _compute(house, _NEEDED)
    assert found() == (1, "ocr", [])
    assert _verdict(house)

    _with(house, include_in_trades=True)
    _compute(house, _SCORED, "2024-02")
    reason = "read by character recognition, not reviewed"
    assert found() == (1, "ocr", [("ocr", "ocr_not_reviewed", False, reason)])
    assert _verdict(house)

    _with(house, include_in_trades=True, include_in_scores=True)
    _compute(house, _SCORED, "2024-02")
    assert found() == (1, "ocr", [("ocr", "ocr_not_reviewed", True, None)])
    assert _verdict(house)
    _with(house, include_in_trades=True)  # the tables still hold the score that nobody wants now
    assert not _verdict(house)
