"""Vulnerabilities: the exploited and the named ones, joined with what the database says, by hand-made cases."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from cyberpi_assets.domain.highway.graph import of_tables
from cyberpi_assets.domain.news.vulnerabilities import NOT_SCORED, NOT_TOLD, vulnerabilities
from cyberpi_assets.tables import FACTS, VULNERABILITIES, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.news.material import NOON, companies

VENDORS = pa.table(
    {"vendor": ["Microsoft", "Zephyrine", "Zephyrine"], "product": ["", "Lens", ""], "ticker": ["MSFT", "T", "ZPHYC"]}
)


def entry(cve: str, cvss: float | None, modified: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "cve": cve, "published_at": NOON, "modified_at": NOON + dt.timedelta(days=modified), "cvss": cvss,
        "cvss_version": "3.1", "rating": "high", "cwes": ["CWE-1"], "vendors": ["microsoft"],
        "products": ["microsoft: exchange server"], "n_products": 1, "description": f"Flaw of {cve}", "source": "nvd",
        "file": "f", "line": modified,
    } | more  # fmt: skip


def exploited(cve: str, **more: Any) -> dict[str, Any]:
    return {
        "cve": cve, "vendor": "Vellum", "product": "Press", "added_on": NOON.date(), "available_at": NOON,
        "n_releases": 1, "source": "cisa_kev", "file": "k", "line": 1,
    } | more  # fmt: skip


def item(n: int, cves: list[str], kind: str = "news", days: int = 0) -> dict[str, Any]:
    at = NOON + dt.timedelta(days=days)
    return {
        "threat_id": f"threat_{n:016x}", "title": "t", "content": "c", "source": "s", "source_url": "cyberpi://x/1",
        "severity": "low", "severity_reason": "r", "published_date": at, "ingested_date": at, "available_at": at,
        "published_on": at.date(), "kind": kind, "ref": str(n), "negated": False, "story_id": f"threat_{n:016x}",
        "metadata": "{}", "cves": cves,
    }  # fmt: skip


def made(facts: list[dict[str, Any]], kev: list[dict[str, Any]], items: list[dict[str, Any]]) -> pa.Table:
    given = [dict.fromkeys(FACTS["vulnerability_facts"].names) | f for f in facts]
    found = vulnerabilities(
        pa.Table.from_pylist(given, schema=FACTS["vulnerability_facts"].schema),
        rows.frame("known_exploited", kev),
        rows.frame("intelligence_items", items),
        VENDORS,
        companies(),
    )
    conform(VULNERABILITIES, found)
    return found


def test_exploited_and_named_ones_are_rows_and_what_nobody_speaks_of_is_none() -> None:
    facts = [
        entry("CVE-2024-0001", 9.8, 2),
        entry("CVE-2024-0001", 5.0, 1),  # an older version of the same entry
        entry("CVE-2024-0002", None, vendors=[], products=[]),
        entry("CVE-2024-0009", 9.9),
    ]
    kev = [exploited("CVE-2024-0002", ticker="V"), exploited("CVE-2024-0003", withdrawn_on=NOON.date())]
    items = [
        item(1, ["CVE-2024-0001", "CVE-2024-0004"]),
        item(2, ["CVE-2024-0001"], days=1),
        item(3, ["CVE-2024-0002"], "kev"),  # the catalogue itself
    ]
    found = {r["cve"]: r for r in made(facts, kev, items).to_pylist()}
    assert list(found) == ["CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0004"]
    first, second, fourth = found.values()
    assert (first["cvss"], first["reason"], first["tickers"], first["is_exploited"]) == (9.8, None, ["MSFT"], False)
    assert (first["n_items"], first["items"]) == (2, [f"threat_{2:016x}", f"threat_{1:016x}"])
    assert first["first_named_at"] == NOON
    assert (second["cvss"], second["reason"], second["is_exploited"]) == (None, NOT_SCORED, True)
    assert (second["vendors"], second["products"], second["tickers"]) == (["vellum"], ["vellum: press"], ["V"])
    assert (second["n_items"], second["items"]) == (0, [])
    assert (fourth["cvss"], fourth["published_at"], fourth["source"], fourth["reason"]) == (None, None, None, NOT_TOLD)


def test_a_vendor_is_a_company_only_where_the_list_has_all_its_products() -> None:
    facts = [entry("CVE-2024-0001", 5.0, vendors=["zephyrine", "nobody"], products=["zephyrine: lens", "nobody: x"])]
    (row,) = made(facts, [], [item(1, ["CVE-2024-0001"])]).to_pylist()
    assert row["tickers"] == ["ZPHYC"]


def test_nodes_of_the_graph_carry_score_and_maker_and_the_catalogue_has_the_last_word() -> None:
    facts = [
        entry("CVE-2024-0001", 9.8),
        entry("CVE-2024-0002", 7.5, vendors=["vellum"], products=["vellum: press", "vellum: lens"]),
    ]
    kev = [exploited("CVE-2024-0002", name="Vellum Press flaw", ticker="V")]
    items = rows.frame("intelligence_items", [item(1, ["CVE-2024-0001", "CVE-2024-0007"])])
    rated = made(facts, kev, items.to_pylist())
    nothing = [rows.frame(n, []) for n in ("incidents", "officials", "disclosed_trades")]
    pieces = of_tables(companies(), items, rows.frame("known_exploited", kev), rated, *nothing)
    cves = pieces.nodes["CVE"]
    assert cves.keys() == {"CVE-2024-0001", "CVE-2024-0002"}  # of the third nobody knows more than its number
    assert cves["CVE-2024-0001"] == {
        "words": "Flaw of CVE-2024-0001", "day": "2024-03-05", "cvss": 9.8, "rating": "high",
    }  # fmt: skip
    assert (cves["CVE-2024-0002"]["words"], cves["CVE-2024-0002"]["cvss"]) == ("Vellum Press flaw", 7.5)
    assert pieces.nodes["Vendor"]["microsoft"] == {"words": "microsoft"}
    assert pieces.nodes["Vendor"]["vellum"] == {"words": "Vellum"}
    assert pieces.edges["IN_PRODUCT_OF"] == {
        ("CVE-2024-0001", "microsoft"): {"evidence": "exchange server"},
        ("CVE-2024-0002", "vellum"): {"evidence": "Press"},
    }
