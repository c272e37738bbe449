"""Threat tables: option threat scores, their indicators, alerts with a life of their own, and analyses."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

THREAT_SCORES = table(
    "threat_scores",
    "One row per underlying and snapshot: the seed's score, the history score beside it, and what both rest on.",
    """
threat_id   string!  financial_{TICKER}_{YYYYMMDD_HHMM}, the snapshot's minute in New York
ticker      string!  current symbol
snapshot_at timestamp! moment of the snapshot
session     date!    exchange session
source      string!  provider
seed_score  int      0-100 by the seed's rules; null when coverage is under one half
coverage    float!   share of the seed's four indicators that are known
n_fired     int!     indicators that fired
n_unknown   int!     indicators that are unknown
severity    string   critical | high | medium | low; null without a score
confidence  string   high | medium | low; null without a score
history_score float  0-100: percentile within the date of the distance from the own past; not a probability
history_z   float    the combined robust z behind it
history_n   int!     own prior sessions it rests on
history_weight float n / (n + 20): weight of the own past, the rest is peers; 1 where there are no peers
history_reason string  why there is no history score: insufficient history, ...
confounders strings  earnings | ex_dividend | hedge | spread | index: innocent readings that apply
data_type   string!  as delivered
partial_day bool!    taken while volume was still growing: a calm volume may yet fire
stale_minutes float! minutes from the session's close to the snapshot; 0 when taken before it
reason      string   why there is no seed score
""",
    key="threat_id source",
    month_of="session",
)

THREAT_INDICATORS = table(
    "threat_indicators",
    "One row per indicator of a threat score: fired, calm or unknown, with its numbers and its words.",
    """
indicator_id string! threat_id/indicator
threat_id   string!  the score it belongs to
ticker      string!  current symbol
session     date!    exchange session
source      string!  provider
indicator   string!  put_call_ratio | volume_excess | otm_puts | near_expiries | history_*
state       string!  fired | calm | unknown
points      int      points of the seed's score; null when unknown, and for history features
value       float    the figure measured
baseline    float    what it is held against: average volume, total volume, the own median
threshold   float    the tier reached, or the lowest; of a history feature in robust deviations
robust_z    float    distance from the own past and the peers, history features only
words       string!  one sentence for a person
""",
    key="indicator_id source",
    month_of="session",
)

ALERTS = table(
    "alerts",
    "One row per alert of any kind over its whole life: raised once, continued, cleared; never the same one twice.",
    """
alert_id    string!  deterministic: kind:subject:topic:first session or moment
subject     string!  ticker, or company where there is none
kind        string!  market | options | halt | news | fused
topic       string!  what fired: unusual_volume, price_drop, option_threat, news_pending, cyber_incident, ...
severity    string!  critical | high | medium | low, of the newest evidence; unknown without a figure
severity_figure float  the figure behind it: market 1-10, options 0-100, halts, news 1-4, fused 0-1
state       string!  NEW | CONTINUING | CLEARED, as of known_to
first_seen  timestamp! first evidence
last_seen   timestamp! last evidence; of a halt also the last close at which it was known to hold
cleared_at  timestamp  first moment with data at which it no longer held, or at which a new one began after a silence
known_to    timestamp! cleared_at, else the newest moment at which it was known whether it holds; unknown is not calm
n_evidence  int!     pieces of evidence
peak_figure float    the highest figure of its life
suspect     bool!    rests on data that are flagged
evidence    strings  ids of the newest 20 rows it rests on, in the table of its kind: halt ids, threat ids, ...
""",
    key="alert_id",
)

THREAT_ANALYSES = table(
    "threat_analyses",
    "One row per analysed threat: what might explain it, what speaks against it, and who says so. It changes no score.",
    """
threat_id   string!  the threat score explained
ticker      string!  current symbol
session     date!    exchange session
engine      string!  rules | ollama
model       string   model name
model_digest string  digest of the model
prompt_version string!  version of the prompt or of the rules
hypothesis  string   what would explain the indicators; null where the engine abstains
supporting  strings  indicator ids it rests on, each of which exists
alternatives strings innocent explanations
refuted_by  strings  what would refute it
urgency     string   immediate | today | this week | none
abstained   bool!    no valid answer, or none worth giving
reason      string   why it abstained; after "not answered: " the same question is asked again in a later run
input_digest string! digest of what was analysed: with engine, model and prompt version it says whether to ask again
repaired    bool!    the answer was valid only after one repair
prompt_tokens int    tokens read
answer_tokens int    tokens written
seconds     float    duration
gpu_share   float    share of the model in GPU memory, from /api/ps; null when not known
""",
    key="threat_id engine",
)
