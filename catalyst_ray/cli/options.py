"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
env_file_option = click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    help="Read settings from this file instead of ./.env.",
)
