"""A disk that is full, and one that is read-only: nothing stored is damaged, and what is said is a sentence.

A real small file system, in a mount namespace of its own; where this machine does not allow one, that is said.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cyberpi_assets_tests.e2e.terminal import environment
from cyberpi_assets_tests.survival import disk_story

_SIZE = "24m"
_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'


def _apart(folder: Path, *command: str) -> list[str]:
    return ["unshare", "--mount", "sh", "-c", _MOUNT, "sh", _SIZE, str(folder), *command]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("disk")
    disk, beside = base / "disk", base / "beside"
    disk.mkdir()
    beside.mkdir()
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        pytest.skip("no mount namespaces here")
    if subprocess.run(_apart(disk, "true"), capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    done = subprocess.run(
        _apart(disk, sys.executable, str(Path(disk_story.__file__)), str(disk), str(beside)),
        env=environment(beside / "store") | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        cwd=base, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    return json.loads((beside / "told.json").read_text())


def test_a_write_that_a_full_disk_breaks_leaves_what_was_stored_and_no_file_of_its_own(told: dict[str, Any]) -> None:
    lake = told["lake"]
    for case in ("a month, nothing left", "two months, a little left"):
        said, same_rows, same_files = lake[case]
        assert said.startswith("[Errno 28] table bars could not be written, what was stored is unchanged")
        assert same_rows
        assert same_files
    assert lake["freed"] == "written"
    assert lake["rows"] == 200


def test_a_run_that_a_full_disk_breaks_names_the_table_and_completes_once_there_is_space(told: dict[str, Any]) -> None:
    run = told["run"]
    assert run["failed"]
    assert any("could not be written, what was stored is unchanged" in s and "table " in s for s in run["said"])
    assert set(run["readable"]) == {"daily_bars", "market_alerts", "timing_surface", "disclosed_trades"}
    assert run["rerun"]
    assert run["same"]


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("full: run", "the disk is full"),
        ("filling: run", "run again to go on"),
        ("read-only: run", "on a file system that is read-only"),
        ("read-only: ui", "on a file system that is read-only"),
        ("read-only: doctor", "problems: "),
    ],
)
def test_a_command_on_such_a_disk_ends_in_words_with_exit_code_1(told: dict[str, Any], case: str, says: str) -> None:
    found = told["commands"][case]
    assert found["code"] == 1
    assert found["words"]
    assert says in found["last"][0]


def test_what_only_reads_works_on_a_read_only_disk(told: dict[str, Any]) -> None:
    assert told["commands"]["read-only: timing"]["code"] == 3  # nothing was computed in this store
