"""Whose story an item repeats: near duplicates of one New York day, across providers.

Here belongs when two headlines are one story. Nothing looks beyond a day, so a month never depends on another.

Headlines are sets of words. Those that share most of a small signature (minwise hashes) are compared: words in common
over words of both at least `ALIKE`, numbers and directions (up, falls, beats) equal, and where both name companies at
least one in common. What is alike is one story, whose first item is the one that could be known first.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from cyberpi_assets.domain.news.text import Ints, Texts

ALIKE: Final = 0.7  # words in common, over words of both, where both name a company
ALIKE_UNNAMED: Final = 0.9  # and where one names none: headlines made from a pattern differ in a name only
FEWEST: Final = 4  # words of a headline that may be like another; shorter ones must be equal
STORIES: Final = pa.schema([("story", pa.int64())])
_HASHES: Final = 12
_PER_BAND: Final = 2
_SEED: Final = 20_261_101
_MIX: Final = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)
_list = str.split
_DIRECTIONS: Final = frozenset(  # words in which headlines made from a pattern differ
    _list(
        "rise rises rising fall falls falling up down gain gains drop drops higher lower beat beats miss misses raise "
        "raises cut cuts buy sell upgrade downgrade"
    )
)
_NOISE = re.compile(  # what wires put around a headline, over the compared words
    r"(?m)^(?:(?:update|corrected|rpt|wrapup|refile|brief|exclusive|factbox|breaking|press release|reported earlier)"
    r" ?\d* )+|"
    r" (?:reuters|bloomberg|cnbc|barrons com|benzinga|yahoo finance|the verge|techcrunch|wsj|sources|source)$"
)


def stories(headlines: pa.ChunkedArray[Any], days: Ints, order: Ints, tickers: pa.ChunkedArray[Any]) -> pa.Table:
    """The story of each headline: the place of its first item. Columns: `STORIES`.

    days: New York day; order: which could be known first (smaller is earlier, all different); tickers: companies named.
    Shapes: (items,) each.
    """
    n = len(days)
    if not n:
        return STORIES.empty_table()
    texts = Texts(headlines)
    lines = _NOISE.sub("", texts.words[:-1]).split("\n")
    shape = _shape(lines)
    exact = _exact(lines, days)
    pairs = _alike(shape, days, tickers)
    first = _leaders(np.concatenate([exact, pairs], axis=1), order)
    return pa.table([pa.array(first)], schema=STORIES)


def _leaders(pairs: npt.NDArray[np.int64], order: Ints) -> Ints:
    """For each item the first item of its story: the earliest like it that is like none before itself.

    Only items that are alike themselves are joined: no chain leads from one story to another.
    """
    n = len(order)
    both = np.concatenate([pairs, pairs[::-1]], axis=1)
    later, earlier = both[:, order[both[0]] > order[both[1]]]
    follows = np.zeros(n, dtype=np.bool_)
    follows[later] = True
    kept = ~follows[earlier]
    later, earlier = later[kept], earlier[kept]
    by_age = np.argsort(-order[earlier], kind="stable")
    leader = np.arange(n)
    leader[later[by_age]] = earlier[by_age]  # the earliest is written last
    return leader


def _distinct(values: Ints) -> Ints:
    """Different values, ascending; sorting is faster here than the hashing of `np.unique`."""
    ordered = np.sort(values)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if ordered.size else ordered


def _exact(lines: list[str], days: Ints) -> npt.NDArray[np.int64]:
    """Pairs of a headline and the first equal one of its day."""
    code: Any = pa.array(lines, pa.string()).dictionary_encode().indices
    codes = code.to_numpy().astype(np.int64)
    _, first, back = np.unique(days * (codes.max() + 1) + codes, return_index=True, return_inverse=True)
    target = first[np.ravel(back)]
    rows = np.arange(len(lines))
    blank = np.fromiter((not line.strip() for line in lines), dtype=np.bool_, count=len(lines))
    kept = (target != rows) & ~blank
    return np.stack([rows[kept], target[kept]]).astype(np.int64)


class _Shape:
    """Words and numbers of each line as rows of sparse matrices."""

    def __init__(self, words: sparse.csr_array, numbers: npt.NDArray[np.uint64]) -> None:
        self.words = words
        self.numbers = numbers
        self.size = np.diff(words.indptr)


def _shape(lines: list[str]) -> _Shape:
    column: Any = pa.array(lines, pa.string())
    lists: Any = pc.split_pattern(column, " ")
    flat: Any = pc.list_flatten(lists).dictionary_encode()
    row = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    word = flat.indices.to_numpy().astype(np.int64)
    names: list[str] = flat.dictionary.to_pylist()
    wanted = np.fromiter((bool(w) for w in names), dtype=np.bool_, count=len(names))
    decisive = (w in _DIRECTIONS or any(c.isdigit() for c in w) for w in names)
    digits = np.fromiter(decisive, dtype=np.bool_, count=len(names))
    row, word = row[wanted[word]], word[wanted[word]]
    kinds = max(len(names), 1)
    pair = _distinct(row * kinds + word)
    row, word = pair // kinds, pair % kinds
    counts = np.bincount(row, minlength=len(lines))
    pointer = np.concatenate([[0], np.cumsum(counts)])
    matrix = sparse.csr_array(
        (np.ones(len(word), dtype=np.int32), word, pointer), shape=(len(lines), max(len(names), 1))
    )
    code = np.random.default_rng(_SEED).integers(1, 2**63, size=max(len(names), 1), dtype=np.uint64)
    numbers = np.zeros(len(lines), dtype=np.uint64)
    np.add.at(numbers, row[digits[word]], code[word[digits[word]]])
    return _Shape(matrix, numbers)


def _alike(shape: _Shape, days: Ints, tickers: pa.ChunkedArray[Any]) -> npt.NDArray[np.int64]:
    """Pairs of headlines of one day that are alike."""
    rows = np.flatnonzero(shape.size >= FEWEST)
    if len(rows) < 2:
        return np.empty((2, 0), dtype=np.int64)
    signature = _minwise(shape.words, rows)
    found: list[npt.NDArray[np.int64]] = []
    for band in range(0, _HASHES, _PER_BAND):
        # a mixed key may collide; what it brings together is compared anyway
        key = days[rows].astype(np.uint64) * _MIX[0] ^ shape.numbers[rows]
        for part in signature[band : band + _PER_BAND]:
            key = (key ^ part * _MIX[1]) * _MIX[0]
        _, first, back = np.unique(key, return_index=True, return_inverse=True)
        target = first[np.ravel(back)]
        other = target != np.arange(len(rows))
        found.append(np.stack([rows[other], rows[target[other]]]))
    every = np.concatenate(found, axis=1)
    pair = _distinct(every[0] * len(days) + every[1])
    a, b = pair // len(days), pair % len(days)
    common = np.asarray(shape.words[a].multiply(shape.words[b]).sum(axis=1)).ravel()
    share = common / np.maximum(shape.size[a] + shape.size[b] - common, 1)
    shared, both = _companies(tickers, a, b)
    return np.stack([a, b])[:, np.where(both, shared & (share >= ALIKE), share >= ALIKE_UNNAMED)]


def _minwise(words: sparse.csr_array, rows: Ints) -> list[npt.NDArray[np.uint64]]:
    """The smallest of the words' hashes, for several hashes. Shape of each: (rows,)."""
    part = words[rows]
    rng = np.random.default_rng(_SEED + 1)
    kinds = int(words.indices.max()) + 1
    word, start = part.indices, part.indptr[:-1]
    result: list[npt.NDArray[np.uint64]] = []
    for _ in range(_HASHES):
        code = rng.permutation(kinds).astype(np.uint64)
        result.append(np.minimum.reduceat(code[word], start))
    return result


def _companies(tickers: pa.ChunkedArray[Any], a: Ints, b: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Of each pair: whether a company is named in both, and whether both name any."""
    lists: Any = tickers.combine_chunks()
    flat: Any = pc.list_flatten(lists)
    names: Any = flat.dictionary_encode()
    row = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    kinds = max(len(names.dictionary), 1)
    named = sparse.csr_array(
        (np.ones(len(row), dtype=np.int32), (row, names.indices.to_numpy().astype(np.int64))), shape=(len(lists), kinds)
    )
    count = np.diff(named.indptr)
    shared = np.asarray(named[a].multiply(named[b]).sum(axis=1)).ravel() > 0
    return shared, (count[a] > 0) & (count[b] > 0)
