"""The analysis by rules: what the fired indicators would mean, what speaks against it, and what would refute it.

Here belong its sentences. It knows the indicators' names and states and the confounders, asks nobody, and gives the
same words for the same case. It claims nothing about anybody: unusual is not suspicious, and the innocent reading comes
with it.
"""

from __future__ import annotations

from cyberpi_assets.llm.case import Analysis, Case, Urgency

ENGINE, VERSION = "rules", "rules-1"

_MEANS = {
    "put_call_ratio": "more puts than usual are traded against calls",
    "volume_excess": "far more contracts than usual are traded",
    "otm_puts": "puts far below the price are bought in size",
    "near_expiries": "most of the volume expires within two weeks",
    "history_log_put_call": "puts weigh against calls as they rarely did in this name",
    "history_otm_put_share": "far puts make up an unusual part of the put volume",
    "history_share_30d": "more of the volume than usual expires within a month",
    "history_volume_ratio": "option volume is far over its own median",
    "history_put_flow_adv": "put volume is large against trading in the stock itself",
    "history_skew_25d": "protection against a fall is dearer than usual",
    "history_term_slope": "near volatility is dear against later volatility",
    "history_oi_change": "unusually many positions stayed open over night",
}
_REFUTED = {
    "put_call_ratio": "Puts and calls in balance again at the next snapshots, without a fall of the stock.",
    "volume_excess": "The day's volume turns out to be one block, or the average was of a quiet month.",
    "otm_puts": "Open interest does not grow on the next session: the far puts were closed, not opened.",
    "near_expiries": "An ordinary weekly or monthly expiry falls into these two weeks.",
}
_CONFOUNDED = {
    "earnings": "Earnings are due or just out: options are busy around them in every company.",
    "ex_dividend": "An ex-dividend day is near: calls are exercised and rolled for the dividend.",
    "hedge": "The pattern fits a holder who hedges a position in the stock.",
    "spread": "The volume looks like legs of a spread, which bets on little.",
    "index": "Options of the whole market are as busy: this is not about one company.",
}
_ALWAYS = (
    "Hedging by holders of the stock, which makes up most volume in puts.",
    "News that is already public, which other sources would show.",
)
_DATED = 24 * 60  # minutes after the close from which a snapshot tells of the past


def analyse(case: Case) -> Analysis:
    """The analysis of one case, marked `engine=rules`. Without a fired indicator it abstains and says so."""
    fired = case.fired
    if not fired:
        return Analysis(ENGINE, VERSION, reason="no indicator fired: there is nothing to explain")
    meant = [_MEANS.get(i.indicator, f"{i.indicator.replace('_', ' ')} is far from its own past") for i in fired]
    says = _listed(meant)
    hypothesis = (
        f"In options of {case.ticker} {says}. This fits somebody who expects, or insures against, a fall soon; "
        "an undisclosed incident is one explanation among several."
    )
    hypothesis += " Measured: " + " ".join(i.words if i.words.endswith(".") else i.words + "." for i in fired)
    if case.unknown:
        missing = _listed([i.indicator.replace("_", " ") for i in case.unknown])
        hypothesis += f" Not known: {missing}."
    known = [_CONFOUNDED[c] for c in case.confounders if c in _CONFOUNDED]
    others = [f"{c.replace('_', ' ').capitalize()} applies." for c in case.confounders if c not in _CONFOUNDED]
    return Analysis(
        ENGINE,
        VERSION,
        hypothesis=hypothesis,
        supporting=tuple(i.indicator_id for i in fired),
        alternatives=(*known, *others, *_ALWAYS),
        refuted_by=(
            *(_REFUTED[i.indicator] for i in fired if i.indicator in _REFUTED),
            "The same indicators calm at the next two snapshots.",
        ),
        urgency=urgency(case),
    )


def urgency(case: Case) -> Urgency:
    """By severity, one step less where an innocent reading applies or the data are dated."""
    steps: list[Urgency] = ["none", "this week", "today", "immediate"]
    at = {"critical": 3, "high": 2, "medium": 1}.get(case.severity or "", 0)
    if case.confounders or (case.stale_minutes or 0) >= _DATED:
        at = max(0, at - 1)
    return steps[at]


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
