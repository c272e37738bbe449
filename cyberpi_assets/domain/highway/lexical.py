"""Texts as vectors without a model: hashed words and pieces of words.

Here belongs the vectoriser. What it finds alike is alike in letters, not in meaning: whatever shows its results calls
them lexical.

A text is lowered and cut into words of letters and digits. Words (weight 1, common English ones left out) and pieces of
four bytes within a word and its borders (weight 0.3, so that inflections and spellings meet) are hashed to 64 bits; the
hash gives a dimension and a sign (signed feature hashing, Weinberger et al. 2009, under which collisions cancel in
expectation). Counts are damped by their square root and the vector is scaled to length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DIMENSIONS: Final = 384
LONGEST: Final = 4_000  # characters of a text that are looked at
_AT_ONCE = 128  # texts whose arrays stay in the processor's cache
_PIECE, _PIECE_WEIGHT = 4, 0.3
_COMMON = (
    "a about after all also an and any are as at be been but by can could for from had has have he her his how i if "
    "in into is it its may more most new no not of on or other our out over said says she so some than that the their "
    "them then there these they this to up was we were what when which who will with would you your"
)
_SPACE, _END = 0x20, 0x0A

U64 = NDArray[np.uint64]


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """One row of 384 per text, of length 1; of length 0 where a text has no word. float32, shape (n, 384)."""
    parts = [_embed(texts[at : at + _AT_ONCE]) for at in range(0, len(texts), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, DIMENSIONS), np.float32)


def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    n, data = len(texts), _bytes(texts)
    ends = data == _END
    row = np.cumsum(ends, dtype=np.int32) - ends
    words, word_rows = _words(data, row)
    pieces, piece_rows = _pieces(data, row)
    found = _summed(words, word_rows, 1.0, n) + _summed(pieces, piece_rows, _PIECE_WEIGHT, n)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def _bytes(texts: Sequence[str]) -> NDArray[np.uint8]:
    """All texts as lowered UTF-8 with a space around and a line end after each; what is no letter or digit, a space."""
    joined = "".join(f" {t[:LONGEST].lower()} \n" if "\n" not in t else f" {_one_line(t)} \n" for t in texts)
    data = np.frombuffer(joined.encode("utf-8", "replace"), np.uint8).copy()
    word = ((data >= 0x61) & (data <= 0x7A)) | ((data >= 0x30) & (data <= 0x39)) | (data >= 0x80)
    data[~word & (data != _END)] = _SPACE
    return data


def _one_line(text: str) -> str:
    return text[:LONGEST].lower().replace("\n", " ")


def _words(data: NDArray[np.uint8], row: NDArray[Any]) -> tuple[U64, NDArray[Any]]:
    """A hash per word, and the text it is in; common words left out."""
    inside = data > _SPACE
    starts = np.flatnonzero(inside & ~np.concatenate([[False], inside[:-1]]))
    if not starts.size:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    hashes = _hashes(data, inside, starts)
    kept = ~np.isin(hashes, _COMMON_HASHES)
    return hashes[kept], row[starts[kept]]


def _hashes(data: NDArray[np.uint8], inside: NDArray[np.bool_], starts: NDArray[Any]) -> U64:
    """A polynomial over the bytes of each word, mixed."""
    here = np.arange(len(data))
    began = np.zeros(len(data), np.int64)
    began[starts] = starts
    place = here - np.maximum.accumulate(began)
    powers = np.cumprod(np.full(int(place.max()) + 1, 0x100000001B3, np.uint64))
    terms = (data.astype(np.uint64) + np.uint64(1)) * powers[place] * inside
    return _mixed(np.add.reduceat(terms, starts))


def _pieces(data: NDArray[np.uint8], row: NDArray[Any]) -> tuple[U64, NDArray[Any]]:
    """A hash per four bytes of a word and its borders, and the text it is in."""
    if len(data) < _PIECE:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    code = np.zeros(len(data) - _PIECE + 1, np.uint64)
    whole = np.ones(len(code), np.bool_)
    for k in range(_PIECE):
        byte = data[k : k + len(code)]
        code |= byte.astype(np.uint64) << np.uint64(8 * k)
        whole &= byte != _END
        if 0 < k < _PIECE - 1:
            whole &= byte != _SPACE  # a space only at a border
    return _mixed(code[whole] + np.uint64(0x5DEECE66D)), row[: len(code)][whole]


def _mixed(values: U64) -> U64:
    """The finaliser of splitmix64 (Steele et al. 2014)."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _summed(hashes: U64, rows: NDArray[Any], weight: float, n: int) -> NDArray[np.float64]:
    """Signed, damped counts by text and dimension."""
    place = rows.astype(np.int64) * DIMENSIONS + (hashes % np.uint64(DIMENSIONS)).astype(np.int64)
    sign = np.where((hashes >> np.uint64(63)).astype(np.bool_), 1.0, -1.0)
    counts = np.bincount(place, sign, n * DIMENSIONS)
    return weight * (np.sign(counts) * np.sqrt(np.abs(counts))).reshape(n, DIMENSIONS)


def _common() -> U64:
    data = _bytes([_COMMON])
    inside = data > _SPACE
    return _hashes(data, inside, np.flatnonzero(inside & ~np.concatenate([[False], inside[:-1]])))


_COMMON_HASHES: Final = _common()
