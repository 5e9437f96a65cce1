"""``catalyst-ray explain``: what became of an item, and why; or of all items, counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli.explain_text import counts_lines, counts_rows, record_lines
from catalyst_ray.cli.options import env_file_option, json_option, span
from catalyst_ray.core.codec import encode
from catalyst_ray.errors import CatalystError
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from catalyst_ray.adapters.store import SqlStore


@click.command("explain")
@click.argument("item", required=False)
@click.option("--stats", is_flag=True, help="Count what became of all items, by the reason that decided.")
@click.option(
    "--since",
    metavar="SPAN",
    callback=span,
    default="24h",
    show_default=True,
    help="How far back --stats counts.",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Items at most.")
@json_option
@env_file_option
def command(
    *, item: str | None, stats: bool, since: timedelta, limit: int, as_json: bool, env_file: Path | None
) -> None:
    """Say what became of ITEM, and why.

    ITEM is an accession number, an address, an alert's id, a ticker, or words of a headline. Works while the
    driver runs. Exits with 1 when nothing is found.
    """
    from catalyst_ray.adapters.store import SqlStore  # noqa: PLC0415  (loads SQLAlchemy: not for --help)

    if stats == (item is not None):
        raise click.UsageError("name an ITEM, or ask for --stats of all items")
    settings = load_settings(env_file=env_file)
    store = SqlStore.open(settings.store_url, read_only=True)
    try:
        if item is None:
            _count(store, since, as_json=as_json)
        else:
            _explain(store, item, limit=limit, as_json=as_json)
    finally:
        store.close()


def _explain(store: SqlStore, item: str, *, limit: int, as_json: bool) -> None:
    records = store.explain(item, limit=limit)
    if as_json:
        click.echo(json.dumps([json.loads(encode(r)) for r in records], indent=2))
    for record in () if as_json else records:
        click.echo("\n" + "\n".join(record_lines(record)))
    if not records:
        raise CatalystError(
            "nothing found",
            key=item,
            hint="it was never in a feed that was taken, or is older than RETENTION_DAYS",
        )


def _count(store: SqlStore, since: timedelta, *, as_json: bool) -> None:
    from catalyst_ray.adapters.clock import SystemClock  # noqa: PLC0415  (not for --help)

    since_utc = SystemClock().now_utc() - since
    counts = store.decision_counts(since_utc=since_utc)
    if as_json:
        rows = counts_rows(counts)
        total = sum(counts.values())
        answer = {"since_utc": since_utc.isoformat(), "items": total, "reasons": rows}
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo("\n".join(counts_lines(counts, since_utc)))
