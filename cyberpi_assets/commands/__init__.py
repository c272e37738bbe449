"""The commands of `cyberpi`, by what they are about. A command imports what is slow when it is called."""

from __future__ import annotations

import click

from cyberpi_assets.commands import asking, backfill, checks, cluster, highway, jobs, trades, watching

COMMANDS: tuple[click.Command, ...] = tuple(
    command
    for module in (watching, trades, asking, checks, jobs, backfill, highway, cluster)
    for command in module.COMMANDS
)
