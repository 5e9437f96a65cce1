"""``catalyst-ray doctor``: is the set-up sound, and what mends it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import textwrap
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.logs import secrets_of, set_up_logs
from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.core.message_text import plain
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from catalyst_ray.models import Finding

NAME_COLUMNS = 20
MIN_COLUMNS = 30
MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command("doctor")
@click.option(
    "--ray", "with_ray", is_flag=True, help="Without RAY_ADDRESS too: start a Ray here and check it."
)
@click.option("--strict", is_flag=True, help="Exit with 3 for warnings too.")
@json_option
@env_file_option
def command(*, with_ray: bool, strict: bool, as_json: bool, env_file: Path | None) -> None:
    """Check the set-up by using it, and say how to mend what is wrong.

    Asks every feed once, opens the store, times a prompt on the language model, reads the GPUs and asks every
    sink whether it lives; posts nothing. On the cluster at RAY_ADDRESS, or that of the job that it is submitted
    as, it looks at every node from a worker there, all at once: versions, GPUs, the way to the model, clock, disk,
    memory, limits, charts. What is alike stands in one line, what differs is named; a check that hangs is cut off.

    Exits with 0, with 2 for wrong settings, with 3 if a check failed.
    """
    from catalyst_ray.doctor.examine import examine  # noqa: PLC0415  (loads Ray and aiohttp: not for --help)

    settings = load_settings(env_file=env_file)
    set_up_logs("ERROR", secrets=secrets_of(settings))  # the findings say what matters

    async def collect() -> list[Finding]:
        found: list[Finding] = []
        async for finding in examine(settings, with_ray=with_ray):
            if not as_json:
                _show(finding, is_new_part=not found or found[-1].part != finding.part)
            found.append(finding)
        return found

    found = asyncio.run(collect())
    counts = Counter(finding.status for finding in found)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        click.echo(f"\n{counts['ok']} ok, {counts['warn']} to know, {counts['fail']} to mend")
    if counts["fail"] or (strict and counts["warn"]):
        sys.exit(PARTIAL)


def _show(finding: Finding, *, is_new_part: bool) -> None:
    if is_new_part:
        click.secho(f"\n{finding.part}", bold=True)
    mark, colour = MARKS[finding.status]
    click.secho(f"{mark} {plain(finding.name):<{NAME_COLUMNS}}", fg=colour, nl=False)
    where = f"{plain(finding.where)}: " if finding.where else ""
    click.echo(" " + _wrapped(where + plain(finding.words)))
    if finding.mend:
        click.echo(" " * (NAME_COLUMNS + 3) + _wrapped(f"→ {plain(finding.mend)}"))


def _wrapped(words: str) -> str:
    """Break words for the terminal, under each other; leave them whole where a program reads."""
    if not sys.stdout.isatty():
        return words
    columns = max(MIN_COLUMNS, shutil.get_terminal_size().columns - NAME_COLUMNS - 3)
    broken = textwrap.wrap(words, columns, break_on_hyphens=False, drop_whitespace=True)
    return ("\n" + " " * (NAME_COLUMNS + 3)).join(broken)
