"""Whether a change helped, told from turns with and without it. Pure: measures nothing.

Machines are noisy, so turns come in pairs, one without the change and one with it, and a change is kept only where the
pairs agree: a sign-flip test over the pairs' differences (how many of all ways to call "before" and "after" by the
other name would look as good) and a least gain by the median. Quality is a veto.
"""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalyst_ray.core.advice_figures import measured
from catalyst_ray.core.stages import TARGET_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalyst_ray.models import ProfileReport

CHANCE = 1 / 16
"""So likely may what was seen be by chance, at most; four pairs reach it when all agree."""
LEAST_GAIN = {"cycle": 0.05, "post": 0.05, "answer": 0.05, "verdicts": 0.02}
"""Part of the figure before that must be won; of verdicts the share that comes in time."""
LEAST_S = 0.03
WORSE = 0.10
"""Part by which another figure may grow where all pairs agree that it did."""
RESTLESS = 1.5
"""Times by which equal turns may differ before it is said."""
LEAST = {"cycle": LEAST_S, "post": LEAST_S, "answer": LEAST_S, "verdicts": 0.02}
"""So much must another figure grow at least."""
SLACK = 0.02
"""The share of alerts with a verdict, or a chart, wavers by as much: one of fifty."""
WORDS = {
    "cycle": "p95 of a cycle",
    "post": "p95 to post",
    "answer": "p95 to verdict",
    "verdicts": "verdicts too late",
}
GRANTED = frozenset({"answer", "verdicts"})
"""Aims for which alerts may be posted later, by as much as they are told to wait for the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one run of the load showed.

    Args:
        figures: By aim: ``cycle``, ``post`` and ``answer`` in seconds (p95), ``verdicts`` as the share that came too
            late or never. Less is better for all; what was not measured is absent.
        quality: As in ``ProfileReport``.
    """

    figures: dict[str, float]
    quality: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the turns of a trial say.

    Args:
        before: Median of the figure that the change aims at; ``after`` with the change.
        better: Pairs in which the change was better.
        chance: How likely so much would be seen by chance.
        others: What became of the figures that it does not aim at: medians before and after.
    """

    keep: bool
    why: str
    before: float
    after: float
    better: int
    pairs: int
    chance: float
    others: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def turn_of(report: ProfileReport) -> Turn:
    """Return what counts of a profile."""
    seen = measured(report).figures
    figures = {"cycle": seen["cycle_p95_s"]}
    if "post_p95_s" in seen:
        figures["post"] = seen["post_p95_s"]
    if "verdict_p95_s" in report.quality:
        figures["answer"] = report.quality["verdict_p95_s"]
    if "llm_late_share" in seen:
        lost = seen["llm_timed_out_share"] + seen["llm_refused_share"]
        figures["verdicts"] = min(1.0, max(seen["llm_late_share"], lost))
    return Turn(figures=figures, quality=dict(report.quality))


def chance_of(differences: Sequence[float]) -> float:
    """Return how likely a sum of differences as large as this one is, were their signs drawn by chance."""
    seen = sum(differences)
    sums = (
        sum(sign * one for sign, one in zip(signs, differences, strict=True))
        for signs in itertools.product((1, -1), repeat=len(differences))
    )
    return sum(one >= seen - 1e-12 for one in sums) * 0.5 ** len(differences)


def is_hopeless(before: Sequence[Turn], after: Sequence[Turn], aim: str, *, pairs: int) -> bool:
    """Return whether no outcome of the pairs still to come could keep the change."""
    won = _differences(before, after, aim)
    if not won:
        return False
    best = 10 * max(abs(one) for one in won)
    return chance_of([*won, *[best] * (pairs - len(won))]) > CHANCE


def decide(before: Sequence[Turn], after: Sequence[Turn], aim: str, *, granted_s: float = 0.0) -> Decision:
    """Return whether to keep a change.

    Args:
        before: Turns without the change, in order.
        after: As many with it.
        aim: The figure that it should better.
        granted_s: How long an alert may wait for its verdict: a change that brings verdicts in time may use it.
    """
    won = _differences(before, after, aim)
    was, now = _median(before, aim), _median(after, aim)
    chance = chance_of(won) if won else 1.0
    why = _objection(before, after, aim, chance) or _slower(
        before, after, aim, granted_s if aim in GRANTED else 0.0
    )
    better = sum(one > 0 for one in won)
    words = (
        why or f"better in {better} of {len(won)} pairs, {_gain(was, now, aim)}{_price(before, after, aim)}"
    )
    return Decision(
        keep=why is None,
        why=words,
        before=was,
        after=now,
        better=better,
        pairs=len(won),
        chance=chance,
        others={
            other: (_median(before, other), _median(after, other))
            for other in WORDS
            if other != aim and _differences(before, after, other)
        },
    )


def _objection(before: Sequence[Turn], after: Sequence[Turn], aim: str, chance: float) -> str | None:
    """Return why a change is not kept; None where nothing speaks against it."""
    if not _differences(before, after, aim):
        return f"{WORDS[aim]} was not measured"
    harm = _lost_quality(before, after)
    if harm:
        return harm
    was, now = _median(before, aim), _median(after, aim)
    if chance > CHANCE:
        return f"no more than noise: by chance in {chance:.0%} of cases{_restless(before, aim)}"
    least = LEAST_GAIN[aim] if aim == "verdicts" else max(LEAST_S, LEAST_GAIN[aim] * was)
    if was - now < least:
        return f"too little: {_gain(was, now, aim)}"
    return None


def _restless(turns: Sequence[Turn], aim: str) -> str:
    """Return words for a machine that is too busy to measure on; none where equal turns took about as long."""
    seen = [turn.figures[aim] for turn in turns if aim in turn.figures]
    if min(seen) * RESTLESS > max(seen):
        return ""
    return f"; equal turns without it went from {_shown(min(seen), aim)} to {_shown(max(seen), aim)}: a quieter machine tells more"


def _lost_quality(before: Sequence[Turn], after: Sequence[Turn]) -> str | None:
    for name, words, sign in (
        ("found", "fewer alerts found", -1),
        ("alerts", "fewer alerts", -1),
        ("decided", "fewer items decided", -1),
        ("wrong", "more wrong alerts", 1),
    ):
        if name in ("alerts", "decided") and "found" in before[0].quality:
            continue  # the truth is known: it counts
        was, now = (
            statistics.median(turn.quality.get(name, 0.0) for turn in turns) for turns in (before, after)
        )
        if sign * (now - was) > 0:
            return f"{words}: {was:g} before, {now:g} after"
    for name, words in (("judged", "a verdict"), ("charted", "a chart")):
        was, now = (_share(turns, name) for turns in (before, after))
        if now < was - SLACK:
            return f"fewer alerts with {words}: {was:.0%} before, {now:.0%} after"
    return None


def _share(turns: Sequence[Turn], name: str) -> float:
    return statistics.median(
        turn.quality.get(name, 0.0) / max(1.0, turn.quality.get("alerts", 0.0)) for turn in turns
    )


def _slower(before: Sequence[Turn], after: Sequence[Turn], aim: str, granted_s: float) -> str | None:
    """Return which other figure the change makes worse, beyond noise; a cycle counts where it misses its target."""
    for other, was, now in _grown(before, after, aim):
        is_granted = other == "post" and now - was <= granted_s
        if not is_granted and (other != "cycle" or now > TARGET_S):
            return f"{WORDS[other]} gets worse: {_shown(was, other)} before, {_shown(now, other)} after"
    return None


def _price(before: Sequence[Turn], after: Sequence[Turn], aim: str) -> str:
    """Return what a change that is kept costs elsewhere, within what the rules allow; nothing where it costs nothing."""
    return "".join(
        f"; {WORDS[other]} grows from {_shown(was, other)} to {_shown(now, other)},"
        f" within {f'its {TARGET_S:g} s' if other == 'cycle' else 'LLM_ALERT_WAIT_SECS'}"
        for other, was, now in _grown(before, after, aim)
    )


def _grown(before: Sequence[Turn], after: Sequence[Turn], aim: str) -> Iterator[tuple[str, float, float]]:
    """Yield the other figures that grew beyond noise, in every pair, with their medians."""
    for other, slack in LEAST.items():
        won = _differences(before, after, other)
        if other == aim or not won or any(one >= 0 for one in won):
            continue
        was, now = _median(before, other), _median(after, other)
        if now - was > max(WORSE * was, slack):
            yield other, was, now


def _differences(before: Sequence[Turn], after: Sequence[Turn], aim: str) -> list[float]:
    """Return what each pair won; positive is better."""
    pairs = zip(before, after, strict=False)
    return [
        one.figures[aim] - other.figures[aim]
        for one, other in pairs
        if aim in one.figures and aim in other.figures
    ]


def _median(turns: Sequence[Turn], aim: str) -> float:
    return statistics.median([turn.figures[aim] for turn in turns if aim in turn.figures] or [0.0])


def _gain(was: float, now: float, aim: str) -> str:
    if aim == "verdicts":
        return f"{_shown(was, aim)} before, {_shown(now, aim)} after"
    return f"{1 - now / was:.0%} less" if was > 0 and now <= was else f"{now - was:+.2f} s"


def _shown(value: float, aim: str) -> str:
    return f"{value:.0%}" if aim == "verdicts" else f"{value:.2f} s"
