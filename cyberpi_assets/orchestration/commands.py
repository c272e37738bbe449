"""The commands of the terminal that run jobs; `cyberpi_assets/cli.py` adds them to its own.

Imports nothing slow: a command imports Dagster when it is called.
"""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
