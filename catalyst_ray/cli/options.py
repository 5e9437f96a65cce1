"""Options that several commands share."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Collection

UNITS = {"m": "minutes", "h": "hours", "d": "days"}

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
env_file_option = click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    help="Read settings from this file instead of ./.env.",
)


def given(context: click.Context) -> dict[str, str]:
    """Return the options that were typed: by parameter, as they are called."""
    return {
        one.name: max(one.opts, key=len)
        for one in context.command.params
        if one.name and context.get_parameter_source(one.name) is ParameterSource.COMMANDLINE
    }


def refuse_together(one: str, others: Collection[str], why: str) -> None:
    """Refuse an option beside others that contradict it, or that it would leave unheard.

    Raises:
        click.UsageError: There are others.
    """
    if others:
        raise click.UsageError(f"{one} does not go with {', '.join(others)}: {why}")


def span(_context: click.Context, _option: click.Parameter, text: str | None) -> timedelta | None:
    """Return a time span as people type it: 90m, 24h, 7d."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})([mhd])", text.strip().lower())
    if not found:
        raise click.BadParameter("must be like 90m, 24h or 7d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
