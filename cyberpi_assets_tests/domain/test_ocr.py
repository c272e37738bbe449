"""Rows of scans: shown for review with what stands in their way, let in only on demand, scored only on another."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from cyberpi_assets.domain.correlations import bars_stretches, disclosure_correlations
from cyberpi_assets.domain.disclosures import disclosed_trades
from cyberpi_assets.domain.filings import filing_coverage, filings
from cyberpi_assets.domain.ocr import ocr_review, with_admitted
from cyberpi_assets.domain.returns.trades import trade_returns
from cyberpi_assets.domain.timeliness import filing_timeliness
from cyberpi_assets.domain.timing import timing_surface
from cyberpi_assets.rules.asking import OcrRules
from cyberpi_assets.rules.figures import AlertThresholds, TimingRules
from cyberpi_assets.settings import Settings
from cyberpi_assets.tables import DISCLOSED_TRADES, OCR_REVIEW, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D, plain_bars

SEEN = dt.datetime(2020, 9, 1, tzinfo=dt.UTC)
TRACE = {"source": "house_clerk", "file": "scan.pdf", "line": 1}
REASON = "read by character recognition, not reviewed"


def _rules(**more: Any) -> OcrRules:
    return OcrRules(**{"enabled": True, **more})


def _scanned(*given: dict[str, Any]) -> pa.Table:
    whole = {
        "chamber": "house", "document": "8200001", "page": 1, "row": 1, "owner": "joint", "asset": "Alpha (A)",
        "ticker_printed": "A", "side": "buy", "transaction_date": D(2020, 6, 15), "notification_date": D(2020, 7, 1),
        "amount_low": 1001.0, "amount_high": 15000.0, "original": "JT | Alpha (A) | 06/15/20", "confidence": 0.9,
        **TRACE,
    }  # fmt: skip
    listed = [{"row": n, "line": n, **row} for n, row in enumerate(given, 1)]
    return rows.frame("ocr_row_facts", listed, whole)


def _documents(**more: Any) -> pa.Table:
    one = {
        "chamber": "house", "document": "8200001", "n_pages": 1, "n_read": 1, "n_rows": 1, "confidence": 0.9,
        "reader": "tesseract 5, reading 1", **TRACE, **more,
    }  # fmt: skip
    return rows.frame("ocr_document_facts", [one])


INDEX = rows.frame(
    "filing_facts",
    [
        {
            "chamber": "house", "document": "8200001", "filing_type": "P", "filer": "Ada Exemplar", "state": "TX",
            "filed_on": D(2020, 7, 20), "year": 2020, "url": "https://example.test/8200001.pdf",
            "source": "house_clerk", "file": "index", "line": 1,
        }
    ],
)  # fmt: skip
EMPTY = rows.frame("disclosure_facts", [])


def _admitted(scanned: pa.Table, rules: OcrRules, standing: pa.Table = EMPTY) -> list[dict[str, Any]]:
    return with_admitted(standing, scanned, _documents(), INDEX, rules).to_pylist()


def test_nothing_is_read_let_in_or_scored_unless_a_person_says_so() -> None:
    default = Settings().ocr  # pyright: ignore[reportCallIssue]
    assert (default.enabled, default.include_in_trades, default.include_in_scores) == (False, False, False)


def test_rows_get_in_only_on_demand_with_date_direction_and_confidence() -> None:
    scanned = _scanned(
        {}, {"confidence": 0.59}, {"confidence": None}, {"side": None}, {"transaction_date": None}, {"owner": None}
    )
    assert _admitted(scanned, _rules()) == []
    assert _admitted(scanned, _rules(enabled=False, include_in_trades=True)) == []
    found = _admitted(scanned, _rules(include_in_trades=True))
    assert [r["row_in_document"] for r in found] == [1, 6]
    first = found[0]
    assert (first["transcription"], first["flags"], first["source"]) == ("ocr", "ocr_not_reviewed", "house_clerk_ocr")
    assert (first["filer"], first["filed_on"], first["state"]) == ("Ada Exemplar", D(2020, 7, 20), "TX")
    assert first["description"] == "read from page 1: JT | Alpha (A) | 06/15/20"


def test_a_document_of_which_another_source_has_rows_is_left_to_that_source() -> None:
    other = {"chamber": "house", "document": "8200001", "row_in_document": 1, "filer": "Ada Exemplar", **TRACE}
    standing = rows.frame("disclosure_facts", [other | {"source": "unified/x"}])
    assert len(_admitted(_scanned({}), _rules(include_in_trades=True), standing)) == 1
    unlisted = _scanned({"document": "8200002"})
    assert _admitted(unlisted, _rules(include_in_trades=True)) == []  # nobody knows whose it is


# --------------------------------------------------------------------------------------------- out of every judgement


def _trades() -> pa.Table:
    """The same purchase twice: from a collection that was read by others, and as we read it from a scan."""
    common = {
        "filing_id": "house:8200001", "row_in_filing": 1, "official": "Ada Exemplar", "official_evidence": "stated",
        "chamber": "house", "ticker": "A", "ticker_evidence": "printed", "side": "buy", "transcription": "ocr",
        "transaction_date": D(2020, 6, 15), "notification_date": D(2020, 6, 20), "filed_on": D(2020, 9, 20),
        "file": "f", "line": 1,
    }  # fmt: skip
    given = [
        {"trade_id": "others", "source": "unified/x"},
        {"trade_id": "ours", "source": "house_clerk_ocr", "flags": "ocr_not_reviewed"},
        {"trade_id": "ours_too", "source": "senate_efd_ocr", "flags": "ocr_not_reviewed"},
    ]
    return rows.frame("disclosed_trades", given, common)


@pytest.mark.parametrize("score_ocr", [False, True])
def test_our_own_reading_is_not_scored_unless_the_second_setting_says_so(score_ocr: bool) -> None:
    rules = TimingRules()  # pyright: ignore[reportCallIssue]
    market = rows.bars(plain_bars("A", D(2019, 1, 2), D(2020, 12, 31)))
    raised = rows.alerts([rows.alert("A", D(2020, 6, 10), 8)])
    surface = timing_surface(raised, market, rules, AlertThresholds())  # pyright: ignore[reportCallIssue]
    stretches = bars_stretches(market, rules.window_days)
    found = disclosure_correlations(_trades(), surface, raised, stretches, rules, score_ocr=score_ocr).to_pylist()
    scores = {r["trade_id"]: (r["score"], r["reason"]) for r in found}
    # 5 x 1 alert + 2 x severity 8 + 10 x 1 recent + 15 x 1 high = 46
    assert scores["others"] == (46.0, None)
    for name in ("ours", "ours_too"):
        assert scores[name] == ((46.0, None) if score_ocr else (None, REASON))


def test_a_misread_date_is_nobodys_delay_and_nobodys_return() -> None:
    verdicts = {r["trade_id"]: (r["verdict"], r["reason"]) for r in filing_timeliness(_trades()).to_pylist()}
    assert verdicts["others"] == ("late", None)
    assert verdicts["ours"] == verdicts["ours_too"] == ("not applicable", REASON)
    market = plain_bars("A", D(2019, 1, 2), D(2021, 3, 31)) + plain_bars("SPY", D(2019, 1, 2), D(2021, 3, 31))
    companies = rows.frame("companies", [{"ticker": "A", "source": "test"}])
    earned = trade_returns(rows.bars(market), _trades(), companies, "SPY").to_pylist()
    assert {r["reason"] for r in earned if r["trade_id"].startswith("ours")} == {REASON}
    assert REASON not in {r["reason"] for r in earned if r["trade_id"] == "others"}


# -------------------------------------------------------------------------------------------------- review and ledger


def _ledger(scans: pa.Table, trades: pa.Table | None = None) -> pa.Table:
    document = {"chamber": "house", "document": "8200001", "status": "scanned", "reason": "images", "rows_read": 0}
    documents = rows.frame("document_facts", [document | {"content_hash": "0", **TRACE}])
    files = rows.frame("file_facts", [{"file": "scan.pdf", "bytes": 1, "modified_at": SEEN}])
    nobody = rows.frame("officials", []), rows.frame("official_terms", [])
    trades = DISCLOSED_TRADES.empty() if trades is None else trades
    before = rows.frame("filings", [])
    return filings(INDEX, documents, trades, files, before, *nobody, "2020-01", "2020-12", scans=scans)


def test_the_ledger_tells_scans_with_rows_for_review_from_those_without() -> None:
    (line,) = _ledger(_documents(n_rows=6)).to_pylist()
    assert (line["status"], line["rows_read"]) == ("ocr", 0)
    assert line["reason"] == "rows read by character recognition that wait for review: 6"
    silent = _documents(n_rows=0, n_read=0, reason="tesseract is not installed")
    (line,) = _ledger(silent).to_pylist()
    assert line["status"] == "scanned"
    assert line["reason"] == "images; character recognition: tesseract is not installed"
    (line,) = _ledger(rows.frame("ocr_document_facts", [])).to_pylist()
    assert (line["status"], line["reason"]) == ("scanned", "images")
    (year,) = filing_coverage(_ledger(_documents(n_rows=6))).to_pylist()
    assert (year["ocr"], year["scanned"], year["covered"]) == (1, 0, 0.0)  # rows for review cover nothing


def test_every_row_for_review_says_what_stands_in_its_way() -> None:
    scanned = _scanned(
        {},
        {"confidence": 0.3, "unread": "side: no tick", "side": None},
        {"confidence": None, "asset": None, "original": ""},
        {"transaction_date": D(2020, 8, 1)},
    )
    table = ocr_review(scanned, _documents(), _ledger(_documents()), _rules())
    conform(OCR_REVIEW, table)
    good, weak, silent, late = table.to_pylist()
    assert good["review_id"] == "house:8200001#1.1"
    assert {r["status"] for r in table.to_pylist()} == {"needs_review"}
    assert (good["filer"], good["filed_on"], good["url"]) == (
        "Ada Exemplar", D(2020, 7, 20), "https://example.test/8200001.pdf",
    )  # fmt: skip
    last = "compare with the page: nobody has reviewed it"
    assert good["reason"] == last
    assert weak["reason"] == f"side: no tick; confidence below 0.6; {last}"
    assert silent["reason"] == f"no word was read; {last}"
    assert late["reason"] == (f"transaction_date: after the filing; notification_date: before the trade; {last}")


def test_a_document_in_two_files_is_reviewed_once_by_its_fuller_reading() -> None:
    scanned = pa.concat_tables([_scanned({}), _scanned({"file": "copy.pdf"}, {"file": "copy.pdf"})])
    documents = pa.concat_tables([_documents(), _documents(file="copy.pdf", n_rows=2)])
    found = ocr_review(scanned, documents, _ledger(documents), _rules()).to_pylist()
    assert [(r["file"], r["row"]) for r in found] == [("copy.pdf", 1), ("copy.pdf", 2)]


def test_admitted_rows_become_trades_of_their_filing() -> None:
    kept = with_admitted(EMPTY, _scanned({}, {}), _documents(), INDEX, _rules(include_in_trades=True))
    empty = (rows.frame(name, []) for name in ("officials", "official_terms", "symbol_history", "company_facts"))
    found = disclosed_trades(kept, *empty, "2020-01", "2020-12").to_pylist()
    assert [r["trade_id"] for r in found] == ["house:8200001#1", "house:8200001#2"]
    assert {(r["transcription"], r["ticker"], r["month"]) for r in found} == {("ocr", "A", "2020-07")}
    assert all("ocr_not_reviewed" in r["flags"] for r in found)
