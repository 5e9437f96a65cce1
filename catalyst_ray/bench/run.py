"""Joins the cluster of the settings, or starts a Ray here, and measures one part after the other."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from catalyst_ray import settings_llm, wiring
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.bench.charts import chart_rate
from catalyst_ray.bench.figures import BenchReport, ChartRate, CycleRate, ModelRate
from catalyst_ray.bench.model import TIMEOUT_S, model_rate
from catalyst_ray.cluster.chart_pool import ChartPool
from catalyst_ray.cluster.engines import choose_engine
from catalyst_ray.cluster.service import Opening, Service, open_service
from catalyst_ray.cluster.session import ray_session
from catalyst_ray.errors import CatalystError
from catalyst_ray.profiler import ProfileWish, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

Part = Literal["charts", "model", "cycles"]
PARTS: tuple[Part, ...] = get_args(Part)
LABEL = "bench"
"""Names the replicas, so that they are not taken for those of a driver that runs."""
LOOK_S = 0.2
ROUNDS = 16
"""Requests for each slot of each replica, unless a number is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchWish:
    """What to measure, and how much of it.

    Args:
        charts: To draw.
        requests: To the language model; None = 16 for each slot of each replica.
        replicas: Of the language model; None = LLM_MIN_REPLICAS.
        cycles: Over the invented market.
        fake_gpus: GPUs that a local cluster pretends to have; None counts the real ones.
    """

    parts: tuple[Part, ...] = PARTS
    charts: int = 300
    requests: int | None = None
    replicas: int | None = None
    cycles: int = 8
    fake_gpus: int | None = None


def bench(settings: Settings, wish: BenchWish) -> BenchReport:
    """Measure what is wished for; a part that cannot be measured is left out and noted.

    The user's store, sinks and files are left alone. A driver that runs on the same cluster is measured along: what
    it uses is not there for this.

    Raises:
        ConfigError: The cluster cannot be joined.
    """
    notes: list[str] = []
    with ray_session(
        settings.ray_address,
        dashboard=False,
        fake_gpus=wish.fake_gpus,
        allow_open=settings.allow_open_dashboard,
    ) as session:
        where = "this machine" if session.is_local else session.address
        report = BenchReport(where=where, nodes=session.nodes, cpus=session.cpus, gpus=session.gpus)
        if "charts" in wish.parts:
            report = replace(
                report, charts=_try("charts", lambda: asyncio.run(_charts(settings, wish)), notes)
            )
        if "model" in wish.parts:
            report = replace(report, model=_try("model", lambda: asyncio.run(_model(settings, wish)), notes))
    if "cycles" in wish.parts:
        report = replace(report, cycles=_try("cycles", lambda: _cycles(settings, wish), notes))
    return replace(report, notes=tuple(notes))


def _try(part: Part, work: Callable[[], T], notes: list[str]) -> T | None:
    log.info("measuring", extra={"part": part})
    try:
        return work()
    except CatalystError as error:
        notes.append(f"{part}: {error}")
        return None


async def _charts(settings: Settings, wish: BenchWish) -> ChartRate:
    clock = SystemClock()
    workers = settings.chart_queue_workers
    pool = ChartPool(clock=clock, workers=workers, cache_ttl_s=0.0, timeout_s=TIMEOUT_S)
    try:
        await pool.start()
        look = wiring.chart_look(settings)
        return await chart_rate(pool, charts=wish.charts, workers=workers, clock=clock, look=look)
    finally:
        await pool.close()


async def _model(settings: Settings, wish: BenchWish) -> ModelRate:
    """Start replicas as the program would, as many as are wished for, and ask them.

    Raises:
        CatalystError: There is no engine, no room for a replica, or they do not start.
    """
    choice = await choose_engine(settings_llm.engine_wish(settings))
    if choice.spec is None:
        raise CatalystError(choice.words)
    limits = settings_llm.llm_limits(settings)
    least = wish.replicas or limits.wish.least
    limits = replace(limits, timeout_s=TIMEOUT_S, wish=replace(limits.wish, least=least, most=least))
    clock = SystemClock()
    service = await open_service(choice.spec, Opening(clock=clock, limits=limits, label=LABEL))
    if not isinstance(service, Service):
        raise CatalystError(service.words)
    try:
        serving = await _all_serve(service, limits.start_timeout_s)
        requests = wish.requests or ROUNDS * serving * limits.workers
        return await model_rate(
            service.pool.ask,
            service.info.engine,
            requests=requests,
            slots=limits.workers,
            replicas=serving,
            clock=clock,
        )
    finally:
        await service.close()


async def _all_serve(service: Service, timeout_s: float) -> int:
    """Wait until every replica that was placed serves, and return how many do."""
    try:
        async with asyncio.timeout(timeout_s):
            while service.fleet.serving < service.plan.start:  # noqa: ASYNC110  (no event tells of it)
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        log.warning(
            "not every replica serves in time; those that do are measured",
            extra={"serving": service.fleet.serving, "asked": service.plan.start},
        )
    return service.fleet.serving


def _cycles(settings: Settings, wish: BenchWish) -> CycleRate:
    # The user's engine judges: the market's scripted one listens on the driver's loopback, which other nodes do not reach.
    profile = measure(settings, ProfileWish(cycles=wish.cycles, own_model=True, fake_gpus=wish.fake_gpus))
    counts = [report.counts for report in profile.cycles]
    return CycleRate(
        cycles=len(counts),
        p50_s=profile.cycle_s.p50,
        p95_s=profile.cycle_s.p95,
        items=sum(one["new"] for one in counts) / len(counts),
        alerts=sum(one["alert"] + one["released"] for one in counts) / len(counts),
        stages_s={stage.stage: stage.cycle_s.p50 for stage in profile.stages},
    )
