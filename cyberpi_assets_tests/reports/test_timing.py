"""The suspicious-timing report: what it lists, in which order, and in which words."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cyberpi_assets.reports import timing
from cyberpi_assets.reports.timing import TimingFilter, timing_report
from cyberpi_assets_tests.reports.conftest import opened
from cyberpi_assets_tests.reports.world import HOUSE_PDF, build

FILTERS = [TimingFilter(), TimingFilter(min_score=0, limit=None), TimingFilter(official="maria pelaez")]


def _ids(report: timing.TimingReport) -> list[str]:
    return [f.trade_id for f in report.findings]


def test_the_published_example_scores_89_with_its_components_and_alerts(con: duckdb.DuckDBPyConnection) -> None:
    (found,) = timing_report(con, TimingFilter(official="maria pelaez")).findings
    assert (found.score, found.raw_score, found.tier) == (89.0, 89.0, "highly suspicious")
    c = found.components
    assert (c.n_alerts, c.mean_severity, c.n_recent, c.n_high) == (3, 7.0, 3, 2)
    assert [(a.session, a.days_before, a.severity) for a in found.alerts] == [
        (dt.date(2024, 1, 14), 1, 6),
        (dt.date(2024, 1, 13), 2, 7),
        (dt.date(2024, 1, 12), 3, 8),
    ]
    assert (found.company, found.sector) == ("Xylophone & Zither Corp", "Information Technology")
    assert (found.days_to_file, found.amount_low, found.amount_high) == (17, 1001.0, 15000.0)
    assert found.filing_url == HOUSE_PDF


def test_every_usable_type_of_an_alert_day_is_listed_and_suspect_data_are_not(con: duckdb.DuckDBPyConnection) -> None:
    (found,) = timing_report(con, TimingFilter(official="P000001")).findings
    assert found.alerts[1].types == ("price_drop", "unusual_volume")
    assert found.alerts[1].change_pct == -6.5


def test_findings_are_in_order_of_raw_score_then_date_then_id(con: duckdb.DuckDBPyConnection) -> None:
    report = timing_report(con, TimingFilter(min_score=0))
    assert _ids(report) == [
        "senate:aa-bb#1",
        "house:20024001#1",
        "house:20024002#1",
        "house:20024003#1",
        "house:20024009#1",
    ]
    assert [f.rank for f in report.findings] == [1, 2, 3, 4, 5]


def test_counts_are_over_the_whole_period_whatever_is_chosen(con: duckdb.DuckDBPyConnection) -> None:
    report = timing_report(con, TimingFilter(official="maria pelaez", ticker="xyz"))
    assert (report.counts.trades, report.counts.scored, report.counts.not_scored) == (7, 5, 2)
    assert {r.reason: r.trades for r in report.counts.reasons} == {
        "no listed symbol: fund": 1,
        "transaction date after the filing": 1,
    }
    assert (report.counts.base_rate.k, report.counts.base_rate.n) == (3, 5)
    assert report.selected is not None
    assert (report.selected.trades, report.selected.scored) == (3, 2)


def test_days_count_back_from_the_newest_date_that_can_be_true(con: duckdb.DuckDBPyConnection) -> None:
    report = timing_report(con, TimingFilter(days=1))  # a transaction of 2031 is dated after its filing
    assert (report.period_from, report.period_to) == (dt.date(2024, 3, 5), dt.date(2024, 3, 5))
    assert _ids(report) == ["senate:aa-bb#1"]
    report = timing_report(con, TimingFilter(days=51))
    assert report.period_from == dt.date(2024, 1, 15)
    assert len(report.findings) == 3
    assert len(timing_report(con, TimingFilter(days=50)).findings) == 1


def test_as_of_ends_the_period(con: duckdb.DuckDBPyConnection) -> None:
    report = timing_report(con, TimingFilter(as_of=dt.date(2024, 1, 31), min_score=0))
    assert "senate:aa-bb#1" not in _ids(report)
    assert report.counts.trades == 5


@pytest.mark.parametrize("ticker", ["BRK-B", "brk.b", "BRK/B", " brk-b "])
def test_a_symbol_is_found_in_its_usual_spellings(con: duckdb.DuckDBPyConnection, ticker: str) -> None:
    assert _ids(timing_report(con, TimingFilter(ticker=ticker))) == ["senate:aa-bb#1"]


def test_an_unknown_symbol_is_said(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(timing.NoSuchTicker, match="NOPE"):
        timing_report(con, TimingFilter(ticker="nope"))


def test_a_limit_says_how_many_match(con: duckdb.DuckDBPyConnection) -> None:
    report = timing_report(con, TimingFilter(limit=1))
    assert (len(report.findings), report.matching) == (1, 3)
    assert "1 of 3" in timing.to_text(report)


@pytest.mark.parametrize("bad", [TimingFilter(days=0), TimingFilter(limit=0)])
def test_impossible_filters_are_refused(con: duckdb.DuckDBPyConnection, bad: TimingFilter) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        timing_report(con, bad)


def test_hostile_text_in_a_filter_is_only_text(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(timing.NoSuchTicker):
        timing_report(con, TimingFilter(ticker="' OR 1=1 --"))
    with pytest.raises(timing.NoSuchOfficial):
        timing_report(con, TimingFilter(official="x'); DROP VIEW officials; --"))


def test_an_alert_that_is_gone_keeps_what_its_id_says(con: duckdb.DuckDBPyConnection) -> None:
    found = timing_report(con, TimingFilter(ticker="BRK-B")).findings[0]
    last = found.alerts[-1]
    assert (last.session, last.types, last.severity) == (dt.date(2024, 2, 20), ("price_drop",), None)


# --------------------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("chosen", FILTERS)
def test_text_keeps_its_width_and_has_no_escapes(
    con: duckdb.DuckDBPyConnection, chosen: TimingFilter, width: int
) -> None:
    text = timing.to_text(timing_report(con, chosen), width)
    assert "\x1b" not in text
    for line in text.splitlines():
        assert len(line) <= width or "://" in line, line
        assert line == line.rstrip()


def test_text_says_what_must_be_said(con: duckdb.DuckDBPyConnection) -> None:
    text = re.sub(r"\s+", " ", timing.to_text(timing_report(con, TimingFilter(min_score=40)), 80))
    for said in (
        "Patterns are not evidence of wrongdoing",
        "public and late",
        "rebalancing",
        "accounts managed by others",
        "earnings",
        "5 % of trades",
        "27 % at 70 %",
        "56 % at 100 %",
        "5 U.S.C. 13107(c)",
        "3 of 5 (60.0 %, 95 % interval",
        "transaction date after the filing (1)",
        "$50,000,001 or more",
        "read from a scan by character recognition",
        "capped at 100",
        "price drop, unusual volume",
        HOUSE_PDF,
    ):
        assert said in text, said
    assert "demo" not in text


def test_an_invented_world_says_so(tmp_path: Path) -> None:
    con = opened(build(tmp_path / "lake", demo=True))
    report = timing_report(con)
    assert report.demo
    assert "invented" in timing.to_text(report)
    assert "invented" in timing.to_markdown(report)
    assert timing.to_json(report)["profile_demo"] is True


def test_nothing_found_is_a_report(con: duckdb.DuckDBPyConnection) -> None:
    report = timing_report(con, TimingFilter(official="John B. Smith"))
    assert report.findings == ()
    assert "No trade of John B. Smith in this period has a score of 60 or more." in timing.to_text(report)
    assert "No trade of John B. Smith" in timing.to_markdown(report)


def test_a_lake_without_rows_gives_an_empty_report(empty_con: duckdb.DuckDBPyConnection) -> None:
    report = timing_report(empty_con)
    assert (report.counts.trades, report.findings, report.as_of) == (0, (), None)
    assert "all dates" in timing.to_text(report)


# ------------------------------------------------------------------------------------------------------ json, markdown


def _scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [x for v in value.values() for x in _scalars(v)]
    if isinstance(value, list):
        return [x for v in value for x in _scalars(v)]
    return [value]


def test_json_is_plain_and_its_keys_are_documented(con: duckdb.DuckDBPyConnection) -> None:
    body = timing.to_json(timing_report(con, TimingFilter(min_score=0)))
    again = json.loads(json.dumps(body, allow_nan=False))
    assert again == body
    assert all(v is None or isinstance(v, (str, int, float, bool)) for v in _scalars(body))
    documented = timing.to_json.__doc__ or ""
    findings = body["findings"]
    assert isinstance(findings, list)
    for key in [*body, *findings[0], *findings[0]["alerts"][0], *findings[0]["components"]]:
        assert re.search(rf"\b{key}\b", documented), key
    assert findings[0]["transaction_date"] == "2024-03-05"
    assert findings[0]["amount_high"] is None
    assert findings[0]["amount_open_ended"] is True
    assert findings[0]["ocr"] is True
    assert findings[1]["amount_open_ended"] is False


def test_json_has_the_same_keys_without_findings(
    con: duckdb.DuckDBPyConnection, empty_con: duckdb.DuckDBPyConnection
) -> None:
    assert list(timing.to_json(timing_report(con))) == list(timing.to_json(timing_report(empty_con)))


def test_markdown_carries_no_html_no_foreign_links_and_whole_tables(con: duckdb.DuckDBPyConnection) -> None:
    text = timing.to_markdown(timing_report(con, TimingFilter(min_score=0)))
    assert not re.search(r"<(?!https?://)", text)
    assert "&lt;script&gt;" in text
    assert all(m.startswith("<https://disclosures-clerk.house.gov/") for m in re.findall(r"(?<!\\)\]\((.*?)\)", text))
    assert "\x1b" not in text
    assert "\u202e" not in text
    ranking = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in ranking}
    assert widths == {13, 6}  # the ranking has twelve columns, the alerts five
