"""What a person who watches the market sees."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from cyberpi_assets.reports.layout import as_text
from cyberpi_assets.reports.monitor import WatchFilter, in_words, to_rich, watch


def test_the_watch_universe_and_the_last_sessions_are_the_default(con: duckdb.DuckDBPyConnection) -> None:
    found = watch(con)
    assert (found.first_session, found.last_session) == (dt.date(2024, 2, 27), dt.date(2024, 3, 4))
    assert [a.alert_id for a in found.alerts] == ["XYZ:2024-03-04:unusual_volume"]
    assert "most traded" in found.universe


def test_tickers_severity_and_days_choose(con: duckdb.DuckDBPyConnection) -> None:
    both = watch(con, WatchFilter(("brk.b", "XYZ", "NOPE")))
    assert [a.ticker for a in both.alerts] == ["BRK-B", "XYZ", "BRK-B"]  # newest first, then the rarest
    assert both.alerts[2].severity is None
    assert both.unknown == ("NOPE",)
    assert [a.severity for a in watch(con, WatchFilter(("BRK-B",), min_severity=1)).alerts] == [10]
    assert watch(con, WatchFilter(days=1)).first_session == dt.date(2024, 3, 4)
    assert len(watch(con, WatchFilter(days=7)).alerts) == 2
    assert len(watch(con, WatchFilter(days=8)).alerts) == 5
    assert len(watch(con, WatchFilter(days=9_999)).alerts) == 6
    with pytest.raises(ValueError, match="at least 1"):
        watch(con, WatchFilter(days=0))


def test_details_are_said_in_words() -> None:
    volume = '{"ratio":4.2,"baseline":"mean_volume","tail_p":0.004}'
    assert in_words("unusual_volume", 1.0, volume) == (
        "volume 4.2 times the mean volume of the sessions before; as rare as 1 day in 250"
    )
    drop = '{"ratio":0.065,"baseline":"previous_close","tail_p":null}'
    assert in_words("price_drop", -6.5, drop) == "closed -6.5 % against the previous close"
    assert "SUSPECT" in in_words("price_spike", 70.0, drop, suspect=True)
    assert in_words("high_volatility", 1.0, '{"ratio":2.5,"baseline":"median_std"}').startswith("volatility 2.5 times")


@pytest.mark.parametrize(
    "details", [None, "", "not json", "[1]", '{"ratio":"x","tail_p":0}', '{"tail_p":"\\u001b[1m"}']
)
def test_details_of_any_kind_do_no_harm(details: str | None) -> None:
    assert in_words("unusual_volume", None, details) == "unusual volume"


def test_the_table_says_why_a_severity_is_missing(con: duckdb.DuckDBPyConnection) -> None:
    text = as_text(to_rich(watch(con, WatchFilter(("BRK-B",)))), 100)
    assert "fewer than 120 prior sessions" in " ".join(text.split())
    assert "\x1b" not in text


def test_an_empty_lake_has_no_alerts(empty_con: duckdb.DuckDBPyConnection) -> None:
    found = watch(empty_con)
    assert (found.alerts, found.last_session) == ((), None)
    assert "No alerts." in as_text(to_rich(found), 80)
