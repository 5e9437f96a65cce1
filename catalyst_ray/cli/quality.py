"""``catalyst-ray quality``: how often the fast tier is right, on labelled data."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.logs import set_up_logs
from catalyst_ray.cli.options import json_option
from catalyst_ray.errors import CatalystError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.quality.figure import Figure
    from catalyst_ray.quality.folder import DataFolder

log = logging.getLogger(__name__)

WIDE = 240
"""Columns where no person reads."""


@click.command("quality")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of labelled data.",
)
@json_option
@click.option("--details", is_flag=True, help="Say how each figure is made, with confusion tables.")
@click.option("--check", is_flag=True, help="Exit with 3 if a figure misses its aim.")
@click.option(
    "--write",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Make the generated parts of this page anew (docs/quality.md).",
)
def command(*, data: Path, as_json: bool, details: bool, check: bool, write: Path | None) -> None:
    """Measure the judgement that needs no language model, on labelled texts.

    Tickers, events, filings, sentiment, stories, false alerts and speed, each with its sample count and the 95 %
    interval of a bootstrap, beside simpler judges. The folder has 01_feeds_finance, 03_sentiment, 04_events,
    05_tickers and 07_filings; what is missing there is told as "no data" (null in JSON). Takes about a minute.
    Exits with 3 if a topic could not be measured.
    """
    set_up_logs("ERROR", secrets=())
    from catalyst_ray.quality import report  # noqa: PLC0415  (loads numpy: not for --help)
    from catalyst_ray.quality.folder import DataFolder  # noqa: PLC0415  (as above)

    figures, is_whole = _measured(DataFolder(data))
    if is_whole and all(figure.value is None for figure in figures):
        raise ConfigError(
            f"{data} holds no data that can be measured",
            key="--data",
            hint="its folders are listed in --help",
        )
    if write:
        write.write_text(report.into_page(write.read_text(encoding="utf-8"), figures), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(report.as_json(figures), indent=2))
    else:
        _show(figures, with_details=details)
    if not is_whole or (check and any(figure.is_met is False for figure in figures)):
        sys.exit(PARTIAL)


def _measured(folder: DataFolder) -> tuple[list[Figure], bool]:
    """Return all figures, and whether every topic could be measured; on a terminal say which one is."""
    from catalyst_ray.quality.measures import MEASURES  # noqa: PLC0415  (loads numpy: not for --help)

    figures: list[Figure] = []
    is_whole = True
    for at, topic in enumerate(MEASURES, start=1):
        if sys.stderr.isatty():
            click.echo(
                f"\r\033[K{at} of {len(MEASURES)}: {topic.__name__.replace('_', ' ')}", nl=False, err=True
            )
        try:
            figures += topic(folder)
        except CatalystError as error:
            click.echo(f"{topic.__name__}: {error}", err=True)
            is_whole = False
        except Exception:  # the boundary of a topic: one that breaks on a folder must not lose the others
            log.exception("topic could not be measured", extra={"topic": topic.__name__})
            is_whole = False
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    return figures, is_whole


def _show(figures: Sequence[Figure], *, with_details: bool) -> None:
    from rich.console import Console  # noqa: PLC0415  (not for --help)

    from catalyst_ray.quality.report import as_table  # noqa: PLC0415  (as above)

    console = Console(width=None if sys.stdout.isatty() else WIDE)
    for part in as_table(figures, with_details=with_details):
        console.print(part, highlight=False, markup=False)
