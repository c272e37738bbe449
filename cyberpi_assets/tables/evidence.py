"""What the timing scores are worth against chance."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

TIMING_NULLS = table(
    "timing_nulls",
    """What each scored trade would have scored on every other day on which it could have been made: the share of these
    days that score at least as high (exact), and what they score on average. Or no p and why.""",
    """
trade_id    string!  scored trade
bioguide_id string   person
ticker      string   current symbol
p_placebo   float    share of the admissible dates with at least this score, the trade's own date included
p_local     float    the same over the dates within 90 days
p_headline  float    the larger of the two
expected_score float  mean score over the admissible dates
expected_suspicious float  share of the admissible dates with a score of at least 60
mirror_score float   the same formula on the 30 days after the trade; null while they are not known
difference  float    score - mirror_score: negative where more happened after the trade than before
n_dates     int!     admissible dates
n_local_dates int!   of these, within 90 days
reason      string   why there is no p, or no local one
""",
    key="trade_id",
)

_EVIDENCE = """
n_trades    int!     disclosed trades that count
n_scored    int!     of these, with a score
n_clusters  int!     distinct official x ticker x day among the scored
n_tested    int!     of these, with a null
n_batches   int!     distinct official x day among the tested
mean_score  float    mean score of the clusters
mean_low    float    95 % bootstrap interval over trading days, lower end
mean_high   float    its upper end
expected_score float  mean expected score of the tested clusters
mean_mirror float    mean mirror score of the clusters where it is known
mean_difference float  mean of score less mirror score
suspicious  int!     clusters with score at least 60
rate        float    suspicious / clusters
rate_low    float    Wilson 95 % interval, lower end
rate_high   float    Wilson 95 % interval, upper end
shrunk_rate float    rate shrunk towards its peers (beta-binomial)
shrunk_low  float    95 % credible interval, lower end
shrunk_high float    its upper end
certainty   float    posterior probability that the rate is at least one half
observed    int!     suspicious clusters among the tested
expected    float    expected number of them on the admissible dates
oe_ratio    float    observed / expected
oe_low      float    exact Poisson 95 % interval, lower end
oe_high     float    its upper end
oe_boot_low float    95 % bootstrap interval over trading days, lower end
oe_boot_high float   its upper end
oe_p        float    Poisson-binomial chance of so many, as if clusters were independent
statistic   float    mean of 1 - p over the tested clusters
p_value     float    calendar-shift test: (b + 1) / (B + 1)
q_value     float    Benjamini-Hochberg over all with a p
q_by        float    Benjamini-Yekutieli, whatever the dependence
p_episodes  float    the same test with episodes (no pause over 30 days) shifted each by itself: sharper, assumes more
q_episodes  float    Benjamini-Hochberg over these; no part of the label
shift_coverage float  share of the tested clusters that a shifted calendar finds admissible, on average
supported   bool!    every condition of a supported finding holds
label       string!  supported finding | insufficient evidence
label_reason string  the conditions that do not hold
"""

OFFICIAL_EVIDENCE = table(
    "official_evidence",
    """Officials: expected against observed, with q value and intervals beside the raw figures, and what an innocent
    explanation would rest on. A pattern is not evidence of wrongdoing.""",
    """
bioguide_id string!  person, or `name:` and the name in lower case where the person stays in doubt
official    string!  name for display
chamber     string   house | senate
party       string   party
state       string   state
"""
    + _EVIDENCE
    + """
p_exact     float    calendar-shift test over every offset, enumerated
n_sessions  int!     sessions of the official's window; p_exact is at least 1 in so many, and neighbours are alike
rank        int      by mean score among those with enough clusters
rank_low    int      95 % bootstrap interval of the rank, best
rank_high   int      worst
n_calm      int!     tested clusters in the calmest third of tickers
observed_calm int!   suspicious among them
expected_calm float!  expected among them
n_middling  int!     tested clusters in the middle third
observed_middling int!  suspicious among them
expected_middling float!  expected among them
n_wild      int!     tested clusters in the most volatile third
observed_wild int!   suspicious among them
expected_wild float!  expected among them
n_lateness_known int!  rows whose lateness can be told
n_late      int!     of these, filed after the day they were due
late_rate   float    n_late / n_lateness_known
n_lateness_unknown int!  rows whose lateness cannot be told
median_days_late float  median over the late rows, calendar days
held_leadership bool  held a leadership title on some trade's day; null where no source gives titles
chaired     bool     chair or ranking member of a committee on some trade's day; null without dated membership
committees  strings  full committees sat on when trading
n_in_jurisdiction int  clusters in sectors that a committee of the official oversees; null without dated membership
jurisdiction_share float  of the clusters
rebalancing_share float  share of trades with a symbol on days with at least 10 symbols
n_self      int!     trades of the official's own account
n_spouse    int!     of the spouse
n_joint     int!     joint
n_child     int!     of a dependent child
n_owner_unknown int!  owner unreadable
repeat_offender_raw bool!  the seed's raw flag: at least half of the scored trades suspicious, and the minimum met
first_trade date     first scored transaction date
last_trade  date     last scored transaction date
""",
    key="bioguide_id",
)

TICKER_EVIDENCE = table(
    "ticker_evidence",
    "Tickers: expected against observed, every official's calendar shifted as a whole.",
    """
ticker      string!  current symbol
name        string   company
sector      string   sector
volatility  float    annual volatility of daily log returns over all its bars
volatility_third string  calm | middling | wild, among the tickers with market data
n_officials int!     distinct officials among the clusters
"""
    + _EVIDENCE,
    key="ticker",
)

SECTOR_EVIDENCE = table(
    "sector_evidence",
    "Sectors: expected against observed, every official's calendar shifted as a whole.",
    """
sector      string!  sector, or `unknown`
n_officials int!     distinct officials among the clusters
n_tickers   int!     distinct tickers among the clusters
"""
    + _EVIDENCE,
    key="sector",
)

COMMITTEE_EVIDENCE = table(
    "committee_evidence",
    """Trades of committee members in the sectors that their committee oversees, by dated membership, against the same
    members' other trades. The mapping of committees to sectors is declared in the project, and broad.""",
    """
committee_id string!  Thomas id
name        string!  name
chamber     string   house | senate
sectors     strings  sectors it is taken to oversee
breadth     float    share of all officials' clusters that lie in these sectors: 1 would say nothing
membership  string!  how membership is dated: congress (a seat counts for the whole Congress of the list that shows it)
n_officials int!     members with such clusters
n_outside   int!     tested clusters of the same members outside these sectors
oe_outside  float    their observed / expected
"""
    + _EVIDENCE,
    key="committee_id",
)

PARTY_EVIDENCE = table(
    "party_evidence",
    """Parties compared on their officials' means by permuting party over officials within a chamber; never trade by
    trade. Two-sided.""",
    """
chamber     string!  house | senate | both (permuted within each)
metric      string!  mean_score | excess_score (score less expected) | mean_one_minus_p
party_a     string!  party
party_b     string!  party
n_a         int!     officials of party_a
n_b         int!     officials of party_b
mean_a      float    mean over officials of party_a
mean_b      float    mean over officials of party_b
difference  float    mean_a - mean_b; both: chambers weighted by officials
low         float    95 % bootstrap interval over officials, lower end
high        float    its upper end
p_value     float    permutation test
q_value     float    Benjamini-Hochberg over the tests of this table
method      string   exact | monte carlo
reason      string   why there is no test
""",
    key="chamber metric party_a party_b",
)

TEMPORAL_PATTERNS = table(
    "temporal_patterns",
    """Trading days of officials by month, weekday and week against what their time in office would let one expect,
    tested against shifted calendars. One row per bucket, and `all` with the test.""",
    """
pattern     string!  month | weekday | weekly dispersion | event clustering | earnings distance
bucket      string!  01 to 12, Mon to Fri, or `all`
observed    float    official-days in the bucket; `all`: the statistic's count or value
expected    float    by each official's sessions in office, or the mean over shifted calendars
ratio       float    observed / expected
statistic   float    all: chi-square, dispersion or count
p_value     float    all: against shifted calendars, (b + 1) / (B + 1)
q_value     float    all: Benjamini-Hochberg over the patterns' p_value
p_independent float  all: Monte Carlo chi-square as if days were drawn one by one
n           int!     official-days
detail      string   what is counted
reason      string   why there is no figure
""",
    key="pattern bucket",
)

CALIBRATION = table(
    "calibration",
    """The self-test: do nulls behave as nulls on random dates, does the correction hold its level, and are planted
    officials found.""",
    """
test        string!  uniform p | false discoveries | power
part        string!  what of it: all, a volatility third, a planted strength
n           int!     p values, worlds or officials
observed    float    KS distance, share of worlds with a false finding, share found
expected    float    what it may be at most, or the level
p_value     float    of the test that it is as it should be
passed      bool     null where nothing is required
detail      string   in words
""",
    key="test part",
)
