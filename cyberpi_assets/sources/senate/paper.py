"""Paper filings of the Senate: pages of scanned images, and where these lie.

What the images say is for character recognition; that there are images is all that the page tells.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urljoin, urlsplit

MAX_IMAGES: Final = 500


def image_urls(root: Any, base: str) -> tuple[str, ...]:
    """The absolute http(s) links of a paper filing's page images, in order, each once; none for any other page.

    `root` is the parsed page, `base` the address relative links belong to.
    """
    sources: dict[str, None] = {}
    for image in root.iter("img"):
        if "filingImage" in (image.get("class") or "").split():
            sources.setdefault(str(image.get("src") or "").strip())
        if len(sources) > MAX_IMAGES:
            break
    found: dict[str, None] = {}
    for source in sources:
        try:
            url = urljoin(base, source)
            parts = urlsplit(url)
        except ValueError:
            continue
        if source and parts.scheme in ("http", "https") and parts.hostname and not parts.username:
            found.setdefault(url)
    return tuple(found)[:MAX_IMAGES]
