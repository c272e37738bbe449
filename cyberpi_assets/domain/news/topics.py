"""What a headline is about: keyword groups, with denials, idioms, advice and vendors' business told apart.

Here belongs the meaning of the list of keywords. Whom a headline names is in `naming.py`.

A phrase of the list has a group and a role. `incident`, `strong`: counts by itself. `topic`: the group's subject, not
an event. `threat`: likewise (malware, hackers), and with an `act` near by (targets, delivers) an event. `weak`: counts
only where a `context` phrase stands near; a headline of the security press needs none. `move` and `subject`: count
together. `cancel`: what lies inside such a phrase does not count (`breach of contract`, `Cyber Monday`). `negation`: an
incident after it is denied. `aftermath`: fines, arrests, patches, studies: a subject and no new event. `vendor`,
`business`, `advice`: what the security industry and stock pickers write about; without an event it does not count.
`filing`: counts in the text of a filing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.news.text import (
    Automaton,
    Bools,
    Hits,
    Texts,
    longest,
    nearest,
    not_inside,
    plurals,
    words_of,
)

GROUPS: Final = ("cyber_incident", "cyber", "mna", "sanctions", "market_anomaly")  # the leading one first
_list = str.split
ROLES: Final = frozenset(
    _list(
        "incident strong topic threat act weak context move subject cancel negation aftermath vendor business advice "
        "filing"
    )
)
FILED: Final = ("filing",)  # of the list's roles, what counts in the text of a filing
COUNTING: Final = ("incident", "strong", "topic", "threat", "weak", "move")
NEAR: Final = 60  # letters between a weak phrase and its context
CLOSE: Final = 40  # letters between a move and what moves
BESIDE: Final = 12  # letters between a company or a commodity and its move
DENIED: Final = 60  # letters from a denial to what it denies
LARGE_MOVE: Final = 5.0  # percent of a single stock
TOPICS: Final = pa.schema(
    [
        ("relevance", pa.string()),
        ("groups", pa.list_(pa.string())),
        ("keywords", pa.list_(pa.string())),
        ("negated", pa.bool_()),
        ("boilerplate", pa.string()),
    ]
)
CVE: Final = re.compile(r"\bCVE[-‐-― ]?((?:1999|20\d{2}))[-‐-― ](\d{4,7})\b", re.IGNORECASE)

_CVE_WORDS = re.compile(r"\bcve (?:19|20)\d\d \d{4}")
_PERCENT = re.compile(
    r"\b(?:falls?|fell|drops?|dropped|down|slides?|slid|sheds?|loses?|lost|rises?|rose|gains?|gained|up|climbs?|climbed|"
    r"rall(?:y|ies|ied)|jumps?|jumped|dives?|dived|leaps?|leapt|pops?|soars?|sinks?|plunges?|surges?|tumbles?)"
    r"(?: (?:by|more than|over|about|nearly|almost|as much as|some|another|an?))? ?"
    r"(\d{1,3}(?:\.\d+)?) ?%"
)
_ADVICE = re.compile(
    r"^(?:\d+|two|three|four|five|top|best)\b[^\n]{0,40}\bstocks?\b|\bbuy (?:or )?sell or hold\b|"
    r"^should (?:you|i|investors)\b|"
    r"^is (?:it|[a-z0-9&' ]{2,40}) (?:a|an|too|now|still|one of|among|overexposed|overvalued|undervalued)\b|"
    r"\b(?:is|are) (?:it|they|now|this) (?:too late|time|a good time|a smart time)\b"
)
_LEGISLATED = ("cyber", "mna", "sanctions", "market_anomaly", "any")


class BadKeywords(ValueError):
    """The list of keywords has a group or role that nothing reads."""


@dataclass(frozen=True)
class _Phrase:
    group: str
    role: str
    phrase: str


class Keywords:
    """The list of keywords, ready for many headlines."""

    def __init__(self, listed: pa.Table) -> None:
        """Take the list (group, role, phrase). Raises BadKeywords naming a row that nothing reads."""
        self.phrases: list[_Phrase] = []
        spelled: list[tuple[int, str]] = []
        numbers: dict[str, list[int]] = {}
        for row in listed.to_pylist():
            if row["group"] not in _LEGISLATED or row["role"] not in ROLES:
                raise BadKeywords(f"keywords: no group and role {row['group']!r}, {row['role']!r}")
            phrase = words_of(row["phrase"])
            if not phrase:
                continue
            # several incidents are a subject: "data breaches surge" reports none
            roles = [row["role"], "topic"] if row["role"] == "incident" else [row["role"]] * 2
            for role, form in zip(roles, plurals(phrase), strict=False):
                numbers.setdefault(form, []).append(len(self.phrases))
                self.phrases.append(_Phrase(row["group"], role, form))
        # one phrase may play several parts: the automaton knows its spelling, a table its parts
        self._forms = list(numbers)
        spelled = [(i, form) for i, form in enumerate(self._forms)]
        self.automaton = Automaton(spelled)
        self._parts: dict[tuple[str, str], Bools] = {}
        for i, form in enumerate(self._forms):
            for number in numbers[form]:
                p = self.phrases[number]
                self._parts.setdefault((p.group, p.role), np.zeros(len(self._forms), dtype=np.bool_))[i] = True

    def all_phrases(self) -> list[str]:
        """Every phrase that counts for a group, for whoever compares with a plain search."""
        return list(dict.fromkeys(p.phrase for p in self.phrases if p.role in COUNTING))

    def counting(self, group: str) -> Bools:
        """Which phrases may count for a group. Shape: (spellings,)."""
        mask = np.zeros(len(self._forms), dtype=np.bool_)
        for role in COUNTING:
            mask |= self._parts.get((group, role), False)
        return mask

    def part(self, hits: Hits, group: str, *roles: str) -> Hits:
        """The hits that play one of the roles in a group."""
        mask = np.zeros(hits.n, dtype=np.bool_)
        for role in roles:
            plays = self._parts.get((group, role))
            if plays is not None and hits.n:
                mask |= plays[hits.phrase]
        return hits.where(mask)

    def form(self, number: int) -> str:
        """The spelling that a hit found."""
        return self._forms[number]


def about(texts: Texts, keywords: Keywords, names: Hits | None = None, press: Bools | None = None) -> pa.Table:
    """What each text is about, in their order. Columns: `TOPICS`.

    names: places of companies in them. press: which come from the security press, where a weak word needs no context.
    relevance: the first of groups, else none; boilerplate: why found words do not count.
    """
    hits = texts.find(keywords.automaton)
    reading = _Reading(texts, keywords, hits)
    advice = reading.rows("any", "advice") | reading.matching(_ADVICE)
    cyber = reading.cyber(advice, press if press is not None else np.zeros(texts.n, dtype=np.bool_))
    groups = {
        "cyber_incident": cyber.incident,
        "cyber": cyber.subject | cyber.incident,
        "mna": reading.mna(advice),
        "sanctions": reading.kept("sanctions", "strong"),
        "market_anomaly": reading.anomaly(advice, names),
    }
    boilerplate = np.full(texts.n, None, dtype=object)
    nothing = ~np.logical_or.reduce(list(groups.values()))
    boilerplate[nothing & reading.cancelled] = "idiom"
    boilerplate[nothing & cyber.seen & cyber.business] = "vendor_business"
    boilerplate[
        nothing & advice & (cyber.seen | reading.rows("market_anomaly", "move") | reading.rows("mna", "weak"))
    ] = "listicle"
    return _table(reading, groups, cyber.negated, boilerplate)


@dataclass(frozen=True)
class _Cyber:
    incident: Bools
    subject: Bools
    negated: Bools
    business: Bools
    seen: Bools


class _Reading:
    """The hits of one set of texts, by the parts they play."""

    def __init__(self, texts: Texts, keywords: Keywords, hits: Hits) -> None:
        self.texts, self.keywords, self.hits = texts, keywords, hits
        self.cancelled = np.zeros(texts.n, dtype=np.bool_)
        self._kept: dict[str, Hits] = {}
        for group in ("cyber", "mna", "sanctions", "market_anomaly"):
            covers = keywords.part(hits, group, "cancel")
            inside = ~not_inside(hits, covers)
            counting = inside & keywords.counting(group)[hits.phrase]
            self.cancelled[hits.row[counting]] = True
            self._kept[group] = hits.where(~inside)

    @cached_property
    def _candidates(self) -> list[int]:
        """Rows with a phrase that may count for some group."""
        plays = np.zeros(self.texts.n, dtype=np.bool_)
        for kept in self._kept.values():
            plays[kept.row] = True
        return np.flatnonzero(plays).tolist()

    @cached_property
    def _lines(self) -> list[str]:
        return self.texts.words.split("\n")

    def of(self, hits: Hits) -> Bools:
        """Which texts have one of the hits."""
        mask = np.zeros(self.texts.n, dtype=np.bool_)
        mask[hits.row] = True
        return mask

    def rows(self, group: str, *roles: str) -> Bools:
        """Which texts have a phrase of these roles, cancelled or not."""
        return self.of(self.keywords.part(self.hits, group, *roles))

    def part(self, group: str, *roles: str) -> Hits:
        """Phrases of these roles that no other phrase cancels."""
        return self.keywords.part(self._kept[group], group, *roles)

    def kept(self, group: str, *roles: str) -> Bools:
        """Which texts have such a phrase."""
        return self.of(self.part(group, *roles))

    def matching(self, rule: re.Pattern[str]) -> Bools:
        """Which of the texts with a phrase that may count fit a rule over their compared words."""
        mask = np.zeros(self.texts.n, dtype=np.bool_)
        for row in self._candidates:
            mask[row] = rule.search(self._lines[row]) is not None
        return mask

    def cyber(self, advice: Bools, press: Bools) -> _Cyber:
        incident, topic = self.part("cyber", "incident"), self.part("cyber", "topic", "threat")
        weak, context = self.part("cyber", "weak"), self.part("cyber", "context")
        supported = weak.where(nearest(weak, context, NEAR) | press[weak.row])
        denials = self.keywords.part(self.hits, "cyber", "negation")
        events = Hits(*(np.concatenate([a, b]) for a, b in zip(_fields(incident), _fields(supported), strict=True)))
        denied = self.of(events.where(_behind(events, denials, DENIED)))
        threat = self.part("cyber", "threat")
        acted = threat.where(nearest(threat, self.part("cyber", "act"), CLOSE))
        certain = self.of(incident) | self.of(acted)
        business = self.rows("any", "business") | self.rows("cyber", "vendor") | advice
        topical = self.of(topic) | self.matching(_CVE_WORDS)
        plain = topical & (~business | press & ~advice)
        strong_topic = self.of(topic) & (self.of(supported) | (_count(topic, self.texts.n) >= 2)) & ~advice
        late = self.rows("cyber", "aftermath")
        event = certain & ~late & ~denied & ~(advice & ~self.of(topic))
        hinted = (press | (_count(supported, self.texts.n) >= 2)) & self.of(supported) & ~business
        subject = plain | strong_topic | (certain & ~event) | hinted | denied
        seen = self.of(topic) | certain | self.of(weak)
        return _Cyber(event, subject, denied, business, seen)

    def mna(self, advice: Bools) -> Bools:
        strong, weak, context = self.part("mna", "strong"), self.part("mna", "weak"), self.part("mna", "context")
        return self.of(strong) | (self.of(weak.where(nearest(weak, context, NEAR))) & ~advice)

    def anomaly(self, advice: Bools, names: Hits | None) -> Bools:
        move, subject = self.part("market_anomaly", "move"), self.part("market_anomaly", "subject")
        cancels = self.keywords.part(self.hits, "market_anomaly", "cancel")
        by_stock = nearest(move, subject, CLOSE)
        by_name = _behind(move, names, BESIDE) if names is not None else np.zeros(move.n, dtype=np.bool_)
        moved = move.where((by_stock | by_name) & ~nearest(move, cancels, BESIDE))
        return (self.of(moved) | self._by_percent()) & ~advice | self.kept("market_anomaly", "strong")

    def _by_percent(self) -> Bools:
        """A stock that is said to move by at least 5 %."""
        mask = np.zeros(self.texts.n, dtype=np.bool_)
        printed = self.texts.cased.split("\n")
        for row in np.flatnonzero(
            self.rows("market_anomaly", "subject") & ~self.rows("market_anomaly", "cancel")
        ).tolist():
            if "%" in printed[row]:
                mask[row] = any(float(m[1]) >= LARGE_MOVE for m in _PERCENT.finditer(printed[row].lower()))
        return mask


def _fields(hits: Hits) -> tuple[npt.NDArray[np.int64], ...]:
    return hits.row, hits.phrase, hits.start, hits.end


def _count(hits: Hits, n: int) -> npt.NDArray[np.int64]:
    """Different places per text; phrases inside each other are one place."""
    _, first = np.unique(hits.end, return_index=True)
    return np.bincount(hits.row[first], minlength=n).astype(np.int64)


def _behind(of: Hits, to: Hits, most: int) -> Bools:
    """Which hits begin at most `most` bytes after the end of one of `to` in the same row, or contain it."""
    if not of.n or not to.n:
        return np.zeros(of.n, dtype=np.bool_)
    order = np.argsort(to.start, kind="stable")
    start, end, row = to.start[order], to.end[order], to.row[order]
    last = np.searchsorted(start, of.start, side="right") - 1
    at = np.maximum(last, 0)
    return (last >= 0) & (row[at] == of.row) & (of.start - end[at] <= most)


def _table(reading: _Reading, groups: dict[str, Bools], negated: Bools, boilerplate: Any) -> pa.Table:
    texts, keywords = reading.texts, reading.keywords
    words: list[list[str]] = [[] for _ in range(texts.n)]
    for group in ("cyber", "mna", "sanctions", "market_anomaly"):
        counting = reading.part(group, *COUNTING)
        counting = counting.where(longest(counting) & groups[group][counting.row])
        for row, phrase in dict.fromkeys(zip(counting.row.tolist(), counting.phrase.tolist(), strict=True)):
            words[row].append(keywords.form(phrase))
    named: list[list[str]] = [[] for _ in range(texts.n)]
    for group in GROUPS:
        for row in np.flatnonzero(groups[group]).tolist():
            named[row].append(group)
    return pa.table(
        [
            pa.array([g[0] if g else "none" for g in named], pa.string()),
            pa.array(named, pa.list_(pa.string())),
            pa.array(words, pa.list_(pa.string())),
            pa.array(negated),
            pa.array(boilerplate.tolist(), pa.string()),
        ],
        schema=TOPICS,
    )


def filing_words(listed: pa.Table) -> pa.Table:
    """The phrases that make a filing under other items a cyber filing: incidents and threats. Column: phrase."""
    rows = [r for r in listed.to_pylist() if r["group"] == "cyber" and r["role"] in FILED]
    return pa.table({"phrase": pa.array(sorted({words_of(r["phrase"]) for r in rows} - {""}), pa.string())})


def cves_of(texts: Iterable[str | None]) -> list[list[str]]:
    """CVE numbers in each text, in upper case with dashes, each once, in their order."""
    return [list(dict.fromkeys(f"CVE-{y}-{n}" for y, n in CVE.findall(t))) if t else [] for t in texts]
