"""One language model engine behind a batch call: a plain class, made into a Ray actor by ``remote_replica``.

Every method may be called again after a restart: the engine starts when it is first needed.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from catalyst_ray.errors import CatalystError, ReplicaLost, TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from catalyst_ray.cluster.engines import EngineSpec
    from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest
    from catalyst_ray.ports import LanguageModel

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaInfo:
    """Where a replica runs: the GPUs that Ray gave it, and what its engine can see of them."""

    name: str
    pid: int
    node: str
    gpu_ids: tuple[str, ...]
    visible_devices: str | None
    engine: EngineInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaHealth:
    """How a replica is.

    Args:
        ready: Its engine says that it serves.
        engine: What the engine is and does.
    """

    ready: bool
    engine: EngineInfo


class LlmReplica:
    """Serves batches with at most ``workers`` requests in its engine at once.

    Args:
        gpus: GPUs that Ray reserves for it, whole ones; a part counts as one.
    """

    def __init__(self, spec: EngineSpec, *, name: str, workers: int, gpus: int = 0) -> None:
        self._name = name
        self._model: LanguageModel = spec.make(name=name, workers=workers, gpus=gpus)
        self._info: EngineInfo | None = None
        self._slots = asyncio.Semaphore(workers)
        self._starting = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._dropped: set[str] = set()

    def __repr__(self) -> str:
        """Return the name that Ray's dashboard and logs show."""
        return self._name

    async def start(self, *, fresh: bool = False) -> ReplicaInfo:
        """Start the engine and return where it runs; with ``fresh`` one that runs is started anew.

        Raises:
            CatalystError: It does not start; the next call tries again.
        """
        import ray  # noqa: PLC0415  (the rest of the class works, and is tested, without Ray)

        async with self._starting:
            if fresh and self._info is not None:
                await self._end()
        info = await self._started()
        context = ray.get_runtime_context()
        return ReplicaInfo(
            name=self._name,
            pid=os.getpid(),
            node=context.get_node_id(),
            gpu_ids=tuple(context.get_accelerator_ids().get("GPU", ())),
            visible_devices=os.environ.get("CUDA_VISIBLE_DEVICES"),  # noqa: TID251  (set by Ray, no setting)
            engine=info,
        )

    async def health(self) -> ReplicaHealth:
        """Return how it is; runs beside the requests, in an event loop of its own."""
        started = self._info is not None
        ready = started and await self._model.ready()
        return ReplicaHealth(ready=ready, engine=self._model.info())

    async def generate(
        self, requests: Sequence[LlmRequest]
    ) -> AsyncIterator[tuple[int, LlmAnswer | CatalystError]]:
        """Answer a batch: yield (index in the batch, answer or error) as each is ready, each once."""
        now_s = asyncio.get_running_loop().time()
        tasks = [
            asyncio.create_task(self._one(index, request, now_s + request.timeout_s))
            for index, request in enumerate(requests)
        ]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            # Reached early when the caller gives up: the engine must not go on for nobody.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def answer(self, request: LlmRequest) -> LlmAnswer | CatalystError:
        """Answer a batch of one: a call without a stream takes Ray a millisecond less."""
        ended_s = asyncio.get_running_loop().time() + request.timeout_s
        return (await self._one(0, request, ended_s))[1]

    async def drop(self, key: str) -> None:
        """End the work on a request that nobody wants any more; its batch yields ``ReplicaLost`` for it."""
        task = self._tasks.get(key)
        if task is not None:
            self._dropped.add(key)
            task.cancel()

    async def stop(self) -> None:
        """Stop the engine."""
        async with self._starting:
            await self._end()

    async def _one(
        self, index: int, request: LlmRequest, ended_s: float
    ) -> tuple[int, LlmAnswer | CatalystError]:
        self._tasks[request.key] = cast("asyncio.Task[Any]", asyncio.current_task())
        try:
            async with self._slots:
                await self._started()
                # Waiting for the slot was part of its time.
                left_s = ended_s - asyncio.get_running_loop().time()
                if left_s <= 0:
                    raise TransportError("its time was over before a slot was free", key=self._name)
                answer = await self._model.generate(replace(request, timeout_s=left_s))
        except CatalystError as error:
            return index, error
        except asyncio.CancelledError:
            if request.key not in self._dropped:
                raise
            return index, ReplicaLost("nobody wants it any more", key=self._name)
        finally:
            self._dropped.discard(request.key)
            del self._tasks[request.key]
        return index, replace(answer, replica=self._name)

    async def _started(self) -> EngineInfo:
        async with self._starting:
            if self._info is None:
                try:
                    self._info = await self._model.start()
                except BaseException:
                    await self._end()
                    raise
                told = {"replica": self._name, "engine": self._info.engine, "model": self._info.model}
                log.info("the engine serves", extra={**told, "device": self._info.device})
            return self._info

    async def _end(self) -> None:
        self._info = None
        await self._model.stop()
