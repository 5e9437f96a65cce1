"""Cycles made up for the tests of profiles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from catalyst_ray.core.profile import (
    branch_profiles,
    gpus_over,
    posted_spreads,
    queue_profiles,
    spread,
    stage_profiles,
    warm,
)
from catalyst_ray.core.profile_targets import targets
from catalyst_ray.models import CycleReport, GpuSample, ProfileReport


def cycle(number: int = 1, seconds: float = 1.0, **changes: Any) -> CycleReport:
    """Return a cycle's report."""
    known: dict[str, Any] = {
        "started_utc": datetime(2026, 1, 1, tzinfo=UTC),
        "stages": {},
        "counts": {},
        "feeds": (),
        "queues": {},
        "deliveries": {},
    }
    return CycleReport(number=number, seconds=seconds, **{**known, **changes})


def card(uuid: str = "GPU-0", **changes: Any) -> GpuSample:
    """Return what a card did."""
    return GpuSample(**{"index": 0, "uuid": uuid, "name": "H100", "node": "rack1", **changes})


def profile(cycles: tuple[CycleReport, ...], **changes: Any) -> ProfileReport:
    """Return a profile over cycles, summed up as the program does."""
    spread_s = spread(one.seconds for one in warm(cycles))
    known: dict[str, Any] = {
        "kind": "full",
        "load": "demo",
        "made_utc": datetime(2026, 1, 2, tzinfo=UTC),
        "machine": {"cpus": 2.0, "gpus": 0.0, "nodes": 1.0, "ray": "2.60.0", "python": "3.11.7"},
        "settings": {"LLM_BATCH_WORKERS": "3"},
        "cycle_s": spread_s,
        "stages": stage_profiles(warm(cycles)),
        "branches": branch_profiles(warm(cycles)),
        "posted_s": posted_spreads(warm(cycles)),
        "queues": queue_profiles(cycles),
        "gpus": gpus_over(warm(cycles)),
        "ray_s": {"task": 0.002},
        "targets": targets(cycles, cycle_s=spread_s, gpus=gpus_over(warm(cycles))),
        "load_facts": {"model": "demo-scripted by ollama on cpu"},
    }
    return ProfileReport(cycles=cycles, **{**known, **changes})
