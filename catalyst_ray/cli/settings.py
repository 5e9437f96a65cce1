"""``catalyst-ray settings``: every setting, its value and meaning."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.errors import CatalystError
from catalyst_ray.settings import settings_and_origins
from catalyst_ray.settings_docs import entries, env_example, markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.settings import Origins
    from catalyst_ray.settings_docs import Entry

VALUE_COLUMNS = 24
WIDE = 240
"""Columns where no person reads."""


@click.command("settings")
@click.option("--write", is_flag=True, help="Write .env.example and docs/settings.md (used by `make docs`).")
@json_option
@env_file_option
def command(*, write: bool, as_json: bool, env_file: Path | None) -> None:
    """Show every setting with the value in force; what differs from its default is green.

    Behind the words of one that somebody set stands where: the environment, a mounted file, a line of .env. Of a secret only
    whether it is set is shown.

    Exits with 2 and names every problem when a value is wrong or a name is misspelt.
    """
    if write:
        _write(Path(".env.example"), env_example())
        _write(Path("docs/settings.md"), markdown())
        return
    settings, origins = settings_and_origins(env_file=env_file)
    found = list(entries(settings))
    if as_json:
        click.echo(json.dumps({e.name: e.value for e in found}, indent=2))
    else:
        _show(found, origins)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CatalystError(
            f"cannot write {path}: {error.strerror}", hint="run this in the repository's folder"
        ) from error


def _show(found: Sequence[Entry], origins: Origins) -> None:
    from rich.console import Console  # noqa: PLC0415  (not for --help)
    from rich.table import Table  # noqa: PLC0415  (as above)
    from rich.text import Text  # noqa: PLC0415  (as above)

    # One line a setting where a program reads: nothing is broken for a width that nobody sees.
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    for group, members in groupby(found, key=lambda entry: entry.group):
        console.print(Text(f"\n{group}", "bold"))
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, min_width=max(len(entry.name) for entry in found))
        table.add_column(width=VALUE_COLUMNS, overflow="fold")
        table.add_column(style="dim")
        for entry in members:
            style = "" if entry.value == entry.default else "green"
            origin = origins.of(entry.name.lower())
            where = f"  [from: {origin}]" if origin != "default" else ""
            table.add_row(
                Text(entry.name, style),
                Text(entry.value or "-", style),
                Text(entry.text).append(where, "cyan"),
            )
        console.print(table)
