"""``catalyst-ray run``: the main job."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.logs import LogLines, secrets_of, set_up_logs
from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.cli.report import in_short, is_partial, show, to_json, write_json
from catalyst_ray.settings import NAMES, Settings, load_settings
from catalyst_ray.settings_secrets import too_open

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.models import CycleReport

log = logging.getLogger(__name__)


@click.command("run")
@click.option("--once", is_flag=True, help="Run one cycle and leave.")
@click.option("--feeds", type=click.Path(path_type=Path), help="TOML list of feeds, instead of FEEDS_FILE.")
@click.option("--dry-run", is_flag=True, help="Keep alerts on this machine, whatever is set.")
@json_option
@env_file_option
def command(*, once: bool, feeds: Path | None, dry_run: bool, as_json: bool, env_file: Path | None) -> None:
    """Watch the feeds and send alerts, until stopped.

    Alerts go to every sink that is set (DISCORD_WEBHOOK_URL, SLACK_WEBHOOK_URL, WEBHOOK_URL, APPRISE_URLS); without
    one to the terminal, OUT_DIR/alerts.ndjson and OUT_DIR/index.html only. Joins the cluster at RAY_ADDRESS, or starts Ray on this machine. Ctrl-C finishes
    the delivery in hand and stops; what was not decided is taken up by the next start.

    Exits with 0, with 2 for wrong settings, and with 3 if --once had a feed, sink or item fail.
    """
    overrides: dict[str, Any] = {"feeds_file": feeds} if feeds else {}
    if dry_run:
        overrides["dry_run"] = True
    settings = load_settings(overrides, env_file=env_file)
    report = execute(settings, cycles=1 if once else None, as_json=as_json)
    if once and is_partial(report):
        sys.exit(PARTIAL)


def execute(
    settings: Settings,
    *,
    cycles: int | None,
    as_json: bool,
    fake_gpus: int | None = None,
    dashboard: bool | None = None,
    also: Callable[[CycleReport], None] | None = None,
) -> CycleReport | None:
    """Run cycles with reports on standard output; a terminal gets tables, everything else JSON lines.

    Args:
        settings: Checked settings.
        cycles: How many; None = until stopped.
        as_json: JSON lines on a terminal too.
        fake_gpus: GPUs that a local cluster pretends to have.
        dashboard: Start Ray's dashboard; by default only for a run without end.
        also: Told of every report.
    """
    from catalyst_ray.app import Start, run_app  # noqa: PLC0415  (loads Ray: not for --help)

    set_up_logs(settings.log_level, secrets=secrets_of(settings))
    for words in too_open(settings.secrets_dir, NAMES):
        log.warning("a mounted secret", extra={"problem": words})
    tell = _teller(as_json=as_json)

    def on_report(report: CycleReport) -> None:
        write_json(settings.out_dir / "report.json", to_json(report))
        tell(report)
        if not sys.stderr.isatty():
            log.info("cycle done", extra=in_short(report))
        if also:
            also(report)

    start = Start(
        cycles=cycles,
        out=sys.stdout,
        is_terminal=sys.stdout.isatty() and not as_json,
        on_report=on_report,
        dashboard=cycles is None if dashboard is None else dashboard,
        json_logs=not sys.stderr.isatty(),
        fake_gpus=fake_gpus,
    )
    # Ray prints to standard output when a worker dies; alerts and reports have that for themselves.
    with redirect_stdout(LogLines(logging.getLogger("catalyst_ray.ray"))), start.stop.noted():
        return run_app(settings, start)


def _teller(*, as_json: bool) -> Callable[[CycleReport], None]:
    out = sys.stdout
    if as_json or not out.isatty():
        return lambda report: click.echo(json.dumps(to_json(report), default=str), file=out)
    from rich.console import Console  # noqa: PLC0415  (only a terminal needs it)

    console = Console(file=out)
    return lambda report: show(report, console)
