"""The self-test: nulls behave as nulls, the correction holds its level, and planted officials are found.

Here belong the tests of the tests, on invented officials over the bars at hand (`worlds.py`) and on the simulated
world's own truth. A failed self-test means that no ranking by evidence may be trusted.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest, kstest, norm

from cyberpi_assets.domain.evidence.clusters import THIRDS, Clusters
from cyberpi_assets.domain.evidence.multiplicity import q_values
from cyberpi_assets.domain.evidence.shifts import shift_test
from cyberpi_assets.domain.evidence.surface import Surface
from cyberpi_assets.domain.evidence.worlds import Plan, Universe, randomised_p, traders, universe
from cyberpi_assets.domain.features import Bools, Floats, Ints
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.timing import SUSPICIOUS
from cyberpi_assets.rules.figures import EvidenceRules
from cyberpi_assets.tables import CALIBRATION

_ALARM = 0.01  # chance of a false alarm of each kind of self-test
_SHIFTS = 999  # shifts per invented official: as many as a level of 5 % among ten needs
STRENGTHS = (0.3, 0.6, 0.9)
Row = dict[str, object]


def uniformity(surface: Surface, tickers: Universe, officials: int, seed: int) -> list[Row]:
    """Placebo p on random dates against the uniform distribution, of all and within each volatility third."""
    rng = np.random.default_rng([seed, 11])
    plans = [Plan(f"u{i:04d}", days=60, per_day=2, sessions=750) for i in range(officials)]
    data = traders(surface, tickers, plans, rng)
    p = randomised_p(data, rng)
    # an official's first and last trade bound the dates, so that they are no random members of them
    inner = ~_extremes(data.person, data.day)
    third = np.array(data.table.column("third").to_pylist(), dtype=object)
    parts = {"all": np.ones(p.size, dtype=bool)} | {name: third == name for name in THIRDS}
    rows: list[Row] = []
    for part, mine in parts.items():
        use = mine & inner
        if use.sum() < 20:
            rows.append(_row("uniform p", part, int(use.sum()), detail="too few trades to test"))
            continue
        ks = kstest(p[use], "uniform")
        raw = float(np.mean(data.score[use] >= SUSPICIOUS))
        small = float(np.mean(data.p_placebo[use] <= 0.05))
        rows.append(
            _row(
                "uniform p",
                part,
                int(use.sum()),
                float(ks.statistic),
                None,
                float(ks.pvalue),
                bool(ks.pvalue >= _ALARM / len(parts)),
                f"random dates: {100 * raw:.1f} % score at least {SUSPICIOUS:g}, {100 * small:.1f} % have p <= 0.05",
            )
        )
    return rows


def _extremes(person: Ints, day: Ints) -> Bools:
    """Whether each trade is its official's first or last."""
    first = np.full(int(person.max(initial=-1)) + 1, 2**31, dtype=np.int64)
    last = np.zeros_like(first)
    np.minimum.at(first, person, day)
    np.maximum.at(last, person, day)
    return (day == first[person]) | (day == last[person])


def false_discoveries(
    surface: Surface, tickers: Universe, worlds: int, rules: EvidenceRules, per_world: int = 10
) -> list[Row]:
    """Benjamini-Hochberg over the shift tests of simulated worlds: nobody informed, and two of ten; and who was found.

    Both tests are held to the level: whole calendars, which the label rests on, and episodes.
    """
    rules = rules.model_copy(update={"shifts": min(rules.shifts, _SHIFTS)})
    rows: list[Row] = []
    quiet = _world(surface, tickers, [[0.0] * per_world] * worlds, rules.seed)
    strong = [[*[STRENGTHS[i % len(STRENGTHS)]] * 2, *[0.0] * (per_world - 2)] for i in range(worlds)]
    planted = _world(surface, tickers, strong, rules.seed + 1)
    for name, gap in (("calendars", None), ("episodes", surface.timing.window_days)):
        share, _, _ = _found(*quiet, gap, rules)
        false = int((share > 0).sum())
        p = float(binomtest(false, worlds, rules.q_level, alternative="greater").pvalue)
        rows.append(
            _row(
                "false discoveries", f"{name}, nobody informed", worlds, false / worlds, rules.q_level, p, p >= _ALARM,
                f"share of worlds of {per_world} officials with a finding, all of them false",
            )
        )  # fmt: skip
        share, found, strength = _found(*planted, gap, rules)
        error = float(share.std(ddof=1) / np.sqrt(worlds)) if worlds > 1 else 0.0
        rows.append(
            _row(
                "false discoveries", f"{name}, two informed", worlds, float(share.mean()), rules.q_level, None,
                bool(share.mean() <= rules.q_level + norm.isf(_ALARM) * error),
                f"mean share of false among the findings, two of {per_world} officials informed",
            )
        )  # fmt: skip
        for s in STRENGTHS:
            mine = strength == s
            rows.append(
                _row(
                    "power",
                    f"{name}, strength {s:g}",
                    int(mine.sum()),
                    float(found[mine].mean()) if mine.any() else None,
                    detail="share of invented officials found by q; strength: share of days placed on the best dates",
                )
            )  # fmt: skip
    return rows


def _world(surface: Surface, tickers: Universe, worlds: list[list[float]], seed: int) -> tuple[Clusters, Ints, Floats]:
    """Officials of these strengths: their clusters, world and strength."""
    plans = [Plan(f"w{w:04d}o{o:03d}", s) for w, world in enumerate(worlds) for o, s in enumerate(world)]
    data = traders(surface, tickers, plans, np.random.default_rng([seed, 12]))
    if data.people != [plan.name for plan in plans]:
        raise AssertionError("every invented official trades, in the order of the names")
    world = np.repeat(np.arange(len(worlds)), [len(w) for w in worlds])
    return data, world, np.array([plan.strength for plan in plans])


def _found(
    data: Clusters, world: Ints, strength: Floats, gap: int | None, rules: EvidenceRules
) -> tuple[Floats, Bools, Floats]:
    """Per world the share of false among the findings; per official whether found, and the planted strength."""
    test = shift_test(data, np.arange(data.person.size), data.person, strength.size, rules, gap)
    size = int(world.max(initial=-1)) + 1
    found = np.zeros(strength.size, dtype=bool)
    for w in range(size):
        found[world == w] = q_values(test.p_value[world == w]) <= rules.q_level
    false = np.bincount(world, weights=found & (strength == 0), minlength=size)
    every = np.bincount(world, weights=found, minlength=size)
    return false / np.maximum(every, 1), found, strength


def planted_power(evidence: pa.Table, truth: pa.Table, rules: EvidenceRules) -> list[Row]:
    """How many of the simulated world's planted officials are found, by strength, and how many others are.

    evidence: `tables.OFFICIAL_EVIDENCE`; truth: `tables.DEMO_TRUTH`. No rows where nothing was planted.
    """
    rows: list[Row] = []
    for name, q in (("calendars", "q_value"), ("episodes", "q_episodes")):
        joined = ask(
            """
            SELECT t.kind = 'informed' AS informed, coalesce(t.strength, 0) AS strength,
                   coalesce(e.q <= $level, false) AS found
            FROM truth t LEFT JOIN evidence e USING (bioguide_id) WHERE t.subject = 'official'""",
            params={"level": rules.q_level},
            truth=truth,
            evidence=evidence.select(["bioguide_id", q]).rename_columns(["bioguide_id", "q"]),
        )
        informed, found = (np.asarray(joined.column(c)).astype(bool) for c in ("informed", "found"))
        strength = joined.column("strength").to_numpy()
        for s in np.unique(strength[informed]):
            mine = informed & (strength == s)
            rows.append(
                _row(
                    "power", f"simulated world, {name}, {s:g}", int(mine.sum()), float(found[mine].mean()),
                    detail="share of planted officials found by q",
                )
            )  # fmt: skip
        if found.size:
            false = int((found & ~informed).sum())
            rows.append(
                _row(
                    "false discoveries", f"simulated world, {name}", int((~informed).sum()),
                    false / max(int(found.sum()), 1), rules.q_level,
                    detail=f"{false} of {int(found.sum())} findings are of officials who know nothing",
                )
            )  # fmt: skip
    return rows


def calibrate(
    surface: Surface,
    volatility: pa.Table,
    rules: EvidenceRules,
    evidence: pa.Table | None = None,
    truth: pa.Table | None = None,
    officials: int = 60,
    worlds: int = 200,
) -> pa.Table:
    """The whole self-test. Columns: `tables.CALIBRATION`; `passed` is null where nothing is required.

    surface: as `read_surface` gives; volatility: as `ticker_volatility` gives; evidence and truth:
    `tables.OFFICIAL_EVIDENCE` and `tables.DEMO_TRUTH`, for the power on the simulated world. Raises ValueError where
    the bars are too few to test on.
    """
    tickers = universe(surface, volatility, 500)
    rows = uniformity(surface, tickers, officials, rules.seed)
    rows += false_discoveries(surface, tickers, worlds, rules)
    if evidence is not None and truth is not None:
        rows += planted_power(evidence, truth, rules)
    return pa.Table.from_pylist(rows, schema=CALIBRATION.schema)


def _row(
    test: str,
    part: str,
    n: int,
    observed: float | None = None,
    expected: float | None = None,
    p_value: float | None = None,
    passed: bool | None = None,
    detail: str | None = None,
) -> Row:
    return {
        "test": test, "part": part, "n": n, "observed": observed, "expected": expected, "p_value": p_value,
        "passed": passed, "detail": detail,
    }  # fmt: skip
