"""Option flow on real chains: what a split that no list names does, and how often scores are high."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from cyberpi_assets.domain.options.flow import option_flow
from cyberpi_assets.domain.options.scores import threats_of
from cyberpi_assets.rules.figures import OptionRules, ThreatRules
from cyberpi_assets.tables import OPTION_CHAINS

pytestmark = pytest.mark.real
TICKERS = ("CRWD", "EXC", "AEP", "ILMN", "BIIB", "DXCM", "MAR", "HON", "TMUS", "GILD", "CMCSA", "ABT")


@pytest.fixture(scope="module")
def chains(real: Path) -> pa.Table:
    """End-of-day chains of one vendor, as it gives them."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'America/New_York'")
    made = con.execute(
        """
        SELECT ticker, (trade_date + TIME '16:00:00')::TIMESTAMPTZ AS snapshot_at, trade_date AS session,
               underlying_price::DOUBLE AS underlying_price, expiry,
               CASE type WHEN 'P' THEN 'put' ELSE 'call' END AS right,
               strike::DOUBLE AS strike, last::DOUBLE AS last, volume::BIGINT AS volume,
               open_interest::BIGINT AS open_interest, implied_vol::DOUBLE AS implied_vol, delta::DOUBLE AS delta,
               'end_of_day' AS data_type, 'vendor' AS source, 'f' AS file, row_number() OVER () AS line,
               strftime(trade_date, '%Y-%m') AS month
        FROM read_parquet($file) WHERE list_contains($tickers, ticker) AND snapshot_ts IS NULL""",
        {"file": str(real / "market" / "options.parquet"), "tickers": list(TICKERS)},
    ).to_arrow_table()
    return pa.table(
        [made[f.name].cast(f.type) if f.name in made.column_names else pa.nulls(made.num_rows, f.type)
         for f in OPTION_CHAINS.schema], schema=OPTION_CHAINS.schema,
    )  # fmt: skip


@pytest.fixture(scope="module")
def bars(real: Path) -> pa.Table:
    return duckdb.execute(
        "SELECT ticker, date AS session, close::DOUBLE AS close, volume::BIGINT AS volume FROM read_parquet(?) "
        "WHERE date >= DATE '2026-04-01' AND list_contains(?, ticker)",
        [str(real / "market" / "prices.parquet"), list(TICKERS)],
    ).to_arrow_table()


def test_real_chains_have_scores_and_a_split_is_no_surge(chains: pa.Table, bars: pa.Table, real: Path) -> None:
    flow = option_flow(chains, OptionRules(), bars=bars)  # pyright: ignore[reportCallIssue]
    assert flow.num_rows == 12 * 47
    of = {(r["ticker"], r["session"]): r for r in flow.to_pylist()}
    split = of["CRWD", dt.date(2026, 7, 2)]
    assert (
        split["volume_excess_pct"] < 100
    )  # 114,646 contracts; the 26 means before are in contracts four times as large
    assert "split today" in split["reasons"]
    calls, puts = duckdb.execute(
        """
        WITH day AS (SELECT * FROM read_parquet(?) WHERE ticker = 'CRWD' AND trade_date = DATE '2026-07-14'),
        near AS (SELECT DISTINCT expiry FROM day WHERE expiry <= DATE '2026-08-28' ORDER BY expiry LIMIT 3)
        SELECT sum(volume) FILTER (type = 'C'), sum(volume) FILTER (type = 'P')
        FROM day SEMI JOIN near USING (expiry)""",
        [str(real / "market" / "options.parquet")],
    ).fetchall()[0]
    day = of["CRWD", dt.date(2026, 7, 14)]
    assert (day["call_volume"], day["put_volume"]) == (calls, puts)
    scores = threats_of(flow, ThreatRules()).scores.to_pylist()  # pyright: ignore[reportCallIssue]
    assert all(r["seed_score"] is not None for r in scores)
    assert 0 < sum(r["seed_score"] >= 70 for r in scores) < 0.1 * len(scores)
    assert {r["history_reason"] for r in scores if r["history_n"] < 20} == {"insufficient history"}
    assert sum(r["history_score"] is not None for r in scores) > 200
