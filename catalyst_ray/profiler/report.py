"""Makes a profile's report of what was taken down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.core.advice import advise
from catalyst_ray.core.profile import (
    branch_profiles,
    gpus_over,
    posted_spreads,
    queue_profiles,
    spread,
    stage_profiles,
    warm,
)
from catalyst_ray.core.profile_memory import by_role, memory_profiles
from catalyst_ray.core.profile_targets import targets
from catalyst_ray.models import ProfileReport
from catalyst_ray.settings_docs import entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from catalyst_ray.profiler.recorder import Recorder
    from catalyst_ray.profiler.wish import ProfileWish
    from catalyst_ray.settings import Settings

SPEED = ("FEEDS_", "LLM_", "FEATURE_", "CHART_", "PRICE_", "MAX_ALERTS", "SLEEP_", "FILING_", "DELIVERY_")
ADDRESSES = ("_URL", "_DIR", "_FILE", "_PATH", "_KEY", "_COMMAND", "_ID")
"""Where something lies, or a secret: no matter of speed, and nobody else's business."""


def make_report(
    recorder: Recorder,
    wish: ProfileWish,
    *,
    settings: Settings,
    made_utc: datetime,
    load_facts: Mapping[str, str],
    version: str,
) -> ProfileReport:
    """Return the report; the first cycle, which is cold, counts only where there is no other."""
    reports = recorder.reports
    counted = warm(reports)
    cycle_s = spread(report.seconds for report in counted)
    gpus = gpus_over(counted)
    report = ProfileReport(
        kind=wish.kind,
        load=wish.load,
        made_utc=made_utc,
        machine={**recorder.facts, "catalyst_ray": version},
        settings=dict(speed_settings(settings)),
        cycles=tuple(reports),
        cycle_s=cycle_s,
        stages=stage_profiles(counted),
        branches=branch_profiles(counted),
        posted_s=posted_spreads(counted),
        queues=queue_profiles(reports, recorder.moments),
        gpus=gpus,
        memory=memory_profiles(recorder.readings),
        calls=recorder.calls.top(),
        growth=recorder.growth.top(),
        rss_by_cycle=tuple(by_role(reading) for reading in recorder.readings),
        ray_s=recorder.ray_s,
        targets=targets(reports, cycle_s=cycle_s, gpus=gpus, is_judged=bool(recorder.model)),
        load_facts={**load_facts, "model": recorder.model},
        moments=tuple(recorder.moments),
        notes=tuple(_notes(recorder, wish, settings)),
    )
    return replace(report, advice=advise(report))


def _notes(recorder: Recorder, wish: ProfileWish, settings: Settings) -> Iterator[str]:
    if len(recorder.reports) < wish.cycles:
        yield f"stopped after {len(recorder.reports)} of {wish.cycles} cycles"
    if not recorder.model and (wish.own_model or settings.llm_engine != "off"):
        yield f"no language model judged: {recorder.model_words}"
    if wish.kind != "cycle" and "task" not in recorder.ray_s:
        yield "what an empty Ray task costs could not be measured: no CPU was free in time"


def speed_settings(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the settings that bear on speed, by variable, as they would stand in ``.env``."""
    for entry in entries(settings):
        if entry.name.startswith(SPEED) and not entry.name.endswith(ADDRESSES):
            yield entry.name, entry.value
