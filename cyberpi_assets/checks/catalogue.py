"""Which checks there are, in the order of the lineage, with what they promise: read off the definitions themselves."""

from __future__ import annotations

from functools import lru_cache

from cyberpi_assets.assets.stages import STAGES
from cyberpi_assets.checks import CHECKS
from cyberpi_assets.reports.checks import Declared


@lru_cache(maxsize=1)
def declared() -> tuple[Declared, ...]:
    """Every check, by stage and asset as the lineage has them, by name within an asset."""
    kept = [spec for stage in STAGES for asset in stage.ASSETS for spec in asset.specs]
    stages = {spec.key: (place, spec.group_name or "") for place, spec in enumerate(kept)}
    specs = [spec for check in CHECKS for spec in check.check_specs]
    order = sorted(specs, key=lambda spec: (stages[spec.asset_key][0], spec.name))
    return tuple(
        Declared(
            stages[spec.asset_key][1],
            spec.asset_key.to_user_string(),
            spec.name,
            spec.blocking,
            spec.description or "",
        )
        for spec in order
    )
