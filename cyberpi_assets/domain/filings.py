"""The coverage ledger: every filing that was ever seen, and what became of it.

Here belongs the state of a filing and its coverage by year. Reading documents is in `sources/house` and
`sources/senate`; which rows stand is in `documents.py` and `disclosures.py`. Unreadable is not empty: a scan without
rows is `scanned`, never a filing without trades, and a filing that was once seen keeps its line.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.names import resolve_officials
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import DISCLOSURE_FACTS, FILING_COVERAGE, FILINGS, GAP_FACTS, OCR_DOCUMENT_FACTS

# Of several readings of one document the most complete one counts.
_BEST = (
    "CASE status WHEN 'parsed' THEN 0 WHEN 'empty_verified' THEN 1 WHEN 'partial' THEN 2 WHEN 'scanned' THEN 3 "
    "WHEN 'not_ptr' THEN 4 ELSE 5 END"
)
_REPORTS_TRADES = "filing_type IN ('P', 'ptr', 'paper_ptr')"


def filings(
    index: pa.Table,
    documents: pa.Table,
    trades: pa.Table,
    files: pa.Table,
    before: pa.Table,
    officials: pa.Table,
    terms: pa.Table,
    first_month: str,
    last_month: str,
    *,
    scans: pa.Table | None = None,
    gaps: pa.Table | None = None,
) -> pa.Table:
    """One row per filing, ordered by month and id. Columns: `tables.FILINGS`.

    A filing whose date nobody states stands in the first month of its rows, so that a run over that month finds it.

    index: `tables.FILING_FACTS`. documents: `tables.DOCUMENT_FACTS`. trades: `tables.DISCLOSED_TRADES`, all months.
    files: `tables.FILE_FACTS`, whose modification times date the sightings. before: the ledger as it was; its filings
    stay, with their first sighting, and with their last reading where no source has the document any more. scans:
    `tables.OCR_DOCUMENT_FACTS`; a scan with rows for review is `ocr`, one without stays `scanned` and says why.
    gaps: `tables.GAP_FACTS`; a document that a site was asked for in vain is `missing` and says why.
    """
    merged = ask(
        f"""
        WITH sighted AS (
            SELECT chamber, document, file FROM index UNION ALL SELECT chamber, document, file FROM documents
            UNION ALL SELECT chamber, split_part(filing_id, ':', 2), file FROM trades
            WHERE filing_id NOT LIKE '%:undocumented:%'
        ), seen AS (
            SELECT chamber, document, min(f.modified_at) AS first_seen, max(f.modified_at) AS last_seen
            FROM sighted s LEFT JOIN files f USING (file) GROUP BY ALL
        ), listed AS (
            SELECT chamber, document, arg_max(filing_type, (filed_on IS NOT NULL, file)) AS filing_type,
                   arg_max(filer, file) AS filer, arg_max(state, file) AS state, arg_max(district, file) AS district,
                   max(filed_on) AS filed_on, max(amendment_no) AS amendment_no,
                   arg_max(url, file) FILTER (url IS NOT NULL) AS url
            FROM index GROUP BY ALL
        ), read_ AS (
            SELECT * FROM documents
            QUALIFY row_number() OVER (PARTITION BY chamber, document ORDER BY {_BEST}, rows_read DESC, file, line) = 1
        ), stored AS (
            SELECT chamber, split_part(filing_id, ':', 2) AS document, count(*) AS n, min(filed_on) AS filed_on,
                   any_value(official) AS filer, any_value(bioguide_id) AS bioguide_id,
                   any_value(url) AS url, bool_or(transcription = 'ocr') AS ocr, min(source) AS source,
                   min(month) AS rows_month
            FROM trades WHERE filing_id NOT LIKE '%:undocumented:%' GROUP BY ALL
        ), recognised AS (
            SELECT chamber, document, max(n_rows) AS for_review, arg_max(reason, (n_rows, file)) AS why_not
            FROM scans GROUP BY ALL
        ), missed AS (
            SELECT subject, arg_max(reason, "at") AS not_fetched FROM gaps WHERE kind = 'filings' GROUP BY ALL
        ), states AS (
            SELECT s.chamber || ':' || s.document AS filing_id, s.chamber, s.document,
                   CASE WHEN l.{_REPORTS_TRADES} OR t.n > 0 OR r.status IN ('parsed', 'partial', 'empty_verified')
                        THEN 'ptr' WHEN l.filing_type IS NULL AND r.status IS DISTINCT FROM 'not_ptr' THEN 'unknown'
                        ELSE 'other' END AS kind,
                   l.filing_type, coalesce(l.filer, r.filer, t.filer) AS filer, l.state, l.district,
                   t.bioguide_id, coalesce(l.filed_on, r.filed_on, t.filed_on) AS filed_on,
                   coalesce(r.amendment_no, l.amendment_no) AS amendment_no,
                   r.status AS document_status, r.reason AS document_reason, r.rows_read AS document_rows,
                   coalesce(t.n, 0) AS n, r.rows_expected, t.source, t.ocr, t.rows_month,
                   l.document IS NOT NULL AS indexed,
                   r.content_hash, s.first_seen, s.last_seen, coalesce(o.for_review, 0) AS for_review, o.why_not,
                   coalesce(l.url, r.url, t.url) AS url, m.not_fetched
            FROM seen s LEFT JOIN listed l USING (chamber, document) LEFT JOIN read_ r USING (chamber, document)
            LEFT JOIN stored t USING (chamber, document) LEFT JOIN recognised o USING (chamber, document)
            LEFT JOIN missed m ON m.subject = s.chamber || ':' || s.document
        )
        SELECT *, CASE WHEN document_status IN ('parsed', 'empty_verified', 'partial') THEN document_status
                       WHEN n > 0 AND ocr THEN 'ocr' WHEN n > 0 THEN 'transcribed'
                       WHEN document_status = 'scanned' AND for_review > 0 THEN 'ocr'
                       WHEN document_status IS NOT NULL THEN document_status
                       WHEN kind = 'other' THEN 'not_ptr' ELSE 'missing' END AS status,
               CASE WHEN document_status = 'parsed' THEN NULL
                    WHEN document_status = 'scanned' AND for_review > 0
                    THEN 'rows read by character recognition that wait for review: ' || for_review
                    WHEN document_status = 'scanned' AND why_not IS NOT NULL
                    THEN concat_ws('; ', document_reason, 'character recognition: ' || why_not)
                    WHEN document_status IS NOT NULL THEN document_reason
                    WHEN n > 0 THEN 'rows from ' || source || '; completeness not verified against the document'
                    WHEN kind = 'other' THEN 'this type of filing reports no transactions'
                    WHEN not_fetched IS NOT NULL THEN 'indexed, but not fetched: ' || not_fetched
                    ELSE 'indexed, but neither the document nor its rows were found' END AS reason,
               CASE WHEN document_status IN ('parsed', 'partial', 'empty_verified') AND n <= coalesce(document_rows, 0)
                    THEN 'document' WHEN n > 0 THEN source END AS rows_from
        FROM states""",
        index=index,
        documents=documents,
        trades=trades,
        files=files,
        scans=OCR_DOCUMENT_FACTS.empty() if scans is None else scans,
        gaps=GAP_FACTS.empty() if gaps is None else gaps,
    )
    people = resolve_officials(_as_disclosures(merged), officials, terms)
    named = merged.append_column("resolved", people.column("bioguide_id"))
    return ask(
        """
        WITH now AS (
            SELECT filing_id, chamber, document, kind, filing_type, filer,
                   coalesce(bioguide_id, resolved) AS bioguide_id, filed_on, amendment_no, status, reason,
                   n AS rows_read, rows_expected, rows_from, indexed,
                   content_hash, first_seen, last_seen, url, rows_month
            FROM named
        ), kept AS (
            SELECT n.* REPLACE (least(n.first_seen, coalesce(b.first_seen, n.first_seen)) AS first_seen,
                                greatest(n.last_seen, coalesce(b.last_seen, n.last_seen)) AS last_seen,
                                coalesce(n.filed_on, b.filed_on) AS filed_on)
            FROM now n LEFT JOIN before b USING (filing_id)
            UNION ALL BY NAME
            SELECT b.* EXCLUDE (month), b.month AS rows_month FROM before b ANTI JOIN now USING (filing_id)
        )
        SELECT *, least(greatest(coalesce(strftime(filed_on, '%Y-%m'), rows_month, $first), $first), $last) AS month
        FROM kept ORDER BY month, filing_id""",
        shape=FILINGS,
        params={"first": first_month, "last": last_month},
        named=named,
        before=before,
    )


def _as_disclosures(merged: pa.Table) -> pa.Table:
    """The columns that name resolution reads, of the filings."""
    absent = {"notification_date", "transaction_date"}
    # a filing known by its document alone may have no name: nobody is called ''
    table = ask(
        "SELECT bioguide_id, coalesce(filer, '') AS filer, chamber, state, district, filed_on FROM merged",
        merged=merged,
    )
    for name in sorted(absent):
        table = table.append_column(name, pa.nulls(merged.num_rows, DISCLOSURE_FACTS.schema.field(name).type))
    return table


def filing_coverage(ledger: pa.Table) -> pa.Table:
    """Filings by chamber, year and status. ledger: `tables.FILINGS`. Columns: `tables.FILING_COVERAGE`.

    Only filings that report transactions, or may: other types of report are left out.
    """
    states = ("parsed", "partial", "scanned", "ocr", "transcribed", "empty_verified", "missing", "failed")
    counts = ", ".join(f"count(*) FILTER (status = '{s}') AS {s}" for s in states)
    return ask(
        f"""
        SELECT chamber, coalesce(year(filed_on), 0) AS year, count(*) AS n_filings, {counts},
               coalesce(sum(rows_read), 0)::BIGINT AS rows_read,
               count(*) FILTER (status IN ('parsed', 'empty_verified')) / count(*) AS covered
        FROM ledger WHERE kind <> 'other' AND status <> 'not_ptr' GROUP BY ALL ORDER BY chamber, year""",
        shape=FILING_COVERAGE,
        ledger=ledger,
    )
