"""What headlines are about: invented ones, judged by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cyberpi_assets.domain.news.text import Texts
from cyberpi_assets.domain.news.topics import BadKeywords, Keywords, about, cves_of, filing_words
from cyberpi_assets.sources.lists import read_list
from cyberpi_assets_tests.domain.news.material import keywords
from cyberpi_assets_tests.domain.news.measure import HOME

WORDS = keywords()


def read(headline: str) -> dict[str, object]:
    return about(Texts([headline]), WORDS).to_pylist()[0]


@pytest.mark.parametrize(
    "headline",
    [
        "Quorvane confirms data breach affecting two million accounts",
        "Hackers stole customer records from Quorvane",
        "Ransomware attack shuts hospital group",
        "QUORVANE HIT BY CYBERATTACK",
        "Quorvane suffers cyber-attack",
        "New flaw in Quorvane Gateway actively exploited, agency warns",
        "Mobile bank restores services after global outage",
    ],
)
def test_incidents(headline: str) -> None:
    found = read(headline)
    assert found["relevance"] == "cyber_incident"
    assert found["groups"][:2] == ["cyber_incident", "cyber"]
    assert not found["negated"]
    assert found["keywords"]


@pytest.mark.parametrize(
    ("headline", "relevance"),
    [
        ("Quorvane says no evidence of data breach after claims online", "cyber"),
        ("Quorvane denies it was hacked", "cyber"),
        ("Quorvane to pay $3 million to settle data breach lawsuit", "cyber"),
        ("Man pleads guilty to ransomware attack on port", "cyber"),
        ("Researchers describe a malware family and its authors", "cyber"),
        ("Zephyrine agrees to acquire Quorvane for $2 billion", "mna"),
        ("Regulator clears merger of two railways", "mna"),
        ("Treasury sanctions shipping network", "sanctions"),
        ("New export controls on chip tools", "sanctions"),
        ("Quorvane shares plunge after forecast", "market_anomaly"),
        ("Quorvane stock falls 12%", "market_anomaly"),
        ("Exchange halts trading in Quorvane", "market_anomaly"),
    ],
)
def test_subjects(headline: str, relevance: str) -> None:
    assert read(headline)["relevance"] == relevance


@pytest.mark.parametrize(
    ("headline", "boilerplate"),
    [
        ("Supplier sues Quorvane for breach of contract", "idiom"),
        ("Director accused of breach of fiduciary duty", "idiom"),
        ("Ten life hacks for a tidy desk", None),
        ("Cyber Monday sales set a record", None),
        ("Power outage darkens the coast", None),
        ("Market faces vulnerability to a correction", None),
        ("Cybersecurity company Quorvane reports quarterly earnings", "vendor_business"),
        ("Three cybersecurity stocks to buy now", "listicle"),
        ("Is Quorvane stock a buy after its surge?", "listicle"),
        ("Five stocks to buy before they soar", "listicle"),
        ("Quorvane offers voluntary buyouts to staff", None),
        ("Oil prices surge on supply fears", None),
        ("Quorvane opens a new office", None),
        ("Quorvane stock rises 1%", None),
    ],
)
def test_what_only_sounds_like_it(headline: str, boilerplate: str | None) -> None:
    found = read(headline)
    assert found["relevance"] == "none", found
    assert found["groups"] == []
    assert found["keywords"] == []
    if boilerplate is not None:
        assert found["boilerplate"] == boilerplate


@pytest.mark.parametrize(
    "headline",
    [
        "Quorvane says no evidence of data breach",
        "Quorvane denies hackers accessed its network",
        "Bank rules out cyberattack",
    ],
)
def test_denials_are_marked(headline: str) -> None:
    found = read(headline)
    assert found["negated"]
    assert "cyber_incident" not in found["groups"]


def test_a_denial_of_something_else_denies_no_incident() -> None:
    assert not read("Minister denies knowing donor")["negated"]
    assert not read("Quorvane hit by ransomware attack as chief denies resigning")["negated"]


def test_lookalike_letters_hide_nothing() -> None:
    assert read("Quorvane hit by rаnsоmwаre attack")["relevance"] == "cyber_incident"
    assert read("Quorvane hit by ran\u200bsomware attack")["relevance"] == "cyber_incident"


def test_each_headline_is_read_for_itself() -> None:
    lines = ["data", "breach of contract", "data breach at Quorvane", "denies", "hackers stole records"]
    alone = [read(line) for line in lines]
    assert about(Texts(lines), WORDS).to_pylist() == alone
    assert about(Texts([]), WORDS).num_rows == 0


def test_the_list_is_refused_where_nothing_would_read_it() -> None:
    with pytest.raises(BadKeywords, match="'cyber', 'nonsense'"):
        Keywords(pa.table({"group": ["cyber"], "role": ["nonsense"], "phrase": ["x"]}))


def test_an_edited_list_decides() -> None:
    own = Keywords(pa.table({"group": ["sanctions"], "role": ["strong"], "phrase": ["Rubber Ducks"]}))
    assert about(Texts(["Tariff on rubber-ducks"]), own).column("relevance").to_pylist() == ["sanctions"]


def test_words_of_filings_are_of_the_list() -> None:
    phrases = filing_words(read_list("keywords", HOME)).column("phrase").to_pylist()
    assert "cybersecurity incident" in phrases
    assert "breach" not in phrases  # of contracts, covenants and much else


def test_cve_numbers() -> None:
    texts = ["cve-2024-12345 and CVE 2024‑12345, CVE-2021-0001", "CVE-1998-1234 CVE-2024-12", None]
    assert cves_of(texts) == [["CVE-2024-12345", "CVE-2021-0001"], [], []]
