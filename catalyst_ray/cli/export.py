"""``catalyst-ray export``: what the store holds, as rows for other programs."""

from __future__ import annotations

import csv
import json
import os
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from catalyst_ray.cli.options import env_file_option, span
from catalyst_ray.errors import CatalystError
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from catalyst_ray.adapters.store import SqlStore

WHAT = ("alerts", "items", "decisions", "deliveries", "cycles")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command("export")
@click.option(
    "--what", type=click.Choice(WHAT), default="alerts", show_default=True, help="Which rows to write."
)
@click.option("--since", metavar="SPAN", callback=span, help="Only what is of the last 90m, 24h, 7d …")
@click.option(
    "--format",
    "form",
    type=click.Choice(("ndjson", "csv")),
    default="ndjson",
    show_default=True,
    help="One JSON object a line, or a table with a heading.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="The same as --format ndjson, as other commands call it."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write, replaced in one step when all is there; standard output without.",
)
@env_file_option
def command(
    *, what: str, since: timedelta | None, form: str, as_json: bool, out: Path | None, env_file: Path | None
) -> None:
    """Write what the store holds as rows, oldest first, for a spreadsheet, a notebook or another program.

    \b
    alerts      every alert with its score, reasons and deliveries
    items       every headline and filing, and what became of it
    decisions   why: each decision with all its reasons
    deliveries  each alert's way to each sink, with attempts, times and errors
    cycles      the reports of cycles: seconds by stage, counts, feeds, queues

    Columns may be added at the end in later versions, never renamed or moved; catalyst_ray/core/export_rows.py
    describes each. In CSV a text that a spreadsheet would take for a formula (= + - @) begins with an apostrophe,
    and lists are JSON. Works while the driver runs, in little memory however much there is:

    \b
    catalyst-ray export --what decisions --since 7d --format csv --out week.csv
    """  # noqa: D301  (click's mark for lines that are not to be joined)
    from catalyst_ray.adapters.clock import SystemClock  # noqa: PLC0415  (not for --help)
    from catalyst_ray.adapters.store import SqlStore  # noqa: PLC0415  (loads SQLAlchemy: not for --help)

    settings = load_settings(env_file=env_file)
    since_utc = SystemClock().now_utc() - since if since else EPOCH
    with SqlStore.open(settings.store_url, read_only=True) as store, _opened(out) as file:
        rows = _rows(store, what, since_utc, page_url=settings.page_url)
        number = _write_csv(what, rows, file) if form == "csv" and not as_json else _write_lines(rows, file)
    if out:
        click.echo(f"{number:,} {what} in {out}", err=True)


def _rows(
    store: SqlStore, what: str, since_utc: datetime, *, page_url: str | None
) -> Iterator[dict[str, Any]]:
    from catalyst_ray.core import export_rows  # noqa: PLC0415  (what it needs is not for --help)

    if what == "alerts":
        row = partial(export_rows.alert_row, page_url=page_url)
        return map(row, store.all_alerts(since_utc=since_utc))
    if what == "items":
        return map(export_rows.item_row, store.all_items(since_utc=since_utc))
    if what == "decisions":
        return map(export_rows.decision_row, store.all_decided(since_utc=since_utc))
    if what == "deliveries":
        return map(export_rows.delivery_row, store.all_deliveries(since_utc=since_utc))
    return map(export_rows.cycle_row, store.all_cycles(since_utc=since_utc))


def _write_lines(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    number = 0
    for row in rows:
        file.write(json.dumps(row, allow_nan=False, separators=(",", ":")) + "\n")
        number += 1
    return number


def _write_csv(what: str, rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    from catalyst_ray.core.export_rows import COLUMNS, cell  # noqa: PLC0415  (as above)

    writer = csv.writer(file)
    writer.writerow(COLUMNS[what])
    number = 0
    for row in rows:
        writer.writerow([cell(row[name]) for name in COLUMNS[what]])
        number += 1
    return number


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Give the file to write; it takes its name when all is written, and is gone when something failed."""
    if path is None:
        yield sys.stdout
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CatalystError(
            f"cannot be written: {reason}",
            key=str(path),
            hint="check its folder and the free space; an older file of that name is as it was",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
