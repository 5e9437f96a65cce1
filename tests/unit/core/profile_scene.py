"""Made-up profiles: a healthy one, and what is changed in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from catalyst_ray.models import CycleReport, FeedReport, ProfileReport, Spread, StageProfile

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
SETTINGS = {
    "SLEEP_SECONDS": "60",
    "MAX_ALERTS_PER_CYCLE": "10",
    "FEEDS_PARALLEL": "1",
    "FEEDS_TIMEOUT": "15",
    "LLM_BATCH_WORKERS": "3",
    "LLM_CACHE_TTL": "3600",
    "LLM_TIMEOUT_SECS": "20",
    "LLM_ALERT_WAIT_SECS": "2",
    "LLM_QUEUE_SIZE": "512",
    "LLM_MIN_REPLICAS": "1",
    "LLM_MAX_REPLICAS": "8",
    "LLM_GPUS_PER_REPLICA": "1",
    "LLM_MODEL_NAME": "mistral",
    "CHART_QUEUE_WORKERS": "4",
    "CHART_CACHE_TTL": "300",
    "PRICE_CACHE_SECS": "30",
    "PRICE_RATE_PER_MIN": "",
}
LLM = {
    "requests": 60,
    "cached": 10,
    "joined": 2,
    "taken": 48,
    "worked": 48,
    "seconds": 14.4,
    "waited_s": 1.0,
    "workers": 6,
    "replicas": 2,
    "answer_tokens": 4_800,
    "timed_out": 0,
    "refused": 0,
    "repeated": 0,
}
CHARTS = {
    "requests": 40,
    "taken": 40,
    "worked": 40,
    "seconds": 1.2,
    "waited_s": 0.4,
    "workers": 4,
    "repeated": 0,
}
PRICES = {
    "requests": 80,
    "cached": 40,
    "worked": 40,
    "seconds": 4.0,
    "waited_s": 0.0,
    "repeated": 0,
}


def spread(p95: float) -> Spread:
    """Return a spread of which only the p95 counts here."""
    return Spread(mean=p95 * 0.8, p50=p95 * 0.75, p95=p95, most=p95 * 1.1)


def stage(name: str, p95: float) -> StageProfile:
    """Return a stage that takes so long in a cycle."""
    return StageProfile(stage=name, work_s=p95 * 8, elapsed_s=p95 * 4, share=0.5, cycle_s=spread(p95))


def cycle(
    number: int, *, feeds: tuple[FeedReport, ...] = (), seconds: float = 1.0, **counts: int
) -> CycleReport:
    """Return one cycle with four quick feeds and four alerts."""
    quick = tuple(
        FeedReport(feed=f"wire{n}", status="ok", seconds=0.1 + n / 50, entries=20, new=5) for n in range(4)
    )
    return CycleReport(
        number=number,
        started_utc=NOW,
        seconds=seconds,
        stages={},
        counts={"new": 20, "alert": 4, "hold": 0, **counts},
        feeds=feeds or quick,
        queues={},
        deliveries={},
    )


def healthy(**changes: object) -> ProfileReport:
    """Return the profile of a tuned system, with changes to its fields."""
    report = ProfileReport(
        kind="cycle",
        load="live",
        made_utc=NOW,
        machine={"cpus": 8, "gpus": 2},
        settings=SETTINGS,
        cycles=tuple(cycle(number) for number in range(1, 6)),
        cycle_s=spread(1.2),
        stages=(stage("fetch", 0.4), stage("draw", 0.3), stage("judge", 0.6)),
        posted_s={"discord": spread(0.9), "console": spread(0.5)},
        queues={"llm": LLM, "charts": CHARTS, "prices": PRICES, "filings": {"requests": 3, "read": 3}},
        ray_s={"task": 0.004, "actor_call": 0.001},
    )
    return replace(report, **changes)


def with_queue(name: str, **figures: float) -> ProfileReport:
    """Return a healthy profile with other figures of one queue."""
    report = healthy()
    return replace(report, queues={**report.queues, name: {**report.queues[name], **figures}})


def with_settings(report: ProfileReport, **values: str) -> ProfileReport:
    """Return a profile taken with other settings."""
    return replace(report, settings={**report.settings, **values})
