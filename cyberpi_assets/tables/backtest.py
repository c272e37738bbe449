"""Tables of the back-test: what the score was worth before known incidents, and how each incident fared."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

EARLY_WARNING_BACKTEST = table(
    "early_warning_backtest",
    "The historical test of early warning: per sample, horizon and score, events against matched controls.",
    """
sample      string!  test (A and B after 2021) | tuning (A and B until 2021) | with_c | exact_day | with_options
horizon     string!  primary (30 to 14 days before) | far (60 to 31) | near (13 to 2)
score       string!  combined | market | options | one feature | one baseline
kind        string!  combined | part | feature | baseline
n_events    int!     incidents with a figure and at least 5 controls with one
n_controls  int!     their controls
n_clusters  int!     companies and campaigns among the incidents
auc         float    share of controls an incident's figure exceeds, on average; 0.5 is chance
auc_low     float    95 % interval over clusters
auc_high    float    95 % interval over clusters
p_value     float    one-sided, any member of a matched set being the event
q_value     float    Benjamini-Hochberg over all scores and windows of the sample
lift        float    events over controls among the highest tenth of controls
lift_low    float    95 % interval over clusters
lift_high   float    95 % interval over clusters
sensitivity float    share of events among the highest tenth of controls
best_baseline string the simple baseline with the largest area in this sample and window
better      float    area less that of the best baseline, same incidents
better_low  float    95 % interval over clusters
better_high float    95 % interval over clusters
supported   bool!    enough events, q, lift above 1 and better than the best baseline, all with their intervals
words       string!  the verdict in a sentence
""",
    key="sample horizon score",
)

BACKTEST_ALARMS = table(
    "backtest_alarms",
    "Alarms of each score over the test period at the registered threshold: how often, how right, how early.",
    """
score       string!  combined | market | options | one baseline
horizon     string!  primary | far | near
since       date!    first day of the test period
alarms      int!     alarms raised
per_month   float    alarms per ticker and month
hits        int!     alarms followed by an incident of the ticker within the horizon's days
expected    float    of as many alarms at random moments
ratio       float    hits over expected
ratio_low   float    exact Poisson 95 % interval
ratio_high  float    exact Poisson 95 % interval
precision   float    hits over alarms: the observed predictive value
event_share float    share of matched incidents with an alarm in the window
control_share float  share of their controls with one
ppv_base_rate float  predictive value of such an alarm at the base rate of 0.85 % a year
weeks       int!     weeks in which names were drawn up
top_precision float  share of each week's 5 highest names followed by an incident within the window's days
top_random  float    the same for names at random
lead_median float    median days from the first alarm of the 60 before an incident; null when too few
lead_pseudo float    the same for matched controls
lead_p      float    two-sided Mann-Whitney p that the two differ
n_lead      int!     incidents with an alarm in the 60 days before
""",
    key="score horizon",
)

BACKTEST_EVENTS = table(
    "backtest_events",
    "How each known incident fared in the back-test, and why the others could not be tested.",
    """
event_id    string!  incident
ticker      string!  symbol
event_day   date!    first session on which the market could react
grade       string!  A | B | C | weak
cluster     int!     number of the company or campaign
sample      string!  test | tuning
used        bool!    tested
reason      string   why not
n_controls  int!     matched controls
relaxed     string   which demands on controls had to give way
primary_score float  the combined score's figure in the primary window, 0 to 1
primary_share float  share of controls it exceeds
far_share   float    the same in the far window
near_share  float    the same in the near window
options_known bool!  option figures are known in the primary window
first_alarm_days float  days from the first alarm of the 60 before to the event; null when none went off
""",
    key="event_id",
)

BACKTEST_NULL = table(
    "backtest_null",
    "The whole procedure on days without an incident: what it finds where there is nothing to find.",
    """
draw        int!     number of the draw, 0 for the real days
auc         float    area under the curve of the combined score in the primary window
n_events    int!     days tested
p_procedure float    share of draws at least as high as the real days; on draw 0 only
""",
    key="draw",
)
