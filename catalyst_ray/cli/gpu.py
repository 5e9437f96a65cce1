"""``catalyst-ray gpu``: what every GPU does, live in the terminal or as JSON lines."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli.logs import secrets_of, set_up_logs
from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.core.codec import encode
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from catalyst_ray.cluster.gpu_joined import GpuView, SeenGpus

TICK_S = 1.0
MEND = (
    "On a machine without a card there is nothing to do. Else `nvidia-smi` must list it (driver), a container needs"
    " `--gpus all`, and for the cards of a cluster set RAY_ADDRESS while `catalyst-ray run` works there."
)
EXAMPLES = """\b
Examples:
  catalyst-ray gpu                  a live table
  catalyst-ray gpu --once --json    one line for a script
  catalyst-ray gpu --node rack2     only the nodes whose names begin with rack2
"""


@click.command("gpu", epilog=EXAMPLES)
@click.option("--once", is_flag=True, help="Show one reading and leave.")
@click.option("--node", metavar="NAME", help="Show only nodes whose host name begins so.")
@json_option
@env_file_option
def command(*, once: bool, node: str | None, as_json: bool, env_file: Path | None) -> None:
    """Show what every GPU does, live, until Ctrl-C.

    While a driver runs, on this machine or on the cluster at RAY_ADDRESS, its samplers show the cards of all
    nodes, and which replica of the language model holds their memory. Else this machine's cards are read, and
    no replica is named.

    A terminal gets a table; everything else, and --json, one JSON line a second. Use, power and clocks are means
    of the last second, "most" is the highest of two readings. "-" is what a card does not tell, "slowed by" why
    it runs slower than it can: power limit, heat, clocks set lower.

    Without any GPU it says why and what to do, and exits with 0.
    """
    from catalyst_ray.cluster.gpu_joined import gpu_view  # noqa: PLC0415  (loads Ray: not for --help)

    settings = load_settings(env_file=env_file)
    set_up_logs(settings.log_level, secrets=secrets_of(settings))
    try:
        with gpu_view(settings.ray_address) as view, suppress(KeyboardInterrupt):
            if as_json or not sys.stdout.isatty():
                _tell(_frames(view, node=node, once=once), view)
            else:
                _show(_frames(view, node=node, once=once), view)
    except BrokenPipeError:  # the reader has seen enough: `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _frames(view: GpuView, *, node: str | None, once: bool) -> Iterator[SeenGpus]:
    """Yield what is seen each second; ends after the first time, or the first without any card."""
    from catalyst_ray.cluster.gpu_joined import SeenGpus  # noqa: PLC0415  (as above)

    pause = Event()
    seen = view.window(TICK_S)
    is_first = True
    while is_first or not once:
        if node is not None and seen.cards:
            there = sorted({card.node or "" for card in seen.cards})
            wanted = tuple(card for card in seen.cards if (card.node or "").startswith(node))
            seen = SeenGpus(wanted, f"no GPU on a node {node}…; there are some on {', '.join(there)}")
        yield seen
        if is_first and not seen.cards:
            return
        is_first = False
        if not once:
            pause.wait(TICK_S)
            seen = view.window(TICK_S)


def _tell(frames: Iterator[SeenGpus], view: GpuView) -> None:
    from catalyst_ray.adapters.clock import SystemClock  # noqa: PLC0415  (not for --help)

    for seen in frames:
        line = {
            "type": "gpus",
            "time_utc": SystemClock().now_utc().isoformat(timespec="milliseconds"),
            "where": view.where,
            "gpus": json.loads(encode(seen.cards)),
        }
        if not seen.cards:
            line |= {"reason": seen.reason, "mend": MEND}
        click.echo(json.dumps(line))
        sys.stdout.flush()


def _show(frames: Iterator[SeenGpus], view: GpuView) -> None:
    from rich.console import Console  # noqa: PLC0415  (only a terminal needs it)
    from rich.live import Live  # noqa: PLC0415

    from catalyst_ray.cli.gpu_table import gpu_table  # noqa: PLC0415

    console = Console()
    first = next(frames)
    if not first.cards:
        click.echo(f"no GPU seen on {view.where}: {first.reason}\n{MEND}")
        return
    with Live(gpu_table(first.cards, view.where), console=console, auto_refresh=False) as live:
        for seen in frames:
            live.update(gpu_table(seen.cards, view.where), refresh=True)
