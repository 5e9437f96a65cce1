"""Puts the driver's stages on Ray's timeline (``ray timeline``), where ``RAY_PROFILING`` is set.

Ray reads that variable as it is imported; without it nothing here costs anything.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from catalyst_ray.pipeline.tally import Span

log = logging.getLogger(__name__)


def timeline_span() -> Span | None:
    """Return what opens a span of the timeline; None where Ray keeps none."""
    try:
        from ray._private import profiling  # noqa: PLC0415  (private: another Ray may lack it)
    except ImportError:
        return None
    if not profiling.PROFILING_ENABLED:
        return None
    profile: Any = profiling.profile

    def span(stage: str, cycle: int) -> AbstractContextManager[Any]:
        try:
            # The name is constant: with the number in it every cycle would be a kind of its own.
            opened: AbstractContextManager[Any] = profile(f"cycle:{stage}", extra_data={"cycle": str(cycle)})
        except Exception:  # the boundary: no span is worth a cycle
            log.exception("a span of the timeline could not be opened")
            return nullcontext()
        return opened

    return span
