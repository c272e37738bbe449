"""Halts, filings, sanctions, vulnerabilities, incidents and acquisitions: merged, dated, judged."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from cyberpi_assets.domain.calendar import session_days
from cyberpi_assets.domain.news import events
from cyberpi_assets.domain.news.topics import filing_words
from cyberpi_assets.sources.lists import read_list
from cyberpi_assets_tests.domain.news.material import companies, facts
from cyberpi_assets_tests.domain.news.measure import HOME

MONTHS = ("2012-01", "2026-12")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text + "+00:00")


# ------------------------------------------------------------------------------------------------------------ halts


def halt(**more: Any) -> dict[str, Any]:
    plain = {"ticker": "QRVAN", "halted_on": dt.date(2024, 3, 5), "halted_at": at("2024-03-05T14:30:17.163")}
    return {**plain, "reason_code": "T1", **more}


def test_lists_of_one_halt_are_one_halt_with_the_last_resumption() -> None:
    table = facts(
        "halt_facts",
        halt(seen_at=at("2024-03-05T14:31:00")),
        halt(seen_at=at("2024-03-05T15:10:00"), reason_code="T3", resumed_at=at("2024-03-05T15:05:17")),
        halt(
            halted_at=at("2024-03-05T14:30:17"),
            reason_code=None,
            reason="News Pending",
            source="nyse",
            seen_at=at("2024-03-05T16:00:00"),
        ),
        halt(ticker="ZPHYC", reason_code="LUDP"),
    )
    first, second = events.trading_halts(table, *MONTHS).to_pylist()
    assert first["halt_id"] == "QRVAN:20240305T143017"
    assert (first["reason_code"], first["reason_codes"], first["reason_kind"]) == ("T1", ["T1", "T3"], "news_pending")
    assert first["halted_at"] == first["available_at"] == at("2024-03-05T14:30:17")
    assert first["minutes"] == 35.0
    assert first["n_sources"] == 2
    assert second["reason_kind"] == "volatility"
    assert second["minutes"] is None


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        ("T2", None, "news_released"),
        ("T12", None, "information"),
        ("H10", None, "sec_suspension"),
        ("H11", None, "regulatory"),
        ("M", None, "volatility"),
        ("MWC1", None, "market_wide"),
        ("D", None, "corporate"),
        (None, "LULD pause", "volatility"),
        (None, "News pending", "news_pending"),
        (None, "Regulatory Concern", "regulatory"),
        (None, "Corporate Action", "corporate"),
        (None, "Something new", "other"),
        (None, None, "other"),
    ],
)
def test_what_codes_and_words_mean(code: str | None, words: str | None, kind: str) -> None:
    table = facts("halt_facts", halt(reason_code=code, reason=words))
    assert events.trading_halts(table, *MONTHS).column("reason_kind").to_pylist() == [kind]


def test_events_outside_the_months_are_put_aside() -> None:
    table = facts("halt_facts", halt(halted_on=dt.date(2011, 5, 5)), halt())
    assert events.trading_halts(table, *MONTHS).num_rows == 1
    (aside,) = events.events_put_aside(table, "halts", "halted_on", *MONTHS).to_pylist()
    assert (aside["line"], aside["value"]) == (1, "2011-05-05")


# ---------------------------------------------------------------------------------------------------------- filings


def filing(**more: Any) -> dict[str, Any]:
    plain = {
        "accession": "0001193125-24-011295",
        "cik": 10,
        "company": "Microsoft Corp",
        "form": "8-K",
        "cyber_query": False,
    }
    return {**plain, "items": ["1.05", "9.01"], "filed_on": dt.date(2024, 1, 19), **more}


def filed(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    words = filing_words(read_list("keywords", HOME))
    table = facts("company_filing_facts", *rows)
    return events.company_filings(table, companies(), words, session_days(), *MONTHS).to_pylist()


@pytest.mark.parametrize(
    ("accepted", "available"),
    [
        ("2024-01-19T21:39:35", "2024-01-19T21:39:35"),  # 16:39 in New York: out at once
        ("2024-01-19T22:30:00", "2024-01-19T22:30:00"),  # 17:30 sharp
        ("2024-01-19T22:30:01", "2024-01-22T11:00:00"),  # Friday after 17:30: Monday 6:00
        ("2024-01-12T23:00:00", "2024-01-16T11:00:00"),  # Monday was a holiday
        ("2024-07-20T15:00:00", "2024-07-22T10:00:00"),  # Saturday, summer time
        (None, "2024-01-20T04:59:59.999999"),  # no moment: the end of the day
    ],
)
def test_when_a_filing_could_be_known(accepted: str | None, available: str) -> None:
    (row,) = filed(filing(accepted_at=at(accepted) if accepted else None))
    assert row["available_at"] == at(available)


def test_one_filing_listed_often_is_one_row() -> None:
    (row,) = filed(
        filing(items=["1.05"], accepted_at=at("2024-01-19T21:39:35")),
        filing(items=["7.01"], tickers=["MSFT"], text="A cybersecurity incident.", source="edgar_search"),
    )
    assert row["items"] == ["1.05", "7.01"]
    assert row["n_listings"] == 2
    assert row["ticker"] == "MSFT"
    assert row["accepted_at"] == at("2024-01-19T21:39:35")
    assert row["text"] == "A cybersecurity incident."


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, "item_1.05"),
        ({"items": ["8.01"], "text": "We identified unauthorized access."}, "words_8.01: unauthorized access"),
        ({"items": ["7.01"], "text": "A ransomware; our systems."}, "words_7.01: ransomware"),
        ({"items": ["8.01"], "text": "A breach of covenants."}, None),
        ({"items": ["2.02"], "text": "Results; the cybersecurity incident cost us."}, None),
        ({"items": ["8.01"]}, None),
        ({"items": ["8.01"], "cyber_query": True}, "words_8.01: found by full-text search"),
    ],
)
def test_which_filings_report_a_cyber_incident(more: dict[str, Any], reason: str | None) -> None:
    (row,) = filed(filing(**more))
    assert row["cyber_reason"] == reason
    assert row["is_cyber"] == (reason is not None)


def test_amendments_and_strangers() -> None:
    (row,) = filed(filing(form="8-K/A", cik=424242, tickers=["OTHR"]))
    assert row["is_amendment"]
    assert row["ticker"] == "OTHR"  # a CIK that no list knows: what the filing's list states


# -------------------------------------------------------------------------------------------------------- sanctions


def entry(number: int, name: str, snapshot: str, **more: Any) -> dict[str, Any]:
    return {
        "record": "entry",
        "ent_num": number,
        "name": name,
        "entity_type": "entity",
        "snapshot_at": at(snapshot),
        **more,
    }


def test_what_changed_between_snapshots() -> None:
    one, two, three = "2024-01-02T12:00:00", "2024-02-01T03:00:00", "2024-03-01T12:00:00"
    table = facts(
        "sanction_facts",
        entry(1, "Ostrelund", one, programs=["SDGT"]),
        entry(2, "Kaldavir", one, programs=["SDGT"], text="old remark"),
        {"record": "alias", "ent_num": 3, "name": "PB Ltd", "snapshot_at": at(two)},
        {"record": "address", "ent_num": 3, "country": "Nowhere", "snapshot_at": at(two)},
        entry(2, "Kaldavir", two, programs=["SDGT"], text="new remark"),
        entry(3, "Pellamund", two, programs=["CYBER2"], addresses=["XBT 1abc"]),
        entry(2, "Kaldavir", three, programs=["SDGT", "IFSR"]),
        entry(3, "Pellamund", three, programs=["CYBER2"], addresses=["XBT 1abc"]),
    )
    rows = events.sanctions_changes(table).to_pylist()
    assert [(r["change"], r["ent_num"]) for r in rows] == [("added", 3), ("removed", 1), ("amended", 2)]
    added, removed, amended = rows
    assert added["changed_on"] == dt.date(2024, 1, 31)  # 22:00 in New York
    assert (added["aliases"], added["countries"], added["addresses"]) == (["PB Ltd"], ["Nowhere"], ["XBT 1abc"])
    assert added["is_cyber"]
    assert (removed["name"], removed["is_cyber"]) == ("Ostrelund", False)
    assert amended["detail"] == "programs were SDGT"


def test_a_first_snapshot_changes_nothing_and_events_stand_by_themselves() -> None:
    table = facts(
        "sanction_facts",
        entry(1, "Ostrelund", "2024-01-02T12:00:00"),
        {"record": "event", "name": "Export ban", "event_on": dt.date(2024, 7, 5), "tickers": ["QRVAN"], "grade": "C"},
    )
    (row,) = events.sanctions_changes(table).to_pylist()
    assert (row["change"], row["tickers"], row["grade"]) == ("event", ["QRVAN"], "C")
    assert row["available_at"] == at("2024-07-06T03:59:59.999999")


# --------------------------------------------------------------------------------------------------- vulnerabilities


def kev(cve: str, released: str, **more: Any) -> dict[str, Any]:
    plain = {"vendor": "Microsoft", "product": "Windows", "added_on": dt.date(2024, 3, 4), "ransomware": "Unknown"}
    return {"cve": cve, **plain, "released_at": at(released), **more}


def test_exploited_vulnerabilities() -> None:
    one, two = "2024-03-05T12:00:00", "2024-04-05T12:00:00"
    table = facts(
        "kev_facts",
        kev("CVE-2024-0001", one),
        kev("CVE-2024-0001", two, ransomware="Known"),
        kev("CVE-2024-0002", one, vendor="Nobody"),
        kev("CVE-2024-0003", two, vendor="Quorvane Systems", product="Gateway"),
        kev("CVE-2024-0004", two, vendor="Zephyrine", product="Special"),
    )
    vendors = pa.table(
        {
            "vendor": ["microsoft", "zephyrine", "zephyrine", "nobody"],
            "product": ["", "", "special", ""],
            "ticker": ["MSFT", "QRVAN", "ZPHYC", ""],
        }
    )
    makers = pa.table({"name": ["Quorvane Systems", "Nobody"], "ticker": ["QRVAN", "QRVAN"]})
    rows = {r["cve"]: r for r in events.known_exploited(table, vendors, makers, companies()).to_pylist()}
    first = rows["CVE-2024-0001"]
    assert (first["ticker"], first["ransomware"], first["n_releases"], first["withdrawn_on"]) == ("MSFT", True, 2, None)
    assert first["available_at"] == at("2024-03-05T04:59:59.999999")
    assert rows["CVE-2024-0002"]["withdrawn_on"] == dt.date(2024, 4, 5)
    assert rows["CVE-2024-0002"]["ransomware"] is None  # unknown is not no
    assert rows["CVE-2024-0002"]["ticker"] is None  # the list says that there is no listed company
    assert rows["CVE-2024-0003"]["ticker"] == "QRVAN"
    assert rows["CVE-2024-0004"]["ticker"] == "ZPHYC"  # a product before the vendor


# --------------------------------------------------------------------------------------- incidents and acquisitions


def test_incidents() -> None:
    plain = {"ticker_at_event": "OLDQ", "company": "Quorvane", "disclosed_on": dt.date(2024, 7, 5), "grade": "C"}
    table = facts(
        "incident_facts",
        {"event_id": "E1", **plain, "discovered_on": dt.date(2024, 7, 9)},
        {"event_id": "E1", **plain, "grade": "A", "ticker_now": "QRVAN", "discovered_on": dt.date(2024, 7, 1)},
        {"event_id": "E2", **plain, "discovered_on": dt.date(2024, 7, 9)},
    )
    first, second = events.incidents(table).to_pylist()
    assert (first["grade"], first["ticker"], first["lag_days"]) == ("A", "QRVAN", 4)
    assert first["available_at"] == at("2024-07-06T03:59:59.999999")
    assert (second["ticker"], second["lag_days"]) == ("OLDQ", None)  # discovered after disclosure: not known


def test_acquisitions() -> None:
    row = {"target": "Zephyrine", "acquirer": "Quorvane", "announced_on": dt.date(2024, 3, 5), "grade": "C"}
    table = facts("mna_facts", row, {**row, "target": "ZEPHYRINE"}, {**row, "acquirer": "Advent", "target": "Other"})
    acquirers = pa.table({"name": ["Quorvane"], "ticker": ["QRVAN"]})
    rows = events.mna_events(table, acquirers).to_pylist()
    assert sorted((r["acquirer"], r["ticker_acquirer"]) for r in rows) == [("Advent", None), ("Quorvane", "QRVAN")]
