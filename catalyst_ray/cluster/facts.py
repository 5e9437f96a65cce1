"""What the joined cluster is, and what Ray itself costs on it: asked for a profile, beside its cycles."""

from __future__ import annotations

import logging
import platform
from statistics import median
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import GetTimeoutError, RayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
CALLS, UNCOUNTED = 50, 5
START_S, ANSWER_S = 20.0, 5.0
"""How long the first answer may take, a worker's start included, and each further one."""


def cluster_facts() -> dict[str, str | float]:
    """Return cores, memory, GPUs, nodes and versions of the cluster that this process has joined."""
    has = RAY.cluster_resources()
    kinds = sorted(name.partition(":")[2] for name in has if name.startswith("accelerator_type:"))
    return {
        "cpus": float(has.get("CPU", 0.0)),
        "memory_bytes": float(has.get("memory", 0.0)),
        "gpus": float(has.get("GPU", 0.0)),
        "gpu_kinds": ", ".join(kinds),
        "nodes": float(sum(1 for node in RAY.nodes() if node["Alive"])),
        "ray": str(RAY.__version__),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def gcs_address() -> str:
    """Return the address that all processes of the joined cluster name."""
    return str(RAY.get_runtime_context().gcs_address)


def ray_cost(clock: Clock) -> dict[str, float]:
    """Return the median seconds of an empty ``task`` and an empty ``actor_call``, one after the other.

    Needs a free CPU for the task; what does not answer in time is left out.
    """
    task = RAY.remote(num_cpus=1, max_retries=0, enable_task_events=False)(_nothing).options(
        name="profile:task"
    )
    actor_class: Any = RAY.remote(num_cpus=0, enable_task_events=False)(_Idler)
    actor = actor_class.options(name=None).remote()
    try:
        found = {"task": _timed(task.remote, clock), "actor_call": _timed(actor.nothing.remote, clock)}
    finally:
        RAY.kill(actor)
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def _timed(call: Callable[[], Any], clock: Clock) -> float | None:
    spans = []
    try:
        for number in range(UNCOUNTED + CALLS):
            begun_s = clock.monotonic()
            RAY.get(call(), timeout=START_S if not number else ANSWER_S)
            spans.append(clock.monotonic() - begun_s)
    except (GetTimeoutError, RayError) as error:
        log.warning("Ray's own cost could not be measured", extra={"why": type(error).__name__})
        return None
    return median(spans[UNCOUNTED:])


def _nothing() -> None:
    return None


class _Idler:
    """Does nothing when asked."""

    def nothing(self) -> None:
        """Return at once."""
