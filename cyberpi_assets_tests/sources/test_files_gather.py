"""A folder as a source: content decides, every row is accounted for, nothing hostile stops the rest."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import os
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cyberpi_assets.sources.files import FileSources
from cyberpi_assets.sources.intake import Gathered, Intake

LIMIT = 64 * 2**20
YAHOO = (
    "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
    "2023-04-14 00:00:00-04:00,10,12,9,11,10.5,1000,0.0,0.0\n"
    "2023-04-17 00:00:00-04:00,11,12,9,11.5,11,\"1,200\",0.25,0.0\n"
    "2023-04-18 00:00:00-04:00,5,6,4,5.5,5.4,2400,0.0,2.0\n"
)  # fmt: skip
SENATE = [
    {
        "transaction_date": "11/10/2020",
        "owner": "Spouse",
        "ticker": '<a href="x">BRK.B</a>',
        "asset_description": "Berkshire &amp; Co <div class=\"text-muted\">small print</div>",
        "asset_type": "Stock",
        "type": "Sale (Partial)",
        "amount": "$1,001 - $15,000",
        "comment": "--",
        "senator": "<b>Ron L Wyden</b>",
        "ptr_link": "https://efdsearch.senate.gov/search/view/ptr/A0010F4A-c31a-4824-8b6d-6399b3ccb6f0/",
    }
]  # fmt: skip


def gathered(folder: Path, limit: int = LIMIT) -> Gathered:
    return FileSources(folder, Intake(folder.parent / "intake"), limit).gather()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def account(found: Gathered) -> dict[str, dict[str, Any]]:
    return {row["file"]: row for row in found.files().to_pylist()}


def facts(found: Gathered, name: str) -> list[dict[str, Any]]:
    return sorted(found.facts(name).to_pylist(), key=lambda r: (r["file"], r["line"]))


# ---------------------------------------------------------------------------------------------------------------- bars


def test_yahoo_bars_give_bars_and_actions(folder: Path) -> None:
    (folder / "okta.csv").write_text(YAHOO)
    found = gathered(folder)
    bars = facts(found, "bar_facts")
    assert [(b["ticker"], b["session"], b["close"], b["volume"], b["line"]) for b in bars] == [
        ("OKTA", dt.date(2023, 4, 14), 11.0, 1000, 1),
        ("OKTA", dt.date(2023, 4, 17), 11.5, 1200, 2),
        ("OKTA", dt.date(2023, 4, 18), 5.5, 2400, 3),
    ]
    assert {b["basis"] for b in bars} == {"split"}
    assert [(a["action"], a["value"], a["line"]) for a in facts(found, "action_facts")] == [
        ("dividend", 0.25, 2),
        ("split", 2.0, 3),
    ]
    assert account(found)["okta.csv"]["rows_read"] == 5  # three bars, two actions


def test_bars_that_cannot_be_used_are_put_aside_with_line_and_field(folder: Path) -> None:
    rows = [
        "date,symbol,open,high,low,close,volume",
        "2020-01-02,A,1,1,1,1,1",
        "2020-01-03,A,1,1,1,,1",
        "2020-01-06,A,1,1,1,0,1",
        "2020-01-07,A,1,1,1,inf,1",
        "1890-01-01,A,1,1,1,1,1",
        "2200-01-01,A,1,1,1,1,1",
        "soon,A,1,1,1,1,1",
        "2020-01-08,,1,1,1,1,1",
        "2020-01-09,A,1,1,1,1,-5",
        "2020-01-10,A,one,1,1,1,1",
        "2020-01-13,A,1,1",
        "2020-01-14,A,1,1,1,1,1,1,1",
        "2020-01-15,brk.b,,,,7,",
    ]
    (folder / "bars").write_text("\n".join(rows))
    found = gathered(folder)
    assert [(b["ticker"], b["line"], b["volume"], b["open"]) for b in facts(found, "bar_facts")] == [
        ("A", 1, 1, 1.0),
        ("BRK-B", 13, None, None),
    ]
    aside = pq.read_table(found.intake.root / found.units[0] / "quarantine_facts.parquet").to_pylist()
    assert {r["line"]: r["field"] for r in aside} == {
        2: "close", 3: "close", 4: "close", 5: "date", 6: "date", 7: "date", 8: "ticker", 9: "volume", 10: "open",
        11: "row", 12: "row",
    }  # fmt: skip
    line = account(found)["bars"]
    assert (line["rows_read"], line["accepted"], line["quarantined"]) == (13, 2, 11)


@pytest.mark.parametrize(
    ("name", "text", "basis"),
    [
        ("a.us.txt", "Date,Open,High,Low,Close,Volume\n2020-01-02,1,2,0.5,1.5,10\n", "split"),
        ("x", "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
              "A.US,D,20200102,000000,1,2,0.5,1.5,10,0\n", "split"),
        ("a.csv", "date,open,high,low,close,volume,adjClose\n2020-01-02T00:00:00.000Z,1,2,0.5,1.5,10,1.4\n", "unknown"),
        ("a.csv", "timestamp;open;high;low;close;volume\n1577941200;1;2;0.5;1.5;10\n", "unknown"),
        ("y", "Symbol\tDate\tOpen\tHigh\tLow\tClose\tVolume\nA\t01/02/2020\t1\t2\t0.5\t1.5\t10\n", "unknown"),
    ],
)  # fmt: skip
def test_the_usual_dialects_of_bars(folder: Path, name: str, text: str, basis: str) -> None:
    (folder / name).write_text(text)
    found = gathered(folder)
    (bar,) = facts(found, "bar_facts")
    assert (bar["ticker"], bar["session"], bar["close"], bar["volume"]) == ("A", dt.date(2020, 1, 2), 1.5, 10)
    assert bar["basis"] == basis


@pytest.mark.parametrize(
    "dates",
    [
        pa.array([dt.date(2020, 7, 1)]),
        pa.array([dt.datetime(2020, 7, 1)], pa.timestamp("ns")),
        pa.array([dt.datetime(2020, 7, 1, 4, tzinfo=dt.UTC)], pa.timestamp("us", tz="America/New_York")),
        pa.array([dt.datetime(2020, 6, 30, 15, tzinfo=dt.UTC)], pa.timestamp("ns", tz="Asia/Tokyo")),
        pa.array([dt.datetime(2020, 7, 1, tzinfo=dt.UTC)], pa.timestamp("us", tz="UTC")),
        pa.array([dt.datetime(2020, 7, 1, 20, tzinfo=dt.UTC)], pa.timestamp("us", tz="UTC")),
        pa.array(["2020-07-01"]),
        pa.array([20200701]),
        pa.array([1593633600]),
    ],
)
def test_the_session_is_the_exchange_s_day(folder: Path, dates: pa.Array[Any]) -> None:
    one = pa.array([1.0])
    table = pa.table({"Date": dates, "Open": one, "High": one, "Low": one, "Close": one, "Ticker": pa.array(["A"])})
    pq.write_table(table, folder / "data")
    assert [b["session"] for b in facts(gathered(folder), "bar_facts")] == [dt.date(2020, 7, 1)]


def test_bars_without_any_symbol_are_reported(folder: Path) -> None:
    (folder / "my old prices.csv").write_text(YAHOO)
    found = gathered(folder)
    line = account(found)["my old prices.csv"]
    assert (line["kind"], line["rows_read"]) == ("bars", None)
    assert "not a ticker" in line["reason"]


# --------------------------------------------------------------------------------------------------------- disclosures


def test_a_disclosure_is_normalised_and_freed_of_markup(folder: Path) -> None:
    (folder / "x").write_text(json.dumps(SENATE))
    (row,) = facts(gathered(folder), "disclosure_facts")
    assert row["filer"] == "Ron L Wyden"
    assert row["document"] == "a0010f4a-c31a-4824-8b6d-6399b3ccb6f0"
    assert (row["ticker_printed"], row["asset"], row["description"]) == ("BRK-B", "Berkshire & Co", "small print")
    assert (row["side"], row["is_partial"], row["owner"]) == ("sell", True, "spouse")
    assert (row["amount_low"], row["amount_high"], row["transaction_date"]) == (1001, 15000, dt.date(2020, 11, 10))


def test_odd_disclosures_are_flagged_or_put_aside_and_repeats_stay(folder: Path) -> None:
    good = SENATE[0]
    rows = [
        good,
        good,
        {**good, "transaction_date": "06/09/0009"},
        {**good, "transaction_date": "--", "amount": "$1,001 -"},
        {**good, "transaction_date": "20222-08-09"},
        {**good, "type": "Dependent Child"},
        {**good, "ticker": "--", "owner": "?"},
        {**good, "senator": "<i></i>"},
        ["not", "an", "object"],
    ]
    (folder / "x").write_text(json.dumps(rows))
    found = gathered(folder)
    accepted = facts(found, "disclosure_facts")
    assert [(r["line"], r["row_in_document"]) for r in accepted] == [(1, 1), (2, 2), (3, 3), (4, 4), (7, 7)]
    assert accepted[2]["transaction_date"] == dt.date(9, 6, 9)
    assert "transaction_date_before_2012" in accepted[2]["flags"]
    assert set(accepted[3]["flags"].split(",")) == {"transaction_date_missing", "amount_cut_off"}
    assert (accepted[4]["owner"], accepted[4]["ticker_printed"]) == (None, None)
    aside = pq.read_table(found.intake.root / found.units[0] / "quarantine_facts.parquet").to_pylist()
    assert [(r["line"], r["field"]) for r in aside] == [
        (5, "transaction_date"), (6, "type"), (8, "filer"), (9, "row"),
    ]  # fmt: skip
    assert aside[0]["value"] == "20222-08-09"


# ------------------------------------------------------------------------------------------------- content, not name


def test_gzip_and_plain_give_the_same_facts_under_any_name(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "okta.pdf.gz").write_text(json.dumps(SENATE))
    (folder / "b.csv").write_bytes(gzip.compress(json.dumps(SENATE).encode()))
    (folder / "c.yaml").write_bytes(gzip.compress(b"") + gzip.compress(json.dumps(SENATE).encode("utf-8-sig")))
    rows = facts(gathered(folder), "disclosure_facts")
    assert len(rows) == 3
    assert all({**r, "file": ""} == {**rows[0], "file": ""} for r in rows)


def test_other_encodings_are_read_and_noted(folder: Path) -> None:
    text = "Symbol,Security,GICS Sector\nX,Société Générale,Financials\n"
    (folder / "utf8").write_text(text, encoding="utf-8-sig")
    (folder / "windows").write_text(text, encoding="cp1252")
    (folder / "utf16").write_text(text, encoding="utf-16")
    found = gathered(folder)
    assert {r["name"] for r in facts(found, "company_facts")} == {"Société Générale"}
    notes = {f: r["reason"] for f, r in account(found).items()}
    assert notes["utf8"] is None
    assert "Windows-1252" in notes["windows"]
    assert "UTF-16" in notes["utf16"]


def test_bars_in_windows_encoding_far_into_the_file(folder: Path) -> None:
    lines = ["date,ticker,open,high,low,close,note"] + ["2020-01-02,A,1,1,1,1,plain"] * 30_000
    (folder / "x").write_bytes("\n".join([*lines, "2020-01-03,A,1,1,1,1,caf\u00e9"]).encode("cp1252"))
    line = account(gathered(folder))["x"]
    assert (line["rows_read"], line["accepted"]) == (30_001, 30_001)
    assert "cp1252" in line["reason"]


def test_a_name_with_pattern_characters_reads_only_itself(folder: Path) -> None:
    for name, price in (("*.parquet", 1.0), ("a.parquet", 2.0), ("[ab].parquet", 3.0)):
        one = pa.array([price])
        table = pa.table({"date": ["2020-01-02"], "ticker": ["A"], "open": one, "high": one, "low": one, "close": one})
        pq.write_table(table, folder / name)
    assert {r["file"]: r["close"] for r in facts(gathered(folder), "bar_facts")} == {
        "*.parquet": 1.0,
        "a.parquet": 2.0,
        "[ab].parquet": 3.0,
    }


# -------------------------------------------------------------------------------------------------------------- hostile


def _bomb() -> bytes:
    return gzip.compress(b"a" * (80 * 2**20))


def _aliases() -> bytes:
    lines = ["- a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"- a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return "\n".join(lines).encode()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("x"), io.BytesIO())
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x", "y")
    return out.getvalue()


HEAD = b"date,ticker,open,high,low,close\n2020-01-02,A,1,1,1,1\n"
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "bomb.gz": _bomb(),
    "bars-bomb": gzip.compress(HEAD + b"2020-01-03,A,1,1,1,1\n" * 4_000_000),
    "truncated.gz": gzip.compress(os.urandom(300_000))[:200_000],
    "torn.gz": gzip.compress(json.dumps(SENATE * 40_000).encode())[:-200],
    "damaged.parquet": b"PAR1" + os.urandom(5000) + b"PAR1",
    "nul": HEAD + b"\x00" * 10_000,
    "random": os.urandom(100_000),
    "deep.json": b"[" * 200_000,
    "deep-object.json": b'{"a":' * 200_000,
    "digits.json": b'[{"a": ' + b"9" * 10_000 + b"}]",
    "surrogate.json": json.dumps([{**SENATE[0], "senator": "A \ud800 B", "comment": "\ud800"}]).encode(),
    "strange-values.json": json.dumps([{k: {"x": [1]} for k in SENATE[0]}]).encode(),
    "half.json": json.dumps(SENATE * 5)[:-7].encode(),
    "scalar.json": b"[1, 2, 3]",
    "aliases.yaml": _aliases(),
    "deep.yaml": b"- " * 50_000 + b"a",
    "deep-flow.yaml": b"- a: " + b"[" * 50_000,
    "damaged.yaml": b"- id:\n    bioguide: [}\n",
    "python.yaml": b"- !!python/object/apply:os.system ['true']\n",
    "giant-line.csv": HEAD + b"2020-01-02,A,1,1,1," + b"1" * (20 * 2**20),
    "giant-line": b"x" * (2 * 2**20),
    "giant-field.csv": b"symbol,security,gics sector\nA,\"" + b"x" * (20 * 2**20),
    "page.html": b"<!doctype html><html></html>",
    "filing.pdf": b"%PDF-1.7\n",
    "archive.tar.gz": _tar(),
    "archive.zip": _zip(),
    "notes.md": b"# Notes\n\nnothing here\n",
    "header-only.csv": HEAD.split(b"\n", 1)[0] + b"\n",
    "unknown.csv": b"a,b\n1,2\n",
    "unknown.json": b'{"a": 1, "b": 2}',
    "one-bad-legislator.yaml": b"- id: {bioguide: nobody}\n  name: {last: X}\n  terms:\n  - type: rep\n",
}  # fmt: skip
READ = {"surrogate.json", "strange-values.json", "header-only.csv", "one-bad-legislator.yaml", "nul"}


def test_nothing_hostile_stops_the_others(folder: Path) -> None:
    for name, data in HOSTILE.items():
        (folder / name).write_bytes(data)
    (folder / "zz-good").write_text(json.dumps(SENATE))
    began = time.monotonic()
    found = gathered(folder)
    assert time.monotonic() - began < 30
    files = account(found)
    assert set(files) == {*HOSTILE, "zz-good"}
    assert files["zz-good"]["accepted"] == 1
    for name, line in files.items():
        if line["rows_read"] is None:
            assert line["reason"], name
            assert "fault of the reader" not in line["reason"], (name, line["reason"])
        else:
            assert name in READ | {"zz-good"}, (name, line)
            assert line["rows_read"] == line["accepted"] + line["quarantined"]
    reasons = {name: line["reason"] or "" for name, line in files.items()}
    assert "too large" in reasons["bomb.gz"] or "neither" in reasons["bomb.gz"]
    assert "too large" in reasons["bars-bomb"]
    assert "damaged after" in reasons["torn.gz"]
    assert "aliases" in reasons["aliases.yaml"] or "nested" in reasons["aliases.yaml"]
    assert reasons["filing.pdf"].startswith("a PDF without a document number")
    assert reasons["archive.tar.gz"] == "an archive without report pages"
    assert reasons["unknown.json"] == "JSON object without a known set of keys: found ['a', 'b']"
    assert reasons["unknown.csv"] == "CSV header not known: ['a', 'b']"
    assert facts(found, "person_facts") == []


def test_nothing_is_left_beside_the_units(folder: Path) -> None:
    (folder / "bad").write_bytes(HOSTILE["bars-bomb"])
    (folder / "good").write_bytes(HEAD)
    found = gathered(folder)
    assert {p.name for p in found.intake.root.iterdir()} == set(found.units)


# ------------------------------------------------------------------------------------------------------------ the walk


def test_an_unchanged_folder_is_not_read_again(folder: Path) -> None:
    for n in range(200):
        (folder / f"{n:03}.csv").write_bytes(HEAD if n < 10 else f"a,b\n{n},2\n".encode())
    read: list[str] = []
    sources = FileSources(folder, Intake(folder.parent / "intake"), LIMIT)
    first = sources.gather(read.append)
    assert len(read) == 200
    began = time.monotonic()
    second = sources.gather(read.append)
    assert time.monotonic() - began < 0.3
    assert len(read) == 200
    assert second.units == first.units
    (folder / "007.csv").write_bytes(HEAD * 2)
    third = sources.gather(read.append)
    assert read[200:] == ["007.csv"]
    assert len(set(third.units) - set(first.units)) == 1


def test_hidden_files_and_links_out_of_the_folder_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(HEAD)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "bars").write_bytes(HEAD)
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "outdir").symlink_to(tmp_path / "outside")
    (folder / "nowhere").symlink_to(tmp_path / "missing")
    (folder / ".hidden").write_bytes(HEAD)
    (folder / ".git").mkdir()
    (folder / ".git" / "x").write_bytes(HEAD)
    (folder / "bars").write_bytes(HEAD)
    (folder / "inside").symlink_to(folder / "bars")
    assert set(account(gathered(folder))) == {"bars", "inside"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        gathered(tmp_path / "missing")


def test_files_are_listed_sorted_and_an_empty_folder_is_a_state(folder: Path) -> None:
    found = gathered(folder)
    assert found.units == ()
    assert found.facts("bar_facts").num_rows == 0
    assert pc.sum(found.facts("disclosure_facts")["line"]).as_py() is None
