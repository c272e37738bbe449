"""What evidence adds up to, against a slow loop; independence, fading, verdicts, and no future."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cyberpi_assets.domain.fused.fusing import VERDICT_DAYS, evidence, fused_signals
from cyberpi_assets.domain.fused.kinds import HORIZON_DAYS, KINDS
from cyberpi_assets.rules.figures import SignalRules
from cyberpi_assets.tables import FUSED_SIGNALS, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.signals import world
from cyberpi_assets_tests.domain.signals.world import D, at, filing, halt, item, score

RULES = SignalRules()  # pyright: ignore[reportCallIssue]
LEAST = 0.05
NOBODY = pa.table({"client": pa.array([], pa.string()), "ticker": pa.array([], pa.string())})
PIECE = pa.schema(
    [
        ("ticker", pa.string()), ("moment", pa.timestamp("us", tz="UTC")), ("kind", pa.string()),
        ("story", pa.string()), ("weight", pa.float64()), ("id", pa.string()),
    ]
)  # fmt: skip
OF = {k.kind: k for k in KINDS}


def piece(kind: str, moment: dt.datetime, story: str = "s", weight: float = 0.2, ticker: str = "AA") -> dict[str, Any]:
    name = f"{kind}/{story}/{moment:%m%d%H%M}/{weight}"
    return {"ticker": ticker, "moment": moment, "kind": kind, "story": story, "weight": weight, "id": name}


def verdict(day: dt.date, said: str, given: dt.datetime, ticker: str = "AA") -> dict[str, Any]:
    return {
        "verdict_id": f"v{given}", "subject_id": f"fused:{ticker}:{day}", "ticker": ticker, "day": day,
        "verdict": said, "given_at": given, "by": "Ann",
    }  # fmt: skip


def fused(
    pieces: list[dict[str, Any]], verdicts: list[dict[str, Any]] | None = None, clients: pa.Table = NOBODY
) -> list[dict[str, Any]]:
    table = pa.Table.from_pylist(pieces, schema=PIECE)
    made = fused_signals(table, rows.frame("verdicts", verdicts or []), clients, LEAST)
    conform(FUSED_SIGNALS, made)
    return made.to_pylist()


def by_loop(pieces: list[dict[str, Any]], ticker: str, now: dt.datetime) -> tuple[float, int]:
    """The rule of `fusing.py`, one step after another."""
    known = [
        p for p in pieces
        if p["ticker"] == ticker and p["moment"] <= now and p["moment"] > now - dt.timedelta(days=HORIZON_DAYS)
    ]  # fmt: skip
    stories: dict[tuple[str, str], float] = {}
    for p in known:
        age = (now - p["moment"]).total_seconds() / 86400
        faded = p["weight"] * 0.5 ** (age / OF[p["kind"]].half_life)
        key = (p["kind"], p["story"])
        stories[key] = max(stories.get(key, 0.0), faded)
    kinds: dict[str, float] = {}
    for kind in {k for k, _ in stories}:
        heaviest = sorted((w for (k, _), w in stories.items() if k == kind), reverse=True)
        kinds[kind] = min(OF[kind].most, sum(w / 2**i for i, w in enumerate(heaviest)))
    origins: dict[str, float] = {}
    for kind, weight in kinds.items():
        origins[OF[kind].origin] = max(origins.get(OF[kind].origin, 0.0), weight)
    miss = 1.0
    for weight in origins.values():
        miss *= 1 - weight
    return 1 - miss, sum(w >= LEAST for w in origins.values())


def test_every_row_agrees_with_the_slow_loop() -> None:
    rng = np.random.default_rng(11)
    pieces = [
        piece(
            str(rng.choice([k.kind for k in KINDS])),
            at(D(2024, 1, 1)) + dt.timedelta(hours=int(rng.integers(0, 24 * 200))),
            f"s{rng.integers(0, 40)}",
            float(rng.uniform(0.01, 0.9)),
            str(rng.choice(["AA", "BB"])),
        )
        for _ in range(160)
    ]
    made = fused(pieces)
    assert len(made) > 100
    for row in made:
        total, origins = by_loop(pieces, row["ticker"], row["available_at"])
        assert row["score"] == pytest.approx(total, abs=6e-5), row["fused_id"]
        assert row["n_origins"] == origins
        assert row["decided"] == row["score"]


def test_the_same_story_and_the_same_origin_raise_nothing() -> None:
    day = D(2024, 5, 6)
    (one,) = fused([piece("press", at(day, 15))])
    (twice,) = fused([piece("press", at(day, 15)), piece("press", at(day, 15), weight=0.1)])
    (retold,) = fused([piece("press", at(day, 15)), piece("feed", at(day, 15), "other")])
    (independent,) = fused([piece("press", at(day, 15)), piece("options", at(day, 15))])
    assert one["score"] == twice["score"] == retold["score"] == 0.2
    assert (one["confidence"], retold["confidence"]) == ("low", "low")
    assert independent["score"] == pytest.approx(1 - 0.8 * 0.8)
    assert independent["confidence"] == "medium"
    assert (independent["financial"], independent["traditional"]) == (0.2, 0.2)
    many = [piece("market", at(day, 15), f"s{k}") for k in range(30)]
    assert fused(many)[0]["score"] == OF["market"].most


def test_evidence_fades_by_half_and_ends() -> None:
    first = at(D(2024, 1, 2))
    half = first + dt.timedelta(days=OF["press"].half_life)
    gone = first + dt.timedelta(days=HORIZON_DAYS)
    light = [piece("kev", m, weight=0.0001) for m in (half, gone)]
    made = fused([piece("press", first, weight=0.4), *light])
    assert [r["score"] for r in made] == pytest.approx([0.4, 0.2001, 0.0001], abs=1e-4)
    assert made[2]["kinds"] == ["kev"]


def test_what_comes_later_changes_no_row() -> None:
    days = [D(2024, 5, k) for k in (6, 7, 8, 9)]
    pieces = [piece("market", at(d), f"{d}") for d in days] + [piece("options", at(days[1], 18), "o")]
    whole = {r["fused_id"]: r for r in fused(pieces)}
    for day in days:
        known = [p for p in pieces if p["moment"].date() <= day]
        for row in fused(known):
            assert whole[row["fused_id"]] == row


def test_a_verdict_overrides_fading_and_score() -> None:
    first, later = D(2024, 5, 6), D(2024, 5, 20)
    pieces = [piece("press", at(first), weight=0.4), piece("options", at(later), "o", 0.1)]
    plain = fused(pieces)
    given = at(D(2024, 5, 7))
    confirmed = fused(pieces, [verdict(first, "confirmed", given)])
    assert [r["decided"] for r in confirmed] == [1.0, 1.0]
    assert [r["score"] for r in confirmed] == [r["score"] for r in plain]
    dismissed = fused(pieces, [verdict(first, "dismissed", given)])
    assert [r["decided"] for r in dismissed] == [0.0, 0.1]
    watched = fused(pieces, [verdict(first, "watch", given)])
    assert watched[1]["decided"] == pytest.approx(1 - 0.6 * 0.9)
    newest = fused(pieces, [verdict(first, "confirmed", given), verdict(first, "dismissed", at(D(2024, 5, 8)))])
    assert {r["verdict"] for r in newest} == {"dismissed"}
    other = fused(pieces, [verdict(first, "confirmed", given, "BB"), verdict(D(2024, 6, 1), "confirmed", given)])
    assert [r["decided"] for r in other] == [r["score"] for r in plain]
    long_ago = first - dt.timedelta(days=VERDICT_DAYS + 1)
    assert fused(pieces, [verdict(long_ago, "confirmed", given)])[0]["verdict"] is None


def test_clients_are_marked() -> None:
    clients = pa.table({"client": ["Beta ", "Alpha", ""], "ticker": ["aa", "AA", "AA"]})
    (row,) = fused([piece("press", at(D(2024, 5, 6)))], clients=clients)
    assert row["clients"] == ["Alpha", "Beta"]
    (nobody,) = fused([piece("press", at(D(2024, 5, 6)), ticker="BB")], clients=clients)
    assert nobody["clients"] is None


def test_pieces_come_from_every_table_once_they_are_public() -> None:
    day = D(2024, 5, 6)
    trade = {
        "trade_id": "t", "filing_id": "f", "row_in_filing": 1, "official": "O", "official_evidence": "stated",
        "chamber": "house", "ticker": "C0", "ticker_evidence": "printed", "side": "sell",
        "transaction_date": D(2024, 4, 1), "filed_on": day, "source": "s", "file": "f", "line": 1,
    }  # fmt: skip
    tables = world.tables(
        market_alerts=[rows.alert("C0", day, 9), rows.alert("C0", D(2024, 5, 7), 6), rows.alert("C0", day, None)],
        threat_scores=[score("C0", at(day), 75), score("C0", at(day, 16), 40)],
        trading_halts=[halt("C0", at(day)), halt("C0", at(day, 17), "LUDP")],
        company_filings=[filing("a", "C0", at(day))],
        intelligence_items=[
            item("1", at(day), "Cee breached"),
            item("2", at(day), "Cee breached", metadata='{"delivered_by": "feed:Wire"}'),
            item("3", at(day), "No breach at Cee", negated=True),
            item("4", at(day), "A breach somewhere", None),
        ],
    )
    made = evidence(
        RULES,
        market_alerts=tables["market_alerts"],
        threat_scores=tables["threat_scores"],
        trading_halts=tables["trading_halts"],
        disclosed_trades=rows.frame("disclosed_trades", [trade]),
        disclosure_correlations=rows.frame(
            "disclosure_correlations", [{"trade_id": "t", "filing_id": "f", "score": 85.0, "month": "2024-05"}]
        ),
        company_filings=tables["company_filings"],
        intelligence_items=tables["intelligence_items"],
        known_exploited=rows.frame(
            "known_exploited",
            [
                {
                    "cve": "CVE-2024-1", "vendor": "V", "product": "P", "added_on": day, "available_at": at(day),
                    "ransomware": True, "ticker": "C0", "n_releases": 1, "source": "s", "file": "f", "line": 1,
                }
            ],
        ),
        sanctions_changes=tables["sanctions_changes"],
        detector_signals=rows.frame("detector_signals", []),
    ).to_pylist()  # fmt: skip
    weights = {(p["kind"], p["weight"]) for p in made}
    assert weights == {
        ("market", 0.15), ("options", 0.2), ("halt", 0.35), ("officials", 0.1), ("filing", 0.95), ("press", 0.35),
        ("feed", 0.35), ("kev", 0.1),
    }  # fmt: skip
    assert len(made) == len(weights)
    (of_official,) = [p for p in made if p["kind"] == "officials"]
    assert of_official["moment"] == at(D(2024, 5, 7), 4)  # midnight in New York after the day of filing
