"""Many texts as one: folded for comparison, and searched for thousands of phrases in one pass.

Here belongs what is true of letters and words. What a phrase means is in `topics.py`, whom a name means in `naming.py`.

All texts stand in one array of bytes, a line each: an automaton reads it once, and what surrounds a hit is looked at
for all hits together. Folding keeps upper and lower case: names need it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Final

import ahocorasick
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

LONGEST: Final = 2_000  # characters of one text that are looked at
_BREAK: Final = 10

# letters of other alphabets that look like Latin ones; whoever hides a word from a filter uses them
_LOOKALIKES: Final = dict(
    zip(
        "аеорсухіјѕԁһԛԝАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανιкмтп",
        "aeopcyxijsdhqwABEKMHOPCTYXIJSABEZHIKMNOPTYXoavikmtn",
        strict=True,
    )
)
_PLAIN: Final[dict[int, str]] = {
    **{ord(k): v for k, v in _LOOKALIKES.items()},
    **{ord(c): "'" for c in "\u2018\u2019\u02bc\u0060\u00b4\u2032"},
    **{ord(c): '"' for c in "\u201c\u201d\u2033\u00ab\u00bb"},
    **{ord(c): "-" for c in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"},
    **{ord(c): "" for c in "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e"},
    **{ord(c): " " for c in "\u2028\u2029\u0085\u00a0\t\r\x0b\x0c\x00"},
    **dict.fromkeys(range(0x300, 0x370), ""),  # accents, once they stand apart
    0x00DF: "ss",
    0x20AC: "EUR",
    0x00A3: "GBP",
}
_BLANK, _APOSTROPHE = 32, 39
_UNWORD: Final = re.compile(r"[^a-z0-9&]+")
_WORDS: Final = np.full(256, _BLANK, dtype=np.uint8)  # how each byte is compared
for _range in (range(97, 123), range(48, 58), (ord("&"), _APOSTROPHE, _BREAK)):
    for _byte in _range:
        _WORDS[_byte] = _byte
for _byte in range(65, 91):
    _WORDS[_byte] = _byte + 32


def fold(text: str) -> str:
    """A text in ASCII, case kept: lookalike letters, accents, quotes and dashes in plain form, the rest a blank."""
    if text.isascii():
        return text.translate(_PLAIN) if not text.isprintable() else text
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN)).translate(_PLAIN)
    kept = "".join(c for c in plain if not unicodedata.combining(c)) if not plain.isascii() else plain
    return kept.encode("ascii", "replace").decode().replace("?", " ") if not kept.isascii() else kept


def words_of(phrase: str) -> str:
    """A phrase as `Texts` compares it: folded, lower case, no apostrophes, words apart by one blank.

    `Zero-Day` -> `zero day`, `Lowe's` -> `lowes`, `J.P. Morgan` -> `j p morgan`, `AT&T` stays `at&t`.
    """
    return _UNWORD.sub(" ", fold(phrase).lower().replace("'", "")).strip()


@dataclass(frozen=True)
class Hits:
    """Phrases found, by place: row of the text, number of the phrase, first byte and the byte after the last."""

    row: Ints
    phrase: Ints
    start: Ints
    end: Ints

    def where(self, mask: Bools) -> Hits:
        """The hits of a mask or of places."""
        return Hits(self.row[mask], self.phrase[mask], self.start[mask], self.end[mask])

    @property
    def n(self) -> int:
        """How many."""
        return len(self.row)


class Texts:
    """Texts side by side, ready to be searched. A null is an empty text. At most 2,000 characters of each."""

    def __init__(self, texts: pa.ChunkedArray[Any] | pa.Array[Any] | Sequence[str]) -> None:
        """Take the texts; their order gives the rows."""
        given: Any = pa.array(texts, pa.string()) if isinstance(texts, Sequence) else texts
        column: Any = given if isinstance(given, pa.ChunkedArray) else pa.chunked_array([given])
        cut: Any = pc.utf8_slice_codeunits(pc.fill_null(column, ""), 0, LONGEST)
        clean: Any = pc.replace_substring_regex(cut, r"[\r\n\x00-\x09]", " ")
        lines: list[str] = clean.to_pylist()
        odd: list[int] = np.flatnonzero(~pc.string_is_ascii(clean).to_numpy()).tolist()
        if odd:
            plain = unicodedata.normalize("NFKD", "\n".join(lines[i] for i in odd).translate(_PLAIN)).translate(_PLAIN)
            for i, line in zip(odd, plain.encode("ascii", "replace").decode().split("\n"), strict=True):
                lines[i] = line.replace("?", "\x01")  # marks of accents too: no letter, so no part of a word
        whole = "\n".join([*lines, ""])
        self.n = len(lines)
        self.cased: str = whole
        printed = np.frombuffer(whole.encode(), dtype=np.uint8)
        compared = _WORDS[printed]
        place = np.flatnonzero(compared != _APOSTROPHE)
        blank = compared[place] == _BLANK
        place = place[~(blank & np.concatenate([[False], blank[:-1]]))]
        self._place: Ints = place  # of each compared byte in the printed text
        self.bytes_: Bytes = compared[place]
        self.letters: Bytes = printed[place]
        self.words: str = self.bytes_.tobytes().decode("ascii")

    def printed(self, start: int, end: int) -> str:
        """What stands in the text, case and punctuation kept, between two compared bytes."""
        return self.cased[int(self._place[start]) : int(self._place[end - 1]) + 1]

    @cached_property
    def starts(self) -> Ints:
        """First compared byte of each row, and of one row more."""
        return np.concatenate([[0], np.flatnonzero(self.bytes_ == _BREAK) + 1]).astype(np.int64)

    @cached_property
    def line_starts(self) -> Ints:
        """First printed byte of each row, and of one row more."""
        return np.concatenate([[0], self._place[self.bytes_ == _BREAK] + 1]).astype(np.int64)

    @cached_property
    def _wordy(self) -> Bools:
        table = np.zeros(256, dtype=np.bool_)
        table[[*range(48, 58), *range(97, 123)]] = True
        return table[self.bytes_]

    def rows_of(self, at: Ints) -> Ints:
        """The row a compared byte belongs to."""
        return np.searchsorted(self.starts, at, side="right") - 1

    def find(self, automaton: Automaton) -> Hits:
        """All whole-word hits of the phrases, ordered by start and then by length, longest first."""
        # one flat pass: last byte, place in the automaton, last byte, ...
        flat = np.fromiter(chain.from_iterable(automaton.found_in(self.words)), dtype=np.int64)
        end, place = flat[0::2] + 1, flat[1::2]
        start, phrase = end - automaton.sizes[place], automaton.numbers[place]
        wordy = self._wordy
        before = (start == 0) | ~wordy[np.maximum(start - 1, 0)]
        after = ~wordy[np.minimum(end, len(wordy) - 1)]
        whole = before & after
        start, end, phrase = start[whole], end[whole], phrase[whole]
        order = np.lexsort((-end, start))
        start, end, phrase = start[order], end[order], phrase[order]
        return Hits(self.rows_of(start), phrase, start, end)


class Automaton:
    """Phrases, each with a number, to be found in one pass. Of equal phrases the first stands.

    Phrases are as `words_of` makes them.
    """

    def __init__(self, phrases: Iterable[tuple[int, str]]) -> None:
        """Take (number, phrase)."""
        self._tree: Any = ahocorasick.Automaton()
        sizes: list[int] = []
        numbers: list[int] = []
        for number, phrase in phrases:
            if phrase and phrase not in self._tree:
                self._tree.add_word(phrase, len(sizes))
                sizes.append(len(phrase))
                numbers.append(number)
        self._tree.make_automaton()
        self.sizes: Ints = np.array(sizes, dtype=np.int64)
        self.numbers: Ints = np.array(numbers, dtype=np.int64)

    def found_in(self, words: str) -> Iterable[tuple[int, int]]:
        """Last byte and place of each phrase found, also within words."""
        return self._tree.iter(words) if self.sizes.size else ()


def plurals(phrase: str) -> tuple[str, ...]:
    """A phrase and its simple plural: `breach` -> `breach`, `breaches`."""
    if not phrase or not phrase[-1].isalpha() or phrase.endswith(("s", "ed", "ing")):
        return (phrase,)
    more = "es" if phrase.endswith(("ch", "sh", "x", "z")) else "s"
    return (phrase, phrase + more)


def not_inside(hits: Hits, covers: Hits) -> Bools:
    """Which hits do not lie wholly inside one of `covers`. Shape: as `hits`."""
    if not covers.n or not hits.n:
        return np.ones(hits.n, dtype=np.bool_)
    order = np.argsort(covers.start, kind="stable")
    reach = np.maximum.accumulate(covers.end[order])
    before = np.searchsorted(covers.start[order], hits.start, side="right") - 1
    return (before < 0) | (reach[np.maximum(before, 0)] < hits.end)


def longest(hits: Hits) -> Bools:
    """Which hits are not part of a longer one. Hits are ordered as `Texts.find` gives them. Shape: as `hits`."""
    if not hits.n:
        return np.zeros(0, dtype=np.bool_)
    reach = np.maximum.accumulate(hits.end)
    before = np.concatenate([[-1], reach[:-1]])
    return hits.end > before


def nearest(of: Hits, to: Hits, most: int) -> Bools:
    """Which hits have one of `to` in the same row at most `most` bytes before or after. Shape: as `of`."""
    if not of.n or not to.n:
        return np.zeros(of.n, dtype=np.bool_)
    order = np.argsort(to.start, kind="stable")
    start, end, row = to.start[order], to.end[order], to.row[order]
    after = np.minimum(np.searchsorted(start, of.end, side="left"), to.n - 1)
    right = (row[after] == of.row) & (start[after] >= of.end) & (start[after] - of.end <= most)
    before = np.maximum(np.searchsorted(start, of.start, side="left") - 1, 0)
    left = (row[before] == of.row) & (start[before] <= of.start) & (of.start - end[before] <= most)
    return right | left
