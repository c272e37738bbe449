"""The invented officials disclose as real ones do, and trade as the planted truth says."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cyberpi_assets.sources.demo.world import build

Facts = dict[str, pd.DataFrame]
LATE = dt.timedelta(days=45)


@pytest.fixture(scope="module", params=[20230103, 5])
def facts(request: pytest.FixtureRequest) -> Facts:
    tables, _ = build(request.param, "2023-01", "2025-12", "demo")
    return {name: table.to_pandas() for name, table in tables.items()}


@pytest.fixture(scope="module")
def rows(facts: Facts) -> pd.DataFrame:
    return facts["disclosure_facts"]


@pytest.fixture(scope="module")
def first_hand(facts: Facts, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows disclosed for the first time, by people who state their id, with credible dates and the person's habit."""
    truth = facts["truth_facts"].query("subject == 'official'")[["bioguide_id", "kind", "strength"]]
    new = rows[rows["filing_status"].eq("new") & rows["repeat_of"].isna() & rows["flags"].isna()]
    return new.dropna(subset=["bioguide_id"]).merge(truth, on="bioguide_id")


def _foreknown(trades: pd.DataFrame, facts: Facts) -> np.ndarray:
    """Whether a trade is a sale of a breached company between discovery and disclosure."""
    breaches = facts["truth_facts"].query("kind == 'breach'").set_index("ticker")
    hit = trades["ticker_printed"].map(breaches["known_from"]), trades["ticker_printed"].map(breaches["event_on"])
    day = pd.to_datetime(trades["transaction_date"])
    inside = (day > pd.to_datetime(hit[0])) & (day < pd.to_datetime(hit[1]))
    return (inside & trades["side"].eq("sell")).to_numpy()


def test_every_official_has_one_truth(facts: Facts) -> None:
    truth = facts["truth_facts"].query("subject == 'official'")
    assert truth["bioguide_id"].is_unique
    assert set(truth["bioguide_id"]) == set(facts["person_facts"]["bioguide_id"])
    assert set(truth["kind"]) == {"informed", "random", "rebalancer", "late_filer"}


def test_informed_officials_trade_on_foreknowledge_as_often_as_planted(first_hand: pd.DataFrame, facts: Facts) -> None:
    informed = first_hand[first_hand["kind"] == "informed"]
    acted = pd.Series(_foreknown(informed, facts), index=informed.index)
    for person, own in informed.groupby("bioguide_id"):
        assert len(own) >= 15
        assert acted[own.index].mean() == pytest.approx(own["strength"].iloc[0], abs=0.13), person


def test_others_hardly_ever_trade_between_discovery_and_disclosure(first_hand: pd.DataFrame, facts: Facts) -> None:
    others = first_hand[first_hand["kind"] != "informed"]
    assert _foreknown(others, facts).mean() < 0.02


def test_unusual_volume_precedes_the_informed_sales(first_hand: pd.DataFrame, facts: Facts) -> None:
    bars = facts["bar_facts"].sort_values(["ticker", "session"])
    prior = bars.groupby("ticker")["volume"].transform(lambda v: v.shift().rolling(20, 15).mean())
    alerts = bars.loc[bars["volume"] >= 3 * prior, ["ticker", "session"]]
    shares = {}
    for kind, own in first_hand.groupby("kind"):
        pairs = own.reset_index().merge(alerts, left_on="ticker_printed", right_on="ticker")
        lag = (pd.to_datetime(pairs["transaction_date"]) - pd.to_datetime(pairs["session"])).dt.days
        shares[kind] = pairs.loc[lag.between(1, 30), "index"].nunique() / len(own)
    assert shares["informed"] > 0.3
    assert shares["informed"] > 3 * shares["random"]


def test_rebalancers_trade_a_basket_on_one_day_of_each_month(first_hand: pd.DataFrame) -> None:
    plans = first_hand[first_hand["kind"] == "rebalancer"]
    by_day = plans.groupby(["bioguide_id", "transaction_date"])["ticker_printed"].nunique()
    assert by_day.min() >= 10
    months = pd.Series(pd.to_datetime(by_day.index.get_level_values(1)).to_period("M"))
    assert not pd.DataFrame({"p": by_day.index.get_level_values(0), "m": months}).duplicated().any()
    assert len(by_day) > 60


def test_late_filers_are_late_and_the_others_in_time(first_hand: pd.DataFrame) -> None:
    lag = first_hand["filed_on"] - first_hand["transaction_date"]
    late = first_hand["kind"] == "late_filer"
    assert (lag[late] > LATE).mean() > 0.5
    assert (lag[late] > dt.timedelta(days=365)).any()
    assert lag[~late].min() >= dt.timedelta(days=5)
    assert lag[~late].max() <= LATE


def test_trades_lie_in_office(first_hand: pd.DataFrame, facts: Facts) -> None:
    held = first_hand[["line", "bioguide_id", "transaction_date"]].merge(
        facts["term_facts"][["bioguide_id", "starts_on", "ends_on"]], on="bioguide_id"
    )
    within = held[(held["transaction_date"] >= held["starts_on"]) & (held["transaction_date"] < held["ends_on"])]
    assert set(within["line"]) == set(first_hand["line"])


def test_trades_lie_on_bars_of_their_company(first_hand: pd.DataFrame, facts: Facts) -> None:
    symbols = facts["symbol_facts"].set_index("old_ticker")["new_ticker"].dropna()
    electronic = first_hand[first_hand["transcription"].eq("electronic")].dropna(subset=["ticker_printed"])
    keys = pd.MultiIndex.from_arrays([electronic["ticker_printed"].replace(symbols), electronic["transaction_date"]])
    assert keys.isin(pd.MultiIndex.from_frame(facts["bar_facts"][["ticker", "session"]])).all()


def test_documents_have_rows_in_order_and_one_filing_day(rows: pd.DataFrame) -> None:
    by_document = rows.groupby("document")
    assert (by_document["filed_on"].nunique() == 1).all()
    assert (by_document["filer"].nunique() == 1).all()
    assert not rows.duplicated(["document", "row_in_document"]).any()
    assert (by_document.size() > 1).mean() > 0.3
    assert rows["document"].str.fullmatch(r"D20\d{2}\d{6}").all()
    assert (rows["url"] == "demo:filing/" + rows["document"]).all()
    assert (rows["document"].str[1:5].astype(int) == pd.to_datetime(rows["filed_on"]).dt.year).all()
    assert (pd.to_datetime(rows["filed_on"]).dt.day_of_week < 5).all()
    assert rows["filed_on"].is_monotonic_increasing


def test_amounts_are_bands_of_the_act(rows: pd.DataFrame) -> None:
    lows = {1_001, 15_001, 50_001, 100_001, 250_001, 500_001, 1_000_001, 5_000_001, 25_000_001, 50_000_001}
    assert set(rows["amount_low"]) <= lows
    open_ended = rows["amount_high"].isna()
    cut_off = rows["flags"].fillna("").str.contains("amount_cut_off")
    assert (rows.loc[open_ended & ~cut_off, "amount_printed"] == "Over $50,000,000").all()
    closed = rows[~open_ended]
    printed = closed["amount_printed"].str.replace(r"[$,]", "", regex=True).str.split(" - ", expand=True).astype(float)
    np.testing.assert_array_equal(printed[0], closed["amount_low"])
    np.testing.assert_array_equal(printed[1], closed["amount_high"])
    assert cut_off.any()


def test_the_oddities_of_real_disclosures_are_there(rows: pd.DataFrame) -> None:
    assert set(rows["asset_type"]) >= {"stock", "option", "fund", "municipal_security", "corporate_bond"}
    assert set(rows["owner"].dropna()) == {"self", "spouse", "joint", "child"}
    assert rows.loc[rows["owner"].isna(), "transcription"].eq("ocr").all()
    assert rows["owner"].isna().any()
    assert set(rows["side"]) == {"buy", "sell", "exchange"}
    assert not (rows["is_partial"] & rows["side"].ne("sell")).any()
    assert {dt.date(9, 6, 9), dt.date(3031, 4, 30)} <= set(rows["transaction_date"])
    assert (rows.loc[rows["transaction_date"] < dt.date(2012, 1, 1), "flags"].notna()).all()
    assert (rows.loc[rows["transaction_date"] > rows["filed_on"], "flags"].notna()).all()
    traded = [c for c in rows.columns if c not in ("row_in_document", "line")]
    assert 20 < rows.duplicated(traded).sum() < 400
    assert 0.1 < rows["ticker_printed"].isna().mean() + rows["bioguide_id"].isna().mean() < 0.5


def test_amendments_and_repeats_point_to_what_they_follow(rows: pd.DataFrame) -> None:
    amended = rows[rows["filing_status"] == "amended"]
    assert len(amended) > 20
    assert (amended["amendment_no"] == 1).all()
    assert not amended["is_superseded"].any()
    superseded = rows[rows["is_superseded"]]
    assert len(superseded) > 20
    assert set(superseded["transcription"]) <= {"electronic", "ocr"}
    repeats = rows.dropna(subset=["repeat_of"])
    assert len(repeats) > 5
    assert set(repeats["repeat_of"]) <= set(rows["document"])
    filed = rows.drop_duplicates("document").set_index("document")["filed_on"]
    assert (repeats["repeat_of"].map(filed) < repeats["filed_on"]).all()


def test_filers_without_an_id_are_printed_so_that_they_can_be_known(rows: pd.DataFrame, facts: Facts) -> None:
    unnamed = rows[rows["bioguide_id"].isna()]
    assert len(unnamed) > 100
    families = set(facts["person_facts"]["last_name"])
    assert unnamed["filer"].apply(lambda f: any(last in f for last in families)).all()
    assert unnamed["filer"].str.contains(r"^Hon\.|,").any()
