"""The profile `live`: parts of the world that are asked politely, what they gave, and what they did not.

Belongs here: the seam. A part (`LivePart`) asks one site, or reads one folder that something else fills, and names the
units of the intake that make up its present state. Which parts there are is in `parts.py`; each has a module of its
own. Sites and formats know nothing of this module.

What a part promises:

- It returns *all* units of its present state, old ones too, also when its site does not answer: what was fetched before
  stays. Documents, indexes and sweeps stay on disk, so that its state follows from what is there.
- A unit is named by its content (`Intake.unit_id` of the bytes' hashes and a version of the reader) and written only
  where `Intake.has` says no: nothing is parsed twice.
- What could not be had becomes a unit of `troubles.Troubles`: a line of account with the reason, and a row of
  `gap_facts` for each thing asked for in vain. It raises only for a fault of its own, which is reported likewise.
- It calls `progress` between two documents or requests: there a run that was stopped ends.
"""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

from cyberpi_assets.sources.intake import Gathered, Intake
from cyberpi_assets.sources.live.troubles import NotAsked, Troubles
from cyberpi_assets.sources.values import shorten
from cyberpi_assets.sources.web.cache import write_whole

Progress = Callable[[str], None]


class LivePart(Protocol):
    """One site, or one folder that another command fills."""

    @property
    def name(self) -> str:
        """Names its files (`live:<name>/...`) and its record; a word of letters and underscores."""
        ...

    @property
    def remote(self) -> bool:
        """Whether it asks anything outside this machine."""
        ...

    def collect(self, intake: Intake, progress: Progress) -> Sequence[str]:
        """Ask for what is new, write its units, and return all units of its present state."""
        ...


class Unasked:
    """A part that asks nothing, for a reason that a person can change."""

    remote = True

    def __init__(self, name: str, reason: str) -> None:
        self.name, self._reason = name, reason

    def collect(self, intake: Intake, progress: Progress) -> Sequence[str]:  # noqa: ARG002
        """Raises NotAsked, so that what was fetched before stays."""
        raise NotAsked(self._reason)


Parts = Callable[[], AbstractContextManager[Sequence[LivePart]]]


class _Stopped(Exception):
    """The run that asked was stopped."""


class LiveSources:
    """Several parts as one source of facts; one object has one state, so that a whole run reads the same."""

    def __init__(
        self,
        intake: Intake,
        folder: Path,
        parts: Parts,
        *,
        asks: bool = True,
        holding: Callable[[str], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`folder` keeps which units each part had; `parts` opens them for one gathering.

        Without `asks` no site is asked: remote parts have what they had before. `holding`: what is held while a part
        is asked, by its name; it may raise NotAsked.
        """
        self.intake, self.folder = intake, folder
        self._parts, self._asks, self._holding = parts, asks, holding
        self._gathered: Gathered | None = None

    def gather(self, progress: Callable[[str], None] | None = None) -> Gathered:
        """Let every part ask for what is new, all at once, and return the present state of all facts.

        Another process that gathers is waited for, so that nothing is asked for twice. A part that fails keeps what
        it had, with a line of account that says why.
        """
        if self._gathered is None:
            with self._alone(), self._parts() as parts:
                self._gathered = Gathered(self.intake, tuple(dict.fromkeys(self._collect(parts, progress))))
        return self._gathered

    def _collect(self, parts: Sequence[LivePart], progress: Progress | None) -> list[str]:
        stopped = threading.Event()

        def tell(what: str) -> None:
            if stopped.is_set():
                raise _Stopped
            if progress is not None:
                progress(what)

        with ThreadPoolExecutor(max_workers=max(1, len(parts))) as pool:  # they wait for different hosts
            tasks = [pool.submit(self._one, part, tell) for part in parts]
            try:
                return [unit for task in tasks for unit in task.result()]
            except BaseException:
                stopped.set()
                raise

    def _one(self, part: LivePart, tell: Progress) -> Sequence[str]:
        if part.remote and not self._asks:
            return self._had(part)
        try:
            with self._holding(part.name):
                units = tuple(part.collect(self.intake, tell))
        except _Stopped:
            raise
        except NotAsked as reason:
            return self._in_vain(part, str(reason))
        except Exception as error:  # whatever a site brings about must not stop the others
            return self._in_vain(part, f"a fault of the reader: {type(error).__name__}: {shorten(error)}")
        self._keep(part, units)
        return units

    def _in_vain(self, part: LivePart, reason: str) -> tuple[str, ...]:
        troubles = Troubles(part.name)
        troubles.say(reason)
        return (*self._had(part), *troubles.units(self.intake))

    def _had(self, part: LivePart) -> tuple[str, ...]:
        try:
            units: list[str] = json.loads(self._record(part).read_text())
        except (OSError, ValueError):
            return ()
        return tuple(u for u in units if self.intake.has(u))

    def _keep(self, part: LivePart, units: Sequence[str]) -> None:
        write_whole(self._record(part), json.dumps(list(units)).encode())

    def _record(self, part: LivePart) -> Path:
        return self.folder / "parts" / f"{part.name}.json"

    @contextmanager
    def _alone(self) -> Generator[None]:
        (self.folder / "parts").mkdir(parents=True, exist_ok=True)
        with (self.folder / "gathering.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
