"""Analyses of threats, part of stage `threats`: a graph of ops, so that the model's step alone asks for a GPU."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import OWNERS
from cyberpi_assets.domain import analysed
from cyberpi_assets.llm import prompts, rules
from cyberpi_assets.llm.analyst import ENGINE, consult, still_valid
from cyberpi_assets.llm.case import NOT_ANSWERED, Case, case_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.dagster_io import column_schema
from cyberpi_assets.storage.lake import Lake

_BETWEEN = dg.Out(io_manager_key="op_io_manager")
# where a GPU is asked for: a worker of the queue `gpu` (Celery), a node with one (Kubernetes), one at a time (pool)
GPU_TAGS: dict[str, Any] = {
    "dagster-celery/queue": "gpu",
    "dagster-k8s/config": {
        "container_config": {"resources": {"limits": {"nvidia.com/gpu": "1"}}},
        "pod_spec_config": {
            "node_selector": {"cyberpi/gpu": "true"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        },
    },
}


def _digests(cases: Sequence[Case]) -> dict[str, str]:
    return {case.threat_id: case.digest() for case in cases}


@dg.op(out=_BETWEEN, description="The threats that score high enough, with their indicators, newest first.")
def threats_to_analyse(
    threat_scores: pa.Table,
    threat_indicators: pa.Table,
    companies: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> list[Case]:
    scores, indicators = analysed.worth_it(threat_scores, threat_indicators, settings.llm.min_score)
    of: dict[str, list[dict[str, Any]]] = {}
    for row in indicators.to_pylist():
        of.setdefault(row["threat_id"], []).append(row)
    named = {c["ticker"]: c for c in companies.select(["ticker", "name", "sector"]).to_pylist()}
    return [case_of(s, of.get(s["threat_id"], []), named.get(s["ticker"])) for s in scores.to_pylist()]


@dg.op(
    out=_BETWEEN,
    pool="gpu",
    tags=GPU_TAGS,
    description="What the model answers to the questions it has not answered yet, the newest first.",
)
def model_answers(
    context: dg.OpExecutionContext,
    cases: list[Case],
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> list[dict[str, Any]]:
    known = analysed.answered(
        lake.read("threat_analyses"),
        _digests(cases),
        engine=ENGINE,
        model=settings.llm.model,
        version=prompts.VERSION,
        again=NOT_ANSWERED,
    )
    due = [case for case in cases if case.threat_id not in known]
    found = consult(due[: settings.llm.most_per_run], settings.llm)
    context.log.info(f"threats {len(cases)}, already answered {len(known)}; {found.note}")
    context.add_output_metadata({"due": len(due), "asked": len(found.analyses), "note": found.note})
    return [analysis.row(case, dt.date.fromisoformat(case.session)) for case, analysis in found.analyses]


@dg.op(out=_BETWEEN, description="The answers held against the indicators once more; one that fails is no analysis.")
def valid_answers(cases: list[Case], answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    of = {case.threat_id: case for case in cases}
    return [
        row
        if still_valid(row, of[row["threat_id"]])
        else row | {"hypothesis": None, "supporting": [], "abstained": True, "reason": "the answer is not valid"}
        for row in answers
    ]


@dg.op(description="Every threat's analysis by rules, and those of the model, new and kept.")
def all_analyses(
    context: dg.OpExecutionContext, cases: list[Case], answers: list[dict[str, Any]], lake: dg.ResourceParam[Lake]
) -> pa.Table:
    by_rules = [rules.analyse(case).row(case, dt.date.fromisoformat(case.session)) for case in cases]
    made = pa.Table.from_pylist([*by_rules, *answers], schema=tables.THREAT_ANALYSES.schema)
    found = analysed.together(made, lake.read("threat_analyses"), _digests(cases))
    context.add_output_metadata(
        {
            "threats": len(cases),
            "by_the_model": sum(e == ENGINE for e in found.column("engine").to_pylist()),
            "abstained": sum(bool(a) for a in found.column("abstained").to_pylist()),
        }
    )
    return found


@dg.graph_asset(
    name=tables.THREAT_ANALYSES.name,
    group_name="threats",
    description=f"{tables.THREAT_ANALYSES.about}\n\nBy rules always; by a model too where Ollama answers. Each answer "
    "is checked against the indicators it cites, repaired once at most, else it abstains. Text from outside is fenced.",
    owners=[OWNERS["threats"]],
    kinds={"python", "ollama", "deltalake"},
    code_version="1",
    metadata={
        "dagster/column_schema": column_schema(tables.THREAT_ANALYSES),
        "dagster/table_name": tables.THREAT_ANALYSES.name,
        "key": ", ".join(tables.THREAT_ANALYSES.key),
    },
)
def threat_analyses(threat_scores: Any, threat_indicators: Any, companies: Any) -> Any:
    cases = threats_to_analyse(threat_scores, threat_indicators, companies)
    return all_analyses(cases, valid_answers(cases, model_answers(cases)))
