"""What must hold of each table. A check that blocks keeps a table downstream from telling an untruth."""

from cyberpi_assets.checks import accounts, evidence, market, scores, shape

CHECKS = [*shape.CHECKS, *market.CHECKS, *accounts.CHECKS, *scores.CHECKS, *evidence.CHECKS]
