"""Two profiles side by side: each figure before and after, and whether the spread over cycles explains the difference."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from catalyst_ray.core.health import percentile
from catalyst_ray.core.profile import warm
from catalyst_ray.models import Change, Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from catalyst_ray.models import CycleReport, ProfileReport

BETTER, WORSE, SAME, FEW, ONE = "better", "worse", "no difference", "too few", "one figure"
LEAST = 8
"""Figures on either side below which none could be told from chance."""
CHANCE = 0.01
"""How probable a false word about any of the figures may be."""
SMALL = 0.03
"""A shift of medians below this is no difference, however regular: nobody would act on it."""
VERSIONS = ("catalyst_ray", "ray", "python")
MACHINE = ("cpus", "gpus", "gpu_kinds", "nodes", "system")


def differences(before: ProfileReport, after: ProfileReport) -> tuple[str, ...]:
    """Return in words what makes two profiles hard to compare; nothing where versions, machine and load agree."""
    pairs = [("form", str(before.version), str(after.version)), ("load", before.load, after.load)]
    pairs += [
        (name, _text(before.machine.get(name)), _text(after.machine.get(name)))
        for name in (*VERSIONS, *MACHINE)
    ]
    facts = dict.fromkeys([*before.load_facts, *after.load_facts])
    pairs += [(name, before.load_facts.get(name, ""), after.load_facts.get(name, "")) for name in facts]
    return tuple(f"{name}: {one or 'none'}, then {two or 'none'}" for name, one, two in pairs if one != two)


def compare(before: ProfileReport, after: ProfileReport) -> Comparison:
    """Return every figure that both profiles have.

    Figures with one value a cycle are judged by the rank-sum test of Mann and Whitney (1947), over all of
    them together at ``CHANCE``. What changed on the machine between the two profiles is in no spread.
    """
    spread_out = list(_spread_out(before, after))
    chance = CHANCE / max(1, len(spread_out))
    names = dict.fromkeys([*before.settings, *after.settings])
    pairs = {name: (before.settings.get(name, ""), after.settings.get(name, "")) for name in names}
    return Comparison(
        before_utc=before.made_utc,
        after_utc=after.made_utc,
        differ=differences(before, after),
        changed={name: pair for name, pair in pairs.items() if pair[0] != pair[1]},
        changes=(
            *(_judged(name, one, two, chance) for name, one, two in spread_out),
            *_single(before, after),
        ),
    )


def rank_sum_chance(before: Sequence[float], after: Sequence[float]) -> float:
    """Return how probable a difference as large is if both come from one source; two-sided, ties corrected."""
    size, other = len(before), len(after)
    if not size or not other:
        return 1.0
    ranks, ties = _ranks([*before, *after])
    total = size + other
    excess = abs(sum(ranks[:size]) - size * (total + 1) / 2)
    variance = size * other / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    return math.erfc(max(0.0, excess - 0.5) / math.sqrt(2 * variance))


def _ranks(figures: Sequence[float]) -> tuple[list[float], float]:
    """Return the rank of each, equal ones sharing theirs, and the correction for ties."""
    count = Counter(figures)
    rank, passed = {}, 0
    for figure in sorted(count):
        rank[figure] = passed + (count[figure] + 1) / 2
        passed += count[figure]
    return [rank[figure] for figure in figures], float(sum(n**3 - n for n in count.values()))


def _spread_out(
    before: ProfileReport, after: ProfileReport
) -> Iterator[tuple[str, list[float], list[float]]]:
    yield "cycle", *_each(before, after, lambda report: report.seconds)
    for kind, here, there in (
        ("branches", before.branches, after.branches),
        ("stages", before.stages, after.stages),
    ):
        common = {one.stage for one in there}
        for name in (one.stage for one in here if one.stage in common):
            yield name, *_each(before, after, _of(kind, name))
    for sink in sorted(before.posted_s.keys() & after.posted_s.keys()):
        yield f"first byte to {sink}", _posted(before, sink), _posted(after, sink)


def _of(kind: str, name: str) -> Callable[[CycleReport], float]:
    if kind == "branches":
        return lambda report: report.branches.get(name, 0.0)
    return lambda report: report.elapsed.get(name, 0.0)


def _each(
    before: ProfileReport, after: ProfileReport, figure: Callable[[CycleReport], float]
) -> tuple[list[float], list[float]]:
    return [figure(report) for report in warm(before.cycles)], [
        figure(report) for report in warm(after.cycles)
    ]


def _posted(report: ProfileReport, sink: str) -> list[float]:
    """Return each cycle's median: alerts of one cycle are slow together, and no evidence each for itself."""
    found = (cycle.posted_s.get(sink, ()) for cycle in warm(report.cycles))
    return [percentile(posted, 0.5) for posted in found if posted]


def _judged(name: str, before: Sequence[float], after: Sequence[float], chance: float) -> Change:
    one, two = percentile(before, 0.5), percentile(after, 0.5)
    if min(len(before), len(after)) < LEAST:
        verdict = FEW
    elif abs(two - one) <= SMALL * abs(one) or rank_sum_chance(before, after) > chance:
        verdict = SAME
    else:
        verdict = BETTER if two < one else WORSE
    return Change(name=name, unit="s", before=one, after=two, ratio=_ratio(one, two), verdict=verdict)


def _single(before: ProfileReport, after: ProfileReport) -> Iterator[Change]:
    """Yield what each profile has one figure of: nothing says how far it would vary."""
    here, there = dict(_figures(before)), dict(_figures(after))
    for name, (figure, unit) in here.items():
        if name in there:
            after_figure = there[name][0]
            yield Change(
                name=name,
                unit=unit,
                before=figure,
                after=after_figure,
                ratio=_ratio(figure, after_figure),
                verdict=ONE,
            )


def _figures(report: ProfileReport) -> Iterator[tuple[str, tuple[float, str]]]:
    yield "cycle, p95", (report.cycle_s.p95, "s")
    for queue, words in (("llm", "LLM"), ("charts", "charts")):
        figures = report.queues.get(queue, {})
        for key, said, unit in (
            ("mean_seconds", "mean", "s"),
            ("oldest_age_s", "oldest waited", "s"),
            ("answer_tokens_per_s", "answer tokens/s", ""),
        ):
            if key in figures:
                yield f"{words}: {said}", (figures[key], unit)
    for card in report.gpus:
        if card.utilisation_pct is not None:
            yield f"GPU {card.node or ''}/{card.index}: use", (card.utilisation_pct, "%")
    for name, seconds in report.ray_s.items():
        yield f"Ray: empty {name.replace('_', ' ')}", (seconds, "s")
    driver = next((one.rss_bytes for one in report.memory if one.role == "driver"), None)
    if driver is not None:
        yield f"driver's memory after {len(report.cycles)} cycles", (driver / 1e6, "MB")


def _ratio(before: float, after: float) -> float | None:
    return after / before if before else None


def _text(value: str | float | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value or "")
