"""What must hold of each table. A check that blocks keeps a table downstream from telling an untruth."""

from cyberpi_assets.checks import (
    accounts,
    alerts,
    analyses,
    backtest,
    evidence,
    highway,
    market,
    news,
    options,
    quality,
    scores,
    shape,
    signals,
    threats,
)

CHECKS = [
    *shape.CHECKS,
    *market.CHECKS,
    *alerts.CHECKS,
    *options.CHECKS,
    *accounts.CHECKS,
    *quality.CHECKS,
    *scores.CHECKS,
    *evidence.CHECKS,
    *threats.CHECKS,
    *news.CHECKS,
    *highway.CHECKS,
    *analyses.CHECKS,
    *backtest.CHECKS,
    *signals.CHECKS,
]
