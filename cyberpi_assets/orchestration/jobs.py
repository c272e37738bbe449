"""Jobs: which assets run together."""

from __future__ import annotations

import dagster as dg

JOB_TAGS = {"dagster/max_runtime": "7200"}

everything = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all(),
    description="The whole lineage, from files to reports, over one range of months in one run.",
    tags=JOB_TAGS,
)

spine = dg.define_asset_job(
    "spine",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("evidence", "backtest"),
    description="Everything but the evidence and the back-test: from files to reports. These stay as they were.",
    tags=JOB_TAGS,
)

reports_again = dg.define_asset_job(
    "reports_again",
    selection=dg.AssetSelection.groups("rankings", "reports"),
    description="Rankings and reports from what the lake holds now.",
    tags=JOB_TAGS,
)

disclosures = dg.define_asset_job(
    "disclosures",
    selection=dg.AssetSelection.assets("source_files") | dg.AssetSelection.groups("disclosures", "correlations"),
    description="Filings, disclosed trades and their scores, over some months of filing; in profile live the filings "
    "of these months are fetched first.",
    tags=JOB_TAGS,
)

sweep = dg.define_asset_job(
    "sweep",
    selection=dg.AssetSelection.assets("source_files")
    | dg.AssetSelection.groups("options", "threats", "alerts", "signals"),
    description="Quotes, option chains, the scores made of them, alerts and warnings, over the running month. A run "
    "of the schedule asks the market provider first, in the step source_files; others take what is there.",
    tags=JOB_TAGS,
)

monitor = dg.define_asset_job(
    "monitor",
    selection=dg.AssetSelection.assets(
        "source_files",
        "daily_bars",
        "market_alerts",
        "market_snapshots",
        "option_volumes",
        "option_flow",
        "threat_scores",
        "threat_indicators",
        "alerts",
    ),
    description="Quotes without chains, and alerts as they stand with them, over the running month. A run of the "
    "schedule asks the market provider for quotes first, in the step source_files; others take what is there.",
    tags=JOB_TAGS,
)

patterns = dg.define_asset_job(
    "patterns",
    selection=dg.AssetSelection.groups("evidence", "rankings", "reports"),
    description="Evidence, rankings and reports from what the lake holds now. A run of a schedule also keeps a copy of "
    "the pattern report, named after its week or month.",
    tags=JOB_TAGS,
)

hunt = dg.define_asset_job(
    "hunt",
    selection=dg.AssetSelection.groups("signals") | dg.AssetSelection.assets("alerts"),
    description="Detectors, fused signals, warnings and their ledger, and alerts, from what the lake holds now.",
    tags=JOB_TAGS,
)

news = dg.define_asset_job(
    "news",
    selection=dg.AssetSelection.assets("source_files", "alerts")
    | dg.AssetSelection.groups("news", "signals", "highway"),
    description="Headlines, filings, halts and lists, the warnings made of them, and new threat items on the highway "
    "to Redis, graph and vectors, over the running month. In profile live each source is asked that is due: "
    "feeds after minutes, lists that are replaced whole once a day.",
    tags=JOB_TAGS,
)

JOBS = [everything, spine, reports_again, disclosures, sweep, monitor, patterns, hunt, news]
