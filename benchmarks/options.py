"""Option flow and both threat scores of two million contracts against pandas, and volatilities against a scalar solver.

Here belong the pieces and the rows. The pandas baseline takes one snapshot of one ticker after the other, as a first
program would; it is measured on some of the tickers and scaled by their contracts. It leaves out peers, percentiles,
confounders, pairs, words and what is unknown and why, which ours has.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import optimize, stats

from benchmarks.measure import peak_mb
from benchmarks.report import Row, Target
from cyberpi_assets.domain.calendar import closes_of, sessions
from cyberpi_assets.domain.options.flow import option_flow
from cyberpi_assets.domain.options.history import FEATURES, NORMAL, distances
from cyberpi_assets.domain.options.scores import Threats, threats_of
from cyberpi_assets.domain.options.units import all_splits, basis_of
from cyberpi_assets.domain.options.volatility import delta, implied_vol, price
from cyberpi_assets.rules.figures import OptionRules, ThreatRules
from cyberpi_assets.tables import OPTION_CHAINS

REAL = Target(ratio=1 / 20, seconds=4, peak_mb=3_000)
MARKET = Target(seconds=4)
SOLVER = Target(ratio=1 / 100)
_RULES, _SCORING = OptionRules(), ThreatRules()  # pyright: ignore[reportCallIssue]
_RATE = _RULES.rate
_NUMBERS = ["strike", "volume", "open_interest", "implied_vol", "delta", "underlying_price", "bid", "ask", "last"]
_COMPARED = [
    "put_call_ratio", "otm_put_volume", "near_share", "volume_excess_pct", "log_put_call", "otm_put_share", "share_30d",
    "skew_25d", "term_slope", "oi_change",
]  # fmt: skip


@dataclass(frozen=True)
class Inputs:
    """As the tables of their names; of chains all months."""

    chains: pa.Table
    volumes: pa.Table
    bars: pa.Table
    actions: pa.Table
    companies: pa.Table


def _ours(x: Inputs) -> tuple[pa.Table, Threats]:
    flow = option_flow(x.chains, _RULES, volumes=x.volumes, bars=x.bars, actions=x.actions)
    return flow, threats_of(flow, _SCORING, companies=x.companies)


def _best(work: Callable[[], Any], n: int = 3) -> tuple[float, Any]:
    best, found = float("inf"), None
    for _ in range(n):
        began = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - began)
    return best, found


# ------------------------------------------------------------------------------------------------ one by one, in pandas


def _scalar(spot: float, strike: float, years: float, vol: float, put: bool) -> float:
    """Black-Scholes with the error function; no dividends."""
    s = vol * math.sqrt(years)
    d1 = math.log(spot / strike) / s + (_RATE * years) / s + s / 2
    owed = strike * math.exp(-_RATE * years)
    n1, n2 = 0.5 * math.erfc(-d1 / math.sqrt(2)), 0.5 * math.erfc(-(d1 - s) / math.sqrt(2))
    return owed * (1 - n2) - spot * (1 - n1) if put else spot * n1 - owed * n2


def _by_statistics(spot: float, strike: float, years: float, vol: float, put: bool) -> float:
    """The same with `scipy.stats.norm`, as most programs on the web have it."""
    d1 = (math.log(spot / strike) + (_RATE + vol * vol / 2) * years) / (vol * math.sqrt(years))
    d2 = d1 - vol * math.sqrt(years)
    owed = strike * math.exp(-_RATE * years)
    if put:
        return float(owed * stats.norm.cdf(-d2) - spot * stats.norm.cdf(-d1))
    return float(spot * stats.norm.cdf(d1) - owed * stats.norm.cdf(d2))


def _solved(
    value: Callable[[float, float, float, float, bool], float],
    paid: float, spot: float, strike: float, years: float, put: bool,
) -> float:  # fmt: skip
    try:
        return float(optimize.brentq(lambda v: value(spot, strike, years, v, put) - paid, 1e-4, 20.0))
    except ValueError:  # no volatility fits
        return math.nan


def _volatilities(rows: pd.DataFrame) -> tuple[list[float], list[float]]:
    """The provider's volatility and delta where they are plausible, else solved, contract by contract."""
    vols: list[float] = []
    deltas: list[float] = []
    for r in rows.itertuples(index=False):
        put = r.right == "put"
        dead = r.bid <= 0 <= r.ask if not (math.isnan(r.bid) or math.isnan(r.ask)) else False
        vol = r.implied_vol
        if not (_RULES.min_vol <= vol <= _RULES.max_vol) or dead:
            live = r.bid > 0 and r.ask >= r.bid
            paid = (r.bid + r.ask) / 2 if live else r.last if r.volume > 0 and r.last > 0 else math.nan
            vol = math.nan
            if r.years > 0 and paid > 0 and r.spot > 0:
                years = max(r.years, _RULES.min_years)
                vol = _solved(_scalar, paid, r.spot, r.strike, years, put)
                if not _RULES.min_vol <= vol <= _RULES.max_vol:
                    vol = math.nan
        change = r.delta
        if math.isnan(change) and vol == vol and r.years > 0 and r.spot > 0:
            years = max(r.years, _RULES.min_years)
            d1 = (math.log(r.spot / r.strike) + (_RATE + vol * vol / 2) * years) / (vol * math.sqrt(years))
            change = 0.5 * math.erfc(-d1 / math.sqrt(2)) - (1.0 if put else 0.0)
        vols.append(vol)
        deltas.append(change)
    return vols, deltas


def _on_line(x: pd.Series, y: pd.Series, at: float, low: float, high: float) -> float:
    """y at `at` on the line between the nearest points on both sides, which must lie within the limits."""
    below, above = x[x <= at], x[x >= at]
    if below.empty or above.empty:
        return math.nan
    a, b = below.idxmax(), above.idxmin()
    if x[a] == x[b]:
        return float(y[a])
    if x[a] < low or x[b] > high:
        return math.nan
    return float(y[a] + (y[b] - y[a]) * (at - x[a]) / (x[b] - x[a]))


def _at(points: pd.Series, target: int, reach: int) -> float:
    """The value at some days to expiry, on the line between expiries or of the nearest within reach."""
    points = points.dropna()
    below, above = points[points.index <= target], points[points.index >= target]
    if not below.empty and not above.empty:
        a, b = below.index[-1], above.index[0]
        return float(
            below.iloc[-1] if a == b else below.iloc[-1] + (above.iloc[0] - below.iloc[-1]) * (target - a) / (b - a)
        )
    if not below.empty and target - below.index[-1] <= reach:
        return float(below.iloc[-1])
    if not above.empty and above.index[0] - target <= reach:
        return float(above.iloc[0])
    return math.nan


def _snapshot(rows: pd.DataFrame) -> dict[str, float]:
    """All figures of one snapshot but those that need other days."""
    rows = rows.copy()
    rows["vol"], rows["d"] = _volatilities(rows)
    spot = rows["underlying_price"].median()
    puts, calls = rows[rows["right"] == "put"], rows[rows["right"] == "call"]
    days = sorted(d for d in rows["days"].unique() if 0 <= d <= 45)[:3]
    near = rows[rows["days"].isin(days)]
    near_puts, near_calls = near[near["right"] == "put"], near[near["right"] == "call"]
    p, c, total = near_puts["volume"].sum(), near_calls["volume"].sum(), near["volume"].sum()
    large = near_puts[(near_puts["strike"] < 0.95 * spot * (1 - 1e-9)) & (near_puts["volume"] > 100)]
    small = near_puts[near_puts["volume"] > 100].empty
    found = {
        "window": total,
        "chain_volume": rows["volume"].sum(),
        "put_call_ratio": p / c if c > 0 else math.nan,
        "no_calls": float(p > 0 and c == 0),
        "otm_put_volume": large["volume"].nlargest(5).sum() if spot == spot or small else math.nan,
        "near_share": near.loc[near["days"] <= 14, "volume"].sum() / total if total > 0 else math.nan,
        "log_put_call": math.log((puts["volume"].sum() + 0.5) / (calls["volume"].sum() + 0.5)),
        "otm_put_share": puts.loc[puts["strike"] < 0.95 * spot * (1 - 1e-9), "volume"].sum() / puts["volume"].sum()
        if puts["volume"].sum() > 0 and spot == spot else math.nan,
        "share_30d": rows.loc[rows["days"] <= 30, "volume"].sum() / rows["volume"].sum()
        if rows["volume"].sum() > 0 else math.nan,
    }  # fmt: skip
    size = rows["d"].abs()
    smile = rows[rows["vol"].notna() & rows["days"].between(5, 150) & size.between(0.05, 0.7)].assign(size=size)
    middles: dict[int, float] = {}
    skews: dict[int, float] = {}
    for day, of_day in smile.groupby("days"):
        lines = {r: _on_line(x["size"], x["vol"], 0.5, 0.3, 0.7) for r, x in of_day.groupby("right")}
        known = [v for v in lines.values() if v == v]
        middles[int(day)] = sum(known) / len(known) if known else math.nan  # pyright: ignore[reportArgumentType]
        put = of_day[of_day["right"] == "put"]
        wing = _on_line(put["size"], put["vol"], 0.25, 0.05, 0.45)
        skews[int(day)] = wing - middles[int(day)]  # pyright: ignore[reportArgumentType]
    middle, skew = pd.Series(middles, dtype=float).sort_index(), pd.Series(skews, dtype=float).sort_index()
    found["skew_25d"] = _at(skew, 30, 15)
    found["term_slope"] = _at(middle, 60, 30) - _at(middle, 20, 10)
    return found


def _points(value: float, tiers: tuple[tuple[float, int], ...]) -> int:
    return next((points for at, points in tiers if value > at), 0)


def _seed(r: dict[str, float]) -> float:
    """The seed's score of one row; NaN under half known."""
    ratio = 30 if r["no_calls"] else _points(r["put_call_ratio"], _SCORING.put_call_tiers)
    known = [r["put_call_ratio"] == r["put_call_ratio"] or bool(r["no_calls"])]
    known += [r[n] == r[n] for n in ("volume_excess_pct", "otm_put_volume", "near_share")]
    points = ratio + _points(r["volume_excess_pct"], _SCORING.volume_tiers)
    points += _points(r["otm_put_volume"], _SCORING.otm_tiers) + _points(r["near_share"], _SCORING.near_tiers)
    return min(100, points) if sum(known) >= 2 else math.nan


def one_by_one(chains: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Features, seed score and distance from the own past of each snapshot of each ticker, by loops."""
    calendar = {d: i for i, d in enumerate(sessions().astype("datetime64[D]").tolist())}
    out: list[dict[str, Any]] = []
    for (ticker, source), of_series in chains.groupby(["ticker", "source"], sort=False):
        own = splits[splits["ticker"] == ticker]
        mine: list[dict[str, Any]] = []
        last: pd.DataFrame | None = None
        for (moment, session), rows in of_series.groupby(["snapshot_at", "session"]):
            row: dict[str, Any] = {"ticker": ticker, "source": source, "snapshot_at": moment, "at": calendar[session]}
            row |= _snapshot(rows)
            row["session"], row["partial"] = session, bool(rows["partial"].iloc[0])
            earlier = [m for m in mine if 0 < row["at"] - m["at"] <= 30 and not m["partial"]]
            newest = {m["at"]: m for m in earlier}
            scaled = [
                m["window"]
                * own.loc[own["whole"] & own["session"].between(m["session"], session, "right"), "value"].prod()
                for m in newest.values()
            ]
            mean = sum(scaled) / len(scaled) if len(scaled) >= 10 else math.nan
            row["volume_excess_pct"] = 100 * (row["window"] - mean) / mean if mean > 0 else math.nan
            row["oi_change"] = math.nan
            before = [m for m in mine if m["at"] == row["at"] - 1]
            if before and last is not None and not (own["session"] == session).any():
                past = of_series[of_series["snapshot_at"] == before[-1]["snapshot_at"]]
                both = rows.merge(past, on=["expiry", "right", "strike"], suffixes=("", "_before"))
                moved = both["open_interest"] - both["open_interest_before"]
                if len(moved.dropna()) and before[-1]["chain_volume"] > 0:
                    row["oi_change"] = moved.sum() / before[-1]["chain_volume"]
            row["seed_score"] = _seed(row)
            mine.append(row)
            last = rows
        frame = pd.DataFrame(mine)
        for f in ("log_put_call", "share_30d", "otm_put_share", "skew_25d", "term_slope", "oi_change"):
            frame[f"z_{f}"] = [_distance(frame, i, f) for i in range(len(frame))]
        out.extend(frame.to_dict("records"))  # pyright: ignore[reportArgumentType]
    return pd.DataFrame(out)


def _distance(frame: pd.DataFrame, i: int, feature: str) -> float:
    """Robust z of one value against the ticker's own prior 120 sessions of its kind."""
    now = frame.iloc[i]
    past = frame[(frame["at"] < now["at"]) & (frame["at"] >= now["at"] - 120) & ~frame["partial"]]
    past = past.drop_duplicates("at", keep="last")
    past = past[past[feature].notna()]
    if len(past) < 20 or now[feature] != now[feature]:
        return math.nan

    def week(day: Any) -> bool:
        return 15 <= (day + pd.Timedelta(days=4 - day.weekday())).day <= 21

    same_week = past[past["session"].map(week) == week(now["session"])]
    same = same_week[same_week["session"].map(lambda d: d.weekday()) == now["session"].weekday()]
    use = same if len(same) >= 12 else same_week if len(same_week) >= 12 else past
    median = use[feature].median()
    _, absolute, relative = FEATURES[feature]
    spread = max(NORMAL * (use[feature] - median).abs().median(), absolute, relative * abs(median))
    return float((now[feature] - median) / spread)


def _as_frame(chains: pa.Table) -> pd.DataFrame:
    """Chains as a first program has them in memory: with days and years to expiry."""
    x = chains.select(["ticker", "source", "snapshot_at", "session", "expiry", "right", *_NUMBERS]).to_pandas()
    x[_NUMBERS] = x[_NUMBERS].astype(float)
    expiry, session = pd.to_datetime(x["expiry"]), pd.to_datetime(x["session"])
    x["days"] = (expiry - session).dt.days
    closes = (expiry + pd.Timedelta(hours=16)).dt.tz_localize("America/New_York")
    days = session.to_numpy().astype("datetime64[D]").astype(np.int32)
    end = pd.Series(closes_of(days).astype("datetime64[us]"), index=x.index).dt.tz_localize("UTC")
    prices_of = x["snapshot_at"].where(x["snapshot_at"] < end, end)
    x["years"] = (closes.dt.tz_convert("UTC") - prices_of).dt.total_seconds() / (365 * 86_400)
    x["partial"] = x["snapshot_at"] < end - pd.Timedelta(minutes=_RULES.whole_day_minutes)
    spot = x.groupby(["ticker", "source", "snapshot_at"])["underlying_price"].transform("median")
    x["spot"] = x["underlying_price"].fillna(spot)
    return x


def same(flow: pa.Table, threats: Threats, theirs: pd.DataFrame) -> int:
    """How many figures both have found. Raises AssertionError where they differ."""
    ours = flow.select(["ticker", "source", "snapshot_at", *_COMPARED]).to_pandas()
    found = distances(flow, None, _SCORING)
    for i, f in enumerate(FEATURES):
        ours[f"z_{f}"] = found.own[:, i]
    scores = threats.scores.select(["ticker", "source", "snapshot_at", "seed_score"]).to_pandas()
    ours = ours.merge(scores, on=["ticker", "source", "snapshot_at"])
    both = theirs.merge(ours, on=["ticker", "source", "snapshot_at"], suffixes=("_theirs", ""))
    assert len(both) == len(theirs), "rows that only one of the two has"
    compared = 0
    z_names = [c.removesuffix("_theirs") for c in both if c.startswith("z_") and c.endswith("_theirs")]
    for name in (*_COMPARED, *z_names, "seed_score"):
        a, b = both[f"{name}_theirs"].astype(float), both[name].astype(float)
        if name == "volume_excess_pct":  # without ten chains before, ours asks the volumes of days
            b = b.where(a.notna())
        if name == "seed_score":
            use = both["volume_excess_pct_theirs"].notna() | both["volume_excess_pct"].isna()
            a, b = a[use], b[use]
        apart = ~((a - b).abs() <= 1e-6 * (1 + b.abs())) & ~(a.isna() & b.isna())
        assert not apart.any(), (
            f"{name}: {apart.sum()} of {len(a)} differ\n{both[apart.reindex(both.index, fill_value=False)].head(3).T}"
        )
        compared += int(a.notna().sum())
    return compared


# -------------------------------------------------------------------------------------------------------- invented days


def market_day(n_tickers: int = 5_000, n_contracts: int = 300) -> pa.Table:
    """One session of a whole market: contracts of every ticker with a quote, and no volatility from the provider."""
    rng = np.random.default_rng(7)
    n = n_tickers * n_contracts
    spot = np.repeat(np.round(rng.lognormal(4, 0.8, n_tickers), 2), n_contracts)
    days = np.tile(np.repeat([3, 10, 17, 31, 59, 94], n_contracts // 6), n_tickers)
    strike = np.round(spot * np.tile(np.linspace(0.7, 1.3, n_contracts // 12), n_tickers * 12), 2)
    put = np.tile(np.repeat([True, False], n_contracts // 12), n_tickers * 6)
    vol = np.repeat(rng.uniform(0.2, 1.0, n_tickers), n_contracts)
    fair = price(spot, strike, days / 365, vol, put, _RATE, 0.0)
    session = pd.Timestamp("2026-07-14")
    columns: dict[str, Any] = {
        "ticker": pa.array(np.repeat([f"T{i:04d}" for i in range(n_tickers)], n_contracts)),
        "snapshot_at": pa.array([session + pd.Timedelta(hours=20)] * 1).cast(pa.timestamp("us", "UTC")).take(
            pa.array(np.zeros(n, np.int64))),
        "session": pa.array(np.full(n, session.to_datetime64().astype("datetime64[D]"))),
        "underlying_price": spot,
        "expiry": pa.array(session.to_datetime64().astype("datetime64[D]") + days.astype("timedelta64[D]")),
        "right": pa.array(np.where(put, "put", "call")),
        "strike": strike,
        "bid": np.round(fair * 0.98, 2),
        "ask": np.round(fair * 1.02, 2) + 0.01,
        "volume": rng.poisson(60, n),
        "open_interest": rng.poisson(300, n),
        "data_type": pa.array(["end_of_day"] * n),
        "source": pa.array(["made"] * n),
        "file": pa.array([""] * n),
        "line": np.arange(n),
        "month": pa.array(["2026-07"] * n),
    }  # fmt: skip
    arrays = [pa.array(columns[f.name]).cast(f.type) if f.name in columns else pa.nulls(n, f.type)
              for f in OPTION_CHAINS.schema]  # fmt: skip
    return pa.table(arrays, schema=OPTION_CHAINS.schema)


def solver(n: int = 1_000_000, sample: int = 20_000) -> list[Row]:
    """Volatility and delta of n contracts against a root finder per contract, scaled."""
    rng = np.random.default_rng(7)
    spot = rng.uniform(5, 900, n)
    strike, years = spot * np.exp(rng.normal(0, 0.15, n)), rng.uniform(2, 400, n) / 365
    put, vol = rng.random(n) < 0.5, rng.uniform(0.1, 1.5, n)
    paid = price(spot, strike, years, vol, put, _RATE, 0.0)

    def work() -> tuple[Any, Any]:
        found = implied_vol(paid, spot, strike, years, put, _RATE)
        return found, delta(spot, strike, years, found, put, _RATE, 0.0)

    seconds, (found, _) = _best(work)
    peak = peak_mb()
    rows: list[Row] = []
    solvers = {"scipy.stats.norm": (_by_statistics, sample // 10, SOLVER), "math.erfc": (_scalar, sample, Target())}
    for name, (value, some, target) in solvers.items():
        began = time.perf_counter()
        theirs = [
            _solved(value, *(float(a[i]) for a in (paid, spot, strike, years)), bool(put[i])) for i in range(some)
        ]
        for i, v in enumerate(theirs):
            if v == v:
                value(float(spot[i]), float(strike[i]), float(years[i]), v, bool(put[i]))  # delta costs as much
        took = (time.perf_counter() - began) * n / some
        mine = found[:some]
        again = price(spot[:some], strike[:some], years[:some], np.array(theirs), put[:some], _RATE, 0.0)
        agree = (
            (np.abs(np.array(theirs) - mine) < 1e-6)
            | (np.abs(again - paid[:some]) < 1e-9 * spot[:some])
            | np.isnan(mine)
        )
        assert agree.all(), f"{(~agree).sum()} volatilities differ"
        rows.append(
            Row(f"volatility and delta of {n:,} contracts; baseline: brentq on {name}", seconds, peak, took, target)
        )
    return rows


def run(x: Inputs, tickers: int = 12, market: int = 5_000, contracts: int = 1_000_000) -> list[Row]:
    """Measure all; the baseline's figures must equal ours. tickers: how many of them the pandas loop is measured on."""
    seconds, (flow, threats) = _best(lambda: _ours(x))
    peak = peak_mb()
    names = sorted(set(x.chains.column("ticker").to_pylist()))
    chosen = names[:: max(1, len(names) // tickers)]
    frame = _as_frame(x.chains)
    some = frame[frame["ticker"].isin(chosen)]
    # the baseline is told the splits that no list names
    prices = flow.select(["ticker", "session", "underlying_price"]).rename_columns(["ticker", "session", "price"])
    splits = all_splits(x.actions, basis_of(prices, x.bars)).to_pandas()
    splits = splits[splits["action"] == "split"]
    splits["whole"] = (splits["value"] >= 2) & (splits["value"] == splits["value"].round())
    began = time.perf_counter()
    theirs = one_by_one(some, splits)
    took = (time.perf_counter() - began) * len(frame) / len(some)
    compared = same(flow, threats, theirs)
    del frame, some
    said = (
        f"flow and both scores of {x.chains.num_rows:,} contracts ({compared:,} figures of {len(chosen)} tickers equal)"
    )
    rows = [Row(said, seconds, peak, took, REAL)]
    day = Inputs(market_day(market), x.volumes.slice(0, 0), x.bars.slice(0, 0), x.actions.slice(0, 0), x.companies)
    seconds, (flow, _) = _best(lambda: _ours(day))
    assert flow.num_rows == market
    known = flow.column("share_iv_known").to_numpy().mean()
    rows.append(Row(f"the same of a market's day: {day.chains.num_rows:,} contracts, no volatility given "
                    f"({100 * known:.0f} % computed)", seconds, peak_mb(), None, MARKET))  # fmt: skip
    return [*rows, *solver(contracts)]
