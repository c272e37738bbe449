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
    "One row per company and day of new evidence: what all known by then adds up to, and an analyst's verdict.",
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

EARLY_WARNINGS = table(
    "early_warnings",
    "One row per warning of a company: how urgent, why, what would refute it, and what may be said of lead time.",
    """
warning_id  string!  warning:TICKER:DAY, the day it was opened
ticker      string!  current symbol
company     string   name
priority    string!  P0 | P1 | P2 | P3: the most urgent it has reached, after verdicts
state       string!  open | confirmed | dismissed | disclosed | lapsed
opened_on   date!    New York date of the first day that reached the least score
opened_at   timestamp! when the evidence of that day was known
last_on     date!    newest day that reached it
score       float!   the newest day's score after verdicts; no probability
peak        float!   the highest of its days, after verdicts
n_origins   int!     most independent origins on one of its days
confidence  string!  low | medium | high, of that day
disclosed   bool!    a filing says that there was an incident: nothing is early about it
kinds       strings  kinds of evidence of the highest day, heaviest first
evidence    strings  keys of that day's heaviest pieces
words       string!  why, in one sentence
signals     strings  detector signals of the company in its days
lead_words  string!  what may be said of lead time: the back-test's verdict
refuted_by  string!  what would show it to be wrong
clients     strings  clients it touches
verdict_id  string   the analyst's verdict that holds
""",
    key="warning_id",
)

WARNING_LEDGER = table(
    "warning_ledger",
    "Every warning ever issued, as it was issued, with what happened since; rows are added and never taken away.",
    """
issue_id    string!  warning_id and priority: a warning that becomes more urgent is issued again
warning_id  string!  the warning
ticker      string!  current symbol
priority    string!  as issued
issued_at   timestamp! when all it rested on was known
issued_on   date!    New York date of that
recorded_on date!    newest day of data when it was written down: later than issued_on where history was replayed
score       float!   as issued
n_origins   int!     as issued
disclosed   bool!    as issued: the company had already filed
kinds       strings  as issued
evidence    strings  as issued
words       string!  as issued
n_prior     int!     earlier warnings of this priority whose 90 days had ended
n_hits      int!     of these, followed by an incident on a later day
ppv         float    n_hits / n_prior: how often such a warning had been right
ppv_low     float    95 % interval, Wilson
ppv_high    float    95 % interval, Wilson
base_rate   float    chance of an incident in 90 days of a company without any warning, from incidents known by then
within_30   string!  followed | same_day | none | open: an incident within 30 days
within_90   string!  the same within 90 days
outcome_id  string   the incident or filing
outcome_days int     days from the issue to it
withdrawn   bool!    today's rules and data would not issue it
""",
    key="issue_id",
)

WARNING_NOTICES = table(
    "warning_notices",
    "Which issues of warnings people were told of. Appended before the telling, kept for ever: nothing is told twice.",
    """
issue_id    string!  as in warning_ledger
warning_id  string!  the warning
priority    string!  as issued
claimed_at  timestamp! when somebody took it upon himself to tell
""",
    key="issue_id",
)

NOTIFICATIONS = table(
    "notifications",
    "What people were told, or were to be: a row when a message is taken on, and one for each attempt to send it.",
    """
notice_id   string!  what it is about, for ever the same: alert:, warning:, item: or run: and its id
kind        string!  alert | warning | item | run
severity    string!  critical | high | medium | low, of the alert; P0 of a warning is critical, P1 high, and so on
subject     string!  ticker, company or job
title       string!  first line, as sent
body        string!  the text, as sent
state       string!  claimed | sent | failed | digest: told in one message together with others
tries       int!     attempts so far
at          timestamp! when
reason      string   how many services took it, or why none did; never an address
""",
    key="notice_id state tries",
)
