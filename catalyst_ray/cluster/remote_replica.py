"""Replicas as Ray actors: creates, starts, calls and ends them. Every wait on Ray has a limit here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError

from catalyst_ray.cluster.llm_replica import LlmReplica
from catalyst_ray.cluster.placement import ReplicaPlan, replica_options
from catalyst_ray.errors import CatalystError, TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from catalyst_ray.cluster.engines import EngineSpec
    from catalyst_ray.cluster.llm_replica import ReplicaInfo
    from catalyst_ray.models import LlmAnswer, LlmRequest

log = logging.getLogger(__name__)

CALL = "llm:batch"
"""Constant: it is a row of the dashboard's task table and a label of its metrics."""
STOP_TIMEOUT_S = 5.0


class RemoteReplica:
    """The driver's side of one ``LlmReplica`` actor."""

    def __init__(self, spec: EngineSpec, name: str, *, plan: ReplicaPlan, workers: int) -> None:
        self.name = name
        self.workers = workers
        # Alone, a replica is waited for until it is back; among others, its requests go to another at once.
        self._retries = 0 if plan.count > 1 else 2
        job: Any = ray.get_runtime_context()
        options = replica_options(
            name, namespace=f"catalyst-{job.get_job_id()}", num_gpus=plan.num_gpus, workers=workers
        )
        actor_class: Any = ray.remote(**options)(LlmReplica)
        self._actor: Any = actor_class.remote(spec, name=name, workers=workers)

    async def start(self, timeout_s: float) -> ReplicaInfo:
        """Wait until the actor is placed and its engine runs.

        Raises:
            TransportError: Not within ``timeout_s``; the hint says what it waits for.
            CatalystError: The engine does not start.
        """
        info: ReplicaInfo = await self._call(self._actor.start.remote(), timeout_s)
        return info

    async def generate(
        self, requests: Sequence[LlmRequest], *, timeout_s: float
    ) -> AsyncGenerator[tuple[int, LlmAnswer | CatalystError], None]:
        """Answer a batch by one Ray call: yield (index, answer or error) as each comes.

        Raises:
            TransportError: The actor died, or ``timeout_s`` passed before all were answered.
        """
        method = self._actor.generate.options(
            name=CALL, num_returns="streaming", max_task_retries=self._retries
        )
        stream = method.remote(list(requests))
        ended_s = asyncio.get_running_loop().time() + timeout_s
        finished = False
        try:
            while not finished:
                # Not around the yield: the caller's own code must not run under this limit.
                async with asyncio.timeout_at(ended_s):
                    outcome = await _next(stream)
                if outcome is None:
                    finished = True
                else:
                    yield outcome
        except TimeoutError as error:
            raise TransportError(f"no answer within {timeout_s:.1f} s", key=self.name) from error
        except RayError as error:
            raise _lost(error, self.name) from error
        finally:
            if not finished:
                ray.cancel(stream)

    async def close(self) -> None:
        """Stop the engine, then the actor; an actor that does not answer is killed."""
        with contextlib.suppress(CatalystError):
            await self._call(self._actor.stop.remote(), STOP_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """End the actor at once."""
        ray.kill(self._actor)

    async def _call(self, ref: Any, timeout_s: float) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                return await ref
        except TimeoutError as error:
            ray.cancel(ref)
            hint = "see `ray status` for what the cluster lacks, and the actor's log for its engine"
            raise TransportError(f"no answer within {timeout_s:g} s", key=self.name, hint=hint) from error
        except RayError as error:
            raise _lost(error, self.name) from error


async def _next(stream: Any) -> tuple[int, LlmAnswer | CatalystError] | None:
    try:
        outcome: tuple[int, LlmAnswer | CatalystError] = await (await anext(stream))
    except StopAsyncIteration:
        return None
    return outcome


def _lost(error: RayError, name: str) -> CatalystError:
    if isinstance(error, RayTaskError) and isinstance(error.cause, CatalystError):
        return error.cause
    last = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "")
    return TransportError(f"{type(error).__name__}: {last[:200]}", key=name, hint="see the actor's log")


async def start_replicas(
    spec: EngineSpec, plan: ReplicaPlan, *, workers: int, timeout_s: float, label: str = "llm"
) -> list[tuple[RemoteReplica, ReplicaInfo]]:
    """Start a plan's replicas, at least one, together and return those whose engine runs.

    Raises:
        CatalystError: None started; it is the first one's reason.
    """
    replicas: list[RemoteReplica] = []
    try:
        replicas.extend(
            RemoteReplica(spec, f"{label}-{index}", plan=plan, workers=workers) for index in range(plan.count)
        )
        outcomes = await asyncio.gather(*(_started(replica, timeout_s) for replica in replicas))
    except BaseException:
        # Cancelled, or a bug: no actor may stay and hold a GPU for nobody.
        for replica in replicas:
            replica.kill()
        raise
    started: list[tuple[RemoteReplica, ReplicaInfo]] = []
    problems: list[CatalystError] = []
    for replica, outcome in zip(replicas, outcomes, strict=True):
        if isinstance(outcome, CatalystError):
            problems.append(outcome)
        else:
            started.append((replica, outcome))
    if not started:
        raise problems[0]
    for problem in problems:
        log.warning("replica does not start", extra={"error": str(problem)})
    for _, info in started:
        log.info("replica runs", extra=_figures(info))
    return started


async def _started(replica: RemoteReplica, timeout_s: float) -> ReplicaInfo | CatalystError:
    try:
        return await replica.start(timeout_s)
    except CatalystError as error:
        await replica.close()
        return error


def _figures(info: ReplicaInfo) -> dict[str, object]:
    where = {"replica": info.name, "pid": info.pid, "node": info.node}
    return {**where, "gpu_ids": info.gpu_ids, "visible_devices": info.visible_devices}
