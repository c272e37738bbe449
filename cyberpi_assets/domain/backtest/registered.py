"""What was fixed before the test: features and weights, windows, matching, thresholds, and what counts as success.

Here belongs every choice that could be bent to the test data, and nothing that looks at data. The weights and the alarm
threshold were tuned by `tuning.py` on incidents and prices up to `TUNE_UNTIL`; docs/preregistration.md says how and
holds the digest of this module's choices, which a test compares: a change here is a new registration.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final

TUNE_UNTIL: Final = dt.date(2021, 12, 31)
MARKET_FEATURES: Final = ("volume", "decline", "sector_decline", "volatility", "alerts")
OPTION_FEATURES: Final = ("option_volume", "put_call", "implied_volatility", "term_structure")
FEATURES: Final = MARKET_FEATURES + OPTION_FEATURES
BASELINES: Final = ("volume", "option_volume", "put_call", "size", "usual_volatility", "random")


@dataclass(frozen=True)
class Window:
    """Calendar days before the event day, both included."""

    name: str
    first: int  # the earlier end
    last: int


@dataclass(frozen=True)
class Registered:
    """The registration. Days are calendar days unless they say sessions."""

    weights: tuple[tuple[str, float], ...] = (
        ("volume", 0.25),
        ("decline", 0.2),
        ("sector_decline", 0.2),
        ("volatility", 0.25),
        ("alerts", 0.1),
        ("option_volume", 0.2),
        ("put_call", 0.2),
        ("implied_volatility", 0.2),
        ("term_structure", 0.2),
    )
    alarm_percentile: float = 0.995  # a day's combined score among all tickers of the day
    least_weight: float = 0.5  # share of a score's weight that must be known
    windows: tuple[Window, ...] = (
        Window("primary", 30, 14),
        Window("far", 60, 31),
        Window("near", 13, 2),
    )
    highest: int = 3  # a window's figure is the mean of its so many highest days
    least_days: float = 0.6  # share of the window's sessions whose score must be known
    quiet_sessions: int = 21  # an alarm is one that follows so many sessions without
    least_controls: int = 5
    most_controls: int = 10
    clear_days: int = 90  # no incident of any grade within so many days of a control's date
    same_company_days: int = 90  # a later incident of the company within so many days is the same incident
    lead_first: int = 60  # an alarm from here to `lead_last` days before gives a lead time
    lead_last: int = 2
    top_k: int = 5  # names a week
    base_rate_year: float = 0.0085  # disclosed incidents per ticker and year
    false_alarms_month: float = 0.05  # per ticker, at which the alarm percentile was set
    level: float = 0.05
    least_events: int = 20  # below which nothing is called supported
    seed: int = 20_211_231

    @property
    def weight(self) -> dict[str, float]:
        """Weight by feature."""
        return dict(self.weights)

    def digest(self) -> str:
        """sha256 of all choices, in one canonical writing."""
        said = {"registered": asdict(self), "features": FEATURES, "baselines": BASELINES, "until": str(TUNE_UNTIL)}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


REGISTERED: Final = Registered()
