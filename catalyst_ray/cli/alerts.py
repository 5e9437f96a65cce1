"""``catalyst-ray alerts``: the latest alerts, and where each stands with each sink."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli.options import env_file_option, json_option, span
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

    from catalyst_ray.models import AlertRecord

DIRECTIONS = ("bullish", "bearish", "neutral")


def _event(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Return the code of an event; one that there is not is refused, with those that look like it."""
    if text is None:
        return None
    from catalyst_ray.core.events import default_taxonomy  # noqa: PLC0415  (reads all phrases: not for --help)
    from catalyst_ray.core.prompt_answers import EVENT_CODES  # noqa: PLC0415  (same)

    code = text.strip().lower().replace(" ", "_").replace("-", "_")
    known = {rule.code for rule in default_taxonomy().rules if not rule.noise} | EVENT_CODES
    if code in known:
        return code
    near = [one for one in sorted(known) if code and code in one] or get_close_matches(code, known)
    hint = f"did you mean {', '.join(near[:5])}?" if near else "`explain` shows the codes of an item"
    raise click.BadParameter(f"there is no event {text!r}; {hint}")


@click.command("alerts")
@click.option("--ticker", metavar="TICKER", help="On this company, or naming it.")
@click.option(
    "--event", metavar="CODE", callback=_event, help="With this event: offering_priced, fda_approval, …"
)
@click.option("--direction", type=click.Choice(DIRECTIONS, case_sensitive=False), help="Pointing this way.")
@click.option("--words", metavar="WORDS", help="With all these words in the headline.")
@click.option("--since", metavar="SPAN", callback=span, help="Made within 90m, 24h, 7d … of now.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Alerts at most."
)
@json_option
@env_file_option
def command(
    *,
    ticker: str | None,
    event: str | None,
    direction: str | None,
    words: str | None,
    since: timedelta | None,
    limit: int,
    as_json: bool,
    env_file: Path | None,
) -> None:
    """List the latest alerts, newest first, and where each stands with each sink.

    An alert marked (held) waits for a later cycle. Conditions narrow the list; all must hold:

    \b
    catalyst-ray alerts --event offering_priced --direction bearish --since 7d

    A sink's mark: ✓ sent, ✎ sent and edited since, … waiting, ? left open (it is tried again, and may come twice),
    ✗ given up, · not for it; `explain` with the alert's id says more. With --json each alert is one line, as in alerts.ndjson with
    `held` and `deliveries` besides. Works while the driver runs.
    """  # noqa: D301  (click's mark for lines that are not to be joined)
    from catalyst_ray.adapters.clock import SystemClock  # noqa: PLC0415  (not for --help)
    from catalyst_ray.adapters.store import SqlStore  # noqa: PLC0415  (loads SQLAlchemy: not for --help)

    settings = load_settings(env_file=env_file)
    with SqlStore.open(settings.store_url, read_only=True) as store:
        found = store.find_alerts(
            ticker=ticker,
            event=event,
            direction=direction,
            words=words,
            since_utc=SystemClock().now_utc() - since if since else None,
            limit=limit,
        )
    _show(found, as_json=as_json, page_url=settings.page_url)


def _show(found: Sequence[AlertRecord], *, as_json: bool, page_url: str | None) -> None:
    from catalyst_ray.cli.alerts_text import lines  # noqa: PLC0415  (what it needs is not for --help)
    from catalyst_ray.core.export_rows import alert_row  # noqa: PLC0415  (same)

    if as_json:
        for record in found:
            click.echo(json.dumps(alert_row(record, page_url=page_url), allow_nan=False))
        return
    for line in lines(found):
        click.echo(line)
    if not found and sys.stdout.isatty():
        click.echo("no such alert", err=True)
