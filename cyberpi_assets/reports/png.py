"""Pictures made small: an RGBA PNG as drawn becomes one with a palette of at most 256 colours.

The renderer stores four bytes a pixel with the fastest compression, five to twenty times what a chart needs; metadata
are kept for ever. Nothing is drawn here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_MAGIC = b"\x89PNG\r\n\x1a\n"


def shrink(png: bytes) -> bytes:
    """The same picture on white with at most 256 colours; a PNG of another make comes back as it is."""
    pixels = _decode(png)
    return png if pixels is None else _encode(pixels)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_MAGIC)
    while at + 8 <= len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size


def _decode(png: bytes) -> npt.NDArray[np.uint8] | None:
    """Pixels over white, shape (height, width, 3); None where it is not 8-bit RGBA with the filters none, sub or up."""
    chunks = list(_chunks(png))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if (depth, kind, interlaced) != (8, 6, 0):
        return None
    raw = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows = np.frombuffer(raw, np.uint8).reshape(height, 1 + 4 * width)
    filters, data = rows[:, 0], rows[:, 1:].reshape(height, width, 4).copy()
    if filters.max(initial=0) > 2:
        return None
    sub = filters == 1
    data[sub] = np.cumsum(data[sub], axis=1, dtype=np.uint8)
    for row in np.flatnonzero(filters == 2):
        if row:
            data[row] += data[row - 1]
    alpha = data[:, :, 3:].astype(np.uint16)
    return ((data[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _encode(pixels: npt.NDArray[np.uint8]) -> bytes:
    height, width, _ = pixels.shape
    colour = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    exact, inverse, counts = np.unique(colour, return_inverse=True, return_counts=True)
    parts = np.stack([exact >> 16, exact >> 8 & 255, exact & 255], axis=1).astype(np.uint8)
    palette, index = parts, np.arange(exact.size)
    for bits in range(1, 8):
        if palette.shape[0] <= 256:
            break
        # of the colours that become one, the most frequent stands for them
        order = np.argsort(-counts, kind="stable")
        _, first, bucket = np.unique(parts[order] >> bits, axis=0, return_index=True, return_inverse=True)
        palette = parts[order][first]
        index = np.empty(exact.size, np.intp)
        index[order] = bucket.reshape(-1)
    indexed = index[inverse.reshape(height, width)].astype(np.uint8)
    lines = np.zeros((height, width + 1), np.uint8)  # a line begins with its filter, none
    lines[:, 1:] = indexed
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return _MAGIC + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", body), (b"IEND", b""))
    )
