"""`cyberpi`: the same tables and jobs from a terminal.

Here belongs the group of all commands; each is a function of a module in `commands/`. What the reports say is in
`reports/`; a command is only which options ask for what, and what the exit code is. Everything slow is imported inside
the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import click

from cyberpi_assets.commands import COMMANDS
from cyberpi_assets.reports.refused import Commands
from cyberpi_assets.reports.terminal import EXIT_CODES, Options, with_settings


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"""\b
Examples:
  cyberpi run                                  build every table of profile demo
  cyberpi timing --days 365 --min-score 80     the highest scores of a year
  cyberpi timing --official "zenobia kettlebrand"  one person, however the name is written
  cyberpi patterns --format md --output patterns.md
  cyberpi monitor --tickers NVDA,CRWD --min-severity 7
  cyberpi sql "select ticker, count(*) from market_alerts group by 1 order by 2 desc limit 5"

{EXIT_CODES}

Patterns are not evidence of wrongdoing. Commercial use of the disclosures is restricted (5 U.S.C. 13107(c)).
""",
)
@click.version_option(package_name="cyberpi-assets")
@click.pass_context
def main(context: click.Context) -> None:
    """Market alerts and congressional disclosures, as scores with their evidence.

    Facts come from a profile: `demo` (an invented world, the default) or `files` (bulk files in a folder). Every
    command takes --profile and --data; CYBERPI_PROFILE and CYBERPI_DATA say the same for all of them.
    """
    context.ensure_object(Options)


for _command in COMMANDS:
    main.add_command(with_settings(_command))
with_settings(main)

if __name__ == "__main__":
    main()
