"""The words of the reports: what a figure means, what it does not mean, and what the law says about its use.

Here belongs every sentence that more than one report says, and the names of codes in plain words. Figures are formatted
in `figures.py`, text from outside is made safe in `safe.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

DISCLAIMER = (
    "Patterns are not evidence of wrongdoing. This report lists disclosed trades that came after unusual market "
    "activity; it says nothing about why they were made, or about what anybody knew."
)
PUBLIC_AND_LATE = (
    "The data is public and late: trades are disclosed weeks after they are made, amounts are ranges, and every alert "
    "counted here could be seen in public prices when the trade was made."
)
INNOCENT = (
    "Innocent explanations are common: portfolio rebalancing, accounts managed by others, trades around earnings, and "
    "plain reaction to news that everybody had."
)
VOLATILITY = (
    "Scores mostly measure the volatility of the ticker: on random dates the formula calls 5 % of trades suspicious "
    "(score 60 or more) at 20 % annual volatility, 27 % at 70 % and 56 % at 100 %. Compare a score with the base rate, "
    "never with zero."
)
RAW_RANKS = (
    "Ranks are raw: they order mean scores and are not corrected for volatility or for the number of officials "
    "compared. The 95 % interval beside a share shows how little a few trades can tell."
)
REPEAT_OFFENDER = (
    "Raw flag: not a finding. It marks at least half of the scored trades with a score of 60 or more, which chance and "
    "volatile tickers alone produce often. Whether it is more than chance is only known where the comparison with "
    "random dates stands beside it."
)
PARTIES = (
    "Parties are compared on the means of their officials within a chamber, so that one busy trader is one official. A "
    "difference here is a description, not a test."
)
PARTY_TESTS = (
    "Party is permuted over officials within a chamber; each official counts once. 1 - p and score less expected allow "
    "for volatility, the mean score does not. The rows ask one question in several ways, so q is no count of findings. "
    "A difference of parties says nothing of any member."
)
COMMITTEES = (
    "Members' trades in sectors that their committee is taken to oversee, beside their other trades (outside). The "
    "mapping of committees to sectors is ours, and broad; a seat counts for the whole Congress of the list with it."
)
SEASONS = (
    "Official-days against what time in office would let one expect, tested against shifted calendars. Recesses, "
    "tax years and quarters explain most of it; what the trades scored plays no part."
)
EVIDENCE = (
    "Observed (O) and expected (E): days of trading a ticker with score 60 or more, against how many the same people "
    "would have had on random dates of their time in office. q is the share of false findings to expect among all "
    "with a q as small. A supported finding needs 10 trading days, a rate that is surely one half or more, O/E surely "
    "above 1 and q of at most 0.05; everything else is insufficient evidence."
)
TOGETHER = (
    "Officials trade on the same news: across many of them O/E is no test of anybody's knowledge, and its interval is "
    "too narrow. Read it as what the market did around those trades."
)
HOUSE = "House disclosures filed before 2019 are incomplete in public data: they are listed and scored, but not ranked."
LAW = (
    "5 U.S.C. 13107(c): it is unlawful to obtain or use a report of the House or Senate for any unlawful purpose, for "
    "any commercial purpose other than by news and communications media for dissemination to the general public, for "
    "determining or establishing a credit rating, or for use in soliciting money for any political, charitable or "
    "other purpose."
)
DEMO = (
    "Profile demo: every person, company, price and filing in this report is invented. Any likeness to a real one is "
    "accidental."
)
OCR = "read from a scan by character recognition: check it against the filing"

SIDES: Mapping[str, str] = {"buy": "bought", "sell": "sold", "exchange": "exchanged"}
OWNERS: Mapping[str, str] = {
    "self": "own account",
    "spouse": "spouse's account",
    "joint": "joint account",
    "child": "child's account",
}
ALERT_TYPES: Mapping[str, str] = {
    "unusual_volume": "unusual volume",
    "price_spike": "price spike",
    "price_drop": "price drop",
    "high_volatility": "high volatility",
}
ALERT_TOPICS: Mapping[str, str] = {
    **ALERT_TYPES,
    "option_threat": "unusual options",
    "news_pending": "halted: news pending",
    "news_released": "halted: news released",
    "information": "halted: information asked for",
    "regulatory": "halted by the exchange",
    "sec_suspension": "suspended by the SEC",
    "volatility": "paused: volatility",
    "other": "halted: other reasons",
    "cyber_incident": "cyber incident reported",
    "vulnerability": "product exploited",
    "sanctions": "sanctions that name it",
    "fused_signal": "several signals",
}
TIERS: Mapping[str, str] = {
    "highly suspicious": "highly suspicious by the formula",
    "suspicious": "suspicious by the formula",
    "notable": "notable",
    "normal": "normal",
}
CHAMBERS: Mapping[str, str] = {"house": "House", "senate": "Senate", "both": "Both", "joint": "Joint"}
METRICS: Mapping[str, str] = {
    "mean_one_minus_p": "mean of 1 - p",
    "excess_score": "score less expected",
    "mean_score": "mean score",
}
PARTY_LETTERS: Mapping[str, str] = {
    "democrat": "D",
    "democratic": "D",
    "republican": "R",
    "independent": "I",
    "libertarian": "L",
}


def word(words: Mapping[str, str], code: str | None, unknown: str = "not known") -> str:
    """A code in plain words; an unlisted code as it stands with spaces for underscores; null as `unknown`."""
    if not code:
        return unknown
    return words.get(code, code.replace("_", " "))


def seat(party: str | None, state: str | None, chamber: str | None) -> str:
    """Where a person sits, as newspapers write it: `D-CA, House`; what is not known is left out."""
    letter = PARTY_LETTERS.get(party.lower(), party) if party else None
    home = "-".join(p for p in (letter, state) if p)
    return ", ".join(p for p in (home, word(CHAMBERS, chamber, "")) if p)


def plural(n: int, one: str, many: str | None = None) -> str:
    """`1 trade`, `1,204 trades`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
