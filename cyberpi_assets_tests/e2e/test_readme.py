"""Every command that README.md shows works: those of `cyberpi` are run, those of make exist.

A folder that a reader is to put in is replaced by a small one. What goes on until Ctrl-C is asked for its help instead.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cyberpi_assets.storage import redis_server
from cyberpi_assets_tests.e2e.conftest import Demo
from cyberpi_assets_tests.e2e.terminal import ROOT, environment

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]

_FENCE = re.compile(r"^```(?:bash|sh|console)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FOLDER = re.compile(r"<[^<>\s]+>|(?:\.\.?)?/?\S*/shared/real\b|/path/to/\S+")
_GOES_ON = re.compile(r"\bcyberpi\b.*(\bui\b|--interval)")


def commands(text: str) -> list[str]:
    """The commands in the bash blocks, one each, without prompts, comments and continued lines."""
    found: list[str] = []
    for block in _FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.sub(r"\s+#.*$", "", line.strip().removeprefix("$ "))
            if command and not command.startswith("#"):
                found.append(command)
    return found


def test_commands_are_found_in_bash_blocks_alone() -> None:
    shell = "```bash\n$ make run   # all\n# a comment\ncyberpi sql \\\n  'select 1'\n```\n"
    text = "Text `cyberpi x`\n" + shell + "```python\nmake()\n```\n"
    assert [re.sub(r"\s+", " ", c) for c in commands(text)] == ["make run", "cyberpi sql 'select 1'"]


README = commands((ROOT / "README.md").read_text())
MAKE = sorted({c for c in README if re.search(r"(^|\s)make\s", c)})
CYBERPI = sorted({c for c in README if re.match(r"(\.venv/bin/)?cyberpi\b", c)})


@pytest.mark.parametrize("target", ["run", "test", "check", "ui", "bench", "clean", "help"])
def test_the_promised_targets_of_make_exist(target: str) -> None:
    subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize("command", MAKE)
def test_a_make_command_of_the_readme_exists(command: str) -> None:
    words = command[command.index("make ") :].split("&&")[0].split("|")[0]
    done = subprocess.run(
        ["bash", "-c", words.replace("make ", "make -n ", 1)], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "bars.csv").write_text("ticker,date,open,high,low,close,volume\nACME,2024-01-02,1,2,1,2,10\n")
    return folder


@pytest.mark.parametrize("command", CYBERPI)
def test_a_cyberpi_command_of_the_readme_works(
    command: str, demo: Demo, small_folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    line = _FOLDER.sub(str(small_folder), command.removeprefix(".venv/bin/"))
    store = demo.store
    if _GOES_ON.search(line):
        line = " ".join(line.split()[:2]) + " --help"
    elif "files" in line or " import " in line or re.match(r"cyberpi stop\b", line):  # others use the demo's server
        store = tmp_path / "store"
        request.addfinalizer(lambda: redis_server.stop(store / "redis"))
        if re.match(r"cyberpi run\b", line):
            line += " --from 2024-01 --to 2024-01"
    if "|" in line and shutil.which(line.rsplit("|", 1)[1].split()[0]) is None:
        line = line.rsplit("|", 1)[0]
    (tmp_path / "query.sql").write_text("select 1 as one")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=tmp_path, env=environment(store), capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
