"""``catalyst-ray settings``: every setting, its value and meaning."""

from __future__ import annotations

import json
from pathlib import Path

import click

from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.settings import load_settings
from catalyst_ray.settings_docs import entries, env_example, markdown


@click.command("settings")
@click.option("--write", is_flag=True, help="Write .env.example and docs/settings.md (used by `make docs`).")
@json_option
@env_file_option
def command(*, write: bool, as_json: bool, env_file: Path | None) -> None:
    """Show every setting with the value in force; secrets only say whether they are set.

    Exits with 2 and names every problem when a value is wrong or a name is misspelt.
    """
    if write:
        Path(".env.example").write_text(env_example(), encoding="utf-8")
        Path("docs/settings.md").write_text(markdown(), encoding="utf-8")
        return
    settings = load_settings(env_file=env_file)
    found = list(entries(settings))
    if as_json:
        click.echo(json.dumps({e.name: e.value for e in found}, indent=2))
        return
    group = ""
    for entry in found:
        if entry.group != group:
            group = entry.group
            click.secho(f"\n{group}", bold=True)
        changed = entry.value != entry.default
        value = entry.value or "-"
        click.secho(f"  {entry.name:<26} {value:<26} ", nl=len(value) > 26, fg="green" if changed else None)
        if len(value) > 26:
            click.echo(" " * 56, nl=False)
        click.secho(entry.text, dim=True)
