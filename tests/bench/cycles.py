"""Whole cycles on the demo world, as the program runs them: Ray, 20 feeds, charts, Discord, with and without a model."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.app import Start, run_app
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.demo_settings import demo_settings

if TYPE_CHECKING:
    from catalyst_ray.models import CycleReport

CYCLES = 8
WORLD = (f"--batches={CYCLES}", "--items=800", "--slow-s=0", "--discord-window-s=0", "--llm-latency-s=0.06")
"""No feed is slow on purpose and Discord sets no rate limit: what is measured is ours."""


UNCAPPED = {"max_alerts_per_cycle": 1_000}
"""Every alert goes out in the cycle that found it, so that each counts in the time to post."""


def measure() -> dict[str, float | dict[str, float]]:
    """Return the figures of cycles without and with the scripted model (60 ms an answer)."""
    plain = _run(engine="off")
    judged = _run(engine="ollama")
    return {**_figures(plain, ""), **_figures(judged, "llm_")}


def _run(*, engine: str) -> list[CycleReport]:
    reports: list[CycleReport] = []
    with tempfile.TemporaryDirectory() as folder, DemoProcess(options=WORLD) as world:
        out = Path(folder) / "demo"
        out.mkdir()
        settings = demo_settings(
            world.base_url, world.webhook_url, out, llm_engine=engine, log_level="ERROR", **UNCAPPED
        )
        world.release(1)

        def next_batch(report: CycleReport) -> None:
            reports.append(report)
            if report.number < CYCLES:
                world.release(report.number + 1)

        run_app(
            settings,
            Start(cycles=CYCLES, is_terminal=False, on_report=next_batch, dashboard=False, fake_gpus=2),
        )
    return reports


def _figures(reports: list[CycleReport], prefix: str) -> dict[str, float | dict[str, float]]:
    # The first cycle also meets a cold store and cold connections; it is told apart.
    warm = reports[1:]
    posted, shown = (_posted(warm, sink) for sink in ("discord", "console"))
    stages = {name: statistics.median(r.stages.get(name, 0.0) for r in warm) for name in warm[0].stages}
    return {
        f"{prefix}cycle_s": statistics.median(r.seconds for r in warm),
        f"{prefix}cycle_first_s": reports[0].seconds,
        f"{prefix}cycle_alerts": statistics.median(r.counts["alert"] + r.counts["released"] for r in warm),
        f"{prefix}cycle_new_items": statistics.median(r.counts["new"] for r in warm),
        f"{prefix}posted_p50_s": statistics.median(posted),
        f"{prefix}posted_p99_s": posted[min(len(posted) - 1, round(0.99 * len(posted)))],
        f"{prefix}posted_console_p50_s": statistics.median(shown),
        f"{prefix}posted_count": float(len(posted)),
        f"{prefix}stages_s": stages,
    }


def _posted(reports: list[CycleReport], sink: str) -> list[float]:
    """Return the seconds from first byte to posted at one sink, sorted: the network's are not the screen's."""
    return sorted(seconds for report in reports for seconds in report.posted_s.get(sink, ()))
