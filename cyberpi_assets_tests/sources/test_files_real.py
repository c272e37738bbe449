"""The real files as they lie: recognised, every row accounted for, counts as counted by other means."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from cyberpi_assets.sources.files import FileSources
from cyberpi_assets.sources.intake import Gathered, Intake

pytestmark = pytest.mark.real
LIMIT = 2**32


@pytest.fixture(scope="module")
def found(real: Path, real_intake: Path) -> Gathered:
    return FileSources(real, Intake(real_intake), LIMIT).gather()


@pytest.fixture(scope="module")
def account(found: Gathered) -> dict[str, dict[str, Any]]:
    return {row["file"]: row for row in found.files().to_pylist()}


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _csv(path: Path) -> int:
    return sum(1 for row in csv.reader(io.StringIO(_bytes(path).decode("utf-8-sig"))) if row) - 1


def _parquet(path: Path) -> int:
    return pq.read_metadata(path).num_rows


def _json(path: Path) -> int:
    return len(json.loads(_bytes(path)))


def _daily(path: Path) -> int:
    return sum(max(len(report["transactions"]), 1) for report in json.loads(_bytes(path)))


def _legislators(path: Path) -> int:
    people = yaml.load(_bytes(path), yaml.CSafeLoader)  # JSON is YAML
    return sum(1 + len(p["terms"]) for p in people)


def _committees(path: Path) -> int:
    return sum(1 + len(c.get("subcommittees", ())) for c in yaml.load(_bytes(path), yaml.CSafeLoader))


def _seats(path: Path) -> int:
    return sum(map(len, yaml.load(_bytes(path), yaml.CSafeLoader).values()))


def _two_sided(path: Path) -> int:
    return 2 * _csv(path)


def _short_keys(path: Path) -> int:
    return len(json.loads(_bytes(path))["o"]) + 1  # contracts and the quote


def _paired(path: Path) -> int:
    return 2 * len(json.loads(_bytes(path))["contracts"]) + 1


def _yahoo(path: Path) -> int:
    """Contracts, quotes, and an earnings day for each quote that states one that is no estimate."""
    text = _bytes(path).decode()
    contracts = text.count('"contractSymbol"')
    quotes = text.count('"quoteType"')
    return contracts + quotes + (text.count('"earningsTimestamp"') if quotes else 0)


COUNTED: list[tuple[str, str, Callable[[Path], int]]] = [
    ("disclosures/congress_trades.parquet", "disclosures/unified", _parquet),
    ("filings/house/hsw_all_transactions_*.csv.gz", "disclosures/house-stock-watcher-v1-csv", _csv),
    ("filings/house/hsw_v2_*.csv.gz", "disclosures/house-stock-watcher-v2-csv", _csv),
    ("filings/house/tattooedhead_*.json.gz", "disclosures/tattooedhead", _json),
    ("filings/senate/ssw_all_transactions_*.csv.gz", "disclosures/senate-stock-watcher-csv", _csv),
    ("filings/senate/ssw_all_transactions_*.json.gz", "disclosures/senate-stock-watcher", _json),
    ("filings/senate/ssw_all_daily_*.json.gz", "disclosures/senate-stock-watcher-daily", _daily),
    ("filings/senate/ssw_daily/*.json", "disclosures/senate-stock-watcher-daily", _daily),
    ("market/prices.parquet", "bars/ohlcv", _parquet),
    ("market/corporate_actions.parquet", "actions/table", _parquet),
    ("market/options.parquet", "chains/contracts", _parquet),
    ("market/options_daily.parquet", "option_volumes/table", _parquet),
    ("market/raw/yfinance_chain_*.csv.gz", "chains/yahoo-table", _csv),
    ("market/raw/broker_chain_*.csv", "chains/two-sided", _two_sided),
    ("market/raw/cboe_style_chain_*.json.gz", "chains/short-keys", _short_keys),
    ("market/raw/riskalertsys_chain_*.json.gz", "chains/paired", _paired),
    ("market/raw/yahoo_options-*.json", "chains/yahoo", _yahoo),
    ("market/raw/yahoo_quote-*.json", "snapshots/yahoo", _yahoo),
    ("reference/legislators.parquet", "people/legislators-table", _parquet),
    ("reference/legislator_terms.parquet", "people/terms-table", _parquet),
    ("reference/committees.parquet", "people/committees-table", _parquet),
    ("reference/committee_membership.parquet", "people/memberships-table", _parquet),
    ("reference/tickers.parquet", "companies/tickers-table", _parquet),
    ("reference/ticker_changes.parquet", "symbols/changes", _parquet),
    ("reference/ticker_disappeared.parquet", "symbols/disappeared", _parquet),
    ("reference/legislators_raw/legislators-*.csv.gz", "people/legislators-csv", _csv),
    ("reference/legislators_raw/legislators-current.json.gz", "people/legislators", _legislators),
    ("reference/legislators_raw/legislators-current.yaml.gz", "people/legislators", _legislators),
    ("reference/legislators_raw/committees-*.gz", "people/committees", _committees),
    ("reference/legislators_raw/committee-membership-current.csv.gz", "people/memberships-csv", _csv),
    ("reference/legislators_raw/committee-membership-current.yaml.gz", "people/memberships", _seats),
    ("reference/legislators_raw/snapshots/*.yaml.gz", "people/memberships", _seats),
    ("reference/tickers_raw/alphavantage_*.csv.gz", "companies/alphavantage-listing", _csv),
    ("reference/tickers_raw/nasdaq_screener_*.csv.gz", "companies/nasdaq-screener", _csv),
    ("reference/tickers_raw/sec_cik_mapper_*.csv.gz", "companies/sec-cik-mapper", _csv),
    ("reference/tickers_raw/sec_company_tickers_*.json.gz", "companies/sec-tickers", _json),
    ("reference/tickers_raw/sp500_constituents_*.csv", "companies/sp500-constituents", _csv),
    ("reference/tickers_raw/sp500_ticker_start_end.csv", "companies/sp500-membership", _csv),
    ("reference/tickers_raw/delisted_seed.csv", "companies/delisted-list", _csv),
]


@pytest.mark.parametrize(("pattern", "form", "count"), COUNTED, ids=[c[0] for c in COUNTED])
def test_rows_read_are_as_counted_by_other_means(
    real: Path, account: dict[str, dict[str, Any]], pattern: str, form: str, count: Callable[[Path], int]
) -> None:
    paths = sorted(real.glob(pattern))
    assert paths
    for path in paths:
        line = account[path.relative_to(real).as_posix()]
        assert line["format"] == form
        assert line["rows_read"] == count(path) == line["accepted"] + line["quarantined"]


def test_every_file_is_read_or_has_a_reason(real: Path, account: dict[str, dict[str, Any]]) -> None:
    there = {p.relative_to(real).as_posix() for p in real.rglob("*") if p.is_file() and not p.name.startswith(".")}
    assert set(account) == there
    assert all(line["rows_read"] is not None or line["reason"] for line in account.values())
    assert not [line for line in account.values() if "fault of the reader" in (line["reason"] or "")]
    kinds = {line["kind"] for line in account.values()}
    assert {"filings", "chains", "option_volumes", "snapshots", "news", "halts", "events"} <= kinds


def test_facts_have_no_null_where_none_may_be(found: Gathered) -> None:
    for name in ("action_facts", "disclosure_facts", "person_facts", "term_facts", "company_facts"):
        data = found.facts(name)
        assert data.num_rows, name
        for field in data.schema:
            assert field.nullable or data.column(field.name).null_count == 0, (name, field.name)


def test_prices_keep_their_values(real: Path, found: Gathered) -> None:
    digest = (
        "SELECT basis, count(*), count(DISTINCT ticker), min({d}), max({d}), sum(close::DOUBLE)::DECIMAL(30, 2), "
        "sum(volume)::HUGEINT, count(volume), count(adj_close) FROM {t} GROUP BY basis ORDER BY basis"
    )
    con = duckdb.connect()
    given = con.execute(digest.format(d="date", t="read_parquet(?)"), [str(real / "market/prices.parquet")]).fetchall()
    read = con.execute(digest.format(d="session", t=f"({found.select('bar_facts')})")).fetchall()
    assert read == given
    lines = con.execute(
        f"SELECT min(line), max(line), count(DISTINCT line) FROM ({found.select('bar_facts')})"
    ).fetchone()
    assert lines == (1, sum(row[1] for row in given), sum(row[1] for row in given))


def test_contracts_keep_their_values(real: Path, found: Gathered) -> None:
    """Sums over all 2.0 million contracts, by right, as the file itself gives them; unknown is not zero."""
    con = duckdb.connect()
    path = str(real / "market/options.parquet")
    given = con.execute(
        """
        SELECT type, count(*), sum(volume)::HUGEINT, sum(open_interest)::HUGEINT, count(underlying_price),
               count(*) FILTER (implied_vol > 0.001), count(delta), count(DISTINCT (ticker, trade_date)),
               sum(round(strike::DOUBLE, 4))::DECIMAL(30, 2), count(*) FILTER (last > 0), count(*) FILTER (ask > 0)
        FROM read_parquet(?) GROUP BY type ORDER BY type""",
        [path],
    ).fetchall()
    read = con.execute(f"""
        SELECT CASE "right" WHEN 'call' THEN 'C' ELSE 'P' END AS t, count(*), sum(volume)::HUGEINT,
               sum(open_interest)::HUGEINT, count(underlying_price), count(implied_vol), count(delta),
               count(DISTINCT (ticker, session)), sum(strike)::DECIMAL(30, 2), count(last), count(ask)
        FROM ({found.select("chain_facts")}) WHERE file = 'market/options.parquet' GROUP BY t ORDER BY t""").fetchall()
    assert read == given


def test_a_vendors_own_sums_agree_with_its_contracts(real: Path, found: Gathered) -> None:
    """The header of a vendor's chain states the day's volumes; the contracts, read one by one, add up to them."""
    con = duckdb.connect()
    for path in sorted(real.glob("market/raw/riskalertsys_chain_*.json.gz")):
        header = json.loads(_bytes(path))["header"]
        sums = con.execute(
            f"""SELECT sum(volume) FILTER ("right" = 'call'), sum(volume) FILTER ("right" = 'put')
                FROM ({found.select("chain_facts")}) WHERE file = ?""",
            [path.relative_to(real).as_posix()],
        ).fetchone()
        assert sums == (header["callVolume"], header["putVolume"])


def test_the_volumes_of_a_known_incident_are_there(found: Gathered) -> None:
    rows = found.facts(
        "option_volume_facts", "ticker = 'OKTA' AND session BETWEEN '2023-10-19' AND '2023-10-20'"
    ).to_pylist()
    assert {str(r["session"]): r["total_volume"] for r in rows} == {"2023-10-19": 2971, "2023-10-20": 56377}


def test_prices_of_underlyings_are_on_the_basis_of_their_strikes(found: Gathered) -> None:
    """CrowdStrike's chains before 2026-07-02 are those of shares before the split: a bar of that day is a quarter."""
    con = duckdb.connect()
    ratios = con.execute(f"""
        SELECT c.session < '2026-07-02', round(min(c.price / b.close), 2), round(max(c.price / b.close), 2)
        FROM (SELECT session, max(underlying_price) AS price FROM ({found.select("chain_facts")})
              WHERE ticker = 'CRWD' AND file = 'market/options.parquet' GROUP BY session) c
        JOIN ({found.select("bar_facts")}) b ON b.session = c.session AND b.ticker = 'CRWD'
        GROUP BY 1 ORDER BY 1""").fetchall()
    assert ratios == [(False, 1.0, 1.0), (True, 4.0, 4.0)]


def test_impossible_dates_of_the_collections_are_kept_or_put_aside(found: Gathered) -> None:
    dates = found.facts("disclosure_facts")["transaction_date"]
    years = set(pc.unique(pc.year(dates.drop_null())).to_pylist())
    assert {9, 3031} <= years
    aside = [
        row
        for unit in found.units
        for row in pq.read_table(found.intake.root / unit / "quarantine_facts.parquet").to_pylist()
        if row["field"].startswith("transaction_date")
    ]
    assert "20222-08-09" in {row["value"] for row in aside}
    assert all(row["reason"] and row["line"] > 0 for row in aside)


def test_no_markup_is_left(found: Gathered) -> None:
    data = found.facts("disclosure_facts")
    for column in ("filer", "ticker_printed", "asset", "description"):
        assert not pc.any(pc.match_substring_regex(data[column], "<[a-z/]|&amp;|&#")).as_py(), column


def test_documents_have_each_row_number_once(found: Gathered) -> None:
    rows = found.facts("disclosure_facts", "document IS NOT NULL").group_by(["file", "document", "row_in_document"])
    assert pc.max(rows.aggregate([([], "count_all")])["count_all"]).as_py() == 1


def test_content_decides_under_any_name(real: Path, tmp_path: Path, account: dict[str, dict[str, Any]]) -> None:
    folder = tmp_path / "renamed"
    folder.mkdir()
    chosen = [
        f
        for f, line in account.items()
        if line["rows_read"] is not None
        and line["kind"] != "bars"
        and line["bytes"] < 300_000
        # a scan and a Senate page do not say which filing they are; only their name does
        and line["format"] not in ("disclosures/house-pdf", "disclosures/senate-page")
        # nor does a vendor's chain of which day and whom it is
        and line["format"] not in ("disclosures/senate-pages-archive", "chains/paired")
    ]
    for n, file in enumerate(sorted(chosen)):
        data = (real / file).read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else gzip.compress(data, 1) if n % 2 else data
        (folder / f"{n}.pdf").write_bytes(data if not file.endswith(".parquet") else (real / file).read_bytes())
    again = FileSources(folder, Intake(tmp_path / "intake"), LIMIT).gather()
    for line in again.files().to_pylist():
        before = account[sorted(chosen)[int(Path(line["file"]).stem)]]
        for key in ("kind", "format", "rows_read", "accepted", "quarantined"):
            assert line[key] == before[key]


def test_yahoo_files_under_the_name_of_their_ticker(real: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bars"
    folder.mkdir()
    shutil.copy(real / "market/raw/stockdata_dieperdev_OKTA.csv.gz", folder / "OKTA.csv.gz")
    shutil.copy(real / "market/raw/yfinance_tests_SPM-MI-1d-bad-stock-split.csv", folder / "SPM-MI.csv")
    again = FileSources(folder, Intake(tmp_path / "intake"), LIMIT).gather()
    bars = again.facts("bar_facts").group_by("ticker").aggregate([("line", "count")]).to_pylist()
    assert {b["ticker"]: b["line_count"] for b in bars} == {
        "OKTA": _csv(folder / "OKTA.csv.gz"),
        "SPM-MI": _csv(folder / "SPM-MI.csv"),
    }
