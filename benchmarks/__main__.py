"""`python -m benchmarks [DATA]`: measure, print one table per group.

Exit codes: 0 measured and every target met, 1 a target missed, 2 usage.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.groups import GROUPS, Bench, Sizes
from benchmarks.report import Group, as_json, as_markdown, as_text, machine, write_between

_ROOT = Path(__file__).resolve().parent.parent
_REAL = _ROOT.parent / "shared" / "real"


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument(
        "data", nargs="?", type=Path, help="folder of bulk files; default: a simulated one of that size"
    )
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="this group; may be repeated")
    parser.add_argument(
        "--lake", type=Path, help="measure alerts, scores and scale on a finished lake: no run before them"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, too")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="rewrite the tables of this page, too")
    options = parser.parse_args()
    data = options.data or (_REAL if _REAL.is_dir() else None)
    if data is not None and not data.is_dir():
        parser.error(f"no folder {data}")
    names = [n for n in GROUPS if n in (options.only or GROUPS)]
    if options.write is not None and len(names) < len(GROUPS):
        parser.error("--write needs all groups: leave out --only")

    for name in [n for n in os.environ if n.startswith("CYBERPI_")]:  # what is measured does not depend on them
        del os.environ[name]
    what = "a simulated world, 10 times over" if data is None else f"the folder `{data.name}`"
    day = dt.datetime.now(dt.UTC).date()
    load = f"{os.getloadavg()[0]:.1f}"  # what else the machine was doing
    header = [f"Measured on {day} on {what}; load average at the start {load}.", f"Machine: {machine()}."]
    print(*header, sep="\n", flush=True)
    groups: list[Group] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        bench = Bench(data, Path(scratch), Sizes(), options.lake)
        try:
            for name in names:
                groups.append(GROUPS[name](bench))
                print(as_text(groups[-1]), flush=True)
        finally:
            bench.close()
    if options.json is not None:
        options.json.write_text(json.dumps(as_json(groups), indent=1))
    if options.write is not None:
        write_between(options.write, as_markdown(groups, header))
    return 1 if any(row.met is False for group in groups for row in group.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
