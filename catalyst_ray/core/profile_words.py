"""What a profile's figures of GPUs and memory mean, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.profile_targets import LEAK_CYCLES, MB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.models import GpuSample, ProcessMemory, ProfileReport, Target

UNDERUSED_PCT, SATURATED_PCT = 20.0, 80.0
"""The guide's limits for a card's mean use."""
LONG_S = 1.0
"""A request that waited so long for the model waited for capacity, not for the next turn of a loop."""


def gpu_words(card: GpuSample, llm: Mapping[str, float]) -> str:
    """Return what a card's use means: the share of time is the guide's measure, the queue says whether it hurts."""
    use = card.utilisation_pct
    if use is None:
        return "its use is not told"
    oldest_s, rate = llm.get("oldest_age_s", 0.0), llm.get("answer_tokens_per_s")
    waits = oldest_s >= LONG_S
    queue = f"a request waited {oldest_s:.1f} s" if waits else "no request waited as long as a second"
    speed = f", {rate:,.0f} answer tokens/s" if rate else ""
    if use < UNDERUSED_PCT:
        meaning = (
            "the card could take more at a time: see LLM_BATCH_WORKERS, and whether the engine batches"
            if waits
            else "there is not more work for it; that harms nobody"
        )
        return f"underused (below {UNDERUSED_PCT:.0f} %): {queue}{speed}; {meaning}"
    if use > SATURATED_PCT:
        meaning = (
            "it is the bottleneck: a faster engine, a smaller model or another card"
            if waits
            else "it keeps up: use tells only that some kernel ran, not that the card is full"
        )
        return f"saturated (above {SATURATED_PCT:.0f} %): {queue}{speed}; {meaning}"
    return f"in between: {queue}{speed}"


def no_gpu_words(report: ProfileReport) -> str:
    """Return why there are no figures of cards."""
    counted = float(report.machine.get("gpus") or 0)
    if counted:
        return f"no GPU could be read, though Ray counts {counted:g}: `catalyst-ray gpu` says why"
    return "there is no GPU: none on any node of the cluster"


def slope_words(process: ProcessMemory) -> str:
    """Return how fast a process grows, with the doubt; nothing where too few cycles tell."""
    if process.slope_bytes is None:
        return ""
    doubt = process.doubt_bytes or 0.0
    return f"{process.slope_bytes / 1e3:+,.0f} ± {2 * doubt / 1e3:,.0f} kB a cycle"


def target_words(target: Target) -> str:
    """Return the verdict: kept, missed, or why there is none."""
    if target.passed is not None:
        return "kept" if target.passed else "missed"
    if target.value is None:
        return f"nothing to judge by{f': {target.lack}' if target.lack else ''}"
    return f"cannot be told: noise, or fewer than {LEAK_CYCLES} cycles after the warm-up"


def megabytes(size: float) -> str:
    """Return a size in MB."""
    return f"{size / MB:,.0f} MB"


def figure_words(figure: float, unit: str) -> str:
    """Return a figure with its unit, as long as its size asks for."""
    if unit == "s":
        return f"{1000 * figure:.2f} ms" if figure < 0.01 else f"{figure:.3f} s"
    return f"{figure:,.1f} {unit}".rstrip()
