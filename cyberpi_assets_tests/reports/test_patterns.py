"""The pattern report: rankings with their intervals, flags with their caveats."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest

from cyberpi_assets.reports import patterns
from cyberpi_assets.reports.patterns import PatternFilter, pattern_report, stored_rankings
from cyberpi_assets_tests.reports.conftest import opened
from cyberpi_assets_tests.reports.world import HOUSE_PDF, build


def test_officials_are_listed_by_rank_with_interval_and_filing(con: duckdb.DuckDBPyConnection) -> None:
    report = pattern_report(con)
    assert [r.official for r in report.officials] == ["John A. Smith", "María J. Peláez"]
    top, second = report.officials
    assert (top.tally.suspicious, top.tally.n_scored) == (7, 12)
    assert (top.tally.rate_low, top.tally.rate_high) == (0.32, 0.81)
    assert top.top_filing_url is None  # the stored address is not an http one
    assert (second.top_filing_id, second.top_filing_url) == ("house:20024001", HOUSE_PDF)


def test_the_raw_flag_never_stands_alone(con: duckdb.DuckDBPyConnection) -> None:
    report = pattern_report(con)
    assert [r.bioguide_id for r in report.repeat_offenders] == ["S000001"]
    for text in (patterns.to_text(report), patterns.to_markdown(report)):
        assert "Raw flag: not a finding" in text


def test_the_summary_counts_every_trade(con: duckdb.DuckDBPyConnection) -> None:
    s = pattern_report(con).summary
    assert (s.counts.trades, s.counts.scored) == (7, 5)
    assert s.tiers == {"highly suspicious": 3, "suspicious": 0, "notable": 1, "normal": 1}
    assert s.mean_score == pytest.approx((89 + 100 + 89 + 45 + 0) / 5)
    assert (s.amount_low, s.amount_high, s.n_open_amounts) == (6 * 1001 + 50_000_001, None, 1)
    assert (s.n_officials, s.n_officials_ranked) == (3, 2)


def test_text_shows_rates_intervals_and_amount_ranges(con: duckdb.DuckDBPyConnection) -> None:
    text = patterns.to_text(pattern_report(con), 100)
    assert "7/12" in text
    assert "32–81 %" in text
    assert "$20k – $300k" in text
    assert "$12k or more" in text
    assert "Patterns are not evidence of wrongdoing" in text
    assert "5 U.S.C. 13107(c)" in text
    assert all(len(line) <= 100 or "://" in line for line in text.splitlines())
    assert "\x1b" not in text


def test_a_limit_shortens_the_lists(con: duckdb.DuckDBPyConnection) -> None:
    assert len(pattern_report(con, PatternFilter(limit=1)).officials) == 1
    with pytest.raises(ValueError, match="at least 1"):
        pattern_report(con, PatternFilter(limit=0))


def test_a_period_needs_its_own_rankings(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="rankings of that period"):
        pattern_report(con, PatternFilter(days=30))
    report = pattern_report(con, PatternFilter(days=30), stored_rankings(con))
    assert report.summary.counts.trades == 1
    assert str(report.period_from) == "2024-02-05"


def test_json_is_plain_and_flat(con: duckdb.DuckDBPyConnection) -> None:
    body = patterns.to_json(pattern_report(con))
    assert json.loads(json.dumps(body, allow_nan=False)) == body
    documented = patterns.to_json.__doc__ or ""
    for name in ("officials", "tickers", "sectors", "parties"):
        rows = body[name]
        assert isinstance(rows, list)
        for key in rows[0]:
            assert re.search(rf"\b{key}\b", documented), key
    for key in [*body, *pattern_report(con).summary.__dataclass_fields__]:
        assert re.search(rf"\b{key}\b", documented), key


def test_markdown_carries_no_html_and_whole_tables(con: duckdb.DuckDBPyConnection) -> None:
    text = patterns.to_markdown(pattern_report(con, PatternFilter(limit=5)))
    assert not re.search(r"<(?!https?://)", text)
    assert "Brick \\| Mortar &lt;b&gt;Inc&lt;/b&gt;" in text
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert len(blocks) == 5
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_an_empty_lake_and_an_invented_world(empty_con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    empty = pattern_report(empty_con)
    assert empty.officials == ()
    assert "None." in patterns.to_text(empty)
    assert "None." in patterns.to_markdown(empty)
    con = opened(build(tmp_path / "world", demo=True))
    assert "invented" in patterns.to_text(pattern_report(con))
