"""Tables of the hunt: what detectors saw, what it adds up to, who was warned of what, and what came of it."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

DETECTOR_SIGNALS = table(
    "detector_signals",
    "One row per signal of a detector, with how often such signals had been right when it came, and what followed.",
    """
signal_id   string!  detector:topic:subject:YYYYMMDDTHHMMSS of available_at in UTC
detector    string!  breach_before_disclosure | confirmed_rumour | inherited_exposure | sanctions_retaliation
topic       string!  what of it: drop, halt, wording, footprint; rumour, confirmed; inherited; sanctions
subject     string!  ticker, or `market` where no company is meant
ticker      string   current symbol
available_at timestamp! first moment at which all of it could be known
day         date!    New York date of available_at
strength    float!   0 to 1 by stated weights; orders signals and is no probability
words       string!  one sentence for a person
evidence    strings  keys of the rows it rests on
against     strings  innocent readings that apply
hypothesis  bool!    rests on a supposition that no evidence supports so far
window_days int!     calendar days after it in which an incident counts as following
n_prior     int!     earlier signals of the detector and topic whose window had ended by then
n_hits      int!     of these, followed by an incident
hit_rate    float    n_hits / n_prior
hit_low     float    95 % interval, Wilson
hit_high    float    95 % interval, Wilson
base_rate   float    chance of an incident in as many days without any signal, from incidents known by then
outcome     string!  followed | same_day | none | open; looks ahead: for the account, never for a score
outcome_id  string   the incident or filing that followed
outcome_days int     days from the signal's day to it
""",
    key="signal_id",
)

VERDICTS = table(
    "verdicts",
    "What analysts decided about a signal or warning. Appended by `cyberpi verdict`, kept for ever, never changed.",
    """
verdict_id  string!  subject_id and given_at
subject_id  string!  the fused signal or warning: fused:TICKER:DAY or warning:TICKER:DAY
ticker      string!  its company
day         date!    its day: the verdict holds from it on
verdict     string!  confirmed | dismissed | watch
given_at    timestamp! moment of the decision
by          string!  who decided
note        string   why
""",
    key="verdict_id",
)

FUSED_SIGNALS = table(
    "fused_signals",
    "One row per company and day of new evidence: what all evidence known by then adds up to, and an analyst's verdict.",
    """
fused_id    string!  fused:TICKER:DAY
ticker      string!  current symbol
day         date!    New York date
available_at timestamp! when the day's newest evidence became known
score       float!   0 to 1, evidence faded by age, independent origins combined; no probability
financial   float!   the same of alerts, halts, options and officials' trades alone
traditional float!   the same of filings, press, feeds, exploited vulnerabilities, sanctions, inheritance
n_origins   int!     independent origins that weigh enough
confidence  string!  low | medium | high: one, two, three origins or more
disclosed   bool!    a filing says that there was an incident: nothing is early about this
kinds       strings  kinds of evidence, heaviest first
weights     strings  for each of kinds: its faded weight
evidence    strings  keys of the heaviest 20 pieces
words       string!  the kinds in words, with how many stories each
verdict     string   confirmed | dismissed | watch: the newest verdict that holds on this day
verdict_id  string   that verdict
decided     float!   the score after the verdict
clients     strings  clients it touches, by the list of clients
""",
    key="fused_id",
)
