"""``catalyst-ray explain``: what became of an item, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.core.codec import encode
from catalyst_ray.core.message_text import plain
from catalyst_ray.errors import CatalystError
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from catalyst_ray.models import ItemRecord

COLOURS = {"alert": "green", "hold": "yellow", "suppress": "magenta", "drop": "red"}


@click.command("explain")
@click.argument("item")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Items at most.")
@json_option
@env_file_option
def command(*, item: str, limit: int, as_json: bool, env_file: Path | None) -> None:
    """Say what became of ITEM, and why.

    ITEM is an accession number, an address, an alert's id, a ticker, or words of a headline. Works while the
    driver runs. Exits with 1 when nothing is found.
    """
    from catalyst_ray.adapters.store import SqlStore  # noqa: PLC0415  (loads SQLAlchemy: not for --help)

    settings = load_settings(env_file=env_file)
    store = SqlStore.open(settings.store_url, read_only=True)
    try:
        records = store.explain(item, limit=limit)
    finally:
        store.close()
    if as_json:
        click.echo(json.dumps([json.loads(encode(r)) for r in records], indent=2))
    for record in () if as_json else records:
        _show(record)
    if not records:
        raise CatalystError(
            "nothing found",
            key=item,
            hint="it was never in a feed that was taken, or is older than RETENTION_DAYS",
        )


def _show(record: ItemRecord) -> None:
    item, decision = record.item, record.decision
    action = decision.action.value if decision else "undecided"
    click.secho(f"\n{action.upper():<9}", fg=COLOURS.get(action), bold=True, nl=False)
    click.secho(plain(item.title), bold=True)
    published = item.published_utc.isoformat(sep=" ", timespec="seconds") if item.published_utc else "no date"
    click.echo("  " + plain(f"{item.source}, {published}, {item.key}"))
    click.echo(f"  {plain(item.url)}")
    for reason in decision.reasons if decision else ():
        click.echo(f"    {plain(str(reason))}")
    for delivery in record.deliveries:
        message = f", message {delivery.message_id}" if delivery.message_id else ""
        revision = (
            f", revision {delivery.revision} of {delivery.alert.revision}" if delivery.alert.revision else ""
        )
        click.echo(
            f"    {delivery.sink}: {delivery.state.value}, {delivery.attempts} attempts{message}{revision}"
        )
