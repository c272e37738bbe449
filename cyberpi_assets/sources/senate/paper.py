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
    found: dict[str, None] = {}
    for image in root.xpath("//img[contains(concat(' ', @class, ' '), ' filingImage ')]/@src"):
        try:
            url = urljoin(base, str(image).strip())
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.hostname and not parts.username:
            found.setdefault(url)
        if len(found) >= MAX_IMAGES:
            break
    return tuple(found)
