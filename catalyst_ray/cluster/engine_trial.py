"""A test prompt on the language model, where a replica would be asked: in this process, or on a node of the cluster."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import EngineInfo, LlmRequest

if TYPE_CHECKING:
    from catalyst_ray.cluster.engine_specs import EngineSpec
    from catalyst_ray.cluster.placement import ReplicaPlan

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
PROMPT = LlmRequest(
    key="doctor",
    system="Answer in JSON.",
    prompt="direction: 0",
    schema='{"type":"object","properties":{"direction":{"type":"number"}},"required":["direction"]}',
    timeout_s=60.0,
)
PLACE_S = 15.0
"""A trial waits no longer for a free GPU: those that are there may all be held by a running driver's replicas."""
MARGIN_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How the engine did."""

    info: EngineInfo
    seconds: float
    tokens: int

    @property
    def tokens_per_s(self) -> float:
        """Return how fast it answered, the prompt's reading included."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0


class NoFreeGpu(CatalystError):
    """Every GPU that a replica could use is held by somebody."""


class EngineTrial:
    """The actor that asks from where a replica would."""

    async def placed(self) -> str:
        """Return the node that it was put on."""
        return str(RAY.get_runtime_context().get_node_id())

    async def run(self, spec: EngineSpec, limit_s: float) -> Trial:
        """As ``try_engine``, with the GPUs that Ray gave."""
        gpus = len(RAY.get_runtime_context().get_accelerator_ids().get("GPU", ()))
        return await try_engine(spec, gpus=gpus, limit_s=limit_s)


async def try_engine(spec: EngineSpec, *, gpus: int, limit_s: float) -> Trial:
    """Start the engine from here, with ``gpus`` cards for a server of its own, and time a prompt.

    Raises:
        CatalystError: It does not start, or does not answer.
        TimeoutError: It is not loaded within ``limit_s``.
    """
    model = spec.make(name="doctor", workers=1, gpus=gpus)
    clock = SystemClock()
    try:
        async with asyncio.timeout(limit_s):
            info = await model.start()
        began_s = clock.monotonic()
        answer = await model.generate(PROMPT)
        return Trial(info=info, seconds=clock.monotonic() - began_s, tokens=answer.output_tokens)
    finally:
        await model.stop()


async def try_engine_there(
    spec: EngineSpec, plan: ReplicaPlan, *, node: str | None, limit_s: float
) -> tuple[Trial, str]:
    """Try the engine from a node that a replica would be put on; return also the node's id.

    A server that all share is asked from ``node``, and no GPU is reserved for that; a server of a replica's own
    starts where Ray puts it, on the GPUs that a replica would get.

    Raises:
        NoFreeGpu: No GPU is free.
        CatalystError: It does not start or answer, or its process ended.
        TimeoutError: It is not loaded within ``limit_s``.
    """
    options: dict[str, Any] = {"num_cpus": 0, "num_gpus": 0, "max_restarts": 0, "enable_task_events": False}
    if spec.shares_server and node is not None:
        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
    else:
        options["num_gpus"] = 0 if spec.shares_server else plan.num_gpus
        options |= {"label_selector": dict(plan.selector)} if plan.selector else {}
    actor_class: Any = RAY.remote(**options)(EngineTrial)
    actor = actor_class.remote()
    try:
        where = await _placed(actor)
        whole_s = limit_s + PROMPT.timeout_s + MARGIN_S
        trial: Trial = await asyncio.wait_for(actor.run.remote(spec, limit_s), whole_s)
    except RayTaskError as error:
        raise _cause(error) from error
    except RayError as error:
        words = f"the worker that asked it ended: {type(error).__name__}"
        raise CatalystError(words, hint="its log stands under /tmp/ray/session_latest/logs there") from error
    finally:
        RAY.kill(actor)
    return trial, where


def gpus_here(per_replica: float, *, has_cards: bool) -> int:
    """Return how many cards a replica on this machine would get."""
    return math.ceil(per_replica) if has_cards else 0


async def _placed(actor: Any) -> str:
    try:
        where: str = await asyncio.wait_for(actor.placed.remote(), PLACE_S)
    except TimeoutError as error:
        words = f"not tried: no node had a free GPU, or a worker, within {PLACE_S:g} s"
        raise NoFreeGpu(
            words, hint="replicas of a running driver hold them: its report says how they do"
        ) from error
    return where


def _cause(error: RayTaskError) -> Exception:
    cause = error.cause
    if isinstance(cause, (CatalystError, TimeoutError)):
        return cause
    lines = str(cause or error).strip().splitlines() or [""]
    return CatalystError(
        f"{type(cause or error).__name__}: {lines[-1][:300]}", hint="report it with these words"
    )
