"""Vulnerabilities that are exploited or that threat items name: how severe, in whose product, and who says so.

Here belongs bringing together the list of exploited ones, the items and the vulnerability database. It enriches what is
shown and changes no severity, no score and no warning: a score of today says nothing of what was known on the day.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.tables import VULNERABILITIES

NOT_TOLD = "the vulnerability database was not asked, or has no such entry"
NOT_SCORED = "not scored yet"
ITEMS_KEPT = 20


def vulnerabilities(facts: Frame, exploited: Frame, items: Frame, vendors: pa.Table, companies: pa.Table) -> pa.Table:
    """One row per vulnerability that is exploited or named by an item. Columns: `tables.VULNERABILITIES`.

    facts: `tables.VULNERABILITY_FACTS`, of which the newest version of an entry stands; exploited:
    `tables.KNOWN_EXPLOITED`; items: `tables.INTELLIGENCE_ITEMS`; vendors: the list vendor, product, ticker;
    companies: `tables.COMPANIES`. A company is linked by a vendor whose name the list has for all its products.
    Ordered by number.
    """
    return ask(
        f"""
        WITH told AS (
            SELECT cve, max_by(struct_pack(published_at, modified_at, status, description, cvss, cvss_version, rating,
                   vector, scored_by, cwes, vendors, products, n_products, source, file, line),
                   (modified_at, seen_at, file, line)) AS v
            FROM facts GROUP BY cve
        ), named AS (
            SELECT cve, list_reverse_sort(list(struct_pack(available_at, threat_id))) AS pieces,
                   min(available_at) AS named_at
            FROM (SELECT DISTINCT unnest(cves) AS cve, available_at, threat_id FROM items WHERE kind <> 'kev')
            GROUP BY cve
        ), wanted AS (
            SELECT coalesce(k.cve, n.cve) AS cve, k.cve IS NOT NULL AS is_exploited, k.ticker, n.pieces, n.named_at,
                   k.vendor AS maker, k.product AS made
            FROM (SELECT * FROM exploited WHERE withdrawn_on IS NULL) k FULL JOIN named n USING (cve)
        ), listed AS (
            SELECT lower(trim(vendor)) AS vendor, min(l.ticker) AS ticker
            FROM list l SEMI JOIN companies c USING (ticker) WHERE trim(product) = '' GROUP BY 1
        ), makers AS (
            SELECT t.cve, list(l.ticker) AS tickers
            FROM (SELECT cve, unnest(v.vendors) AS vendor FROM told) t JOIN listed l ON l.vendor = lower(t.vendor)
            GROUP BY t.cve
        )
        SELECT w.cve, v.published_at, v.modified_at, v.status, v.cvss, v.cvss_version, v.rating, v.vector, v.scored_by,
               v.description, coalesce(v.cwes, []) AS cwes,
               CASE WHEN len(v.vendors) > 0 THEN v.vendors WHEN w.maker IS NOT NULL THEN [lower(w.maker)] ELSE [] END
                   AS vendors,
               CASE WHEN len(v.products) > 0 THEN v.products
                    WHEN w.maker IS NOT NULL THEN [lower(w.maker) || ': ' || lower(w.made)] ELSE [] END AS products,
               v.n_products, is_exploited,
               list_sort(list_distinct(list_concat(CASE WHEN w.ticker IS NULL THEN [] ELSE [w.ticker] END,
                                                   coalesce(m.tickers, [])))) AS tickers,
               coalesce(len(w.pieces), 0) AS n_items,
               [p.threat_id FOR p IN coalesce(w.pieces, [])][:{ITEMS_KEPT}] AS items, w.named_at AS first_named_at,
               CASE WHEN v IS NULL THEN '{NOT_TOLD}' WHEN v.cvss IS NULL THEN '{NOT_SCORED}' END AS reason,
               v.source AS source, v.file AS file, v.line AS line
        FROM wanted w LEFT JOIN told USING (cve) LEFT JOIN makers m USING (cve) ORDER BY w.cve""",
        shape=VULNERABILITIES,
        facts=facts,
        exploited=exploited,
        items=items,
        list=vendors,
        companies=companies.select(["ticker"]),
    )
