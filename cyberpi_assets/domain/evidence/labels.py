"""When a raw figure may be called a finding.

Here belongs the one rule by which a label is given (METHODS, section 3). What the figures are belongs to the modules
that count them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cyberpi_assets.domain.features import Bools, Floats, Ints
from cyberpi_assets.rules.figures import EvidenceRules

SUPPORTED = "supported finding"
INSUFFICIENT = "insufficient evidence"


def repeat_offender_raw(suspicious: npt.ArrayLike, scored: npt.ArrayLike, rate: float, minimum: int) -> Bools:
    """The seed's raw flag: at least `rate` of the scored trades suspicious, and at least `minimum` scored."""
    k, n = np.asarray(suspicious, dtype=np.float64), np.asarray(scored, dtype=np.float64)
    return (n >= minimum) & (k >= rate * n)


def judge(
    n: Ints, certainty: Floats, oe_low: Floats, q: Floats, rules: EvidenceRules
) -> tuple[Bools, list[str], list[str | None]]:
    """Which groups are supported findings, their labels, and the conditions that do not hold.

    n: tested clusters; certainty: P(rate >= 0.5); oe_low: lower bound of O/E; q: q value. NaN is unknown, and an
    unknown condition does not hold.
    """
    sure, near = rules.offender_certainty, f"P(rate >= {rules.offender_rate:g})"
    conditions: list[tuple[Bools, list[str]]] = [
        (n >= rules.min_clusters, [f"{k} clusters of {rules.min_clusters}" for k in n]),
        (certainty >= sure, [f"{near} {_shown(c)} under {sure:g}" for c in certainty]),
        (oe_low > 1.0, [f"lower bound of O/E {_shown(low)} not over 1" for low in oe_low]),
        (q <= rules.q_level, [f"q {_shown(v)} over {rules.q_level:g}" for v in q]),
    ]
    supported: Bools = np.logical_and.reduce([holds for holds, _ in conditions])
    labels = [SUPPORTED if s else INSUFFICIENT for s in supported]
    reasons = ["; ".join(text[i] for holds, text in conditions if not holds[i]) or None for i in range(n.size)]
    return supported, labels, reasons


def _shown(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{value:.3g}"
