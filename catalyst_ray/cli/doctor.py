"""``catalyst-ray doctor``: is the set-up sound, and what mends it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command("doctor")
@json_option
@env_file_option
def command(*, as_json: bool, env_file: Path | None) -> None:
    """Check the set-up by using it, and say how to mend what is wrong.

    Asks every feed once, opens the store, times a prompt on the language model, reads the GPUs and asks Discord
    whether the webhook lives; posts nothing. Exits with 0, with 2 for wrong settings, with 3 if a check failed.
    """
    from catalyst_ray.doctor import examine  # noqa: PLC0415  (loads Ray and aiohttp: not for --help)

    settings = load_settings(env_file=env_file)
    findings = asyncio.run(examine(settings))
    if as_json:
        click.echo(json.dumps([asdict(f) for f in findings], indent=2))
    for finding in () if as_json else findings:
        mark, colour = MARKS[finding.status]
        click.secho(f"{mark} {finding.name:<22}", fg=colour, nl=False)
        click.echo(finding.words)
        if finding.mend:
            click.echo(f"  {'':<22}→ {finding.mend}")
    if any(f.status == "fail" for f in findings):
        sys.exit(PARTIAL)
