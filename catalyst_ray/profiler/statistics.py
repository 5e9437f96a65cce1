"""What the queues of a profile did, in the guide's printed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.cluster.chart_client import ChartStatistics
from catalyst_ray.cluster.model_client import LlmStatistics

if TYPE_CHECKING:
    from collections.abc import Mapping


def llm_statistics(figures: Mapping[str, float]) -> LlmStatistics:
    """Return the language model's; what stood in the queue is the most that was seen."""

    def count(name: str) -> int:
        return int(figures.get(name, 0))

    return LlmStatistics(
        requests=count("requests"),
        hits=count("cached"),
        joined=count("joined"),
        failed=sum(map(count, ("failed", "refused", "expired", "cancelled"))),
        mean_seconds=figures.get("mean_seconds", 0.0),
        busy=count("busy"),
        workers=count("workers"),
        queue_length=count("waiting"),
        queue_age_s=figures.get("oldest_age_s", 0.0),
    )


def chart_statistics(figures: Mapping[str, float]) -> ChartStatistics:
    """Return the charts', alike."""

    def count(name: str) -> int:
        return int(figures.get(name, 0))

    return ChartStatistics(
        requests=count("requests"),
        hits=count("cached"),
        joined=count("joined"),
        mean_seconds=figures.get("draw_seconds", 0.0),
        busy=count("busy"),
        workers=count("workers"),
        queue_length=count("waiting"),
        queue_age_s=figures.get("oldest_age_s", 0.0),
        failed=count("failed") + count("cancelled"),
        timed_out=count("expired"),
        refused=count("refused"),
    )
