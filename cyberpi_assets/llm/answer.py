"""The model's answer: its schema, and what must hold of it before anybody reads it.

Here belongs every reason to refuse an answer. A refused one may be repaired once; then there is no analysis.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cyberpi_assets.llm.case import FIRED, Case, Urgency
from cyberpi_assets.reports.safe import clean

LONGEST = 20_000  # characters of an answer that are read at all
_SENTENCE = 600
_NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d{1,3}(?:[,\u202f\u00a0 ]\d{3})+|\d+)(?:\.\d+)?(?!\w)")


class Answer(BaseModel):
    """What the model may say. There is no field for a score, and no further field is taken."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hypothesis: str | None = Field(max_length=_SENTENCE)
    supporting: list[str] = Field(max_length=30)
    alternatives: list[str] = Field(min_length=1, max_length=8)
    refuted_by: list[str] = Field(min_length=1, max_length=8)
    urgency: Urgency


def schema() -> dict[str, Any]:
    """The JSON schema that the server is asked to keep to."""
    return Answer.model_json_schema()


class Refused(ValueError):
    """An answer that cannot be used; `problems` say why, for the model and for the reader."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read(text: str, case: Case) -> Answer:
    """The answer in `text`, cleaned, after all that must hold of it. Raises Refused."""
    if len(text) > LONGEST:
        raise Refused([f"the answer is longer than {LONGEST:,} characters"])
    try:
        given = json.loads(text)
    except ValueError as error:
        raise Refused([f"the answer is not JSON ({clean(str(error), 120)})"]) from None
    except RecursionError:
        raise Refused(["the answer is nested too deeply"]) from None
    try:
        answer = Answer.model_validate(given)
    except ValidationError as error:
        raise Refused([_said(e) for e in error.errors()[:10]]) from None
    answer = Answer.model_construct(
        hypothesis=clean(answer.hypothesis, _SENTENCE) or None,
        supporting=list(dict.fromkeys(answer.supporting)),
        alternatives=[c for a in answer.alternatives if (c := clean(a))],
        refuted_by=[c for a in answer.refuted_by if (c := clean(a))],
        urgency=answer.urgency,
    )
    if problems := problems_of(answer, case):
        raise Refused(problems)
    return answer


def _said(error: Any) -> str:
    where = ".".join(str(p) for p in error["loc"]) or "the answer"
    return f"{clean(where, 60)}: {clean(str(error['msg']), 160)}"


def problems_of(answer: Answer, case: Case) -> list[str]:
    """Why an answer of the right shape cannot be used: what it cites, quotes or leaves out. Empty when it can."""
    problems: list[str] = []
    state = {i.indicator_id: i.state for i in case.indicators}
    if unknown := [c for c in answer.supporting if c not in state]:
        problems.append(f"supporting cites indicators that do not exist: {_few(unknown)}")
    if unfired := [c for c in answer.supporting if state.get(c, FIRED) != FIRED]:
        problems.append(f"supporting cites indicators that did not fire: {_few(unfired)}")
    if answer.hypothesis is None:
        return problems
    if not answer.supporting:
        problems.append("supporting is empty: a hypothesis rests on at least one indicator that fired")
    if not answer.alternatives or not answer.refuted_by:
        problems.append("alternatives and refuted_by hold at least one sentence each")
    if invented := invented_numbers(answer.hypothesis, case):
        problems.append(f"the hypothesis quotes numbers that are not in the data: {_few(invented)}")
    return problems


def _few(values: list[str]) -> str:
    return ", ".join(str(clean(v, 80)) for v in values[:5])


def invented_numbers(text: str, case: Case) -> list[str]:
    """Numbers in `text` that no figure of the case gives, as they stand in it.

    A quoted number fits a figure when the figure, rounded to as many decimals, is it; signs do not matter, and a share
    may be quoted in percent. Numbers in ids, names and the date do not count as quoted.
    """
    for name in (*(i.indicator_id for i in case.indicators), case.threat_id, case.session, case.company, case.ticker):
        if name:
            text = text.replace(name, " ")
    figures = list(_figures(case))
    return [quoted for quoted in _NUMBER.findall(text) if not any(_fits(quoted, f) for f in figures)]


def _figures(case: Case) -> Iterable[float]:
    yield float(case.seed_score)
    for share in (case.coverage, case.history_score):
        if share is not None:
            yield from (share, 100 * share)
    yield from (float(len(case.indicators)), float(len(case.fired)), float(len(case.unknown)))
    for i in case.indicators:
        for figure in (i.value, i.baseline, i.threshold, i.robust_z, i.points):
            if figure is not None:
                yield float(figure)
                if abs(figure) <= 1:
                    yield 100.0 * figure
        yield from (_number(n) for n in _NUMBER.findall(i.words))


def _number(text: str) -> float:
    return float(re.sub(r"[,\u202f\u00a0 ]", "", text).replace("−", "-"))


def _fits(quoted: str, figure: float) -> bool:
    decimals = len(quoted.partition(".")[2])
    return abs(abs(_number(quoted)) - abs(figure)) <= 0.5 * 10.0**-decimals + 1e-9
