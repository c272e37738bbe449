"""Rows read from scanned filings by character recognition: for a person to review, and out of every score.

Here belongs what is said of such a row, and which of them a person may let into `disclosed_trades`. How a page is read
is in `sources/ocr`. Nothing here decides that a row is right.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.sql import ask
from cyberpi_assets.rules.asking import OcrRules
from cyberpi_assets.tables import DISCLOSURE_FACTS, OCR_REVIEW

# The sources of such rows, by chamber. Collections that others made of scans have names of their own.
OWN_READING: Final = {"house": "house_clerk_ocr", "senate": "senate_efd_ocr"}
NOT_REVIEWED: Final = "ocr_not_reviewed"  # the flag of such rows in `disclosed_trades`
NEEDS_REVIEW: Final = "needs_review"
# A condition on rows of `disclosed_trades` named t: read by ourselves, and looked at by nobody.
UNREVIEWED: Final = "t.source IN ({})".format(", ".join(f"'{name}'" for name in OWN_READING.values()))
REASON: Final = "read by character recognition, not reviewed"


def ocr_review(rows: pa.Table, documents: pa.Table, ledger: pa.Table, rules: OcrRules) -> pa.Table:
    """Every row that was read from a scan, with what stands in its way. Columns: `tables.OCR_REVIEW`.

    rows: `tables.OCR_ROW_FACTS`. documents: `tables.OCR_DOCUMENT_FACTS`. ledger: `tables.FILINGS`, which names filer,
    filing date and address. Where two files hold the same document, the reading with more rows is shown. Ordered by
    filing, page and row.
    """
    return ask(
        """
        WITH chosen AS (
            SELECT chamber, document, file, reader FROM documents
            QUALIFY row_number() OVER (PARTITION BY chamber, document ORDER BY n_rows DESC, file, line) = 1
        ), placed AS (
            SELECT r.*, r.chamber || ':' || r.document AS filing_id, c.reader
            FROM rows r JOIN chosen c USING (chamber, document, file)
        )
        SELECT p.filing_id || '#' || p.page || '.' || p.row AS review_id, p.filing_id, p.chamber, l.filer,
               l.bioguide_id, l.filed_on, p.page, p.row, p.owner, p.asset, p.ticker_printed, p.side, p.is_partial,
               p.transaction_date, p.notification_date, p.amount_low, p.amount_high, p.amount_printed, p.original,
               p.confidence, $status AS status,
               array_to_string(list_filter([
                   p.unread,
                   CASE WHEN p.confidence IS NULL THEN 'no word was read'
                        WHEN p.confidence < $least THEN 'confidence below ' || $least END,
                   CASE WHEN p.transaction_date > l.filed_on THEN 'transaction_date: after the filing' END,
                   CASE WHEN p.transaction_date > p.notification_date THEN 'notification_date: before the trade' END,
                   CASE WHEN l.rows_read > 0 AND NOT contains(coalesce(l.rows_from, ''), '_ocr')
                        THEN 'rows of this filing are known from ' || l.rows_from || ': compare' END,
                   'compare with the page: nobody has reviewed it'
               ], x -> x IS NOT NULL), '; ') AS reason,
               p.reader, l.url, p.source, p.file, p.line
        FROM placed p LEFT JOIN ledger l USING (filing_id)
        ORDER BY p.filing_id, p.page, p.row""",
        shape=OCR_REVIEW,
        params={"status": NEEDS_REVIEW, "least": rules.min_confidence},
        rows=rows,
        documents=documents,
        ledger=ledger,
    )


def with_admitted(
    standing: pa.Table, rows: pa.Table, documents: pa.Table, index: pa.Table, rules: OcrRules
) -> pa.Table:
    """The disclosed rows that stand, and after them those of scans that the settings let in (none by default).

    standing: `tables.DISCLOSURE_FACTS`, one source per document. rows, documents: as for `ocr_review`. index:
    `tables.FILING_FACTS`, for filer, address and day of filing. A row gets in with a date, a direction, a filer and at
    least `rules.min_confidence`; of a document of which any other source has rows, none does. They carry
    `transcription` ocr and the flag `ocr_not_reviewed`. Columns as `standing`.
    """
    if not (rules.enabled and rules.include_in_trades) or rows.num_rows == 0:
        return standing
    admitted = ask(
        """
        WITH chosen AS (
            SELECT chamber, document, file FROM documents
            QUALIFY row_number() OVER (PARTITION BY chamber, document ORDER BY n_rows DESC, file, line) = 1
        ), listed AS (
            SELECT chamber, document, arg_max(filer, file) AS filer, arg_max(state, file) AS state,
                   arg_max(district, file) AS district, max(filed_on) AS filed_on,
                   arg_max(url, file) FILTER (url IS NOT NULL) AS url, max(amendment_no) AS amendment_no
            FROM index GROUP BY ALL
        ), numbered AS (
            SELECT r.*, row_number() OVER (PARTITION BY chamber, document ORDER BY page, row) AS n
            FROM rows r JOIN chosen USING (chamber, document, file)
        )
        SELECT n.chamber, n.document, n.n AS row_in_document, l.filer, NULL AS bioguide_id, NULL AS party, l.state,
               l.district, n.owner, n.ticker_printed, NULL AS ticker_current, n.asset, NULL AS asset_type, n.side,
               n.is_partial, n.transaction_date, n.notification_date, l.filed_on, n.amount_low, n.amount_high,
               n.amount_printed, 'read from page ' || n.page || ': ' || n.original AS description,
               'new' AS filing_status, l.amendment_no, false AS is_superseded, NULL AS repeat_of,
               'ocr' AS transcription, l.url,
               array_to_string(list_filter([$flag, CASE WHEN n.transaction_date > l.filed_on
                                                        THEN 'transaction_date_after_filing' END],
                                           x -> x IS NOT NULL), ',') AS flags,
               CASE n.chamber WHEN 'house' THEN $house ELSE $senate END AS source, n.file, n.line
        FROM numbered n JOIN listed l USING (chamber, document)
        ANTI JOIN standing s ON s.chamber = n.chamber AND s.document = n.document
        WHERE n.transaction_date IS NOT NULL AND n.side IS NOT NULL AND n.confidence >= $least
        ORDER BY n.chamber, n.document, n.n""",
        shape=DISCLOSURE_FACTS,
        params={
            "least": rules.min_confidence,
            "flag": NOT_REVIEWED,
            "house": OWN_READING["house"],
            "senate": OWN_READING["senate"],
        },
        rows=rows,
        documents=documents,
        index=index,
        standing=standing.select(["chamber", "document"]),
    )
    return pa.concat_tables([standing, admitted.cast(standing.schema)])
