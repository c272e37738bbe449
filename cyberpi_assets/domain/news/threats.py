"""Threat items: relevant news, cyber filings, halts for news, sanctions and exploited vulnerabilities in one form.

Here belongs which rows become an item, how severe it is and why, and the item's exported form (`item_json`), whose
schema is published in docs/schemas/intelligence_item.json.

Severity, the first rule that fits. critical: a filing under Item 1.05; an exploited vulnerability with ransomware in a
listed company's product. high: an incident of a company that the text names; a cyber filing under other items; a
suspension by the SEC; a change of sanctions over malicious cyber activity; an exploited vulnerability of a listed
company, or with ransomware. medium: other incidents; acquisitions, sanctions and sudden moves that name a company; news
pending and regulatory halts; other exploited vulnerabilities and sanctions. low: what else is relevant. info: denials.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.tables import INTELLIGENCE_ITEMS

LONGEST_TITLE: Final = 500
LONGEST_CONTENT: Final = 10_000
HALTS: Final = ("news_pending", "regulatory", "sec_suspension", "information")  # the kinds that become items

_ID: Final = "'threat_' || left(sha256(provider || chr(31) || article_id), 16)"
_NEWS: Final = """
    SELECT 'news' AS kind, news_id AS ref, provider, article_id, headline AS title,
           CASE WHEN body IS NULL OR body = headline THEN headline ELSE body END AS content,
           CASE WHEN source = 'ibkr' THEN 'ibkr://' || provider || '/' || article_id ELSE url END AS url,
           published_at, seen_at, available_at, published_on, tickers, ticker_evidence, named_tickers, negated,
           story_id, duplicate_of, cves, groups, keywords,
           CASE WHEN negated THEN 'info'
                WHEN relevance = 'cyber_incident' AND len(named_tickers) > 0 THEN 'high'
                WHEN relevance = 'cyber_incident' THEN 'medium'
                WHEN relevance IN ('mna', 'sanctions', 'market_anomaly') AND len(named_tickers) > 0 THEN 'medium'
                ELSE 'low' END AS severity,
           CASE WHEN negated THEN 'an incident is denied or ruled out'
                WHEN relevance = 'cyber_incident' AND len(named_tickers) > 0
                THEN 'an incident of a company that the text names'
                WHEN relevance = 'cyber_incident' THEN 'an incident; no listed company is named'
                WHEN relevance = 'mna' AND len(named_tickers) > 0 THEN 'an acquisition that names a listed company'
                WHEN relevance = 'sanctions' AND len(named_tickers) > 0 THEN 'sanctions that name a listed company'
                WHEN relevance = 'market_anomaly' AND len(named_tickers) > 0 THEN 'a sudden move of a named company'
                ELSE 'relevant, without an incident or a named company' END AS severity_reason,
           to_json({'relevance': relevance, 'category': category, 'precision': precision, 'tz_suspect': tz_suspect,
                    'delivered_by': source, 'versions': n_versions, 'rows': n_rows}) AS metadata,
           flags AS marks, file
    FROM news WHERE relevance <> 'none'"""
_FILINGS: Final = """
    SELECT 'filing', accession, 'SEC EDGAR', accession,
           form || ' ' || coalesce(company, 'CIK ' || cik) || ': Item ' || array_to_string(items, ', '),
           coalesce(text, form || ' ' || coalesce(company, 'CIK ' || cik) || ', items ' || array_to_string(items, ', ')
                    || ', ' || cyber_reason),
           url, coalesce(accepted_at, available_at), NULL, available_at,
           (available_at AT TIME ZONE 'America/New_York')::DATE,
           [t FOR t IN [ticker] IF t IS NOT NULL], ['filer:' || t FOR t IN [ticker] IF t IS NOT NULL],
           [t FOR t IN [ticker] IF t IS NOT NULL], false, NULL, NULL, [], ['cyber_incident', 'cyber'], [cyber_reason],
           CASE WHEN cyber_reason = 'item_1.05' THEN 'critical' ELSE 'high' END,
           CASE WHEN cyber_reason = 'item_1.05' THEN 'a material cyber incident filed under Item 1.05'
                ELSE 'cyber words in a filing under Item 7.01 or 8.01' END,
           to_json({'form': form, 'items': items, 'cik': cik, 'filed_on': filed_on, 'report_on': report_on,
                    'cyber_reason': cyber_reason}), [], file
    FROM filings WHERE is_cyber"""
_HALTS: Final = """
    SELECT 'halt', halt_id, 'Trading halts', halt_id,
           'Trading in ' || coalesce(name, ticker) || ' (' || ticker || ') halted: '
               || coalesce(reason, reason_code, 'no reason stated'),
           'Halted on ' || coalesce(market, 'an exchange') || ' at ' || strftime(halted_at, '%Y-%m-%d %H:%M:%S')
               || ' UTC, code ' || coalesce(reason_code, 'not stated') || '.',
           NULL, halted_at, NULL, available_at, halted_on, [ticker], ['halt:' || ticker], [ticker], false, NULL, NULL,
           [], ['market_anomaly'], [reason_kind],
           CASE reason_kind WHEN 'sec_suspension' THEN 'high' ELSE 'medium' END,
           CASE reason_kind WHEN 'sec_suspension' THEN 'trading suspended by the SEC'
                            WHEN 'news_pending' THEN 'a halt for news that is pending'
                            ELSE 'a halt at the wish of the exchange or a regulator' END,
           to_json({'market': market, 'reason_code': reason_code, 'reason_kind': reason_kind}), [], file
    FROM halts WHERE list_contains($halts, reason_kind)"""
_SANCTIONS: Final = """
    SELECT 'sanction', change_id, 'OFAC', change_id,
           CASE change WHEN 'event' THEN name ELSE 'Sanctions list: ' || change || ' ' || name END,
           concat_ws(' ', name, '(' || entity_type || ')', 'Programs: ' || nullif(array_to_string(programs, ', '), '')
                     || '.', 'Also: ' || nullif(array_to_string(aliases, '; '), '') || '.', detail),
           NULL, available_at, NULL, available_at, changed_on, tickers,
           ['listed:' || t FOR t IN tickers], [], false, NULL, NULL, [], ['sanctions'], programs,
           CASE WHEN is_cyber THEN 'high' ELSE 'medium' END,
           CASE WHEN is_cyber THEN 'sanctions over malicious cyber activity' ELSE 'a change of the sanctions list' END,
           to_json({'change': change, 'ent_num': ent_num, 'programs': programs, 'countries': countries,
                    'addresses': addresses, 'grade': grade}), [], file
    FROM sanctions"""
_KEV: Final = """
    SELECT 'kev', cve, 'CISA KEV', cve, cve || ': ' || coalesce(name, vendor || ' ' || product),
           coalesce(description, name, vendor || ' ' || product),
           'https://nvd.nist.gov/vuln/detail/' || cve, available_at, NULL, available_at, added_on,
           [t FOR t IN [ticker] IF t IS NOT NULL], ['vendor:' || vendor FOR t IN [ticker] IF t IS NOT NULL], [], false,
           NULL, NULL, [cve], ['cyber'], ['known exploited'],
           CASE WHEN ransomware AND ticker IS NOT NULL THEN 'critical' WHEN ransomware OR ticker IS NOT NULL THEN 'high'
                ELSE 'medium' END,
           CASE WHEN ransomware AND ticker IS NOT NULL THEN 'exploited by ransomware in a listed company''s product'
                WHEN ransomware THEN 'exploited by ransomware'
                WHEN ticker IS NOT NULL THEN 'exploited in a listed company''s product'
                ELSE 'known to be exploited' END,
           to_json({'vendor': vendor, 'product': product, 'due_on': due_on, 'ransomware': ransomware, 'cwes': cwes}),
           [], file
    FROM kev"""


def intelligence_items(
    news: Frame,
    filings: Frame,
    halts: Frame,
    sanctions: pa.Table,
    kev: pa.Table,
    companies: pa.Table,
    files: pa.Table,
    first_month: str,
    last_month: str,
) -> pa.Table:
    """Threat items that could first be known in the months. Columns: `tables.INTELLIGENCE_ITEMS`.

    news: `tables.NEWS_ITEMS`; filings: `tables.COMPANY_FILINGS`; halts: `tables.TRADING_HALTS`; sanctions:
    `tables.SANCTIONS_CHANGES`; kev: `tables.KNOWN_EXPLOITED`; companies: `tables.COMPANIES`; files:
    `tables.SOURCE_FILES`, for the age of bulk files. Months are YYYY-MM, inclusive; of partitioned tables these months
    and the one before must be there. Ordered by month, moment and id.
    """
    return ask(
        f"""
        WITH every AS ({_NEWS} UNION ALL {_FILINGS} UNION ALL {_HALTS} UNION ALL {_SANCTIONS} UNION ALL {_KEV}),
        mine AS (
            SELECT *, {_ID} AS threat_id, strftime(published_on, '%Y-%m') AS month FROM every
            WHERE strftime(published_on, '%Y-%m') BETWEEN $first AND $last
        ), sectors AS (
            SELECT m.threat_id, list_sort(list(DISTINCT c.sector)) AS industry
            FROM (SELECT threat_id, unnest(tickers) AS ticker FROM mine) m JOIN companies c USING (ticker)
            WHERE c.sector IS NOT NULL GROUP BY m.threat_id
        ), shown AS (
            SELECT m.*, coalesce(s.industry, []) AS industry, f.modified_at,
                   list_concat(groups,
                       CASE WHEN len(cves) > 0 THEN ['vulnerability'] ELSE [] END,
                       CASE WHEN regexp_matches(title, '(?i)ransomware|extortion') THEN ['ransomware'] ELSE [] END,
                       CASE WHEN regexp_matches(title, '(?i)zero.?day') THEN ['zero_day'] ELSE [] END,
                       CASE WHEN regexp_matches(title, '(?i)phish') THEN ['phishing'] ELSE [] END,
                       CASE WHEN regexp_matches(title, '(?i)\\bddos|outage') THEN ['disruption'] ELSE [] END,
                       CASE WHEN regexp_matches(title, '(?i)breach|stolen|leak') AND list_contains(groups, 'cyber')
                            THEN ['data_breach'] ELSE [] END) AS threat_type
            FROM mine m LEFT JOIN sectors s USING (threat_id) LEFT JOIN files f USING (file)
        )
        SELECT threat_id, left(title, {LONGEST_TITLE}) AS title, left(content, {LONGEST_CONTENT}) AS content,
               provider AS source,
               coalesce(url, 'cyberpi://' || kind || '/' || ref) AS source_url, industry, severity, severity_reason,
               threat_type, cves, published_at AS published_date,
               coalesce(seen_at, modified_at, available_at) AS ingested_date, available_at, published_on, kind, ref,
               coalesce(tickers, []) AS tickers, coalesce(ticker_evidence, []) AS ticker_evidence,
               coalesce(named_tickers, []) AS named_tickers, negated, coalesce(story_id, threat_id) AS story_id,
               duplicate_of, metadata::VARCHAR AS metadata,
               list_sort(list_distinct(list_concat([kind], groups, coalesce(tickers, []), cves, marks,
                             CASE WHEN negated THEN ['denied'] ELSE [] END,
                             CASE WHEN duplicate_of IS NULL THEN [] ELSE ['duplicate'] END))) AS tags, month
        FROM shown ORDER BY month, available_at, threat_id""",
        shape=INTELLIGENCE_ITEMS,
        params={"first": first_month, "last": last_month, "halts": list(HALTS)},
        news=news,
        filings=filings,
        halts=halts,
        sanctions=sanctions,
        kev=kev,
        companies=companies.select(["ticker", "sector"]),
        files=files.select(["file", "modified_at"]),
    )


def account_of_items(made: pa.Table) -> dict[str, int]:
    """How many items there are, by severity, and how many repeat a story. made: `tables.INTELLIGENCE_ITEMS`."""
    row = ask(
        """
        SELECT count(*) AS items, count(duplicate_of) AS duplicates,
               count(*) FILTER (severity = 'critical') AS critical, count(*) FILTER (severity = 'high') AS high,
               count(*) FILTER (len(named_tickers) > 0) AS name_a_company
        FROM made""",
        made=made,
    ).to_pylist()[0]
    return {name: int(count) for name, count in row.items()}


def item_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row of `tables.INTELLIGENCE_ITEMS` in the form other platforms read: the published schema, nothing else.

    Moments are RFC 3339 in UTC. `metadata` is an object; what our own columns add stands in it.
    """
    more = {
        "kind": row["kind"],
        "ref": row["ref"],
        "tickers": list(row["tickers"]),
        "tickerEvidence": list(row["ticker_evidence"]),
        "namedTickers": list(row["named_tickers"]),
        "availableAt": _moment(row["available_at"]),
        "severityReason": row["severity_reason"],
        "negated": bool(row["negated"]),
        "storyId": row["story_id"],
        "duplicateOf": row["duplicate_of"],
    }
    return {
        "threatId": row["threat_id"],
        "title": row["title"],
        "content": row["content"],
        "source": row["source"],
        "sourceUrl": row["source_url"],
        "industry": list(row["industry"]),
        "severity": row["severity"],
        "threatType": list(row["threat_type"]),
        "cves": list(row["cves"]),
        "publishedDate": _moment(row["published_date"]),
        "ingestedDate": _moment(row["ingested_date"]),
        "metadata": json.loads(row["metadata"]) | more,
        "tags": list(row["tags"]),
    }


def _moment(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z")
