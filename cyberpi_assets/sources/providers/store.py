"""Where sweeps are kept: one folder per sweep, one small folder per finished part, and whole tables at its end.

    sweeps/<id>/sweep.json                    what was asked for: provider, tickers, when it began
    sweeps/<id>/parts/<TICKER>.<stage>/       snapshot_facts.parquet, chain_facts.parquet, gap_facts.parquet, ...
    sweeps/<id>/whole/                        the same tables over all parts, when the sweep has ended

Every folder is written aside and renamed, so what is there is whole, and a killed sweep goes on where it was. The
columns are exactly those of the facts. Whom to ask and when is in `sweep.py`.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from cyberpi_assets.sources.providers.answers import Answer, facts_table
from cyberpi_assets.tables import FACTS as DECLARED
from cyberpi_assets.tables import conform

FACTS = ("snapshot_facts", "chain_facts", "bar_facts", "action_facts", "gap_facts")
Stage = Literal["quote", "chain"]


@dataclass(frozen=True)
class Sweep:
    """One sweep under its folder."""

    folder: Path

    @property
    def id(self) -> str:
        """Its name: moment of its beginning and provider."""
        return self.folder.name

    @property
    def about(self) -> Mapping[str, Any]:
        """What it was begun with."""
        return json.loads((self.folder / "sweep.json").read_text())

    @property
    def began(self) -> dt.datetime:
        """When it began, UTC."""
        return dt.datetime.fromisoformat(self.about["began"])

    @property
    def finished(self) -> bool:
        """Whether it has ended and its tables are whole."""
        return (self.folder / "whole").exists()

    def has(self, ticker: str, stage: Stage) -> bool:
        """Whether a part is there."""
        return self._part(ticker, stage).exists()

    def keep(self, answer: Answer, stage: Stage) -> None:
        """Keep a part, whole or not at all; a newer one takes the place of an older one. Raises SchemaMismatch."""
        with aside(self.folder, self._part(answer.ticker, stage)) as folder:
            file = f"sweeps/{self.id}/{answer.ticker}.{stage}"
            for fact in FACTS:
                if rows := answer.of(fact):
                    pq.write_table(
                        facts_table(fact, rows, source=self.about["provider"], file=file), folder / f"{fact}.parquet"
                    )

    def read(self, ticker: str, stage: Stage, fact: str) -> list[dict[str, Any]]:
        """The rows of one fact of a part; none when the part or the fact is not there."""
        path = self._part(ticker, stage) / f"{fact}.parquet"
        return pq.read_table(path).to_pylist() if path.exists() else []

    def only_gaps_worth_asking(self, ticker: str, stage: Stage) -> bool:
        """Whether a part holds nothing but gaps, and one of them may vanish when asked again."""
        names = {p.stem for p in self._part(ticker, stage).glob("*.parquet")}
        return names == {"gap_facts"} and any(g["retryable"] for g in self.read(ticker, stage, "gap_facts"))

    def finish(self) -> None:
        """Put the parts together; each fact's rows in the order of tickers. A finished sweep stays as it is."""
        if self.finished:
            shutil.rmtree(self.folder / "parts", ignore_errors=True)
            return
        parts = sorted((self.folder / "parts").glob("*")) if (self.folder / "parts").exists() else []
        with aside(self.folder, self.folder / "whole") as folder:
            for fact in FACTS:
                if files := [p / f"{fact}.parquet" for p in parts if (p / f"{fact}.parquet").exists()]:
                    schema = DECLARED[fact].schema
                    with pq.ParquetWriter(folder / f"{fact}.parquet", schema, compression="zstd") as writer:
                        for file in files:
                            writer.write_table(conform(DECLARED[fact], pq.read_table(file)))
        for left in (self.folder / "parts", *self.folder.glob(".writing-*")):
            shutil.rmtree(left, ignore_errors=True)

    def table(self, fact: str) -> pa.Table:
        """All rows of one fact of a finished sweep."""
        path = self.folder / "whole" / f"{fact}.parquet"
        return pq.read_table(path) if path.exists() else DECLARED[fact].empty()

    def _part(self, ticker: str, stage: Stage) -> Path:
        return self.folder / "parts" / f"{quote(ticker, safe='')}.{stage}"


class aside:
    """A folder that appears under its name when the block ends, whole or not at all."""

    def __init__(self, beside: Path, final: Path) -> None:
        self._beside, self._final = beside, final

    def __enter__(self) -> Path:
        self._final.parent.mkdir(parents=True, exist_ok=True)
        self._writing = Path(tempfile.mkdtemp(prefix=".writing-", dir=self._beside))
        return self._writing

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            if self._final.exists():
                shutil.rmtree(self._final)
            os.replace(self._writing, self._final)
        else:
            shutil.rmtree(self._writing, ignore_errors=True)


def begin(root: Path, provider: str, mode: str, tickers: Iterable[str], at: dt.datetime) -> Sweep:
    """A new sweep, its order written down before anything is asked."""
    root.mkdir(parents=True, exist_ok=True)
    final = root / f"{at:%Y%m%dT%H%M%S%f}Z-{provider}"
    with aside(root, final) as folder:
        about = {"provider": provider, "mode": mode, "tickers": list(tickers), "began": at.isoformat()}
        (folder / "sweep.json").write_text(json.dumps(about, indent=1))
    return Sweep(final)


def sweeps(root: Path) -> list[Sweep]:
    """All sweeps under a folder, oldest first."""
    folders = sorted(p for p in root.glob("*Z-*") if (p / "sweep.json").exists()) if root.exists() else []
    return [Sweep(folder) for folder in folders]
