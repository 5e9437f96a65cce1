"""A burst of filings through the whole program: the shape of the old bot's worst day, when a cycle took 628 s."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalyst_ray.app import Start, run_app
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.demo_settings import demo_settings

if TYPE_CHECKING:
    from catalyst_ray.models import CycleReport

FILINGS = 139
ANSWER_S = 0.4
SLOTS = 16
"""A scripted engine with the manners of a 7B model under continuous batching on one data-centre card."""
WORLD = (
    f"--burst={FILINGS}",
    "--batches=1",
    "--slow-s=0",
    "--discord-window-s=0",
    f"--llm-latency-s={ANSWER_S}",
    f"--llm-parallel={SLOTS}",
)


def measure() -> dict[str, float]:
    """Return the seconds from first byte until the last alert was out, and until the last had its verdict.

    ``edited`` is when every message was edited too: the cycle's own time.
    """
    reports: list[CycleReport] = []
    with tempfile.TemporaryDirectory() as folder, DemoProcess(options=WORLD) as world:
        out = Path(folder) / "demo"
        out.mkdir()
        settings = demo_settings(
            world.base_url,
            world.webhook_url,
            out,
            log_level="ERROR",
            max_alerts_per_cycle=1_000,
            llm_batch_workers=SLOTS,
            llm_max_replicas=1,
        )
        world.release(1)
        start = Start(cycles=1, is_terminal=False, on_report=reports.append, dashboard=False, fake_gpus=2)
        run_app(settings, start)
        lines = [json.loads(line) for line in (out / "alerts.ndjson").read_text().splitlines()]
    (report,) = reports
    begun_utc = min(_moment(line, "first_byte") for line in lines)
    verdicts = [_moment(line, "revised" if line["revision"] else "judged") for line in lines if line["llm"]]
    llm = report.queues["llm"]
    return {
        f"burst_{FILINGS}_alerted_s": max(report.posted_s["discord"]),
        f"burst_{FILINGS}_judged_s": (max(verdicts) - begun_utc).total_seconds(),
        f"burst_{FILINGS}_edited_s": report.seconds,
        f"burst_{FILINGS}_alerts": float(report.counts["alert"]),
        f"burst_{FILINGS}_answered": llm["completed"],
        f"burst_{FILINGS}_read": llm["filings_read"],
        f"burst_{FILINGS}_revised": float(report.counts["revised"] + report.counts["sunk"]),
    }


def _moment(line: dict[str, Any], step: str) -> datetime:
    return datetime.fromisoformat(line["trace"][step])
