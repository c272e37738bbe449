"""Tesseract: whether it is there, its version, and the words it sees in a picture.

Here belongs every call of the program, each bounded in time. What words mean is in `form.py`.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:  # an optional library: to ask whether it is there, it must not be needed
    from PIL import Image

LANGUAGE: Final = "eng"
_VERSION_SECONDS = 20


class Word(NamedTuple):
    """A word, its box in pixels from the picture's upper left, and how sure Tesseract is of it, 0 to 1."""

    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: float

    @property
    def middle(self) -> float:
        """Where the word's middle line lies."""
        return self.top + self.height / 2


class TooSlow(Exception):
    """The page's time is used up."""


class EngineFailed(Exception):
    """Tesseract ended without an answer, with the reason in words."""


@dataclass
class Clock:
    """What is left of a page's time."""

    until: float

    @classmethod
    def of(cls, seconds: float) -> Clock:
        """A clock that runs out in some seconds."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds left. Raises TooSlow when there are none."""
        left = self.until - time.monotonic()
        if left <= 0.05:
            raise TooSlow
        return left


@dataclass(frozen=True)
class Engine:
    """Tesseract as it was found: the program's place and its version; without it, why not."""

    program: str | None
    version: str
    lacking: str | None = None


@cache
def find_engine(command: str = "tesseract") -> Engine:
    """Look for Tesseract once per process. Never raises: what is lacking is said in words."""
    if importlib.util.find_spec("pytesseract") is None:
        return Engine(None, "none", "pytesseract is not installed: pip install 'cyberpi-assets[ocr]'")
    program = shutil.which(command)
    if program is None:
        return Engine(None, "none", "tesseract is not installed: apt-get install tesseract-ocr")
    try:
        said = subprocess.run([program, "--version"], capture_output=True, timeout=_VERSION_SECONDS, check=True).stdout
        listed = subprocess.run([program, "--list-langs"], capture_output=True, timeout=_VERSION_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Engine(None, "none", f"tesseract does not start: {type(error).__name__}")
    if LANGUAGE not in listed.stdout.decode(errors="replace").split():
        return Engine(None, "none", "tesseract has no data for English: apt-get install tesseract-ocr-eng")
    return Engine(program, said.decode(errors="replace").split("\n", 1)[0].removeprefix("tesseract ").strip() or "?")


def words(image: Image.Image, program: str, clock: Clock, *, mode: int = 6, characters: str = "") -> list[Word]:
    """The words of a picture, top to bottom. mode: Tesseract's page segmentation; characters: those allowed, or all.

    Raises TooSlow and EngineFailed.
    """
    config = f"--psm {mode} --dpi 300" + (f" -c tessedit_char_whitelist={characters}" if characters else "")
    found = _call("image_to_data", image, program, clock, config)
    kept = [i for i, text in enumerate(found["text"]) if str(text).strip() and float(found["conf"][i]) >= 0]
    return [
        Word(
            str(found["text"][i]).strip(),
            int(found["left"][i]),
            int(found["top"][i]),
            int(found["width"][i]),
            int(found["height"][i]),
            float(found["conf"][i]) / 100,
        )
        for i in kept
    ]


def turned_by(image: Image.Image, program: str, clock: Clock) -> int | None:
    """Degrees, clockwise, by which the page must be turned to stand upright; None where too little text tells.

    Raises TooSlow.
    """
    try:
        found = _call("image_to_osd", image, program, clock, "--psm 0 --dpi 200")
    except EngineFailed:  # `Too few characters`, or no data for orientation
        return None
    return int(found["rotate"]) % 360 if float(found["orientation_conf"]) >= 1.0 else None


def _call(name: str, image: Image.Image, program: str, clock: Clock, config: str) -> dict[str, Any]:
    import pytesseract

    pytesseract.pytesseract.tesseract_cmd = program
    language = "osd" if name == "image_to_osd" else LANGUAGE
    try:
        call: Any = getattr(pytesseract, name)
        return call(image, lang=language, config=config, timeout=clock.left(), output_type=pytesseract.Output.DICT)
    except RuntimeError as error:
        if isinstance(error, pytesseract.TesseractError):
            raise EngineFailed(f"tesseract: {str(error.message)[:120]}") from error
        raise TooSlow from error
    except (OSError, ValueError, KeyError, pytesseract.TesseractNotFoundError) as error:
        raise EngineFailed(f"tesseract: {type(error).__name__}") from error
