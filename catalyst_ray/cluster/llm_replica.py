"""One language model engine behind a batch call: a plain class, made into a Ray actor by the pool.

Every method may be called again after a restart: the engine starts when it is first needed.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalyst_ray.errors import CatalystError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from catalyst_ray.cluster.engines import EngineSpec
    from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest
    from catalyst_ray.ports import LanguageModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaInfo:
    """Where a replica runs: the GPUs that Ray gave it, and what its engine can see of them."""

    name: str
    pid: int
    node: str
    gpu_ids: tuple[str, ...]
    visible_devices: str | None
    engine: EngineInfo


@dataclass(frozen=True, slots=True)
class _Engine:
    model: LanguageModel
    info: EngineInfo


class LlmReplica:
    """Serves batches with at most ``workers`` requests in its engine at once."""

    def __init__(self, spec: EngineSpec, *, name: str, workers: int) -> None:
        self._spec = spec
        self._name = name
        self._workers = workers
        self._slots = asyncio.Semaphore(workers)
        self._starting = asyncio.Lock()
        self._running: _Engine | None = None

    def __repr__(self) -> str:
        """Return the name that Ray's dashboard and logs show."""
        return self._name

    async def start(self) -> ReplicaInfo:
        """Start the engine, once, and return where it runs.

        Raises:
            CatalystError: It does not start; the next call tries again.
        """
        import ray  # noqa: PLC0415  (the rest of the class works, and is tested, without Ray)

        engine = await self._engine()
        context = ray.get_runtime_context()
        return ReplicaInfo(
            name=self._name,
            pid=os.getpid(),
            node=context.get_node_id(),
            gpu_ids=tuple(context.get_accelerator_ids().get("GPU", ())),
            visible_devices=os.environ.get("CUDA_VISIBLE_DEVICES"),  # noqa: TID251  (set by Ray, no setting)
            engine=engine.info,
        )

    async def generate(
        self, requests: Sequence[LlmRequest]
    ) -> AsyncIterator[tuple[int, LlmAnswer | CatalystError]]:
        """Answer a batch: yield (index in the batch, answer or error) as each is ready, each once."""
        tasks = [asyncio.create_task(self._one(index, request)) for index, request in enumerate(requests)]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            # Reached early when the caller gives up: the engine must not go on for nobody.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Stop the engine."""
        async with self._starting:
            engine, self._running = self._running, None
            if engine is not None:
                await engine.model.stop()

    async def _one(self, index: int, request: LlmRequest) -> tuple[int, LlmAnswer | CatalystError]:
        try:
            async with self._slots:
                engine = await self._engine()
                answer = await engine.model.generate(request)
        except CatalystError as error:
            return index, error
        return index, replace(answer, replica=self._name)

    async def _engine(self) -> _Engine:
        async with self._starting:
            if self._running is None:
                model = self._spec.make(workers=self._workers)
                try:
                    self._running = _Engine(model, await model.start())
                except BaseException:
                    await model.stop()
                    raise
            return self._running
