"""``catalyst-ray notify-test``: one invented alert to every sink that is set up."""

from __future__ import annotations

import asyncio
import json
import sys
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

    from catalyst_ray.notify_trial import Outcome

NAME_COLUMNS = 24
STATES = {
    "sent": "sent",
    "dead": "refused for good",
    "pending": "not taken yet",
    "unknown": "nobody knows whether it arrived",
}


@click.command("notify-test")
@click.option("--sink", "names", multiple=True, help="Only this sink; may be given several times.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(1, 600),
    default=20.0,
    show_default=True,
    help="Seconds that a failed delivery is tried again.",
)
@json_option
@env_file_option
def command(*, names: tuple[str, ...], wait_s: float, as_json: bool, env_file: Path | None) -> None:
    """Send one invented alert to every sink that is set, and say what each made of it.

    The card is a real one, with chart and gauge, and goes the way of all alerts: outbox, pace, retries. It says of
    itself that it is a test (ticker TEST), and is kept nowhere: OUT_DIR stays as it is, unless --sink file is asked
    for. --sink console shows the card here. Starts no Ray.

    Exits with 0, with 2 for wrong settings or where no sink is set, with 3 if a sink did not take it.
    """
    from catalyst_ray.notify_trial import send_test  # noqa: PLC0415  (loads matplotlib and the sinks: not for --help)

    settings = load_settings(env_file=env_file)
    set_up_logs("ERROR", secrets=secrets_of(settings))  # what failed is said below
    out = sys.stderr if as_json else sys.stdout
    found = asyncio.run(send_test(settings, names, wait_s=wait_s, out=out, is_terminal=out.isatty()))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            _show(one)
    if not all(one.is_taken for one in found):
        sys.exit(PARTIAL)


def _show(one: Outcome) -> None:
    click.secho(
        f"{'✓' if one.is_taken else '✗'} {one.sink:<{NAME_COLUMNS}}",
        fg="green" if one.is_taken else "red",
        nl=False,
    )
    tries = f"{one.attempts} attempt{'s' if one.attempts != 1 else ''}"
    facts = (
        STATES[one.state],
        f"{one.seconds:.2f} s",
        tries,
        f"message {one.message_id}" if one.message_id else "",
    )
    click.echo(" " + ", ".join(filter(None, facts)))
    for words in filter(None, (one.error, f"→ {one.mend}" if one.mend else "")):
        click.echo(" " * (NAME_COLUMNS + 3) + plain(words))
