"""The limits that a profile is held against, and whether it keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.profile_memory import line_through
from catalyst_ray.core.stages import TARGET_S
from catalyst_ray.models import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.models import CycleReport, GpuSample, ProfileReport, Spread

GPU_LIMIT_PCT = 60.0
GROWTH_LIMIT_MB = 1.0
"""Of the driver, in 1,000 cycles."""
LEAK_CYCLES = 200
"""With fewer after the warm-up a slope so small cannot be told from noise."""
SURE = 2.0
"""Standard errors by which a slope must miss the limit, on either side, before it is judged."""
MB = 1e6


def targets(
    reports: Sequence[CycleReport], *, cycle_s: Spread, gpus: Sequence[GpuSample], is_judged: bool = True
) -> tuple[Target, ...]:
    """Return the guide's targets: a cycle's p95, the busiest card's mean use, the driver's growth.

    ``is_judged`` says whether a language model judged.
    """
    return (
        Target(name="Cycle, p95", value=cycle_s.p95, limit=TARGET_S, unit="s", passed=cycle_s.p95 < TARGET_S),
        _gpu(gpus, is_judged=is_judged),
        _growth([report.rss_bytes for report in reports if report.rss_bytes is not None]),
    )


def shows_nothing(report: ProfileReport) -> bool:
    """Return whether a profile of the cards has nothing of them: none was seen, and no model judged."""
    judged = report.quality.get("judged", float(bool(report.load_facts.get("model"))))
    return report.kind == "gpu" and not report.gpus and not judged


def _gpu(gpus: Sequence[GpuSample], *, is_judged: bool) -> Target:
    rates = [card.utilisation_pct for card in gpus if card.utilisation_pct is not None]
    most = max(rates, default=None)
    passed = None if most is None else most < GPU_LIMIT_PCT
    lack = "no GPU told its use" if gpus else "no GPU was seen"
    return Target(
        name="GPU, mean use of the busiest",
        value=most,
        limit=GPU_LIMIT_PCT,
        unit="%",
        passed=passed,
        lack="" if rates else lack if is_judged else f"{lack}, and no language model judged",
    )


def _growth(sizes: Sequence[int]) -> Target:
    line = line_through(sizes)
    value = passed = None
    if line:
        value, doubt = 1_000 * line.slope / MB, 1_000 * line.doubt / MB
        if line.steps >= LEAK_CYCLES and abs(value - GROWTH_LIMIT_MB) > SURE * doubt:
            passed = value < GROWTH_LIMIT_MB
    return Target(
        name="Growth of the driver",
        value=value,
        limit=GROWTH_LIMIT_MB,
        unit="MB per 1,000 cycles",
        passed=passed,
    )
