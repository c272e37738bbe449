"""Charts are pictures: they decode, they are small, they show what the frame holds."""

from __future__ import annotations

import base64
import datetime as dt
import random
import struct
import zlib

import pyarrow as pa
import pytest

from cyberpi_assets.reports import charts
from cyberpi_assets.reports.png import shrink
from cyberpi_assets.tables import DISCLOSURE_CORRELATIONS, MARKET_ALERTS, OFFICIAL_RANKINGS


def _size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _alerts(months: int) -> pa.Table:
    rng = random.Random(5)
    days = [dt.date(2012, 1, 15) + dt.timedelta(days=30 * i) for i in range(months)]
    kinds = ["unusual_volume", "price_spike", "price_drop", "high_volatility"]
    rows = [(d, k) for d in days for k in kinds for _ in range(rng.randint(1, 40))]
    return pa.table({"session": pa.array([d for d, _ in rows], pa.date32()), "alert_type": [k for _, k in rows]})


def _ranking(n: int) -> pa.Table:
    rows = [
        {
            "rank": i if i <= n - 1 else None,
            "official": f"<b>Official</b> {i} \x1b[31m",
            "rate": 0.5,
            "rate_low": 0.3,
            "rate_high": 0.7,
            "suspicious": 5,
            "n_scored": 10,
        }
        for i in range(1, n + 1)
    ]
    return pa.Table.from_pylist(rows)


def test_fourteen_years_of_alerts_fit_into_metadata() -> None:
    png = charts.alerts_per_month(_alerts(170))
    assert len(png) < charts.MAX_BYTES
    width, height = _size(png)
    assert width > 400
    assert height > 150


def test_scores_and_rankings_are_drawn() -> None:
    scores = pa.table({"score": pa.array([0.0, 12.0, 39.9, 40.0, 60.0, 80.0, 99.0, 100.0, None])})
    for png in (charts.score_distribution(scores), charts.ranking_intervals(_ranking(30))):
        assert len(png) < charts.MAX_BYTES
        _size(png)


def test_a_longer_ranking_is_a_taller_picture() -> None:
    assert _size(charts.ranking_intervals(_ranking(20)))[1] > _size(charts.ranking_intervals(_ranking(8)))[1]


def test_tables_without_rows_are_drawn_too() -> None:
    _size(charts.alerts_per_month(MARKET_ALERTS.empty()))
    _size(charts.score_distribution(DISCLOSURE_CORRELATIONS.empty()))
    _size(charts.ranking_intervals(OFFICIAL_RANKINGS.empty()))


def test_colours_survive_the_shrinking() -> None:
    rgba = bytes(v for _ in range(8) for x in range(16) for v in ((0, 114, 178, 255) if x % 2 else (0, 0, 0, 0)))
    lines = b"".join(b"\x00" + rgba[64 * y : 64 * y + 64] for y in range(8))
    header = struct.pack(">IIBBBBB", 16, 8, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts
    )
    small = shrink(png)
    palette = small[small.index(b"PLTE") + 4 :][:6]
    assert palette == bytes((0, 114, 178, 255, 255, 255))  # transparent is white
    at = small.index(b"IDAT")
    (size,) = struct.unpack(">I", small[at - 4 : at])
    assert zlib.decompress(small[at + 4 : at + 4 + size]) == (b"\x00" + b"\x01\x00" * 8) * 8


def test_a_picture_becomes_a_data_address() -> None:
    png = charts.score_distribution(pa.table({"score": [10.0, 70.0]}))
    text = charts.as_markdown_image(png, "scores] of trades")
    assert text.startswith("![scores) of trades](data:image/png;base64,")
    assert base64.b64decode(text.split("base64,")[1].rstrip(")")) == png


def test_a_large_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        charts.as_markdown_image(b"x" * 60_001)
