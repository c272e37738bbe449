"""Yahoo through the real yfinance against a server on loopback: recorded answers and every refusal seen."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yfinance

from cyberpi_assets.rules.asking import MarketRules, YahooRules
from cyberpi_assets.sources.providers.answers import Answer, Blocked, NoAnswer, choose_expiries
from cyberpi_assets.sources.providers.sweep import run_sweep
from cyberpi_assets.sources.providers.yahoo import parse
from cyberpi_assets.sources.providers.yahoo.provider import Yahoo
from cyberpi_assets_tests.sources import yahoo_site
from cyberpi_assets_tests.sources.site import FakeTime, Reply

# the recordings of the chain are of Monday 2025-02-24, before the opening
AT = dt.datetime(2025, 2, 24, 15, 0, tzinfo=dt.UTC)
HALF = b'{"optionChain":{"result":[{"quote":{"sym'
QUOTE, OPTIONS, CHART = "/v7/finance/quote", "/v7/finance/options/AAPL", "/v8/finance/chart/AAPL"


@pytest.fixture
def site() -> Iterator[yahoo_site.Yahoo]:
    with yahoo_site.yahoo() as running:
        yield running


@pytest.fixture
def wire(real: Path) -> Path:
    """The folder beside the real data that holds the recordings."""
    return real.parent


def provider(site: yahoo_site.Yahoo, folder: Path, clock: FakeTime | None = None, **more: Any) -> Yahoo:
    rules = YahooRules(**more)  # pyright: ignore[reportCallIssue]
    clock = clock or FakeTime()
    return Yahoo(rules, folder, clock.now, clock.sleep, site.rewrite)


def quotes(of: Yahoo, *tickers: str) -> dict[str, Answer]:
    async def work() -> dict[str, Answer]:
        async with of:
            return {a.ticker: a async for a in of.quotes(tickers, AT)}

    return asyncio.run(work())


def chain(of: Yahoo, ticker: str = "AAPL") -> Answer:
    async def work() -> Answer:
        async with of:
            return await of.chain(ticker, AT)

    return asyncio.run(work())


def bars(of: Yahoo, first: str, last: str, *tickers: str) -> dict[str, Answer]:
    async def work() -> dict[str, Answer]:
        async with of:
            days = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
            return {a.ticker: a async for a in of.bars(tickers or ("AAPL",), *days)}

    return asyncio.run(work())


@pytest.mark.real
def test_quotes_come_in_one_request_and_an_unknown_ticker_is_a_gap(
    site: yahoo_site.Yahoo, wire: Path, tmp_path: Path
) -> None:
    site.answers[QUOTE] = lambda _: yahoo_site.of(yahoo_site.recorded(wire, "quote-AAPL"))
    clock = FakeTime()
    answers = quotes(provider(site, tmp_path, clock), "AAPL", "NOSUCH", "../x")
    (row,) = answers["AAPL"].of("snapshot_facts")
    assert (row["price"], row["previous_close"], row["volume"]) == (244.6, 241.53, 40_896_227)
    assert (row["bid"], row["ask"], row["average_volume"]) == (244.44, 253.37, 50_443_058)
    assert row["data_type"] == "end_of_day"  # marketState CLOSED
    assert row.get("call_volume") is None
    assert site.asked(QUOTE) == 1
    for name in ("NOSUCH", "../x"):
        (gap,) = answers[name].of("gap_facts")
        assert (gap["kind"], gap["code"], gap["retryable"]) == ("quote", "absent", False)
    assert [a.path for a in site.site.asked] == ["/", "/v1/test/getcrumb", QUOTE]
    # cookie, crumb and quote: one a second
    assert clock.waits == pytest.approx([1.0, 1.0], abs=0.01)


@pytest.mark.real
def test_a_chain_is_one_request_an_expiry_and_missing_volume_stays_null(
    site: yahoo_site.Yahoo, wire: Path, tmp_path: Path
) -> None:
    body = yahoo_site.recorded(wire, "options-AAPL")
    site.answers[OPTIONS] = lambda _: yahoo_site.of(body)
    answer = chain(provider(site, tmp_path, expiries=1))
    rows = answer.of("chain_facts")
    listed = body["optionChain"]["result"][0]["options"][0]
    assert len(rows) == len(listed["calls"]) + len(listed["puts"])
    assert site.asked(OPTIONS) == 1
    given = {(r["right"], r["strike"]): r for r in rows}
    silent = [c for c in listed["calls"] if "volume" not in c]
    today = dt.datetime(2025, 2, 24, 5, tzinfo=dt.UTC).timestamp()
    assert silent
    for c in silent:
        # traded on an earlier day: nothing in this session; never dated: unknown
        assert given[("call", c["strike"])]["volume"] == (0 if c["lastTradeDate"] < today else None)
    assert {r["underlying_price"] for r in rows} == {245.55}
    assert {r["expiry"] for r in rows} == {dt.date(2025, 2, 28)}
    assert {r["session"] for r in rows} == {dt.date(2025, 2, 24)}


def contract(**more: Any) -> dict[str, Any]:
    whole = {
        "strike": 100,
        "expiration": 1740700800,
        "contractSize": "REGULAR",
        "lastTradeDate": int(AT.timestamp()) - 60,
    }
    return whole | more


def test_contracts_say_unknown_where_yahoo_is_silent() -> None:
    calls = [contract(), contract(strike=105, volume=7), contract(strike=110, volume=9, lastTradeDate=1740000000)]
    puts = [contract(impliedVolatility=0.00001, contractSize="MINI"), {"volume": 3}]
    result = {"quote": {"regularMarketPrice": 101.5}, "options": [{"calls": calls, "puts": puts}]}
    rows = parse.contracts("X", result, AT, dt.date(2025, 2, 24))
    assert [(r["right"], r["strike"], r["volume"]) for r in rows] == [
        ("call", 100.0, None), ("call", 105.0, 7), ("call", 110.0, 0), ("put", 100.0, None),
    ]  # fmt: skip
    assert [(r["implied_vol"], r["multiplier"]) for r in rows][-1] == (None, None)


def test_too_many_requests_stop_everything_and_are_no_missing_data(site: yahoo_site.Yahoo, tmp_path: Path) -> None:
    site.answers[OPTIONS] = lambda _: yahoo_site.TOO_MANY
    clock = FakeTime()
    asked = provider(site, tmp_path, clock, pause=100.0)
    with pytest.raises(Blocked) as error:
        chain(asked)
    assert (error.value.code, error.value.seconds) == ("429", pytest.approx(100.0, abs=0.1))
    # yfinance would ask again at once with another cookie: it was not let
    assert site.asked(OPTIONS) == 1


def test_a_refusal_in_place_of_the_crumb_is_not_kept_as_one(site: yahoo_site.Yahoo, tmp_path: Path) -> None:
    site.then("/v1/test/getcrumb", yahoo_site.BAD_CRUMB)
    site.answers[QUOTE] = lambda a: yahoo_site.of({"quoteResponse": {"result": [], "error": None}})
    quotes(provider(site, tmp_path), "AAPL")
    quotes(provider(site, tmp_path), "AAPL")
    assert site.asked("/v1/test/getcrumb") == 2
    assert site.asked(QUOTE) == 2


def test_a_refused_crumb_is_asked_for_anew_and_then_a_gap_worth_asking_again(
    site: yahoo_site.Yahoo, tmp_path: Path
) -> None:
    site.answers[OPTIONS] = lambda _: yahoo_site.BAD_CRUMB
    (gap,) = chain(provider(site, tmp_path)).of("gap_facts")
    assert (gap["kind"], gap["code"], gap["retryable"]) == ("chain", "401", True)
    assert "Invalid Crumb" in gap["reason"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (yahoo_site.CONSENT, "consent"),
        (yahoo_site.DOWN, "down"),
        (Reply(200, HALF, yahoo_site.JSON), "200 cut"),
        (Reply(200, HALF, {**yahoo_site.JSON, "Content-Length": "900"}, cut=30), "network"),
        (Reply(503, b"<html>busy</html>"), "503"),
    ],
    ids=["consent", "down", "cut-json", "cut-connection", "busy"],
)  # fmt: skip
def test_what_is_no_answer_is_a_gap_worth_asking_again(
    site: yahoo_site.Yahoo, tmp_path: Path, reply: Reply, code: str
) -> None:
    site.answers[OPTIONS] = lambda _: reply
    (gap,) = chain(provider(site, tmp_path)).of("gap_facts")
    assert (gap["kind"], gap["code"], gap["retryable"]) == ("chain", code, True)


@pytest.mark.real
def test_an_answer_that_was_cut_once_is_asked_for_again(site: yahoo_site.Yahoo, wire: Path, tmp_path: Path) -> None:
    site.answers[OPTIONS] = lambda _: yahoo_site.of(yahoo_site.recorded(wire, "options-AAPL"))
    site.then(OPTIONS, Reply(200, b'{"optionChain":', yahoo_site.JSON))
    answer = chain(provider(site, tmp_path, expiries=1))
    assert answer.of("chain_facts")
    assert answer.of("gap_facts") == []


def test_an_unknown_ticker_and_one_without_options_are_gaps_for_good(site: yahoo_site.Yahoo, tmp_path: Path) -> None:
    (gap,) = chain(provider(site, tmp_path), "NOSUCH").of("gap_facts")
    assert (gap["code"], gap["retryable"]) == ("empty", False)
    site.answers[OPTIONS] = lambda _: yahoo_site.of(
        {"optionChain": {"result": [{"quote": {}, "expirationDates": [], "options": []}], "error": None}}
    )
    (gap,) = chain(provider(site, tmp_path)).of("gap_facts")
    assert (gap["code"], gap["retryable"]) == ("none", False)


@pytest.mark.real
def test_one_expiry_that_fails_leaves_the_others(site: yahoo_site.Yahoo, wire: Path, tmp_path: Path) -> None:
    body = yahoo_site.recorded(wire, "options-AAPL")
    site.answers[OPTIONS] = lambda _: yahoo_site.of(body)
    site.then(OPTIONS, yahoo_site.of(body), *[yahoo_site.DOWN] * 2)
    answer = chain(provider(site, tmp_path, expiries=2))
    assert answer.of("chain_facts")
    (gap,) = answer.of("gap_facts")
    assert (gap["kind"], gap["code"]) == ("expiry", "down")
    assert "2025-03-07" in gap["reason"]  # 1741305600, the second of the list


@pytest.mark.real
def test_daily_bars_with_the_split_and_the_dividend(site: yahoo_site.Yahoo, wire: Path, tmp_path: Path) -> None:
    body = yahoo_site.recorded(wire, "chart-AAPL-2020-08-31-to-2020-11-07")
    site.answers[CHART] = lambda _: yahoo_site.of(body)
    answer = bars(provider(site, tmp_path), "2020-08-31", "2020-11-06")["AAPL"]
    rows = answer.of("bar_facts")
    assert len(rows) == 49  # sessions of that time
    assert (rows[0]["session"], rows[-1]["session"]) == (dt.date(2020, 8, 31), dt.date(2020, 11, 6))
    assert rows[0]["close"] == pytest.approx(129.04, abs=0.001)
    assert rows[0]["adj_close"] < rows[0]["close"]
    assert {r["basis"] for r in rows} == {"split"}
    actions = {(a["action"], a["session"].isoformat(), a["value"]) for a in answer.of("action_facts")}
    assert actions == {("split", "2020-08-31", 4.0), ("dividend", "2020-11-06", 0.205)}


def test_a_bar_without_close_is_a_gap_and_an_unknown_ticker_too(site: yahoo_site.Yahoo, tmp_path: Path) -> None:
    stamps = [
        int(dt.datetime(2025, 2, d, 14, 30, tzinfo=dt.UTC).timestamp()) for d in (20, 21, 22)
    ]  # the last: Saturday
    columns = {"open": 1, "high": 2, "low": 1, "close": 1.5, "volume": 9}
    quote = {name: [value, None, value] for name, value in columns.items()}
    result = {"timestamp": stamps, "indicators": {"quote": [quote], "adjclose": [{"adjclose": [1.4, None, 1.4]}]}}
    site.answers[CHART] = lambda _: yahoo_site.of({"chart": {"result": [result], "error": None}})
    answers = bars(provider(site, tmp_path), "2025-02-01", "2025-02-28", "AAPL", "NOSUCH")
    assert [(r["session"].day, r["volume"]) for r in answers["AAPL"].of("bar_facts")] == [(20, 9)]
    assert "2025-02-21" in answers["AAPL"].of("gap_facts")[0]["reason"]
    (gap,) = answers["NOSUCH"].of("gap_facts")
    assert (gap["code"], gap["retryable"]) == ("404", False)
    quote["close"] = [1.5]
    (gap,) = bars(provider(site, tmp_path), "2025-02-01", "2025-02-28")["AAPL"].of("gap_facts")
    assert gap["code"] == "arrays"


def test_an_empty_frame_of_download_is_known_to_be_a_refusal(site: yahoo_site.Yahoo, tmp_path: Path) -> None:
    site.answers[CHART] = lambda _: yahoo_site.TOO_MANY

    async def work() -> tuple[bool, int]:
        async with provider(site, tmp_path) as asked:
            frame = yfinance.download("AAPL", period="5d", session=asked.session, progress=False, threads=False)
            return frame.empty, asked.session.refusals

    assert asyncio.run(work()) == (True, 1)  # empty as if there were no data; the session knows better


def test_a_blocked_sweep_waits_its_time_and_goes_on(site: yahoo_site.Yahoo, tmp_path: Path) -> None:
    found = {"quoteResponse": {"result": [{"symbol": "AAPL", "regularMarketPrice": 10.0}], "error": None}}
    site.answers[QUOTE] = lambda _: yahoo_site.of(found)
    site.then(QUOTE, yahoo_site.TOO_MANY)
    clock, waits = FakeTime(), list[float]()

    async def pause(seconds: float) -> None:
        waits.append(round(seconds))
        clock.at += seconds

    def swept(patience: float, root: Path) -> Any:
        return run_sweep(
            provider(site, root, clock, pause=90.0),
            ["AAPL"], root / "sweeps", MarketRules(),  # pyright: ignore[reportCallIssue]
            mode="quotes", now=lambda: AT, patience=patience, pause=pause,
        )  # fmt: skip

    done = swept(100.0, tmp_path / "patient")
    assert (done.quoted, done.stopped, waits) == (1, None, [90])
    site.then(QUOTE, yahoo_site.TOO_MANY)
    clock.at += 1000
    hasty = swept(10.0, tmp_path / "hasty")
    assert (hasty.quoted, hasty.missing) == (0, ("AAPL",))
    (gap,) = hasty.sweep.table("gap_facts").to_pylist()
    assert (gap["code"], gap["retryable"]) == ("unasked", True)
    assert "Too Many Requests" in gap["reason"]


def test_only_yahoo_is_asked(site: yahoo_site.Yahoo, tmp_path: Path) -> None:
    async def work() -> None:
        async with provider(site, tmp_path) as asked:
            for url in ("https://example.org/", "http://query1.finance.yahoo.com/", "https://yahoo.com.example.org/"):
                with pytest.raises(PermissionError):
                    asked.session.get(url)

    asyncio.run(work())
    assert site.site.asked == []


def test_the_reason_of_an_error_does_not_show_the_crumb() -> None:
    with pytest.raises(NoAnswer) as error:
        parse.payload(401, yahoo_site.BAD_CRUMB.body.decode(), "https://x/?crumb=SECRET", "chart")
    assert "SECRET" not in error.value.reason


def test_the_expiries_chosen_are_the_nearest_and_those_that_carry_skew_and_term() -> None:
    today = dt.date(2026, 7, 14)
    weekly = [today + dt.timedelta(days=3 + 7 * n) for n in range(16)]
    chosen = choose_expiries([today - dt.timedelta(days=1), *weekly], today, within_days=75, at_most=6)
    # 3, 10, 17 nearest; 17 is nearest to 20 as well; 31 to 30; 59 to 60; then the next one, 24
    assert [(e - today).days for e in chosen] == [3, 10, 17, 24, 31, 59]
