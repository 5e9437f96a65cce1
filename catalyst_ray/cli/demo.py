"""``catalyst-ray demo``: three cycles against an invented market, on this machine alone."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.cli.report import to_json, write_json
from catalyst_ray.cli.run import execute
from catalyst_ray.cli.web import serve
from catalyst_ray.demo_settings import demo_settings

if TYPE_CHECKING:
    from catalyst_ray.models import CycleReport
    from catalyst_ray.settings import Settings

log = logging.getLogger(__name__)

FAKE_GPUS = 2
WORLD = ("--llm-slow-every=11", "--discord-window-s=0")
"""Some answers of the model come late: their alerts go out without it, and are edited. Discord sets no rate: the real
one takes 30 messages a minute, which nobody would wait for."""
ALL_ALERTS = 20
"""More than a batch has stories: the demo ends with nothing held back."""
PAGE_PERIOD_S = 86_400.0
"""No driver runs while the demo's page is looked at: its last cycle is not called late."""
MARK = ".catalyst-demo"
"""Stands in the demo's folder, so that only a folder that the demo made is emptied."""


@click.command("demo")
@click.option("--cycles", type=click.IntRange(1, 3), default=3, show_default=True, help="Cycles to run.")
@click.option("--seed", type=int, default=7, show_default=True, help="Equal seeds invent equal markets.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/demo"),
    show_default=True,
    help="Folder to fill.",
)
@click.option("--web", "with_page", is_flag=True, help="Serve the page over what was found, until Ctrl-C.")
@json_option
@env_file_option
def command(
    *, cycles: int, seed: int, out: Path, with_page: bool, as_json: bool, env_file: Path | None
) -> None:
    """Run three cycles against an invented market; no key, GPU or other server needed.

    Starts newswires, EDGAR, prices, Discord and a scripted language model on loopback (companies, tickers and
    news are all invented; one feed is broken and one slow on purpose, and some of the model's answers come
    late: their alerts are edited) and a local Ray with two pretended GPUs where there are none. Leaves OUT/index.html, the charts, report.json, in discord/ what Discord received, and
    card.html, the strongest alert as Discord would show it.
    """
    from catalyst_ray.demo.process import DemoProcess  # noqa: PLC0415  (not for --help)

    empty(out)
    reports: list[CycleReport] = []
    with DemoProcess(seed=seed, options=WORLD) as world:
        settings = demo_settings(
            world.base_url, world.webhook_url, out, env_file=env_file, max_alerts_per_cycle=ALL_ALERTS
        )
        world.release(1)

        def next_batch(report: CycleReport) -> None:
            reports.append(report)
            if report.number < cycles:
                world.release(report.number + 1)

        execute(
            settings, cycles=cycles, as_json=as_json, fake_gpus=_fake_gpus(), dashboard=False, also=next_batch
        )
        messages = _save_discord(world.base_url, out / "discord")
    _save_card(settings, out)
    write_json(out / "report.json", {"cycles": [to_json(r) for r in reports]})
    alerts = sum(r.counts["alert"] + r.counts["released"] for r in reports)
    if sys.stdout.isatty() and not as_json:
        click.echo(f"\n{alerts} alerts, {messages} Discord messages. Open {out / 'index.html'}")
    else:
        log.info("demo done", extra={"alerts": alerts, "messages": messages, "page": out / "index.html"})
    if with_page:
        serve(settings, as_json=as_json, port=0, period_s=PAGE_PERIOD_S)
    if len(reports) < cycles or not alerts:
        sys.exit(PARTIAL)


def empty(out: Path) -> None:
    """Make the folder, or empty one that an earlier demo made.

    Raises:
        UsageError: It holds files of somebody else, or cannot be made.
    """
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).exists():
        raise click.UsageError(f"{out} holds files that are not the demo's; name another folder with --out")
    try:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        (out / MARK).touch()
    except OSError as error:
        raise click.UsageError(
            f"{out} cannot be made: {error.strerror}; name another folder with --out"
        ) from error


def _fake_gpus() -> int | None:
    from catalyst_ray.adapters.gpu import NvmlProbe  # noqa: PLC0415  (loads a C library: not for --help)

    with NvmlProbe() as probe:
        return None if probe.sample(full=False) else FAKE_GPUS


def _save_discord(base_url: str, folder: Path) -> int:
    """Keep what the demo's Discord received: one JSON file and the pictures; return the number of messages."""
    messages: list[dict[str, Any]] = json.loads(_get(f"{base_url}/_control/state"))["discord"]
    folder.mkdir()
    write_json(folder / "messages.json", messages)
    for message in messages:
        for name in message["files"]:
            picture = _get(f"{base_url}/_control/messages/{message['id']}/{name}")
            (folder / f"{message['id']}-{Path(name).name}").write_bytes(picture)
    return len(messages)


def _save_card(settings: Settings, out: Path) -> None:
    from catalyst_ray.adapters.store import SqlStore  # noqa: PLC0415  (loads SQLAlchemy: not for --help)
    from catalyst_ray.core.gauge import draw_gauge  # noqa: PLC0415  (loads matplotlib: same)
    from catalyst_ray.demo.showcase import write_card  # noqa: PLC0415  (loads jinja2: same)

    with SqlStore.open(settings.store_url, read_only=True) as store:
        write_card(out, store.recent_alerts(limit=1_000), draw_gauge)


def _get(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:  # noqa: S310  (our own child on loopback)
        body: bytes = answer.read()
        return body
