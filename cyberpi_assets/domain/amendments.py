"""What the index and the documents say of disclosed rows: their filing's date, and what replaced them.

Here belongs the amendment rule of METHODS, section 7: an amendment supersedes by filer and report; where that
is unclear nothing is superseded, and the rows are flagged. Repeats in other filings are marked, never removed.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.documents import choose_documents
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import DISCLOSED_TRADES

UNCLEAR_AMENDMENT = "amends_unknown_rows"
POSSIBLE_REPEAT = "possible_repeat"


def standing_rows(facts: pa.Table, index: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows that stand, dated by the index, and those of other sources of the same document, put aside.

    facts: `tables.DISCLOSURE_FACTS`. index: `tables.FILING_FACTS`. The second table has `tables.QUARANTINE_FACTS`.
    """
    return choose_documents(dated_by_index(facts, index))


def dated_by_index(facts: pa.Table, index: pa.Table) -> pa.Table:
    """Disclosure rows with the filing date and address of the chamber's own index, where it lists the document.

    facts: `tables.DISCLOSURE_FACTS`. index: `tables.FILING_FACTS`. Columns and order as `facts`. The date on a document
    is when it was signed; the index says when it was filed. A row's own dates are not touched.
    """
    asked = ("chamber", "document", "state", "district", "filed_on", "source", "url")
    numbered = facts.select(asked).append_column("row", pa.array(range(facts.num_rows), pa.int64()))
    said = ask(
        """
        WITH listed AS (
            SELECT chamber, document, min(filed_on) AS indexed_on,
                   arg_max(url, file) FILTER (url IS NOT NULL) AS indexed_url
            FROM index GROUP BY ALL
        ), alone AS (
            -- a collection may not say which document a row is from; a seat has one report on most days
            SELECT chamber, state, district, filed_on, any_value(url) AS alone_url
            FROM (SELECT DISTINCT chamber, document, state, district, filed_on, url FROM index
                  WHERE chamber = 'house' AND filing_type = 'P' AND state IS NOT NULL AND url IS NOT NULL)
            GROUP BY ALL HAVING count(DISTINCT document) = 1
        )
        SELECT CASE WHEN f.source LIKE 'house_clerk%' OR f.source LIKE 'senate_efd%' OR f.filed_on IS NULL
                    THEN coalesce(indexed_on, f.filed_on) ELSE f.filed_on END AS filed_on,
               coalesce(f.url, indexed_url, alone_url) AS url
        FROM facts f LEFT JOIN listed l USING (chamber, document)
        LEFT JOIN alone a ON a.chamber = CASE WHEN f.document IS NULL THEN f.chamber END AND a.state = f.state
             AND a.district = f.district AND a.filed_on = f.filed_on
        ORDER BY f.row""",
        facts=numbered,
        index=index,
    )
    for name in ("filed_on", "url"):
        place = facts.schema.get_field_index(name)
        facts = facts.set_column(place, facts.schema.field(place), said.column(name))
    return facts


def superseded(trades: pa.Table, documents: pa.Table) -> pa.Table:
    """Trades with what superseded them. Columns and order as `trades` (`tables.DISCLOSED_TRADES`).

    documents: `tables.DOCUMENT_FACTS`. A Senate amendment names the report it amends by the date in its title: of the
    filings of one person with that date, the one with the highest amendment number stands, if it was read whole. An
    amendment without such a report, and a House row that amends a numbered transaction, supersede nothing and are
    flagged. A row that an earlier filing of the same person has too, to the letter, is flagged as a possible repeat.
    """
    numbered = trades.append_column("place", pa.array(range(trades.num_rows), pa.int64()))
    return ask(
        """
        WITH titled AS (
            SELECT chamber || ':' || document AS filing_id, report_on, coalesce(amendment_no, 0) AS n, status
            FROM documents WHERE report_on IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY chamber, document ORDER BY status = 'parsed' DESC, file, line) = 1
        ), filed AS (
            SELECT t.filing_id, any_value(t.bioguide_id) AS bioguide_id, min(t.filed_on) AS filed_on FROM trades t
            WHERE t.bioguide_id IS NOT NULL GROUP BY ALL
        ), latest AS (
            SELECT bioguide_id, report_on, arg_max(filing_id, n) AS last, max(n) AS top, count(DISTINCT n) AS versions,
                   count(*) AS filings
            FROM filed JOIN titled USING (filing_id) WHERE status IN ('parsed', 'empty_verified') GROUP BY ALL
        ), versions AS (
            SELECT bioguide_id, report_on, n, filed_on FROM filed JOIN titled USING (filing_id)
            WHERE status IN ('parsed', 'empty_verified')
        ), replaced AS (
            SELECT f.filing_id, l.last,
                   l.versions = l.filings AND l.top > 0 AND d.n < l.top AS replaced,
                   d.n > 0 AND l.filings = 1 AS alone,
                   -- the first of the later versions put it aside, the last of them stands
                   min(v.filed_on) AS replaced_on,
                   'amendment ' || l.top || ' of the report of ' || report_on || ' replaces it' AS why
            FROM filed f JOIN titled d USING (filing_id) JOIN latest l USING (bioguide_id, report_on)
            LEFT JOIN versions v ON v.bioguide_id = f.bioguide_id AND v.report_on = d.report_on AND v.n > d.n
            GROUP BY ALL
        ), declared AS (  -- a source says that an amendment replaced the row, and has the amended row too
            SELECT t.place, min(a.filed_on) AS amended_on
            FROM trades t JOIN trades a
              ON a.bioguide_id = t.bioguide_id AND a.chamber = t.chamber AND a.transaction_date = t.transaction_date
             AND a.side = t.side AND coalesce(a.ticker_printed, a.asset) = coalesce(t.ticker_printed, t.asset)
            WHERE t.superseded_by IS NOT NULL AND a.filing_status = 'amended' AND a.filed_on > t.filed_on
            GROUP BY t.place
        ), twins AS (
            SELECT place, filed_on > min(filed_on) OVER same AND filing_id <> arg_min(filing_id, filed_on) OVER same
                   AS repeated
            FROM trades
            WHERE bioguide_id IS NOT NULL AND transaction_date IS NOT NULL AND filed_on IS NOT NULL
            WINDOW same AS (PARTITION BY bioguide_id, chamber, transaction_date, coalesce(ticker_printed, asset), side,
                                         amount_low, amount_high, owner, asset_type)
        ), marked AS (
            SELECT t.*, r.last, coalesce(r.replaced, false) AS replaced, r.replaced_on, r.why, c.amended_on,
                   list_filter([
                       t.flags,
                       CASE WHEN coalesce(r.alone, false) OR (t.chamber = 'house' AND t.filing_status = 'amended'
                                 AND t.superseded_by IS NULL AND t.source LIKE 'house_clerk%')
                            THEN $unclear END,
                       CASE WHEN w.repeated AND t.repeat_of IS NULL AND NOT coalesce(r.replaced, false)
                            AND t.superseded_by IS NULL THEN $repeat END
                   ], x -> x IS NOT NULL) AS said
            FROM trades t LEFT JOIN replaced r USING (filing_id) LEFT JOIN twins w USING (place)
            LEFT JOIN declared c USING (place)
        )
        SELECT * EXCLUDE (superseded_by, superseded_on, superseded_reason, flags, said, last, replaced, replaced_on,
                          why, amended_on),
               CASE WHEN replaced THEN last ELSE superseded_by END AS superseded_by,
               CASE WHEN replaced THEN replaced_on WHEN superseded_by IS NOT NULL THEN amended_on END AS superseded_on,
               CASE WHEN replaced THEN why WHEN superseded_by IS NOT NULL THEN
                    'the source says: replaced by ' || superseded_by
                    || CASE WHEN amended_on IS NULL THEN ', day not known' ELSE '' END END AS superseded_reason,
               CASE WHEN len(said) > 0 THEN array_to_string(said, ',') END AS flags
        FROM marked ORDER BY place""",
        shape=DISCLOSED_TRADES,
        params={"unclear": UNCLEAR_AMENDMENT, "repeat": POSSIBLE_REPEAT},
        trades=numbered,
        documents=documents,
    )


def known_on(trades: pa.Table, day: str) -> pa.Table:
    """What the public could know on a day (YYYY-MM-DD): rows filed by then, superseded only by what was filed by then.

    Columns as `trades` (`tables.DISCLOSED_TRADES`). Where a further amendment came later, `superseded_by` says when the
    one came that was known. A row whose replacement has no known day stays superseded: it may not be counted twice.
    """
    return ask(
        """
        WITH filed AS (SELECT filing_id, min(filed_on) AS on_ FROM trades GROUP BY ALL)
        SELECT t.* REPLACE (
            CASE WHEN t.superseded_on > $day::DATE THEN NULL
                 WHEN f.on_ > $day::DATE THEN 'amendment filed ' || t.superseded_on
                 ELSE t.superseded_by END AS superseded_by,
            CASE WHEN t.superseded_on <= $day::DATE THEN t.superseded_on END AS superseded_on,
            CASE WHEN t.superseded_on > $day::DATE THEN NULL
                 WHEN f.on_ > $day::DATE THEN 'an amendment replaces it; a later one was not filed yet'
                 ELSE t.superseded_reason END AS superseded_reason)
        FROM trades t LEFT JOIN filed f ON f.filing_id = t.superseded_by
        WHERE t.filed_on <= $day::DATE ORDER BY t.month, t.trade_id""",
        shape=DISCLOSED_TRADES,
        params={"day": day},
        trades=trades,
    )
