"""The simulated market looks like one, and the planted breaches are in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cyberpi_assets.sources.demo.world import build

Facts = dict[str, pd.DataFrame]


@pytest.fixture(scope="module", params=[20230103, 5])
def facts(request: pytest.FixtureRequest) -> Facts:
    tables, _ = build(request.param, "2023-01", "2025-12", "demo")
    return {name: table.to_pandas() for name, table in tables.items()}


@pytest.fixture(scope="module")
def bars(facts: Facts) -> pd.DataFrame:
    """Bars with log return, and volume over the mean of the 20 sessions before; the raw company's split applied."""
    frame = facts["bar_facts"].sort_values(["ticker", "session"]).reset_index(drop=True)
    splits = facts["action_facts"].query("action == 'split'").set_index("ticker")
    for ticker in frame.loc[frame["basis"] == "raw", "ticker"].unique():
        before = (frame["ticker"] == ticker) & (frame["session"] < splits.loc[ticker, "session"])
        for column in ("open", "high", "low", "close"):
            frame.loc[before, column] /= splits.loc[ticker, "value"]
        frame["volume"] = frame["volume"].astype(float)
        frame.loc[before, "volume"] *= splits.loc[ticker, "value"]
    by_ticker = frame.groupby("ticker")
    frame["r"] = np.log(frame["close"] / by_ticker["close"].shift())
    frame["ratio"] = frame["volume"] / by_ticker["volume"].transform(lambda v: v.shift().rolling(20, 15).mean())
    return frame


def _stocks(bars: pd.DataFrame) -> list[pd.DataFrame]:
    return [g for t, g in bars.groupby("ticker") if t != "ZZIDX" and len(g) > 700]


def test_returns_have_heavy_tails(bars: pd.DataFrame) -> None:
    kurtosis = [g["r"].kurt() + 3 for g in _stocks(bars)]
    assert np.median(kurtosis) > 4
    assert min(kurtosis) > 3


def test_volatility_comes_in_clusters(bars: pd.DataFrame) -> None:
    lags = [[g["r"].abs().autocorr(k) for k in (1, 5)] for g in _stocks(bars)]
    assert (np.mean(lags, axis=0) > 0.05).all()
    signs = [g["r"].autocorr(1) for g in _stocks(bars)]
    assert abs(np.mean(signs)) < 0.03, "the returns themselves have no memory"


def test_volume_moves_with_the_size_of_the_return(bars: pd.DataFrame) -> None:
    correlation = [np.log(g["volume"]).corr(g["r"].abs()) for g in _stocks(bars)]
    assert min(correlation) > 0.1
    assert np.mean(correlation) > 0.25


def test_stocks_share_a_market_and_their_sector(bars: pd.DataFrame, facts: Facts) -> None:
    wide = bars.pivot(index="session", columns="ticker", values="r").drop(columns="ZZIDX")
    sector = facts["company_facts"].set_index("ticker")["sector"].reindex(wide.columns)
    correlation = wide.corr().to_numpy()
    off = ~np.eye(len(sector), dtype=bool)
    same = (sector.to_numpy()[:, None] == sector.to_numpy()[None, :]) & off
    assert correlation[~same & off].mean() > 0.1
    assert correlation[same].mean() > correlation[~same & off].mean() + 0.03


def test_bars_are_consistent(bars: pd.DataFrame) -> None:
    assert (bars["low"] > 0).all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert not bars.duplicated(["ticker", "session"]).any()
    assert 0 < bars["volume"].isna().sum() < 200
    assert bars["volume"].min() > 0


def test_splits_leave_no_jump_once_applied(bars: pd.DataFrame, facts: Facts) -> None:
    splits = facts["action_facts"].query("action == 'split'")
    assert 2 <= len(splits) <= 4
    for split in splits.itertuples():
        row = bars[(bars["ticker"] == split.ticker) & (bars["session"] == split.session)]
        assert row["r"].abs().item() < 0.2 < np.log(split.value)
    raw = facts["bar_facts"].query("basis == 'raw'")
    assert raw["ticker"].nunique() == 1
    assert raw["adj_close"].isna().all()
    split = splits[splits["ticker"] == raw["ticker"].iloc[0]].iloc[0]
    close = raw.set_index("session")["close"]
    unapplied = close.loc[split["session"]] / close[close.index < split["session"]].iloc[-1]
    assert unapplied * split["value"] == pytest.approx(1, abs=0.2)


def test_dividends_explain_adjusted_closes(facts: Facts) -> None:
    paid = facts["action_facts"].query("action == 'dividend'")
    assert len(paid) > 100
    bars = facts["bar_facts"].query("basis == 'split'").sort_values(["ticker", "session"])
    for ticker in sorted(paid["ticker"].unique())[:5]:
        own = bars[bars["ticker"] == ticker].set_index("session")
        factor = pd.Series(1.0, own.index)
        for ex_date, value in paid[paid["ticker"] == ticker][["session", "value"]].itertuples(index=False):
            before = own.index < ex_date
            if before.any():
                factor[before] *= 1 - value / own.loc[before, "close"].iloc[-1]
        np.testing.assert_allclose(own["adj_close"], own["close"] * factor, atol=6e-5)


def test_one_company_is_listed_late_and_one_is_gone(facts: Facts) -> None:
    bars, companies = facts["bar_facts"], facts["company_facts"].set_index("ticker")
    late, gone = companies["listed_on"].dropna(), companies["delisted_on"].dropna()
    assert len(late) == len(gone) == 1
    assert bars.loc[bars["ticker"] == late.index[0], "session"].min() == late.iloc[0]
    assert bars.loc[bars["ticker"] == gone.index[0], "session"].max() == gone.iloc[0]
    vanished = facts["symbol_facts"].query("new_ticker.isna()")
    assert list(vanished["old_ticker"]) == [gone.index[0]]


def test_renamed_companies_have_bars_under_the_new_symbol_only(facts: Facts) -> None:
    renamed = facts["symbol_facts"].dropna(subset=["new_ticker"])
    assert len(renamed) in (1, 2)
    traded = set(facts["bar_facts"]["ticker"])
    for change in renamed.itertuples():
        assert change.new_ticker in traded
        assert change.old_ticker not in traded
        rows = facts["disclosure_facts"]
        early = rows[rows["ticker_printed"].eq(change.old_ticker)]
        assert (early["transaction_date"] < change.not_before).mean() > 0.5


def test_breaches_show_in_the_market(bars: pd.DataFrame, facts: Facts) -> None:
    breaches = facts["truth_facts"].query("kind == 'breach'")
    assert len(breaches) >= 12
    assert breaches["ticker"].is_unique
    by_ticker = {t: g.set_index("session") for t, g in bars.groupby("ticker")}
    footprints, after_over_before = [], []
    for b in breaches.itertuples():
        own = by_ticker[b.ticker]
        assert b.known_from < b.event_on
        assert own.loc[b.event_on, "r"] == pytest.approx(np.log1p(-b.strength), abs=1e-3)
        assert -b.strength < -0.05
        between = own[(own.index > b.known_from) & (own.index < b.event_on)]
        footprints.append((between["ratio"] >= 3).sum())
        at = own.index.get_loc(b.event_on)
        if len(own) > at + 21:
            after_over_before.append(own["r"].iloc[at + 1 : at + 21].std() / own["r"].iloc[at - 61 : at - 1].std())
    event_volume = [by_ticker[b.ticker].loc[b.event_on, "ratio"] for b in breaches.itertuples()]
    assert np.median(event_volume) > 3
    assert np.mean(np.array(footprints) >= 1) > 0.9, "unusual volume precedes a disclosure"
    assert np.median(after_over_before) > 1.2, "volatility stays high"


def test_unusual_volume_is_rare_without_a_reason(bars: pd.DataFrame) -> None:
    assert 0.0005 < (bars["ratio"] >= 3).mean() < 0.02


def test_no_unexplained_move_is_as_large_as_bad_data(bars: pd.DataFrame) -> None:
    assert bars["r"].apply(np.expm1).abs().max() < 0.4


def test_the_world_reads_no_clock_and_no_environment_and_knows_no_dagster() -> None:
    package = Path(__file__).resolve().parents[2] / "cyberpi_assets" / "sources" / "demo"
    for module in package.glob("*.py"):
        text = module.read_text()
        assert "datetime.now" not in text
        assert "os.environ" not in text
        assert "import dagster" not in text
        assert "from dagster" not in text
