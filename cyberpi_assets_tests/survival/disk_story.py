"""What happens on a disk that is full, then freed, then read-only: told as JSON by a process in a mount namespace.

Run by `test_disk.py`: the folder named is a small file system that no other process sees.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from cyberpi_assets.cli import main
from cyberpi_assets.storage.lake import Lake, WriteFailed
from cyberpi_assets_tests.storage.worked import LAKE_TABLES, bars, ordered
from cyberpi_assets_tests.survival.world import BY_MONTH, WHOLE, by_month, materialise, small


def fill(disk: Path, leave: int) -> Path:
    """A file that takes what is free but for some bytes."""
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free
    with filler.open("wb") as handle:
        os.posix_fallocate(handle.fileno(), 0, free - leave)
    return filler


def written(lake: Lake, rows: int, months: list[str]) -> str:
    """Try to write bars of these months; what was said."""
    import pyarrow as pa

    try:
        lake.write("bars", pa.concat_tables([bars(m, rows, 7) for m in months]), months)
    except WriteFailed as error:
        return str(error)
    return "written"


def of_a_lake(disk: Path) -> dict[str, Any]:
    lake = Lake(disk / "bare", LAKE_TABLES)
    lake.write("bars", bars("2024-01"), ["2024-01"])
    files = sorted(map(str, Path(lake.uri("bars")).rglob("*.parquet")))
    told: dict[str, Any] = {}
    for name, leave, months in (
        ("a month, nothing left", 0, ["2024-01"]),
        ("two months, a little left", 200_000, ["2024-01", "2024-02"]),
    ):
        filler = fill(disk, leave)
        told[name] = [
            written(lake, 100_000, months),
            ordered(lake.read("bars")) == ordered(bars("2024-01")),
            sorted(map(str, Path(lake.uri("bars")).rglob("*.parquet"))) == files,
        ]
        filler.unlink()
    told["freed"] = written(lake, 100, ["2024-01", "2024-02"])
    told["rows"] = lake.read("bars").num_rows
    shutil.rmtree(lake.root)
    return told


def of_a_run(disk: Path, elsewhere: Path) -> dict[str, Any]:
    """The history lies elsewhere, so that the run itself can say which table was not written."""
    first = small(elsewhere / "undisturbed")
    assert materialise(first, WHOLE).success
    store = elsewhere / "store"
    shutil.copytree(first.data_dir / "intake", store / "intake")
    shutil.copytree(first.data_dir / "lake", disk / "lake")
    (store / "lake").symlink_to(disk / "lake")
    assert materialise(first, BY_MONTH).success
    settings = small(store)
    filler = fill(disk, 90_000)
    broken = materialise(settings, BY_MONTH)
    causes = [e.step_failure_data.error for e in broken.all_events if e.is_step_failure]
    told: dict[str, Any] = {
        "failed": not broken.success,
        "said": [e.cause.message for e in causes if e is not None and e.cause is not None],
        "readable": {name: len(rows) for name, rows in by_month(Lake(settings.lake_dir)).items()},
    }
    filler.unlink()
    told["rerun"] = materialise(settings, BY_MONTH).success
    told["same"] = by_month(Lake(settings.lake_dir)) == by_month(Lake(first.lake_dir))
    return told


def command(store: Path, *words: str) -> dict[str, Any]:
    """A command of the terminal in this process: its exit code, and whether it ended in words."""
    env = {"CYBERPI_STORE": str(store)}
    done = CliRunner().invoke(main, words, env=env)
    return {
        "code": done.exit_code,
        "words": done.exception is None or isinstance(done.exception, SystemExit),
        "last": done.output.strip().splitlines()[-1:],
    }


def of_commands(disk: Path) -> dict[str, Any]:
    store = disk / "whole"
    small(store)
    filler = fill(disk, 0)
    told = {"full: run": command(store, "run", "--from", "2025-01", "--to", "2025-01")}
    filler.unlink()
    # what a run writes first fits, and something after it does not: a table, or Dagster's own history
    filler = fill(disk, 500_000)
    told["filling: run"] = command(store, "run", "--from", "2025-01", "--to", "2025-01")
    filler.unlink(missing_ok=True)
    told["stop"] = command(store, "stop")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for words in (("run",), ("doctor",), ("ui",), ("timing",)):
        told[f"read-only: {words[0]}"] = command(store, *words)
    return told


if __name__ == "__main__":
    where, beside = Path(sys.argv[1]), Path(sys.argv[2])
    story = {"lake": of_a_lake(where), "run": of_a_run(where, beside), "commands": of_commands(where)}
    (beside / "told.json").write_text(json.dumps(story, indent=1))
