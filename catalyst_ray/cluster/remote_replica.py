"""A replica as a Ray actor: creates, starts, calls and ends it. Every wait on Ray has a limit here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from typing import TYPE_CHECKING, Any, TypeVar

import ray
from ray.exceptions import ActorDiedError, RayActorError, RayError, RayTaskError

from catalyst_ray.cluster.llm_replica import LlmReplica, ReplicaHealth, ReplicaInfo
from catalyst_ray.cluster.placement import HEALTH, ReplicaPlan, replica_options
from catalyst_ray.errors import CatalystError, ReplicaLost, TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from catalyst_ray.cluster.engines import EngineSpec
    from catalyst_ray.models import LlmAnswer, LlmRequest

log = logging.getLogger(__name__)

CALL, START, STOP = "llm:batch", "llm:start", "llm:stop"
"""What calls are named, for all replicas alike: rows of the dashboard's task table and labels of its metrics."""
QUIET = {"enable_task_events": False}
"""For calls that would only fill that table: one every few seconds, and in red where a replica is still starting."""
STOP_TIMEOUT_S = 8.0
"""A model server gets five seconds to end by itself."""

T = TypeVar("T")


class RemoteReplica:
    """The driver's side of one ``LlmReplica`` actor, which is made by ``start``.

    Args:
        spec: How its engine is made.
        plan: The GPUs that it reserves, and where.
        workers: Requests in its engine at once.
    """

    is_ours = True

    def __init__(self, spec: EngineSpec | None, name: str, *, plan: ReplicaPlan, workers: int) -> None:
        self.name = name
        self.workers = workers
        self._spec = spec
        self._plan = plan
        self._actor: Any = None
        self.info: ReplicaInfo | None = None

    async def start(self, timeout_s: float, *, fresh: bool = False) -> ReplicaInfo:
        """Wait until the actor is placed and its engine runs; with ``fresh`` the engine is started anew.

        An actor that died for good is replaced.

        Raises:
            TransportError: Not within ``timeout_s``; the hint says what it waits for.
            CatalystError: The engine does not start.
        """
        if self._actor is None:
            self._actor = self._make()
        try:
            info: ReplicaInfo = await self._call(
                self._actor.start.options(name=START).remote(fresh=fresh), timeout_s
            )
        except _DiedForGood:
            self._actor = self._make()
            info = await self._call(self._actor.start.options(name=START).remote(fresh=fresh), timeout_s)
        self.info = info
        return info

    async def health(self, timeout_s: float) -> ReplicaHealth:
        """Ask how it is, past whatever keeps it busy.

        Raises:
            TransportError: No answer in time, or the actor is gone.
        """
        if self._actor is None:
            raise TransportError("it is not started", key=self.name)
        found: ReplicaHealth = await self._call(
            self._actor.health.options(concurrency_group=HEALTH, **QUIET).remote(), timeout_s
        )
        return found

    async def generate(
        self, requests: Sequence[LlmRequest], *, timeout_s: float
    ) -> AsyncGenerator[tuple[int, LlmAnswer | CatalystError], None]:
        """Answer a batch by one Ray call: yield (index, answer or error) as each comes.

        Raises:
            ReplicaLost: The actor died.
            TransportError: ``timeout_s`` passed before all were answered.
        """
        if len(requests) == 1:
            yield 0, await self._call(self._actor.answer.options(name=CALL).remote(requests[0]), timeout_s)
            return
        method = self._actor.generate.options(name=CALL, num_returns="streaming")
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

    def drop(self, key: str) -> None:
        """Have it end the work on a request; whether it hears of it in time does not matter."""
        if self._actor is not None:
            self._actor.drop.options(**QUIET).remote(key)

    def restart(self) -> None:
        """End its process; Ray makes it anew, without engine until ``start``."""
        if self._actor is not None:
            ray.kill(self._actor, no_restart=False)

    async def close(self) -> None:
        """Stop the engine, then the actor; an actor that does not answer is killed."""
        if self._actor is None:
            return
        try:
            with contextlib.suppress(CatalystError):
                await self._call(self._actor.stop.options(name=STOP).remote(), STOP_TIMEOUT_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the actor at once."""
        if self._actor is not None:
            ray.kill(self._actor)
            self._actor = None

    def _make(self) -> Any:
        job: Any = ray.get_runtime_context()
        options = replica_options(
            self.name, namespace=f"catalyst-{job.get_job_id()}", plan=self._plan, workers=self.workers
        )
        actor_class: Any = ray.remote(**options)(LlmReplica)
        gpus = math.ceil(self._plan.num_gpus)
        return actor_class.remote(self._spec, name=self.name, workers=self.workers, gpus=gpus)

    async def _call(self, ref: Any, timeout_s: float) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                return await ref
        except TimeoutError as error:
            ray.cancel(ref)
            hint = "see `ray status` for what the cluster lacks, and the actor's log for its engine"
            raise TransportError(f"no answer within {timeout_s:g} s", key=self.name, hint=hint) from error
        except asyncio.CancelledError:
            ray.cancel(ref)
            raise
        except RayError as error:
            raise _lost(error, self.name) from error


class _DiedForGood(ReplicaLost):
    """The actor will not be restarted."""


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
    kind: Callable[..., CatalystError] = TransportError
    if isinstance(error, ActorDiedError):
        kind = _DiedForGood
    elif isinstance(error, RayActorError) or not isinstance(error, RayTaskError):
        kind = ReplicaLost
    return kind(f"{type(error).__name__}: {last[:200]}", key=name, hint="see the actor's log")
