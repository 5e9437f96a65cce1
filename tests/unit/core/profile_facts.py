"""Cycles made up for the tests of profiles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from catalyst_ray.models import CycleReport, GpuSample


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
