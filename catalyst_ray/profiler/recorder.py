"""Takes down what a run does, cycle by cycle: reports, memory, queues, and what the instruments saw.

Counted cycles run as they would without it: queues are looked at ten times a second, processes are read after a
cycle, and instruments that cost time have cycles of their own behind them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalyst_ray.adapters.processes import RayTree
from catalyst_ray.cluster.facts import cluster_facts, gcs_address, ray_cost
from catalyst_ray.models import QueueMoment
from catalyst_ray.profiler.instruments import CallMeter, GrowthMeter
from catalyst_ray.profiler.wish import EXTRA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from catalyst_ray.app import Running
    from catalyst_ray.cluster.llm_replica import ReplicaInfo
    from catalyst_ray.models import CycleReport, ProcessReading
    from catalyst_ray.ports import Clock
    from catalyst_ray.profiler.wish import ProfileWish

log = logging.getLogger(__name__)

LOOK_S = 0.1
MOST_MOMENTS = 2_400
"""When there are more, every second one is dropped and it looks half as often."""


class Recorder:
    """What one run told.

    Args:
        next_load: Called after each cycle but the last two, with the number of the next: the closing one gets no load.
    """

    def __init__(self, wish: ProfileWish, *, clock: Clock, next_load: Callable[[int], None]) -> None:
        self._wish = wish
        self._clock = clock
        self._next_load = next_load
        self._tree: RayTree | None = None
        self._replicas: Mapping[int, str] = {}
        self.reports: list[CycleReport] = []
        self.readings: list[tuple[ProcessReading, ...]] = []
        self.moments: list[QueueMoment] = []
        self.facts: dict[str, str | float] = {}
        self.ray_s: dict[str, float] = {}
        self.model, self.model_words = "", ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self.calls, self.growth = CallMeter(), GrowthMeter()
        self._switches = self._plan()

    def on_report(self, report: CycleReport) -> None:
        """Take down a cycle, in a thread; then let the next one have its instruments and its load."""
        if report.number <= self._wish.cycles:
            self.reports.append(report)
            if self._tree is not None and self._wish.kind != "cycle":
                self.readings.append(self._tree.read(self._replicas))
            self._wish.tell(report)
        for switch in self._switches.get(report.number, ()):
            switch()
        if report.number < self._wish.total - 1:
            self._next_load(report.number + 1)

    @contextmanager
    def around(self, running: Running) -> Iterator[None]:
        """Look at the queues while the cycles run; then measure Ray beside them."""
        self.facts = cluster_facts()
        self._tree = RayTree(gcs_address())
        self._loop = asyncio.get_running_loop()
        looking = self._loop.create_task(self._look(running), name="profile-look")
        try:
            yield
        finally:
            looking.cancel()
            self.calls.stop()
            self.growth.stop()
        if self._wish.kind != "cycle" and self.reports:
            self.ray_s = ray_cost(self._clock)

    def _plan(self) -> dict[int, list[Callable[[], None]]]:
        """Return what is switched after which cycle: the instruments follow the counted cycles, one by one."""
        plan: defaultdict[int, list[Callable[[], None]]] = defaultdict(list)
        last = self._wish.cycles
        if self._wish.cprofile:
            plan[last].append(lambda: self._in_loop(self.calls.start))
            last += EXTRA
            plan[last].append(lambda: self._in_loop(self.calls.stop))
        if self._wish.tracemalloc:
            plan[last].append(self.growth.start)
            plan[last + 1].append(self.growth.mark)  # what the first cycle fills is no growth
            plan[last + EXTRA].append(self.growth.stop)
        return plan

    def _in_loop(self, switch: Callable[[], None]) -> None:
        """Switch in the thread that is looked at."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(switch)

    async def _look(self, running: Running) -> None:
        begun_s, pause_s = self._clock.monotonic(), LOOK_S
        while len(self.reports) < self._wish.cycles:
            replicas = running.replicas()
            self.model = _model(replicas) or self.model
            self.model_words = running.model()
            self._replicas = {info.pid: info.name for info in replicas}
            self.moments.append(_moment(self._clock.monotonic() - begun_s, running))
            if len(self.moments) >= MOST_MOMENTS:
                del self.moments[::2]
                pause_s *= 2
            await self._clock.sleep(pause_s)


def _model(replicas: Sequence[ReplicaInfo]) -> str:
    engines = dict.fromkeys(info.engine for info in replicas)
    return ", ".join(f"{one.model} by {one.engine} on {one.device}" for one in engines)


def _moment(at_s: float, running: Running) -> QueueMoment:
    llm, charts = running.queues["llm"](), running.queues["charts"]()
    return QueueMoment(
        at_s=at_s,
        llm_waiting=int(llm.get("waiting", 0)),
        llm_busy=int(llm.get("busy", 0)),
        llm_oldest_s=llm.get("oldest_age_s", 0.0),
        charts_waiting=int(charts.get("waiting", 0)),
        charts_busy=int(charts.get("busy", 0)),
        charts_oldest_s=charts.get("oldest_age_s", 0.0),
    )
