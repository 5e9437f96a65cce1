"""What the reports of several cycles add up to: spreads, stages, queues, cards. Measures nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from statistics import fmean
from typing import TYPE_CHECKING

from catalyst_ray.core.health import percentile
from catalyst_ray.core.stages import BRANCHES, OTHER
from catalyst_ray.models import Spread, StageProfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalyst_ray.models import CycleReport, GpuSample, QueueMoment

GAUGES = ("waiting", "busy", "oldest_age_s")
"""What a queue is at a moment; of a profile it is the most that was seen."""


def warm(reports: Sequence[CycleReport]) -> Sequence[CycleReport]:
    """Return the cycles without the first, which is cold, where there are others."""
    return reports[1:] or reports


def spread(figures: Iterable[float]) -> Spread:
    """Return how figures are spread; all 0 of none."""
    found = list(figures)
    if not found:
        return Spread(mean=0.0, p50=0.0, p95=0.0, most=0.0)
    return Spread(mean=fmean(found), p50=percentile(found, 0.5), p95=percentile(found, 0.95), most=max(found))


def stage_profiles(reports: Sequence[CycleReport]) -> tuple[StageProfile, ...]:
    """Return every stage over the cycles, in the order of the flow; those that no branch knows come last."""
    known = tuple(chain.from_iterable(BRANCHES.values()))
    seen = dict.fromkeys(stage for report in reports for stage in report.stages)
    order = [*(stage for stage in known if stage in seen), *(stage for stage in seen if stage not in known)]
    return tuple(
        _stage(
            stage, [r.stages.get(stage, 0.0) for r in reports], [_elapsed(r, stage) for r in reports], reports
        )
        for stage in order
    )


def branch_profiles(reports: Sequence[CycleReport]) -> tuple[StageProfile, ...]:
    """Return the branches of stages over the cycles, and the time in which no stage was under way."""
    seen = {branch for report in reports for branch in report.branches}
    return tuple(
        _stage(
            branch,
            [sum(report.stages.get(stage, 0.0) for stage in BRANCHES.get(branch, ())) for report in reports],
            [report.branches.get(branch, 0.0) for report in reports],
            reports,
        )
        for branch in (*BRANCHES, OTHER)
        if branch in seen
    )


def posted_spreads(reports: Sequence[CycleReport]) -> dict[str, Spread]:
    """Return how long alerts took from first byte to posted, by sink."""
    sinks = sorted({sink for report in reports for sink in report.posted_s})
    return {sink: spread(chain.from_iterable(r.posted_s.get(sink, ()) for r in reports)) for sink in sinks}


def queue_profiles(
    reports: Sequence[CycleReport], moments: Sequence[QueueMoment] = ()
) -> dict[str, dict[str, float]]:
    """Return what each queue did in the cycles: counts from the first to the last, the most that stood in it.

    The first cycle counts too: its own figures begin at 0 where the queue was new. ``answer_tokens_per_s`` is over
    the seconds in which the model was asked.
    """
    if not reports:
        return {}
    return {
        name: _queue(name, figures, reports, moments)
        for name, figures in reports[-1].queues.items()
        if figures
    }


def _queue(
    name: str, last: Mapping[str, float], reports: Sequence[CycleReport], moments: Sequence[QueueMoment]
) -> dict[str, float]:
    found = {key: float(value) for key, value in last.items()}
    seen = [report.queues[name] for report in reports if report.queues.get(name)]
    for key in GAUGES:
        if key in found:
            found[key] = max(figures.get(key, 0.0) for figures in seen)
    for moment in moments:
        for key, value in _standing(name, moment).items():
            found[key] = max(found.get(key, 0.0), value)
    if found.get("worked"):
        found["mean_seconds"] = found["seconds"] / found["worked"]
    judged_s = sum(_elapsed(report, "judge") for report in reports)
    if "answer_tokens" in found and judged_s > 0:
        found["answer_tokens_per_s"] = found["answer_tokens"] / judged_s
    return found


def _standing(name: str, moment: QueueMoment) -> dict[str, float]:
    if name == "llm":
        return dict(zip(GAUGES, (moment.llm_waiting, moment.llm_busy, moment.llm_oldest_s), strict=True))
    if name == "charts":
        return dict(
            zip(GAUGES, (moment.charts_waiting, moment.charts_busy, moment.charts_oldest_s), strict=True)
        )
    return {}


def gpus_over(reports: Sequence[CycleReport]) -> tuple[GpuSample, ...]:
    """Return what every card did in the cycles together; means count each reading once."""
    cards: dict[str, list[GpuSample]] = {}
    for sample in chain.from_iterable(report.gpus for report in reports):
        cards.setdefault(sample.uuid, []).append(sample)
    return tuple(_card(samples) for samples in cards.values())


def _card(samples: Sequence[GpuSample]) -> GpuSample:
    spent = [sample.energy_j for sample in samples if sample.energy_j is not None]
    throttle = [sample.throttle for sample in samples if sample.throttle is not None]
    return replace(
        samples[-1],
        readings=sum(sample.readings for sample in samples),
        utilisation_pct=_mean(samples, [sample.utilisation_pct for sample in samples]),
        utilisation_max_pct=_most(sample.utilisation_max_pct for sample in samples),
        memory_max_bytes=_whole(_most(sample.memory_max_bytes for sample in samples)),
        power_w=_mean(samples, [sample.power_w for sample in samples]),
        power_max_w=_most(sample.power_max_w for sample in samples),
        energy_j=sum(spent) if spent else None,
        temperature_c=_most(sample.temperature_c for sample in samples),
        throttle=tuple(dict.fromkeys(chain.from_iterable(throttle))) if throttle else None,
    )


def _mean(samples: Sequence[GpuSample], figures: Sequence[float | None]) -> float | None:
    told = [(sample.readings, one) for sample, one in zip(samples, figures, strict=True) if one is not None]
    weight = sum(readings for readings, _ in told)
    return sum(readings * one for readings, one in told) / weight if weight else None


def _most(figures: Iterable[float | None]) -> float | None:
    return max((figure for figure in figures if figure is not None), default=None)


def _whole(figure: float | None) -> int | None:
    return None if figure is None else round(figure)


def _elapsed(report: CycleReport, stage: str) -> float:
    return report.elapsed.get(stage, 0.0)


def _stage(
    name: str, work: Sequence[float], elapsed: Sequence[float], reports: Sequence[CycleReport]
) -> StageProfile:
    whole_s = sum(report.seconds for report in reports)
    return StageProfile(
        stage=name,
        work_s=sum(work),
        elapsed_s=sum(elapsed),
        share=sum(elapsed) / whole_s if whole_s > 0 else 0.0,
        cycle_s=spread(elapsed),
    )
