"""Halts, filings, sanctions, exploited vulnerabilities, incidents and acquisitions: one row each, dated and judged.

Here belongs how rows of several lists become one, when it could first be known, and what a code means. Threat items
made of these tables are in `threats.py`.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.news.moments import NEW_YORK, day_of, end_of_day
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.tables import (
    COMPANY_FILINGS,
    INCIDENTS,
    KNOWN_EXPLOITED,
    MNA_EVENTS,
    QUARANTINE_FACTS,
    SANCTIONS_CHANGES,
    TRADING_HALTS,
)

# What the exchanges' codes and words mean; the first that fits.
HALT_KINDS: Final = (
    ("sec_suspension", r"H10|SEC TRADING SUSPENSION|SEC SUSPENSION"),
    ("market_wide", r"MWC\d?|MWCQ|MARKET.?WIDE"),
    ("news_released", r"T2|T3|R4|NEWS (AND RESUMPTION|RELEASED|DISSEMINATION).*|NEWS DISSEMINATED"),
    ("news_pending", r"T1|NEWS PENDING"),
    ("information", r"T12|H9|H4|T6|T8|ADDITIONAL INFORMATION.*|EXTRAORDINARY.*"),
    ("regulatory", r"H11|REGULATORY CONCERN.*|NON.?COMPLIANCE.*"),
    ("volatility", r"LUD[PS]|LULD.*|M|M1|M2|T5|T7|VOLATILITY.*"),
    ("corporate", r"D|CORPORATE ACTION.*|MERGER.*|SECURITY DELETION.*|IPO\d|IPOQ|IPOE|ETF.*"),
)
_KIND_OF_HALT: Final = (
    "CASE "
    + " ".join(f"WHEN regexp_full_match(what, '{rule}') THEN '{kind}'" for kind, rule in HALT_KINDS)
    + " ELSE 'other' END"
)
CYBER_PROGRAMS: Final = ("CYBER2", "CYBER3", "CYBER4", "ELECTION-EO13848", "DPRK3")
_CYBER_REMARK: Final = r"(?i)\bcyber|\bransomware|\bmalicious software"
LAST_DISSEMINATED: Final = "17:30"  # New York; what is accepted later comes out on the next session
FIRST_DISSEMINATED: Final = 6  # o'clock


def trading_halts(facts: Frame, first_month: str, last_month: str) -> pa.Table:
    """One row per halt of the months. facts: `tables.HALT_FACTS`. Columns: `tables.TRADING_HALTS`.

    Lists agree on symbol and second of the halt; the resumption is the last one any list states. Ordered by month,
    moment and symbol.
    """
    return ask(
        f"""
        WITH placed AS (
            SELECT *, ticker || ':' || strftime(halted_at, '%Y%m%dT%H%M%S') AS halt_id,
                   coalesce(seen_at, TIMESTAMPTZ '1900-01-01') AS age
            FROM facts WHERE strftime(halted_on, '%Y-%m') BETWEEN $first AND $last
        ), merged AS (
            SELECT halt_id, any_value(ticker) AS ticker, min(halted_on) AS halted_on,
                   date_trunc('second', min(halted_at)) AS halted_at,
                   arg_min(name, (age, file, line)) FILTER (name IS NOT NULL) AS name,
                   arg_min(market, (age, file, line)) FILTER (market IS NOT NULL) AS market,
                   arg_min(reason_code, (age, file, line)) FILTER (reason_code IS NOT NULL) AS reason_code,
                   list_distinct(list(reason_code ORDER BY age, file, line) FILTER (reason_code IS NOT NULL)) AS codes,
                   arg_min(reason, (age, file, line)) FILTER (reason IS NOT NULL) AS reason,
                   arg_max(threshold_price, (age, file, line)) FILTER (threshold_price IS NOT NULL) AS threshold_price,
                   arg_max(resumed_at, (age, file, line)) FILTER (resumed_at IS NOT NULL) AS resumed_at,
                   count(DISTINCT source) AS n_sources,
                   arg_min(struct_pack(source, file, line), (age, file, line)) AS f
            FROM placed GROUP BY halt_id
        ), judged AS (SELECT *, upper(trim(coalesce(reason_code, reason, ''))) AS what FROM merged)
        SELECT *, halted_at AS available_at, coalesce(list_sort(codes), []) AS reason_codes,
               {_KIND_OF_HALT} AS reason_kind,
               CASE WHEN resumed_at >= halted_at THEN epoch(resumed_at - halted_at) / 60 END AS minutes,
               f.source AS source, f.file AS file, f.line AS line, strftime(halted_on, '%Y-%m') AS month
        FROM judged ORDER BY month, halted_at, ticker""",
        shape=TRADING_HALTS,
        params={"first": first_month, "last": last_month},
        facts=facts,
    )


def company_filings(
    facts: Frame, companies: pa.Table, words: pa.Table, sessions: pa.Table, first_month: str, last_month: str
) -> pa.Table:
    """One row per 8-K of the months. Columns: `tables.COMPANY_FILINGS`.

    facts: `tables.COMPANY_FILING_FACTS`; companies: `tables.COMPANIES`; words: phrase, those that make a 7.01 or 8.01 a
    cyber filing; sessions: day, of the exchange. Ordered by month, moment and accession.
    """
    return ask(
        f"""
        WITH named AS (
            SELECT cik, min_by(ticker, (delisted_on IS NOT NULL, length(ticker), ticker)) AS ticker
            FROM companies WHERE cik IS NOT NULL GROUP BY cik
        ), merged AS (
            SELECT accession, min_by(cik, (file, line)) AS cik,
                   min_by(tickers, (file, line)) FILTER (len(tickers) > 0) AS tickers,
                   min_by(company, (file, line)) FILTER (company IS NOT NULL) AS company,
                   min_by(form, (file, line)) AS form,
                   list_sort(list_distinct(flatten(list(coalesce(items, []))))) AS items,
                   min(accepted_at) AS accepted_at, min(filed_on) AS filed, min(report_on) AS report_on,
                   min_by(url, (file, line)) FILTER (url IS NOT NULL) AS url,
                   max_by(text, length(text)) FILTER (text IS NOT NULL) AS text,
                   bool_or(cyber_query) AS cyber_query, min(seen_at) AS seen_at, count(*) AS n_listings,
                   min_by(struct_pack(source, file, line), (file, line)) AS f
            FROM facts GROUP BY accession
        ), dated AS (
            SELECT *, coalesce(filed, {day_of("accepted_at")}) AS filed_on,
                   accepted_at AT TIME ZONE '{NEW_YORK}' AS local
            FROM merged
        ), spoken AS (
            SELECT d.accession, min(w.phrase) AS found FROM dated d JOIN words w
              ON contains(' ' || regexp_replace(lower(d.text), '[^a-z0-9&]+', ' ', 'g') || ' ', ' ' || w.phrase || ' ')
            WHERE list_has_any(d.items, ['7.01', '8.01']) GROUP BY d.accession
        ), placed AS (
            SELECT d.*, s.found, (SELECT min(day) FROM sessions WHERE day > d.local::DATE) AS next_session
            FROM dated d LEFT JOIN spoken s USING (accession)
            WHERE strftime(filed_on, '%Y-%m') BETWEEN $first AND $last
        ), timed AS (
            SELECT *, least(coalesce(seen_at, TIMESTAMPTZ '9999-01-01'), CASE
                WHEN accepted_at IS NULL THEN {end_of_day("filed_on")}
                WHEN local::TIME > TIME '{LAST_DISSEMINATED}' OR local::DATE NOT IN (SELECT day FROM sessions)
                THEN coalesce(
                    (next_session::TIMESTAMP + INTERVAL {FIRST_DISSEMINATED} HOUR) AT TIME ZONE '{NEW_YORK}',
                    {end_of_day("filed_on")})
                ELSE accepted_at END) AS available_at,
                CASE WHEN list_contains(items, '1.05') THEN 'item_1.05'
                     WHEN list_contains(items, '8.01') AND found IS NOT NULL THEN 'words_8.01: ' || found
                     WHEN list_contains(items, '7.01') AND found IS NOT NULL THEN 'words_7.01: ' || found
                     WHEN cyber_query AND list_has_any(items, ['7.01', '8.01'])
                     THEN 'words_' || (CASE WHEN list_contains(items, '8.01') THEN '8.01' ELSE '7.01' END)
                          || ': found by full-text search' END AS cyber_reason
            FROM placed
        )
        SELECT t.* EXCLUDE (cik), t.cik, coalesce(n.ticker, t.tickers[1]) AS ticker,
               cyber_reason IS NOT NULL AS is_cyber, form LIKE '%/A' AS is_amendment,
               f.source AS source, f.file AS file, f.line AS line, strftime(filed_on, '%Y-%m') AS month
        FROM timed t LEFT JOIN named n ON n.cik = t.cik ORDER BY month, available_at, accession""",
        shape=COMPANY_FILINGS,
        params={"first": first_month, "last": last_month},
        facts=facts,
        companies=companies,
        words=words,
        sessions=sessions,
    )


def events_put_aside(facts: Frame, kind: str, day: str, first_month: str, last_month: str) -> pa.Table:
    """Facts of halts or filings outside the months kept. day: SQL of their date. Columns: `tables.QUARANTINE_FACTS`."""
    return ask(
        f"""
        SELECT file, line, $kind AS kind, 'date' AS field, ({day})::VARCHAR AS value,
               'outside the months kept, ' || $first || ' to ' || $last AS reason
        FROM facts WHERE strftime({day}, '%Y-%m') NOT BETWEEN $first AND $last ORDER BY file, line""",
        params={"kind": kind, "first": first_month, "last": last_month},
        shape=QUARANTINE_FACTS,
        facts=facts,
    )


FILED_ON: Final = f"coalesce(filed_on, {day_of('accepted_at')})"


def sanctions_changes(facts: Frame) -> pa.Table:
    """What changed between snapshots, and listed events. facts: `tables.SANCTION_FACTS`.

    Columns: `tables.SANCTIONS_CHANGES`. The first snapshot is the baseline. An entity counts as amended when its name,
    type, programs or digital currency addresses differ; remarks alone do not. Ordered by day and id.
    """
    return ask(
        f"""
        WITH snapshots AS (
            SELECT snapshot_at, lag(snapshot_at) OVER (ORDER BY snapshot_at) AS before
            FROM (SELECT DISTINCT snapshot_at FROM facts WHERE record = 'entry' AND snapshot_at IS NOT NULL)
        ), noted AS (
            SELECT ent_num, snapshot_at, list_sort(list(DISTINCT a)) AS addresses
            FROM (SELECT ent_num, snapshot_at, unnest(addresses) AS a FROM facts WHERE record <> 'event')
            GROUP BY ALL
        ), entries AS (
            SELECT e.ent_num, e.snapshot_at, min_by(struct_pack(name, entity_type, programs, text, source, file, line),
                   (file, line)) AS v
            FROM facts e WHERE record = 'entry' GROUP BY ALL
        ), known AS (
            SELECT e.*, coalesce(n.addresses, []) AS addresses
            FROM entries e LEFT JOIN noted n USING (ent_num, snapshot_at)
        ), pairs AS (
            SELECT s.snapshot_at AS at, now.ent_num, now.v, now.addresses, old.v AS was, old.addresses AS had
            FROM snapshots s JOIN known now ON now.snapshot_at = s.snapshot_at
            LEFT JOIN known old ON old.ent_num = now.ent_num AND old.snapshot_at = s.before
            WHERE s.before IS NOT NULL
            UNION ALL
            SELECT s.snapshot_at, old.ent_num, NULL, NULL, old.v, old.addresses
            FROM snapshots s JOIN known old ON old.snapshot_at = s.before
            ANTI JOIN known now ON now.ent_num = old.ent_num AND now.snapshot_at = s.snapshot_at
        ), described AS (
            SELECT *, CASE WHEN was IS NULL THEN 'added' WHEN v IS NULL THEN 'removed' ELSE 'amended' END AS change,
                   CASE WHEN v IS NULL OR was IS NULL THEN NULL ELSE concat_ws(', ',
                        CASE WHEN was.name <> v.name THEN 'name was ' || was.name END,
                        CASE WHEN was.entity_type IS DISTINCT FROM v.entity_type THEN 'another type' END,
                        CASE WHEN was.programs IS DISTINCT FROM v.programs
                             THEN 'programs were ' || array_to_string(was.programs, ' ') END,
                        CASE WHEN had <> addresses THEN 'other digital currency addresses' END) END AS detail
            FROM pairs
        ), aliases AS (
            SELECT ent_num, snapshot_at, list_sort(list(DISTINCT name)) AS aliases
            FROM facts WHERE record = 'alias' AND name IS NOT NULL GROUP BY ALL
        ), places AS (
            SELECT ent_num, snapshot_at, list_sort(list(DISTINCT country)) AS countries
            FROM facts WHERE record = 'address' AND country IS NOT NULL GROUP BY ALL
        ), changes AS (
            SELECT d.change || ':' || d.ent_num || ':' || strftime(d.at, '%Y%m%dT%H%M%S') AS change_id, d.change,
                   {day_of("d.at")} AS changed_on, d.at AS available_at, d.ent_num,
                   coalesce(d.v, d.was) AS e, a.aliases, p.countries,
                   coalesce(d.addresses, d.had) AS addresses, d.detail
            FROM described d
            LEFT JOIN aliases a ON a.ent_num = d.ent_num AND a.snapshot_at = d.at
            LEFT JOIN places p ON p.ent_num = d.ent_num AND p.snapshot_at = d.at
            WHERE d.change <> 'amended' OR d.detail <> ''
        )
        SELECT change_id, change, changed_on, available_at, ent_num, e.name AS name, e.entity_type AS entity_type,
               e.programs AS programs, coalesce(aliases, []) AS aliases, coalesce(countries, []) AS countries,
               addresses, list_has_any(coalesce(e.programs, []), {list(CYBER_PROGRAMS)})
                   OR regexp_matches(coalesce(e.text, ''), '{_CYBER_REMARK}') AS is_cyber,
               []::VARCHAR[] AS tickers, NULL::VARCHAR AS grade, detail, e.source AS source,
               e.file AS file, e.line AS line
        FROM changes WHERE e.name IS NOT NULL
        UNION ALL
        SELECT 'event:' || left(sha256(name || event_on::VARCHAR), 16), 'event', event_on, {end_of_day("event_on")},
               NULL, name, NULL, programs, [], [], [], regexp_matches(name, '{_CYBER_REMARK}'),
               coalesce(tickers, []), grade, text, source, file, line
        FROM facts WHERE record = 'event' AND event_on IS NOT NULL AND name IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY name, event_on ORDER BY file, line) = 1
        ORDER BY changed_on, change_id""",
        shape=SANCTIONS_CHANGES,
        facts=facts,
    )


def known_exploited(facts: Frame, vendors: pa.Table, makers: pa.Table, companies: pa.Table) -> pa.Table:
    """One row per vulnerability, from the newest release that lists it. Columns: `tables.KNOWN_EXPLOITED`.

    facts: `tables.KEV_FACTS`; vendors: the list vendor, product, ticker (an empty product means every product, an
    empty ticker that there is no listed company); makers: name, ticker, for vendors that are not in it, as
    `naming.companies_of` reads their names; companies: `tables.COMPANIES`. Ordered by day and number.
    """
    return ask(
        f"""
        WITH releases AS (SELECT DISTINCT released_at FROM facts),
        merged AS (
            SELECT cve, max_by(struct_pack(vendor, product, name, added_on, due_on, ransomware, description, cwes,
                   source, file, line), (released_at, file, line)) AS v, min(added_on) AS first_added,
                   max(released_at) AS last_listed, count(DISTINCT released_at) AS n_releases
            FROM facts GROUP BY cve
        ), listed AS (
            SELECT lower(trim(vendor)) AS vendor, lower(trim(product)) AS product, min(c.ticker) AS ticker
            FROM vendors v LEFT JOIN companies c USING (ticker) GROUP BY ALL
        )
        SELECT m.cve, v.vendor, v.product, v.name, m.first_added AS added_on,
               {end_of_day("m.first_added")} AS available_at, v.due_on,
               CASE lower(v.ransomware) WHEN 'known' THEN true WHEN 'unknown' THEN NULL END AS ransomware,
               v.description, v.cwes,
               CASE WHEN p.vendor IS NOT NULL THEN p.ticker WHEN w.vendor IS NOT NULL THEN w.ticker ELSE n.ticker END
                   AS ticker,
               (SELECT min({day_of("released_at")}) FROM releases r
                WHERE r.released_at > m.last_listed) AS withdrawn_on,
               n_releases, v.source, v.file, v.line
        FROM merged m
        LEFT JOIN listed p ON p.vendor = lower(v.vendor) AND p.product <> '' AND p.product = lower(v.product)
        LEFT JOIN listed w ON w.vendor = lower(v.vendor) AND w.product = ''
        LEFT JOIN makers n ON n.name = v.vendor
        ORDER BY added_on, cve""",
        shape=KNOWN_EXPLOITED,
        facts=facts,
        vendors=vendors,
        makers=makers,
        companies=companies.select(["ticker"]),
    )


def incidents(facts: Frame) -> pa.Table:
    """One row per listed incident. facts: `tables.INCIDENT_FACTS`. Columns: `tables.INCIDENTS`.

    Of two rows with one id the better grade stands. A lag that runs backwards is unknown. Ordered by day and id.
    """
    return ask(
        f"""
        SELECT *, coalesce(ticker_now, ticker_at_event) AS ticker, {end_of_day("disclosed_on")} AS available_at,
               CASE WHEN disclosed_on >= discovered_on THEN disclosed_on - discovered_on END AS lag_days
        FROM facts
        QUALIFY row_number() OVER (
            PARTITION BY event_id ORDER BY list_position(['A', 'B', 'C', 'weak'], grade), file, line) = 1
        ORDER BY disclosed_on, event_id""",
        shape=INCIDENTS,
        facts=facts,
    )


def mna_events(facts: Frame, acquirers: pa.Table) -> pa.Table:
    """One row per announced acquisition. Columns: `tables.MNA_EVENTS`.

    facts: `tables.MNA_FACTS`; acquirers: name, ticker, as `naming.companies_of` reads the acquirers' names.
    Ordered by day and id.
    """
    return ask(
        f"""
        SELECT f.* EXCLUDE (ticker_acquirer), coalesce(f.ticker_acquirer, a.ticker) AS ticker_acquirer,
               left(sha256(concat_ws(chr(31), lower(target), lower(acquirer), announced_on)), 16) AS mna_id,
               {end_of_day("announced_on")} AS available_at
        FROM facts f LEFT JOIN acquirers a ON a.name = f.acquirer
        QUALIFY row_number() OVER (PARTITION BY mna_id ORDER BY grade, file, line) = 1
        ORDER BY announced_on, mna_id""",
        shape=MNA_EVENTS,
        facts=facts,
        acquirers=acquirers,
    )
