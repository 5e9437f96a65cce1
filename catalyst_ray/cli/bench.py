"""``catalyst-ray bench``: what the cluster can do, in charts, answers and cycles."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.logs import secrets_of, set_up_logs
from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from catalyst_ray.bench import BenchReport
    from catalyst_ray.bench.figures import ChartRate, CycleRate, ModelRate

EXAMPLES = """\b
Examples:
  catalyst-ray bench --only charts              how many charts a second
  catalyst-ray bench --only model --replicas 4  requests and tokens a second, in all and by replica
  deploy/submit.sh with JOB=jobs/bench.py       the same as a job, on a cluster
"""


@click.command("bench", epilog=EXAMPLES)
@click.option(
    "--only",
    "parts",
    type=click.Choice(["charts", "model", "cycles"]),
    multiple=True,
    help="Measure this part only; may be given more than once.",
)
@click.option(
    "--charts", type=click.IntRange(1, 100_000), default=300, show_default=True, help="Charts to draw."
)
@click.option(
    "--requests", type=click.IntRange(1, 100_000), help="Requests to the model; 16 a slot by default."
)
@click.option(
    "--replicas", type=click.IntRange(1, 1_000), help="Replicas to start, instead of LLM_MIN_REPLICAS."
)
@click.option("--cycles", type=click.IntRange(2, 1_000), default=8, show_default=True, help="Cycles to run.")
@json_option
@env_file_option
def command(
    *,
    parts: tuple[str, ...],
    charts: int,
    requests: int | None,
    replicas: int | None,
    cycles: int,
    as_json: bool,
    env_file: Path | None,
) -> None:
    """Measure what this machine or cluster can do, as fast as it goes.

    Charts a second on its CPUs; requests and tokens a second of the language model that the settings name, in all
    and by replica; seconds of whole cycles over the invented market. Joins the cluster at RAY_ADDRESS, or starts Ray
    on this machine. Your store, sinks and files are left alone; a driver that runs meanwhile takes its share.

    A terminal gets words; everything else a JSON line, and the words on standard error unless --json is given.

    Exits with 0, and with 3 if a part could not be measured: the last lines say why.
    """
    from catalyst_ray.bench import BenchWish, bench  # noqa: PLC0415  (loads Ray: not for --help)
    from catalyst_ray.bench.run import PARTS  # noqa: PLC0415  (as above)

    settings = load_settings(env_file=env_file)
    set_up_logs(settings.log_level, secrets=secrets_of(settings))
    asked = tuple(part for part in PARTS if not parts or part in parts)
    report = bench(
        settings, BenchWish(parts=asked, charts=charts, requests=requests, replicas=replicas, cycles=cycles)
    )
    is_person = sys.stdout.isatty() and not as_json
    if not is_person:
        click.echo(json.dumps({"type": "bench", **asdict(report)}))
    if not as_json:
        for line in lines(report):
            click.echo(line, err=not is_person)
    if report.notes:
        sys.exit(PARTIAL)


def lines(report: BenchReport) -> Iterator[str]:
    """Yield the figures in words, a line each."""
    yield f"cluster   {report.where}: {report.nodes} nodes, {report.cpus:g} CPUs, {report.gpus:g} GPUs"
    if report.charts:
        yield _charts(report.charts)
    if report.model:
        yield from _model(report.model)
    if report.cycles:
        yield from _cycles(report.cycles)
    for note in report.notes:
        yield f"not measured: {note}"


def _charts(found: ChartRate) -> str:
    return (
        f"charts    {found.per_s:.1f} a second with {found.workers} workers ({found.charts} drawn);"
        f" alone {1e3 * found.alone_s:.0f} ms, of which drawing {1e3 * found.draw_s:.0f} ms"
    )


def _model(found: ModelRate) -> Iterator[str]:
    yield f"model     {found.engine} runs {found.model} on {found.device}, {found.slots} requests at once a replica"
    failed = f", {found.failed} without an answer" if found.failed else ""
    yield (
        f"          {found.per_s:.2f} requests/s of {found.requests}{failed}; tokens/s:"
        f" {found.output_tokens_per_s:.0f} written, {found.prompt_tokens_per_s:.0f} read;"
        f" one takes p50 {found.p50_s:.2f} s, p95 {found.p95_s:.2f} s"
    )
    for one in found.replicas:
        yield (
            f"          {one.replica}: {one.answers} answers, {one.per_s:.2f} requests/s,"
            f" {one.output_tokens_per_s:.0f} tokens/s written"
        )


def _cycles(found: CycleRate) -> Iterator[str]:
    yield (
        f"cycles    p50 {found.p50_s:.2f} s, p95 {found.p95_s:.2f} s over {found.cycles};"
        f" {found.items:.0f} new items and {found.alerts:.1f} alerts each"
    )
    stages = sorted(found.stages_s.items(), key=lambda stage: -stage[1])
    yield "          " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in stages if seconds >= 0.005)
