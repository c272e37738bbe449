"""What the invented world reads: headlines, halts, filings, a catalogue of vulnerabilities, sanctions, acquisitions.

Belongs here: what is published about the planted breaches, and the noise around it. A breach is rumoured now and then,
filed and reported on its day by several wires, often with a halt before. Around it stand denials by companies that were
not hit, headlines that only sound like cyber news, and a daily stream that has nothing to do with either.

Every session draws its headlines from places of its own, so a longer world tells the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from cyberpi_assets.sources.demo.companies import Company
from cyberpi_assets.sources.demo.events import Breach
from cyberpi_assets.sources.demo.horizon import Horizon

Row = dict[str, Any]
_Add = Callable[[str, dt.datetime, Row], None]

WIRES: Final = ("Quillwire", "Beaconry Markets", "Marketlantern")
PRESS: Final = "Secursphere Daily"
PER_SESSION: Final = 6
_NEW_YORK: Final = ZoneInfo("America/New_York")

_REPORTS: Final = (
    "{name} discloses cyberattack, says customer data stolen",
    "{name} confirms data breach affecting customer accounts",
    "{name} hit by ransomware attack, systems offline",
    "{name} says hackers accessed its network",
)
_RUMOURS: Final = (
    "Hackers claim to sell data stolen from {name}",
    "Extortion group lists {name} among its victims",
)
_DENIALS: Final = (
    "{name} says no evidence of data breach after claims online",
    "{name} denies it was hacked, calls report unfounded",
)
_DECOYS: Final = (
    "{name} sued for breach of contract by former supplier",
    "Five life hacks for busy investors",
    "Cybersecurity stocks to watch this quarter",
    "{name} ready for Cyber Monday with longer opening hours",
    "Power outage closes {name} site for an afternoon",
)
_ORDINARY: Final = (
    "{name} reports quarterly results in line with estimates",
    "{name} names new finance chief",
    "Analysts raise price target on {name}",
    "{name} opens plant in a new region",
    "{name} declares regular dividend",
    "Is {name} stock a buy after its latest quarter?",
    "{name} to present at investor conference",
    "{name} extends partnership with a supplier",
    "What to expect from {name} this quarter",
    "Sector update: shares little changed at midday",
)
_MOVES: Final = ("{name} shares plunge after disclosure", "{name} stock tumbles on report of breach")
_FLAWS: Final = ("authentication bypass", "command injection", "path traversal", "buffer overflow", "use after free")
_MAKERS: Final = ("QRVAN", "ZPHYC", "BLXDT", "VTRSK", "FLUXQ", "GRPHN")
_LISTED: Final = ("Ostrelund Trading House", "Kaldavir Shipping", "Merrowgate Holdings", "Pellamund Bureau",
                  "Varnaskel Group", "Drosmyre Exchange", "Ilvermont Metals", "Quenby Farlight")  # fmt: skip


class _Times:
    """Moments of sessions."""

    def __init__(self, span: Horizon) -> None:
        self.days: list[dt.date] = span.year_sessions.astype(object).tolist()

    def at(self, session: int, minutes: float) -> dt.datetime:
        """So many minutes after midnight in New York, in UTC."""
        since = dt.timedelta(seconds=round(minutes * 60))
        local = dt.datetime.combine(self.days[session], dt.time(), _NEW_YORK) + since
        return local.astimezone(dt.UTC)


def published(span: Horizon, universe: list[Company], planned: list[Breach]) -> dict[str, list[Row]]:
    """Rows of news, halts, filings, KEV, sanctions, incidents and acquisitions on the days shown, by name of fact.

    Without source, file and line. Ordered by moment within each.
    """
    times = _Times(span)
    rows: dict[str, list[tuple[dt.datetime, Row]]] = {}

    def add(fact: str, at: dt.datetime, row: Row) -> None:
        rows.setdefault(fact, []).append((at, row))

    for number, breach in enumerate(planned):
        if breach.event_at < span.n_sessions:
            _breach(span, times, universe, number, breach, add)
    drawn = span.noise("news", 2, np.arange(span.n_sessions)[:, None], np.arange(64)[None, :]).tolist()
    for session in range(span.n_sessions):
        _day(drawn[session], times, universe, session, add)
    _catalogue(span, times, universe, add)
    _sanctions(span, times, add)
    names = ("news_facts", "halt_facts", "company_filing_facts", "kev_facts", "vulnerability_facts", "sanction_facts",
             "incident_facts", "mna_facts")  # fmt: skip
    shown: dict[str, list[Row]] = {}
    for name in names:
        kept = [(at, i, row) for i, (at, row) in enumerate(rows.get(name, [])) if _shown(span, at)]
        shown[name] = [row for _, _, row in sorted(kept, key=lambda k: k[:2])]
    return shown


def _shown(span: Horizon, at: dt.datetime) -> bool:
    return span.first_day <= at.astimezone(_NEW_YORK).date() <= span.last_day


def _name(company: Company, session: int) -> str:
    """The company's name on a session."""
    if company.renamed_at is not None and session < company.renamed_at and company.old_name:
        return company.old_name
    return company.name


def _ticker(company: Company, session: int) -> str:
    if company.renamed_at is not None and session < company.renamed_at and company.old_ticker:
        return company.old_ticker
    return company.ticker


def _headline(provider: str, key: str, text: str, at: dt.datetime, tickers: list[str], category: str = "market") -> Row:
    return {
        "provider": provider,
        "article_id": f"{provider.split()[0].lower()}-{key}",
        "headline": text,
        "body": None,
        "url": f"https://news.example/{provider.split()[0].lower()}/{key}",
        "tickers": tickers,
        "published_at": at,
        "precision": "s",
        "tz_suspect": False,
        "category": category,
        "language": "en",
        "seen_at": None,
        "flags": [],
    }


def _breach(span: Horizon, times: _Times, universe: list[Company], number: int, breach: Breach, add: _Add) -> None:
    company = universe[breach.company]
    name, ticker, day = _name(company, breach.event_at), _ticker(company, breach.event_at), breach.event_at
    u = span.noise("news", 1, np.full(16, number), np.arange(16)).tolist()
    opens = times.at(day, 7 * 60 + 60 * u[0])
    report = _REPORTS[int(u[1] * len(_REPORTS))].format(name=name)
    for k, wire in enumerate(WIRES):
        text = report if k == 0 else (f"UPDATE 1-{report}" if k == 1 else f"{report}: filing")
        add("news_facts", opens, _headline(wire, f"b{number}-{k}", text, opens + dt.timedelta(minutes=3 * k),
                                           [ticker] if k != 1 else []))  # fmt: skip
    later = times.at(day, 10 * 60 + 90 * u[2])
    move = _MOVES[int(u[3] * len(_MOVES))].format(name=name)
    add("news_facts", later, _headline(WIRES[0], f"b{number}-move", move, later, [ticker]))
    if u[4] < 0.4:
        rumoured = int(breach.known_at + 1 + u[5] * max(breach.event_at - breach.known_at - 2, 1))
        at = times.at(rumoured, 60 * (8 + 10 * u[6]))
        rumour = _RUMOURS[int(u[7] * len(_RUMOURS))].format(name=name)
        add("news_facts", at, _headline(PRESS, f"r{number}", rumour, at, [], "cyber"))
    item = "1.05" if times.days[day] >= dt.date(2023, 12, 18) and u[8] < 0.7 else "8.01"
    filed = opens - dt.timedelta(minutes=20)
    add(
        "company_filing_facts",
        filed,
        {
            "accession": f"00099{company.cik % 100000:05d}-{times.days[day]:%y}-{number + 1:06d}",
            "cik": company.cik,
            "company": name,
            "tickers": [ticker],
            "form": "8-K",
            "items": [item, "9.01"],
            "accepted_at": filed,
            "filed_on": times.days[day],
            "report_on": times.days[max(day - 3, 0)],
            "url": None,
            "text": f"On {times.days[breach.known_at]:%B %d, %Y}, {name} identified unauthorized access to certain of "
            "its systems. The company began an investigation of the cybersecurity incident.",
            "cyber_query": False,
            "seen_at": None,
        },
    )
    if u[9] < 0.5:
        halted = times.at(day, 9 * 60 + 30) + dt.timedelta(seconds=int(40 * u[10]))
        add("halt_facts", halted, _halt(company, ticker, name, halted, times.days[day], "T1", "News Pending", 35))
    add(
        "incident_facts",
        opens,
        {
            "event_id": f"DEMO{number + 1:04d}",
            "ticker_at_event": ticker,
            "ticker_now": company.ticker,
            "company": name,
            "event": report,
            "event_type": "ransomware" if "ransomware" in report else "data_breach",
            "is_breach": True,
            "discovered_on": times.days[breach.known_at],
            "disclosed_on": times.days[day],
            "event_day": times.days[day],
            "event_day_ambiguous": False,
            "session": "pre_market",
            "grade": "A",
            "filing": f"8-K Item {item}",
            "records_affected": None,
            "records_unit": None,
            "ticker_reuse": None,
            "said_by": "planted by the simulation",
        },
    )


def _halt(
    company: Company, ticker: str, name: str, at: dt.datetime, day: dt.date, code: str, reason: str, minutes: int
) -> Row:
    return {
        "ticker": ticker,
        "name": name,
        "market": company.exchange,
        "halted_on": day,
        "halted_at": at,
        "reason_code": code,
        "reason": reason,
        "threshold_price": None,
        "resumed_quote_at": None,
        "resumed_at": at + dt.timedelta(minutes=minutes),
        "seen_at": None,
    }


def _day(u: list[float], times: _Times, universe: list[Company], session: int, add: _Add) -> None:
    """The stream of one session, denials, decoys, pauses and acquisitions among it."""
    there = [c for c in universe if c.listed_at <= session and (c.delisted_at is None or session <= c.delisted_at)]

    def somebody(k: int) -> Company:
        return there[int(u[k] * len(there))]

    for k in range(PER_SESSION):
        company, at = somebody(4 * k), times.at(session, 60 * (6 + 13 * u[4 * k + 1]))
        text = _ORDINARY[int(u[4 * k + 2] * len(_ORDINARY))].format(name=_name(company, session))
        wire = WIRES[int(u[4 * k + 3] * len(WIRES))]
        add("news_facts", at, _headline(wire, f"{session}-{k}", text, at, [_ticker(company, session)]))
        if k == 0 and u[32] < 0.25:  # another wire repeats it
            again = WIRES[(WIRES.index(wire) + 1) % len(WIRES)]
            when = at + dt.timedelta(minutes=4)
            add("news_facts", at, _headline(again, f"{session}-{k}-again", text, when, [_ticker(company, session)]))
    for k, chance, texts, category in ((33, 0.05, _DENIALS, "cyber"), (38, 0.12, _DECOYS, "market")):
        if u[k] < chance:
            company, at = somebody(k + 1), times.at(session, 60 * (8 + 9 * u[k + 2]))
            text = texts[int(u[k + 3] * len(texts))].format(name=_name(company, session))
            add("news_facts", at, _headline(PRESS, f"{session}-{k}", text, at, [], category))
    if u[44] < 0.10:
        company, at = somebody(45), times.at(session, 9 * 60 + 35 + 360 * u[46])
        name, ticker = _name(company, session), _ticker(company, session)
        paused = _halt(company, ticker, name, at, times.days[session], "LUDP", "Volatility Trading Pause", 5)
        add("halt_facts", at, paused)
    if u[48] < 0.02:
        buyer, target, at = somebody(49), somebody(50), times.at(session, 60 * (7 + 2 * u[51]))
        if buyer is not target:
            names = _name(buyer, session), _name(target, session)
            text = f"{names[0]} agrees to acquire unit of {names[1]} for $2.{int(u[52] * 9)} billion"
            tickers = [_ticker(buyer, session), _ticker(target, session)]
            add("news_facts", at, _headline(WIRES[0], f"{session}-m", text, at, tickers))
            add(
                "mna_facts",
                at,
                {
                    "ticker_target": tickers[1],
                    "ticker_acquirer": tickers[0],
                    "target": f"unit of {names[1]}",
                    "acquirer": names[0],
                    "announced_on": times.days[session],
                    "event_type": "unit",
                    "grade": "A",
                    "said_by": "planted by the simulation",
                },
            )


def _month_ends(span: Horizon, times: _Times) -> list[int]:
    """The last session of each month shown."""
    days = times.days[: span.n_sessions]
    last = {(d.year, d.month): i for i, d in enumerate(days)}
    return [i for (year, month), i in sorted(last.items()) if dt.date(year, month, 1) >= span.first_day]


def _catalogue(span: Horizon, times: _Times, universe: list[Company], add: _Add) -> None:
    """A release at the end of each month, with all entries so far; the entries are of the month before its end."""
    makers = [c for c in universe if c.ticker in _MAKERS]
    entries: list[Row] = []
    for month in range(12 * len(span.years)):
        year, first = span.years[0] + month // 12, dt.date(span.years[0] + month // 12, month % 12 + 1, 1)
        u = span.noise("news", 3, np.full(16, month), np.arange(16)).tolist()
        for k in range(2):
            maker, flaw = makers[int(u[4 * k] * len(makers))], _FLAWS[int(u[4 * k + 1] * len(_FLAWS))]
            added = first + dt.timedelta(days=int(20 * u[4 * k + 2]))
            entries.append(
                {
                    "cve": f"CVE-{year}-{990000 + 2 * month + k}",
                    "vendor": maker.name,
                    "product": f"{maker.name.split()[0]} Gateway",
                    "name": f"{maker.name.split()[0]} Gateway {flaw}",
                    "added_on": added,
                    "due_on": added + dt.timedelta(days=21),
                    "ransomware": "Known" if u[4 * k + 3] < 0.2 else "Unknown",
                    "description": f"An invented {flaw} in an invented product.",
                    "cwes": [],
                }
            )
    for session in _month_ends(span, times):
        at = times.at(session, 17 * 60)
        for entry in entries:
            if entry["added_on"] <= times.days[session]:
                add("kev_facts", at, entry | {"released_at": at, "catalog_version": f"{times.days[session]:%Y.%m.%d}"})
    _scored(span, entries, add)


def _scored(span: Horizon, entries: list[Row], add: _Add) -> None:
    """What a database says of the entries: most have a score; some wait for one, and some it does not know."""
    for number, entry in enumerate(entries):
        u, v = span.noise("news", 4, np.full(2, number), np.arange(2)).tolist()
        at = dt.datetime.combine(entry["added_on"], dt.time(12), dt.UTC) - dt.timedelta(days=2)
        if u < 0.1:
            continue
        score, (maker, product) = round(6.5 + 3.5 * v, 1), (entry["vendor"].lower(), entry["product"].lower())
        rated = {
            "cvss": score,
            "cvss_version": "3.1",
            "rating": "critical" if score >= 9 else "high" if score >= 7 else "medium",
            "scored_by": "an invented analyst",
        }
        add(
            "vulnerability_facts",
            at,
            {
                "cve": entry["cve"],
                "published_at": at,
                "modified_at": at + dt.timedelta(days=1),
                "status": "Awaiting Analysis" if u < 0.3 else "Analyzed",
                "description": entry["description"],
                "cwes": [],
                "vendors": [maker],
                "products": [f"{maker}: {product}"],
                "n_products": 1,
            }
            | ({} if u < 0.3 else rated),
        )


def _sanctions(span: Horizon, times: _Times, add: _Add) -> None:
    """A snapshot at the end of each quarter; an entity more each time, and one of four leaves after a year."""
    for session in _month_ends(span, times):
        day = times.days[session]
        if day.month % 3:
            continue
        at, quarter = times.at(session, 12 * 60), (day.year - span.years[0]) * 4 + day.month // 3
        for number in range(quarter + 3):
            if number % 4 == 3 and quarter - number >= 2:
                continue
            add(
                "sanction_facts",
                at,
                {
                    "record": "entry",
                    "ent_num": 990000 + number,
                    "name": f"{_LISTED[number % len(_LISTED)]} {number // len(_LISTED) + 1}",
                    "entity_type": "entity",
                    "programs": ["CYBER2"] if number % 5 == 0 else ["SDGT"],
                    "country": None,
                    "text": None,
                    "addresses": [],
                    "tickers": [],
                    "event_on": None,
                    "grade": None,
                    "snapshot_at": at,
                },
            )
