"""The figures that advice rests on, worked out of a profile. Gives no advice.

A figure that cannot be told from a profile is absent, and no rule on it applies.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.profile import warm
from catalyst_ray.core.profile_targets import MB, SURE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalyst_ray.models import FeedReport, ProfileReport

FIGURES: Mapping[str, str] = {
    "cycles": "cycles that were measured",
    "cycle_p95_s": "of a cycle",
    "post_p95_s": "from first byte to posted, at the slowest sink",
    "sleep_s": "between the starts of two cycles; absent where the load sets its own",
    "fetch_p95_s": "of a cycle in which a feed was fetched",
    "draw_p95_s": "of a cycle in which a chart was made, its prices included",
    "judge_p95_s": "of a cycle in which an item waited for the model",
    "alerts": "made in a cycle, held ones included",
    "held": "held back in a cycle; absent of the demo's load",
    "feeds_sum_s": "of all feeds, one after the other, in a cycle",
    "slow_feed_s": "of the slowest feed",
    "next_feed_s": "of the slowest feed but that one",
    "slow_feed_extra_s": "of the slowest feed beyond the next",
    "slow_feed_share": "of a cycle that the slowest feed takes, 0 to 1",
    "slow_feed_new": "items that the slowest feed brought first, in all cycles",
    "llm_requests": "for the model, those that a cache answered included",
    "llm_asked": "requests that the engine got",
    "llm_wait_s": "that a request waited for a free worker, mean",
    "llm_mean_s": "from hand-out to answer, mean",
    "llm_work_cycle_s": "of a cycle that the engine needs with the slots there are",
    "llm_slots": "requests that all replicas serve at a time",
    "llm_slots_wanted": "a replica, by which waiting would be no longer than answering; four times as many at most",
    "llm_replicas": "that served",
    "llm_tokens_per_s": "of answers, over the time of all cycles",
    "llm_timed_out_share": "of the requests, 0 to 1",
    "llm_refused_share": "of the requests, 0 to 1",
    "llm_late": "verdicts that came after their item was decided, or are awaited",
    "llm_late_share": "of the requests, 0 to 1",
    "llm_repeats": "requests for what was answered lately and was not kept",
    "llm_repeat_share": "of the requests, 0 to 1",
    "llm_repeat_cycle_s": "of a cycle that repeated requests took",
    "charts_requests": "for charts",
    "charts_wait_s": "that a chart waited for a worker, mean",
    "charts_mean_s": "from hand-out to picture, mean",
    "charts_workers": "charts drawn at a time, at most",
    "charts_repeats": "charts drawn again though nothing in them had changed",
    "charts_repeat_share": "of the requests, 0 to 1",
    "charts_repeat_cycle_s": "of a cycle that repeated charts took",
    "prices_requests": "for price bars",
    "prices_mean_s": "of the source's answer",
    "prices_wait_s": "that a question waited for its turn, mean",
    "prices_repeats": "bars asked for again although they had been given lately",
    "prices_repeat_share": "of the requests, 0 to 1",
    "prices_repeat_cycle_s": "of a cycle that repeated questions took",
    "cpus": "of the cluster",
    "gpus": "that were seen",
    "gpus_free": "of the cluster, beyond those that replicas reserve",
    "gpu_busy_pct": "use of the GPUs that replicas hold, or of all, mean; 0 where none is seen",
    "gpu_slowed": "GPUs that ran slower than they can",
    "leak_mb_per_cycle": "that the process grew most by, in a cycle",
    "ray_task_s": "of an empty Ray task",
    "ray_actor_call_s": "of an empty call of a Ray actor",
}
"""Every figure, and what it is of; those in ``_s`` are seconds."""
WORDS = frozenset({"slow_feed", "gpu_words", "leak_name", "gpu_slowed_by"})
"""Names beside the figures that evidence may say."""
_OWN_SINKS = frozenset({"console", "file", "ndjson", "page"})
_MOST_SLOTS_TIMES = 4.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a profile says: figures by name, and the words that go with them."""

    figures: Mapping[str, float]
    words: Mapping[str, str]


def measured(report: ProfileReport) -> Measured:
    """Return every figure that a profile bears out."""
    words: dict[str, str] = {}
    figures: dict[str, float] = {}
    for part in (_cycles(report), _feeds(report, words), _llm(report), _gpus(report, words)):
        figures.update(part)
    for queue in ("charts", "prices"):
        figures.update(_queue(report, queue))
    figures.update(_memory(report, words))
    figures.update((f"ray_{name}_s", seconds) for name, seconds in report.ray_s.items())
    known = {name: value for name, value in figures.items() if name in FIGURES and math.isfinite(value)}
    return Measured(known, words)


def number(text: str | None) -> float | None:
    """Return a setting's value as a number; None where it is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _cycles(report: ProfileReport) -> Iterator[tuple[str, float]]:
    cycles = warm(report.cycles)
    yield "cycles", len(cycles)
    yield "cycle_p95_s", report.cycle_s.p95
    sinks = report.posted_s.keys() - _OWN_SINKS or report.posted_s.keys()
    if sinks:
        yield "post_p95_s", max(report.posted_s[name].p95 for name in sinks)
    sleep_s = number(report.settings.get("SLEEP_SECONDS"))
    if sleep_s is not None and report.load == "live":
        yield "sleep_s", sleep_s
    for stage in report.stages:
        yield f"{stage.stage}_p95_s", stage.cycle_s.p95
    if cycles:
        counts = [cycle.counts for cycle in cycles]
        yield "alerts", statistics.fmean(c.get("alert", 0) + c.get("hold", 0) for c in counts)
        if report.load == "live":  # how many alerts the demo's news makes is the demo's doing
            yield "held", statistics.fmean(c.get("hold", 0) for c in counts)


def _feeds(report: ProfileReport, words: dict[str, str]) -> Iterator[tuple[str, float]]:
    by_feed: dict[str, list[FeedReport]] = defaultdict(list)
    for cycle in warm(report.cycles):
        for feed in cycle.feeds:
            if feed.status not in ("off", "waiting"):
                by_feed[feed.feed].append(feed)
    if not by_feed:
        return
    # One that timed out rests for the next cycles: its time is that of the cycles that asked it.
    means = {name: statistics.fmean(one.seconds for one in rows) for name, rows in by_feed.items()}
    slowest, *others = sorted(means, key=lambda name: -means[name])
    next_s = means[others[0]] if others else 0.0
    words["slow_feed"] = slowest
    yield "feeds_sum_s", sum(means.values())
    yield "slow_feed_s", means[slowest]
    yield "next_feed_s", next_s
    yield "slow_feed_extra_s", means[slowest] - next_s
    yield "slow_feed_new", sum(row.new for row in by_feed[slowest])
    if report.cycle_s.p95 > 0:
        yield "slow_feed_share", min(1.0, means[slowest] / report.cycle_s.p95)


def _queue(report: ProfileReport, name: str) -> Iterator[tuple[str, float]]:
    """Yield what a queue's counts say: means, and what was asked again."""
    queue = report.queues.get(name)
    if not queue:
        return
    worked, requests = queue.get("worked", 0.0), queue.get("requests", 0.0)
    mean_s = queue.get("seconds", 0.0) / worked if worked else 0.0
    handed = queue.get("taken", worked)
    yield f"{name}_requests", requests
    yield f"{name}_mean_s", mean_s
    yield f"{name}_wait_s", queue.get("waited_s", 0.0) / handed if handed else 0.0
    repeats = queue.get("repeated", 0.0)
    yield f"{name}_repeats", repeats
    if requests:
        yield f"{name}_repeat_share", repeats / requests
    if report.cycles:
        yield (
            f"{name}_repeat_cycle_s",
            repeats * mean_s / len(report.cycles) / max(1.0, queue.get("workers", 1.0)),
        )
    if "workers" in queue:
        yield f"{name}_workers", queue["workers"]


def _llm(report: ProfileReport) -> Iterator[tuple[str, float]]:
    queue = report.queues.get("llm")
    if not queue:
        return
    base = dict(_queue(report, "llm"))
    yield from base.items()
    requests = queue.get("requests", 0.0)
    yield "llm_asked", queue.get("taken", 0.0)
    replicas, slots = queue.get("replicas", 0.0), queue.get("workers", 0.0)
    yield "llm_replicas", replicas
    yield "llm_slots", slots
    if replicas and slots and base["llm_mean_s"]:
        times = min(_MOST_SLOTS_TIMES, 1.0 + base["llm_wait_s"] / base["llm_mean_s"])
        yield "llm_slots_wanted", math.ceil(times * slots / replicas)
    if slots and report.cycles:
        yield "llm_work_cycle_s", base["llm_mean_s"] * queue.get("taken", 0.0) / slots / len(report.cycles)
    whole_s = sum(cycle.seconds for cycle in report.cycles)
    if whole_s:
        yield "llm_tokens_per_s", queue.get("answer_tokens", 0.0) / whole_s
    if requests:
        yield "llm_timed_out_share", queue.get("timed_out", queue.get("expired", 0.0)) / requests
        yield "llm_refused_share", queue.get("refused", 0.0) / requests
        late = _late(report)
        yield "llm_late", late
        yield "llm_late_share", min(1.0, late / requests)


def _late(report: ProfileReport) -> float:
    """Return the verdicts that came too late for their decision, or not at all, or are still to come."""
    names = ("revised", "lifted", "sunk", "unanswered")
    came = sum(cycle.counts.get(name, 0) for cycle in report.cycles for name in names)
    return came + (report.cycles[-1].counts.get("awaited", 0) if report.cycles else 0)


def _gpus(report: ProfileReport, words: dict[str, str]) -> Iterator[tuple[str, float]]:
    machine = report.machine
    for name in ("cpus", "gpus"):
        value = machine.get(name)
        if isinstance(value, int | float):
            yield name, value
    cards = report.gpus
    held = [card for card in cards if any(process.replica for process in card.processes or ())]
    busy = [card.utilisation_pct for card in held or cards if card.utilisation_pct is not None]
    busy_pct = statistics.fmean(busy) if busy else 0.0
    yield "gpu_busy_pct", busy_pct
    words["gpu_words"] = f"the GPUs worked {busy_pct:.0f} % of the time" if busy else "no GPU is seen"
    slowed = [card for card in cards if card.throttle]
    yield "gpu_slowed", len(slowed)
    words["gpu_slowed_by"] = ", ".join(sorted({why for card in slowed for why in card.throttle or ()}))
    total = machine.get("gpus")
    each = number(report.settings.get("LLM_GPUS_PER_REPLICA"))
    if isinstance(total, int | float) and each is not None:
        replicas = report.queues.get("llm", {}).get("replicas", 0.0)
        yield "gpus_free", total - replicas * each


def _memory(report: ProfileReport, words: dict[str, str]) -> Iterator[tuple[str, float]]:
    """Yield the fastest growth that is no noise: its slope is beyond its doubt."""
    grown = [
        (one.slope_bytes, one.name or one.role)
        for one in report.memory
        if one.slope_bytes is not None and one.slope_bytes > SURE * (one.doubt_bytes or 0.0)
    ]
    if grown:
        slope_bytes, words["leak_name"] = max(grown)
        yield "leak_mb_per_cycle", slope_bytes / MB
