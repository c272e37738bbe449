"""IBKR against a gateway on loopback, with the real ib_async client: limits, lost connections, codes, greeks."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import random
from collections import defaultdict, deque
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_async.contract import Option, Stock

from cyberpi_assets.rules.asking import IbkrRules, MarketRules
from cyberpi_assets.sources.providers.answers import Answer, NoAnswer, Unreachable
from cyberpi_assets.sources.providers.ibkr.broker import Broker
from cyberpi_assets.sources.providers.ibkr.codes import meaning_of
from cyberpi_assets.sources.providers.ibkr.line import Lost
from cyberpi_assets.sources.providers.ibkr.pacing import HistoricalPace
from cyberpi_assets.sources.providers.ibkr.provider import OPTION_TICKS, Ibkr
from cyberpi_assets.sources.providers.sweep import fires_by, run_sweep
from cyberpi_assets_tests.sources.tws_gateway import Chain, Limits, Listed, TwsGateway, World, serving, stock

AT = dt.datetime(2026, 7, 14, 15, 30, tzinfo=dt.UTC)
NAMES = [f"T{n:02d}" for n in range(55)]
DAY = 86_400


def rules(port: int, **more: Any) -> IbkrRules:
    """Short waits. The pace is IBKR's own unless a test says otherwise."""
    short: dict[str, Any] = {"port": port, "quiet_seconds": 0.15, "line_seconds": 1.0, "backoff": 0.01, "timeout": 5.0}
    # a faster pace than IBKR allows is no setting of a person: it is set past the bounds
    return IbkrRules(**short).model_copy(update=more)  # pyright: ignore[reportCallIssue]


def ran(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def quoted(provider: Ibkr, *names: str) -> dict[str, Answer]:
    return {a.ticker: a async for a in provider.quotes(names, AT)}


class CountsLinesAtItsEnd(Ibkr):
    """Asks the gateway how many lines are open before it hangs up; messages arrive in order."""

    left: int = -1
    gateway: TwsGateway

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.broker.ask(lambda ib: ib.reqCurrentTimeAsync())
            self.left = self.gateway.open_lines
        await super().__aexit__(kind, error, trace)


def test_a_sweep_of_55_names_keeps_ibkr_s_limits_at_ibkr_s_own_pace(tmp_path: Path) -> None:
    with serving(World.of(*NAMES)) as gateway:
        provider = CountsLinesAtItsEnd(rules(gateway.port))
        provider.gateway = gateway
        swept = run_sweep(provider, NAMES, tmp_path, MarketRules(), mode="quotes", now=lambda: AT)  # pyright: ignore[reportCallIssue]
    assert (swept.quoted, swept.missing, swept.stopped) == (55, (), None)
    assert gateway.seen.most_messages_in_a_second <= 45
    assert gateway.seen.most_lines <= 100
    assert gateway.seen.most_historical <= 60
    assert gateway.seen.violations == []
    assert provider.left == 0
    assert gateway.seen.cancelled == 55
    rows = swept.sweep.table("snapshot_facts").sort_by("ticker").to_pylist()
    # the figures of the gateway's world: calls 100 + 2n, puts 50 + n
    assert [(r["ticker"], r["call_volume"], r["put_volume"]) for r in rows] == [
        (t, 100 + 2 * n, 50 + n) for n, t in enumerate(NAMES)
    ]


def test_twenty_broken_connections_lose_no_ticker_and_leak_no_line(tmp_path: Path) -> None:
    # ten times IBKR's pace against ten times its limit, so that the test is short; 12 lines, so that they are scarce
    breaks = tuple(sorted(random.Random(20260714).sample(range(4, 190), 20)))
    limits = Limits(messages=500, lines=12)
    with serving(World.of(*NAMES), drop_at=breaks, limits=limits) as gateway:
        provider = CountsLinesAtItsEnd(rules(gateway.port, messages_per_second=450, lines=12, attempts=8, reconnects=8))
        provider.gateway = gateway
        swept = run_sweep(provider, NAMES, tmp_path, MarketRules(), mode="quotes", now=lambda: AT)  # pyright: ignore[reportCallIssue]
    assert gateway.seen.drops == 20
    assert gateway.seen.connections == 21
    assert (swept.quoted, swept.missing) == (55, ())
    assert provider.left == 0
    assert gateway.open_lines == 0
    assert gateway.seen.violations == []
    assert gateway.seen.most_messages_in_a_second <= 450


def test_a_gateway_that_is_not_there_leaves_a_gap_for_every_name(tmp_path: Path) -> None:
    with serving(World()) as gone:
        port = gone.port
    provider = Ibkr(rules(port, reconnects=1))
    swept = run_sweep(provider, NAMES[:3], tmp_path, MarketRules(), mode="fired", now=lambda: AT)  # pyright: ignore[reportCallIssue]
    assert swept.missing == tuple(NAMES[:3])
    assert swept.stopped is not None
    assert str(port) in swept.stopped
    gaps = swept.sweep.table("gap_facts").to_pylist()
    assert [(g["subject"], g["kind"], g["retryable"]) for g in gaps] == [(t, "quote", True) for t in NAMES[:3]]


@pytest.mark.parametrize(
    ("code", "retryable"), [(200, False), (354, False), (10089, False), (10197, True), (321, False), (101, True)]
)
def test_a_refused_line_is_a_gap_with_its_code_and_no_row(code: int, retryable: bool) -> None:
    async def work() -> None:
        async with TwsGateway(World.of("AAA", "BBB")) as gateway:
            gateway.errors[("line", "AAA")] = (code, "refused")
            async with Ibkr(rules(gateway.port, attempts=1)) as provider:
                answers = await quoted(provider, "AAA", "BBB")
        assert answers["BBB"].of("snapshot_facts")
        assert answers["AAA"].of("snapshot_facts") == []
        (gap,) = answers["AAA"].of("gap_facts")
        assert (gap["code"], gap["retryable"], gap["kind"]) == (str(code), retryable, "quote")

    ran(work())


def test_delayed_data_are_taken_and_said_to_be_delayed() -> None:
    async def work() -> None:
        world = World.of("AAA", "BBB")
        world.listed[0].data_type = 3
        # another gateway states nothing and sends the ticks that only delayed data have
        silent = world.listed[1]
        silent.data_type, silent.prices = 0, {66: 10.0, 67: 11.0, 68: 10.5, 75: 10.25}
        async with TwsGateway(world) as gateway:
            gateway.warnings["AAA"] = [(10167, "Requested market data is not subscribed. Displaying delayed data.")]
            async with Ibkr(rules(gateway.port)) as provider:
                answers = await quoted(provider, "AAA", "BBB")
        (a,), (b,) = answers["AAA"].of("snapshot_facts"), answers["BBB"].of("snapshot_facts")
        assert (a["data_type"], b["data_type"]) == ("delayed", "delayed")
        assert (b["price"], b["previous_close"], b["bid"], b["ask"]) == (10.5, 10.25, 10.0, 11.0)
        assert answers["AAA"].of("gap_facts") == []

    ran(work())


def test_a_part_that_is_not_subscribed_is_null_beside_the_rest_and_said() -> None:
    async def work() -> None:
        async with TwsGateway(World.of("AAA")) as gateway:
            gateway.warnings["AAA"] = [(10090, "Part of requested market data is not subscribed.")]
            gateway.without["AAA"] = {29, 30}
            async with Ibkr(rules(gateway.port)) as provider:
                answer = (await quoted(provider, "AAA"))["AAA"]
        (row,), (gap,) = answer.of("snapshot_facts"), answer.of("gap_facts")
        assert (row["call_volume"], row["put_volume"], row["put_open_interest"]) == (None, None, 4000)
        assert (gap["code"], gap["retryable"]) == ("10090", False)
        assert fires_by(MarketRules())(row) is None  # pyright: ignore[reportCallIssue]

    ran(work())


def test_minus_one_and_silence_are_unknown_and_never_zero() -> None:
    async def work() -> None:
        world = World.of("AAA", "BBB")
        world.listed[0].sizes[30] = -1
        world.listed[0].generic[49] = -1
        async with TwsGateway(world) as gateway:
            gateway.silent.add("BBB")
            async with Ibkr(rules(gateway.port)) as provider:
                answers = await quoted(provider, "AAA", "BBB")
        (row,) = answers["AAA"].of("snapshot_facts")
        assert (row["put_volume"], row["halted"]) == (None, None)
        assert answers["BBB"].of("snapshot_facts") == []
        assert [g["code"] for g in answers["BBB"].of("gap_facts")] == ["silent"]

    ran(work())


def option_world() -> World:
    """One name with two trading classes on SMART and one elsewhere; strike 110 exists in the list alone."""
    options = [
        Listed(
            5000 + n, "AAA", "OPT", expiry, strike, right, trading_class="AAA", multiplier="100",
            prices={1: 1.0, 2: 1.2, 4: 1.1}, sizes={8: 10 + n, 27: 7, 28: 9},
            strings={45: "1784040000"}, greeks={13: (0.4, 0.5 if right == "C" else -0.5, 100.5)},
        )
        for n, (expiry, strike, right) in enumerate(
            (e, k, r) for e in ("20260717", "20260724") for k in (95.0, 100.0, 105.0) for r in "CP"
        )
    ]  # fmt: skip
    lists = {"expirations": ["20260717", "20260724", "20280121"], "strikes": [50.0, 95.0, 100.0, 105.0, 110.0]}
    chains = [
        Chain("CBOE", "AAA", "100", **lists),
        Chain("SMART", "2AAA", "50", ["20260717", "20260718", "20260719", "20260720"], lists["strikes"]),
        Chain("SMART", "AAA", "100", **lists),
    ]
    return World([stock("AAA", 1), *options], chains={"AAA": chains})


def test_a_full_chain_takes_smart_and_one_class_and_names_what_does_not_exist() -> None:
    async def work() -> None:
        async with TwsGateway(option_world(), limits=Limits(lines=4)) as gateway:
            async with Ibkr(rules(gateway.port, lines=4)) as provider:
                answer = await provider.chain("AAA", AT)
            assert gateway.seen.most_lines <= 4
            assert gateway.seen.violations == []
        rows = answer.of("chain_facts")
        found = {(r["expiry"].isoformat(), r["strike"], r["right"]) for r in rows}
        assert found == {
            (e, k, r) for e in ("2026-07-17", "2026-07-24") for k in (95.0, 100.0, 105.0) for r in ("call", "put")
        }
        assert {(r["right"], r["open_interest"], r["delta"]) for r in rows} == {("call", 7, 0.5), ("put", 9, -0.5)}
        assert {(r["multiplier"], r["underlying_price"], r["data_type"]) for r in rows} == {(100, 100.5, "live")}
        gaps = [(g["kind"], g["code"], g["reason"]) for g in answer.of("gap_facts")]
        assert gaps == [
            ("expiry", "200", "expiry 20260717: 2 of strikes x expiries do not exist"),
            ("expiry", "200", "expiry 20260724: 2 of strikes x expiries do not exist"),
        ]

    ran(work())


def test_greeks_of_an_earlier_request_are_not_those_of_the_present_one() -> None:
    async def work() -> None:
        async with TwsGateway(option_world()) as gateway, Ibkr(rules(gateway.port)) as provider:
            first = await provider.chain("AAA", AT)
            gateway.warnings["AAA"] = [(10090, "Part of requested market data is not subscribed.")]
            gateway.without["AAA"] = {13}
            second = await provider.chain("AAA", AT)
        assert {r["delta"] for r in first.of("chain_facts")} == {0.5, -0.5}
        assert len(second.of("chain_facts")) == 12
        assert {(r["delta"], r["implied_vol"]) for r in second.of("chain_facts")} == {(None, None)}

    ran(work())


def test_only_names_that_fire_get_a_full_chain(tmp_path: Path) -> None:
    world = option_world()
    calm = stock("BBB", 2)
    world.listed[0].sizes |= {29: 100, 30: 150}  # 150 puts to 100 calls: 1.5
    calm.sizes |= {29: 100, 30: 149, 87: 1000.0}
    unknown = stock("CCC", 3)
    unknown.sizes |= {30: -1}
    world.listed += [calm, unknown]
    with serving(world) as gateway:
        swept = run_sweep(
            Ibkr(rules(gateway.port)), ["AAA", "BBB", "CCC"], tmp_path, MarketRules(), mode="fired", now=lambda: AT  # pyright: ignore[reportCallIssue]
        )  # fmt: skip
    assert set(swept.sweep.table("chain_facts").column("ticker").to_pylist()) == {"AAA"}
    assert (swept.quoted, swept.chained) == (3, 1)
    unsure = [g for g in swept.sweep.table("gap_facts").to_pylist() if g["subject"] == "CCC"]
    assert [(g["kind"], g["code"]) for g in unsure] == [("chain", "unknown")]
    assert gateway.seen.count()[("options", "BBB")] == 0


def test_every_line_is_given_back_when_the_block_raises_or_is_cancelled() -> None:
    async def work() -> None:
        async with TwsGateway(World.of("AAA")) as gateway, Broker(rules(gateway.port, lines=1)) as broker:
            share = await broker.qualify(Stock("AAA", "SMART", "USD"))
            with pytest.raises(ZeroDivisionError):
                async with broker.line(share):
                    raise ZeroDivisionError

            async def hold() -> None:
                async with broker.line(share):
                    await asyncio.sleep(60)

            task = asyncio.create_task(hold())
            while not gateway.open_lines:
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await broker.ask(lambda ib: ib.reqCurrentTimeAsync())
            assert (gateway.open_lines, broker.open_lines, gateway.seen.cancelled) == (0, 0, 2)
            async with broker.line(share) as line:  # the only line is free again
                await line.settle(lambda one: 4 in one.ticks, 1.0, 1.0)

    ran(work())


def test_tws_without_ibkr_is_waited_for_and_lost_subscriptions_are_made_again() -> None:
    async def work() -> None:
        async with TwsGateway(World.of("AAA")) as gateway, Broker(rules(gateway.port)) as broker:
            share = await broker.qualify(Stock("AAA", "SMART", "USD"))
            gateway.say(1100, "Connectivity between IB and TWS has been lost.")
            await broker.ask(lambda ib: ib.reqCurrentTimeAsync())  # the message has arrived
            waiting = asyncio.create_task(broker.qualify(Stock("AAA", "SMART", "USD")))
            await asyncio.sleep(0.05)
            asked = gateway.seen.count()[("details", "AAA")]
            gateway.say(1102, "Connectivity restored - data maintained.")
            assert (await waiting).conId == share.conId
            assert (asked, gateway.seen.count()[("details", "AAA")]) == (1, 2)
            gateway.silent.add("AAA")
            async with broker.line(share) as line:
                settling = asyncio.create_task(line.settle(lambda one: False, 5.0, 5.0))
                await asyncio.sleep(0)
                gateway.say(1101, "Connectivity restored - data lost.")
                with pytest.raises(Lost):
                    await settling
            assert broker.system_codes == [1100, 1102, 1101]
            assert broker.connections == 1

    ran(work())


def test_tws_that_does_not_find_ibkr_again_is_unreachable() -> None:
    async def work() -> None:
        async with TwsGateway(World.of("AAA")) as gateway, Broker(rules(gateway.port, timeout=0.2)) as broker:
            gateway.say(1100, "Connectivity between IB and TWS has been lost.")
            while 1100 not in broker.system_codes:
                await asyncio.sleep(0.001)
            with pytest.raises(Unreachable, match="1100"):
                await broker.qualify(Stock("AAA", "SMART", "USD"))

    ran(work())


def test_no_historical_data_and_too_many_requests_do_not_look_alike() -> None:
    async def work() -> None:
        world = World.of("AAA", "BBB")
        world.bars["AAA"] = [("20260713", 10.0, 11.0, 9.0, 10.5, 1000), ("20260714", 10.5, 12.0, 10.0, 11.5, 2000)]
        limits = Limits(historical=2)
        async with TwsGateway(world, limits=limits) as gateway, Ibkr(rules(gateway.port)) as provider:
            answers = {
                a.ticker: a async for a in provider.bars(["AAA", "BBB"], dt.date(2026, 7, 14), dt.date(2026, 7, 14))
            }
            (bar,) = answers["AAA"].of("bar_facts")
            assert (bar["session"], bar["close"], bar["volume"]) == (dt.date(2026, 7, 14), 11.5, 2000)
            (gap,) = answers["BBB"].of("gap_facts")
            assert (gap["code"], gap["retryable"]) == ("162", False)
            with pytest.raises(NoAnswer) as error:  # the gateway allows two
                await provider.broker.historical(Stock(conId=1000, symbol="AAA"), "", "9 D", "1 day")
            assert (error.value.code, error.value.retryable) == ("162", True)
            assert "too fast" in error.value.reason

    ran(work())


def test_65_historical_requests_take_ten_minutes_and_never_exceed_sixty() -> None:
    class Time:
        now = 0.0

    async def sleep(seconds: float) -> None:
        Time.now += seconds

    async def work() -> None:
        world = World.of("AAA")
        world.bars["AAA"] = [("20260714", 10.5, 12.0, 10.0, 11.5, 2000)]
        async with TwsGateway(world, limits=Limits(messages=5000), clock=lambda: Time.now) as gateway:
            broker = Broker(rules(gateway.port, messages_per_second=5000), lambda: Time.now, sleep)
            async with broker:
                for n in range(65):
                    share = Stock(conId=1000, symbol="AAA")
                    assert len(await broker.historical(share, "", f"{n + 1} D", "1 day")) == 1
            assert gateway.seen.violations == []
            assert gateway.seen.most_historical == 60
            assert 600 <= Time.now < 640

    ran(work())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from([1, 2]), st.floats(0, 4)),
        min_size=1,
        max_size=40,
    )
)
def test_historical_requests_keep_all_three_limits(wishes: list[tuple[int, int, int, float]]) -> None:
    clock = [0.0]
    sent: list[tuple[float, int, tuple[int, int], int]] = []

    async def sleep(seconds: float) -> None:
        clock[0] += seconds

    async def work() -> None:
        pace = HistoricalPace(12, lambda: clock[0], sleep)
        for contract, which, weight, gap in wishes:
            clock[0] += gap
            await pace.turn(contract, (contract, which), weight)
            sent.append((clock[0], contract, (contract, which), weight))

    ran(work())
    by_request: dict[tuple[int, int], list[float]] = defaultdict(list)
    window: deque[tuple[float, int]] = deque()
    for n, (at, contract, request, weight) in enumerate(sent):
        window.append((at, weight))
        while at - window[0][0] >= 600:
            window.popleft()
        assert sum(w for _, w in window) <= 12
        assert all(at - before >= 15 for before in by_request[request])
        by_request[request].append(at)
        recent = [w for t, c, _, w in sent[: n + 1] if c == contract and at - t < 2]
        assert sum(recent) < 6


def test_codes_mean_what_ibkr_says() -> None:
    assert not meaning_of(162, "HMDS query returned no data: X").retryable
    assert meaning_of(162, "API historical data query cancelled: pacing violation").retryable
    assert not meaning_of(10167, "delayed").ends
    assert not meaning_of(2104, "Market data farm connection is OK").ends
    assert meaning_of(99_999, "something new").retryable


def test_the_account_is_neither_asked_about_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async with TwsGateway(World.of("AAA")) as gateway:
            gateway.errors[("line", "AAA")] = (354, "account DU0000001 is not subscribed")
            async with Ibkr(rules(gateway.port)) as provider:
                await quoted(provider, "AAA")

    with caplog.at_level(logging.INFO):
        ran(work())
    assert "DU0000001" not in caplog.text


def test_an_option_line_asks_for_its_own_open_interest_only() -> None:
    async def work() -> None:
        async with TwsGateway(option_world()) as gateway, Broker(rules(gateway.port)) as broker:
            known = await broker.qualify(
                Option("AAA", "20260717", 100.0, "C", "SMART", "100", "USD", tradingClass="AAA")
            )
            assert (known.exchange, known.conId) == ("SMART", 5002)
            async with broker.line(known, OPTION_TICKS) as line:
                await line.settle(lambda one: 27 in one.ticks and one.greek() is not None, 2.0, 2.0)
                assert line.value((27,)) == 7
            with pytest.raises(NoAnswer, match="contracts of IBKR fit"):
                await broker.qualify(Option("AAA", "20260717", 100.0, "", "SMART", tradingClass="AAA"))

    ran(work())
