"""The model's scheduler against the same engine driven directly; replicas against one; a burst of filings."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ray import cloudpickle  # noqa: TID253  (what is measured is Ray and ours)

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.ollama import OllamaModel
from catalyst_ray.bench.model import ask_all
from catalyst_ray.cluster.engines import OllamaSpec
from catalyst_ray.cluster.placement import ReplicaWish
from catalyst_ray.cluster.service import LlmLimits, Opening, Service, open_service
from catalyst_ray.cluster.session import ray_session
from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest, Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Ray's workers do not import the tests: what this file defines travels by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

LATENCY_S = 0.25
"""One answer of the scripted engine: that of a 7B model with a short answer on a data-centre card."""
SCHEMA = (
    '{"type":"object","properties":{"direction":{"type":"number","minimum":-1,"maximum":1}},'
    '"required":["direction"],"additionalProperties":false}'
)
GPUS = 8
ROUNDS = 16
"""Requests for each slot in a measurement of throughput."""


@dataclass(frozen=True)
class FixedTime:
    """An engine in the replica that takes a fixed time: what is measured is Ray and ours."""

    seconds: float = 0.5
    shares_server: bool = False

    def make(self, *, name: str, workers: int, gpus: int) -> FixedEngine:
        """Return the engine."""
        return FixedEngine(self.seconds)


class FixedEngine:
    """Sleeps, then answers."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def start(self) -> EngineInfo:
        """Do nothing."""
        return self.info()

    async def ready(self) -> bool:
        """Serve always."""
        return True

    def info(self) -> EngineInfo:
        """Return what it is."""
        return EngineInfo(engine="fixed", model="fixed")

    async def generate(self, request: LlmRequest) -> LlmAnswer:
        """Answer after the fixed time."""
        await asyncio.sleep(self._seconds)
        return LlmAnswer(text=request.prompt, model="fixed", engine="fixed")

    async def stop(self) -> None:
        """Do nothing."""


def measure() -> dict[str, float]:
    """Return efficiency at 1, 4 and 16 in flight, the added latency, and the speed of 2, 4 and 8 replicas."""
    world = DemoProcess(options=(f"--llm-latency-s={LATENCY_S}", "--llm-parallel=64"))
    with world, ray_session(None, dashboard=False, fake_gpus=GPUS):
        return asyncio.run(_measure(world.base_url))


async def _measure(host: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    model = OllamaModel(host=host, model=MODEL)
    await model.start()
    spec = OllamaSpec(host=host, model=MODEL)
    for slots in (1, 4, 16):
        service = await _open(spec, workers=slots, replicas=1)
        direct_s, ours_s = [], []
        for turn in range(3):  # in turns, so that a noisy moment costs both alike
            direct_s.append(await _throughput(model.generate, slots, f"d{turn}", at_once=slots))
            ours_s.append(await _throughput(service.pool.ask, slots, f"o{turn}"))
        figures[f"llm_efficiency_{slots}"] = statistics.median(direct_s) / statistics.median(ours_s)
        if slots == 1:
            figures["llm_added_p50_s"] = await _added_s(model, service)
        await service.close()
    await model.stop()
    figures |= await _scaling()
    return figures


async def _open(spec: OllamaSpec | FixedTime, *, workers: int, replicas: int) -> Service:
    limits = LlmLimits(
        wish=ReplicaWish(least=replicas, most=replicas),
        workers=workers,
        queue_size=10_000,
        cache_ttl_s=0.0,
        timeout_s=600.0,
    )
    service = await open_service(
        spec, Opening(clock=SystemClock(), limits=limits, label=f"b{workers}x{replicas}")
    )
    assert isinstance(service, Service)
    while service.fleet.serving < replicas:  # noqa: ASYNC110  (no event tells of it)
        await asyncio.sleep(0.02)
    warm = [service.pool.ask(_request(f"warm {n}")) for n in range(workers * replicas)]
    await asyncio.gather(*warm)
    return service


def _request(prompt: str) -> LlmRequest:
    text = f"headline: invented {prompt}"
    return LlmRequest(key=text, system="s", prompt=text, schema=SCHEMA, timeout_s=600.0)


async def _throughput(
    ask: Callable[[LlmRequest], Awaitable[LlmAnswer | Reason]],
    slots: int,
    name: str,
    at_once: int | None = None,
) -> float:
    """Return the seconds for a backlog of requests, all asked for at once unless told otherwise."""
    begun_s = time.perf_counter()
    requests = [_request(f"{name} {n} {slots}") for n in range(slots * ROUNDS)]
    answers = await ask_all(ask, requests, at_once=at_once or len(requests))
    assert all(isinstance(answer, LlmAnswer) for answer in answers)
    return time.perf_counter() - begun_s


async def _added_s(model: OllamaModel, service: Service, times: int = 40) -> float:
    """Return how much longer one answer takes through the scheduler, at the median; in turns."""
    direct, ours = [], []
    for turn in range(times):
        begun_s = time.perf_counter()
        await model.generate(_request(f"a{turn}"))
        direct.append(time.perf_counter() - begun_s)
        begun_s = time.perf_counter()
        await service.pool.ask(_request(f"b{turn}"))
        ours.append(time.perf_counter() - begun_s)
    return statistics.median(ours) - statistics.median(direct)


async def _scaling(workers: int = 4) -> dict[str, float]:
    rates = {}
    for replicas in (1, 2, 4, 8):
        service = await _open(FixedTime(), workers=workers, replicas=replicas)
        seconds = [
            await _throughput(service.pool.ask, workers * replicas, f"s{replicas} {turn}")
            for turn in range(2)
        ]
        rates[replicas] = workers * replicas * ROUNDS / min(seconds)
        await service.close()
    return {f"llm_scaling_{n}": rates[n] / rates[1] for n in (2, 4, 8)}
