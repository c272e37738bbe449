"""The terminal as a person uses it: `cyberpi` in a process of its own, with settings of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
CYBERPI = str(BIN / "cyberpi")
ROOT = Path(__file__).resolve().parents[2]
FEW_DRAWS = {
    "CYBERPI_EVIDENCE__WORLDS": "20",
    "CYBERPI_EVIDENCE__SHIFTS": "499",
    "CYBERPI_EVIDENCE__RESAMPLES": "200",
    "CYBERPI_BACKTEST__RESAMPLES": "200",
    "CYBERPI_BACKTEST__SHUFFLES": "499",
    "CYBERPI_BACKTEST__NULL_DRAWS": "10",
}


def environment(store: Path, **more: str) -> dict[str, str]:
    """The environment of a person who has set where to keep things, and few random draws.

    What draws are worth is tested in `domain/evidence`; here runs are only started, killed and compared.
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CYBERPI_", "DAGSTER_"))}
    path = f"{BIN}{os.pathsep}{clean.get('PATH', '')}"
    return {**clean, "PATH": path, "CYBERPI_STORE": str(store), "CYBERPI_DUCKDB_THREADS": "2", **FEW_DRAWS, **more}


@dataclass(frozen=True)
class Terminal:
    """Runs `cyberpi` on one store."""

    store: Path
    more: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self, *words: str, timeout: float = 600, stdin: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CYBERPI, *words],
            env=environment(self.store, **{**self.more, **more}),
            cwd=self.store.parent,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on; its progress is read from standard error."""
        return subprocess.Popen(
            [CYBERPI, *words],
            env=environment(self.store, **self.more),
            cwd=self.store.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def said(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    """What it printed; fails with everything it said where the exit code is another."""
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
