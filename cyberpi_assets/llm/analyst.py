"""One analysis from the model: asked, checked, repaired once, or given up with the reason.

Here belongs the order of these steps. Which threats are worth it is decided by the asset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cyberpi_assets.llm import prompts, rules
from cyberpi_assets.llm.answer import Answer, Refused, problems_of, read, schema
from cyberpi_assets.llm.case import NOT_ANSWERED, Analysis, Case
from cyberpi_assets.llm.ollama import Ollama, Reply, Unanswered
from cyberpi_assets.rules.asking import LlmRules

ENGINE = "ollama"


@dataclass(frozen=True)
class Answers:
    """What a run's questions gave: analyses in the order of the cases asked, and why no more were asked."""

    analyses: list[tuple[Case, Analysis]]
    note: str


def consult(cases: Sequence[Case], given: LlmRules, model: Ollama | None = None) -> Answers:
    """Ask the model about each case. Without server or model nobody is asked, and the note says why.

    A server that goes away in between ends the questions; the cases left are asked by a later run.
    """
    if given.engine == "rules":
        return Answers([], "engine rules: no model was asked")
    if not cases:
        return Answers([], "nothing new to ask")
    model = Ollama(given) if model is None else model
    try:
        digest = model.digest()
    except Unanswered as error:
        return Answers([], str(error))
    done: list[tuple[Case, Analysis]] = []
    for case in cases:
        analysis = ask(case, given, model, digest)
        if analysis.gpu_share is not None and analysis.gpu_share < given.min_gpu_share:
            return Answers(
                done, f"{analysis.gpu_share:.0%} of the model are in GPU memory, less than the least allowed"
            )
        done.append((case, analysis))
        if analysis.reason is not None and analysis.reason.startswith(NOT_ANSWERED):
            return Answers(done, f"stopped after {len(done)} of {len(cases)}: {analysis.reason}")
    return Answers(done, f"asked about {len(done)}")


def ask(case: Case, given: LlmRules, model: Ollama, digest: str | None) -> Analysis:
    """One case: a question, at most one repair, else an abstention with its reason."""
    try:
        first = model.ask(prompts.messages(case, given), schema())
        replies, repaired = [first], False
        try:
            answer = _read(first, case)
        except Refused as refused:
            second = model.ask(prompts.repair(case, given, first.text, refused.problems), schema())
            replies, repaired = [first, second], True
            try:
                answer = _read(second, case)
            except Refused as again:
                return _abstained(f"no valid answer after one repair: {again}", given, replies, model, digest)
    except Unanswered as error:
        return _abstained(f"{NOT_ANSWERED}{error}", given, [], model, digest)
    if answer.hypothesis is None:
        return _abstained("the model found no hypothesis worth giving", given, replies, model, digest)
    return Analysis(
        ENGINE,
        prompts.VERSION,
        hypothesis=answer.hypothesis,
        supporting=tuple(answer.supporting),
        alternatives=tuple(answer.alternatives),
        refuted_by=tuple(answer.refuted_by),
        urgency=answer.urgency,
        repaired=repaired,
        **_record(given, replies, model, digest),
    )


def _read(reply: Reply, case: Case) -> Answer:
    if reply.cut:
        raise Refused(["the answer was cut: it is too long, use fewer words"])
    return read(reply.text, case)


def _abstained(reason: str, given: LlmRules, replies: Sequence[Reply], model: Ollama, digest: str | None) -> Analysis:
    return Analysis(ENGINE, prompts.VERSION, reason=reason[:500], **_record(given, replies, model, digest))


def _record(given: LlmRules, replies: Sequence[Reply], model: Ollama, digest: str | None) -> dict[str, Any]:
    """Who answered and at what cost, both questions together."""
    placed = model.placement(digest) if replies else None
    return {
        "model": given.model,
        "model_digest": placed.digest if placed else digest,
        "gpu_share": placed.gpu_share if placed else None,
        "prompt_tokens": _sum([r.prompt_tokens for r in replies]),
        "answer_tokens": _sum([r.answer_tokens for r in replies]),
        "seconds": round(sum(r.seconds for r in replies), 3) if replies else None,
    }


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if known and len(known) == len(counts) else None


def still_valid(row: Mapping[str, Any], case: Case) -> bool:
    """Whether a stored or transported analysis may stand beside its case: an abstention, or one without a problem."""
    if row["engine"] == rules.ENGINE or row["hypothesis"] is None:
        return True
    answer = Answer.model_construct(**{field: row[field] for field in Answer.model_fields})
    return not problems_of(answer, case)
