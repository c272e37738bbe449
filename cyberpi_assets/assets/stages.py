"""The stages in the order of the lineage: one module each, in the order in which the graph is read."""

from cyberpi_assets.assets import (
    alerts,
    backtest,
    correlations,
    disclosures,
    evidence,
    highway,
    market,
    news,
    options,
    rankings,
    reference,
    reports,
    signals,
    threats,
)

STAGES = (
    reference,
    market,
    alerts,
    disclosures,
    correlations,
    evidence,
    rankings,
    options,
    threats,
    news,
    highway,
    backtest,
    signals,
    reports,
)
