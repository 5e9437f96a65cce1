"""One GPU sampler a node of the cluster, as Ray actors: they come and go with the nodes, and never hold up a cycle.

Owns the actors and the asking; what is read and summed up is the sampler's.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import ActorUnavailableError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.capacity import spare_nodes
from catalyst_ray.cluster.gpu_sampler import NodeGpuWindow, NodeSampler, each_once

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from catalyst_ray.cluster.llm_replica import ReplicaInfo
    from catalyst_ray.models import GpuSample
    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
NAME = "sampler-"
"""Start of the samplers' names."""
ANSWER_S = 1.0
"""How long a cycle waits for its GPUs; a sampler takes some milliseconds."""
RESTARTS = 5
"""A sampler whose process ends so often is given up: the fault would come again."""
LEAVE_S = 30.0
"""A sampler leaves a node that is spare for so long: while an actor is on it, no autoscaler takes it away."""
AGAIN_S = 300.0
"""After so long another sampler is tried on a node whose GPUs could not be read."""


@dataclass(slots=True, eq=False)
class _Seat:
    """A node and its sampler, which is up once it has found a card."""

    node: str
    machine: tuple[str, str]
    gpus: float
    actor: Any = None
    is_up: bool = False
    is_late: bool = False
    asked: asyncio.Task[NodeGpuWindow | None] | None = None

    @property
    def host(self) -> str:
        return self.machine[0]


class ClusterGpus:
    """Every card that a node of the cluster sees; implements the port ``GpuWatch``.

    A sampler is started on every node once. It stays where it finds a card; else it says why there is none and
    goes, to be tried again later only where Ray counts GPUs. On this process's own node NVML is asked first. Nodes
    that an autoscaler could take away, since nothing runs on them, are left to it.

    Args:
        replicas: Where the language model's replicas run now.
        make_probe: Opens what reads the cards, on each node.
        spare: Returns the nodes that an autoscaler could take away.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        replicas: Callable[[], Sequence[ReplicaInfo]],
        make_probe: Callable[[], NvmlProbe] = NvmlProbe,
        spare: Callable[[], frozenset[str]] = spare_nodes,
    ) -> None:
        self._clock = clock
        self._replicas = replicas
        self._make_probe = make_probe
        self._spare = spare
        self._seats: dict[str, _Seat] = {}
        self._used_s: dict[str, float] = {}
        self._try_again_s: dict[str, float] = {}
        self._looking: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        context: Any = RAY.get_runtime_context()
        self._own_node = str(context.get_node_id())
        self._namespace = f"catalyst-{context.get_job_id()}"

    def start(self) -> None:
        """Look for nodes that came or went; needs a running event loop."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="gpu-watch")

    async def window(self, seconds: float) -> tuple[GpuSample, ...]:
        """Return what every card did in the last ``seconds``; those that do not answer in time are left out."""
        async with self._turn:  # whoever asks second would miss the samplers that are being asked
            return await self._window(seconds)

    @property
    def hosts(self) -> frozenset[str]:
        """Return the nodes whose cards are watched."""
        return frozenset(seat.host for seat in self._seats.values() if seat.is_up)

    async def _window(self, seconds: float) -> tuple[GpuSample, ...]:
        self.start()  # for the next time: a node that came a moment ago has done nothing yet
        free = [seat for seat in self._seats.values() if seat.is_up and seat.asked is None]
        asked = [self._begin(seat, self._ask(seat, seconds)) for seat in free]
        if not asked:
            return ()
        done, _ = await asyncio.wait(asked, timeout=ANSWER_S)
        for seat in free:
            if seat.asked is not None and not seat.is_late:
                seat.is_late = True
                log.warning("the GPUs of a node are not read in time", extra={"node": seat.host})
        windows = [window for task in asked if task in done and (window := task.result()) is not None]
        return each_once(windows)

    async def close(self) -> None:
        """End the samplers."""
        tasks: list[asyncio.Task[Any] | None] = [self._looking, *(one.asked for one in self._seats.values())]
        open_tasks = [task for task in tasks if task is not None]
        for task in open_tasks:
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)
        for seat in list(self._seats.values()):
            self._drop(seat)

    async def _look(self) -> None:
        try:
            nodes, spare = await asyncio.to_thread(lambda: (RAY.nodes(), self._spare()))
        except Exception:  # the boundary: a cycle is whole without figures of GPUs
            log.exception("the nodes' GPUs could not be looked for")
            return
        alive = {str(node["NodeID"]): node for node in nodes if node["Alive"]}
        used = alive.keys() - spare | {info.node for info in self._replicas()}
        now_s = self._clock.monotonic()
        self._used_s = {name: now_s if name in used else self._used_s.get(name, 0.0) for name in alive}
        self._try_again_s = {name: at_s for name, at_s in self._try_again_s.items() if name in alive}
        for seat in list(self._seats.values()):
            if seat.node not in alive:
                log.info("a node is gone, and its GPUs", extra={"node": seat.host})
                self._drop(seat)
            elif now_s - self._used_s[seat.node] > LEAVE_S:
                log.info("a node is left to the autoscaler, unwatched", extra={"node": seat.host})
                self._drop(seat)
        for name in alive.keys() & used - self._seats.keys():
            if self._try_again_s.get(name, 0.0) <= now_s:
                self._sit(name, alive[name])

    def _sit(self, name: str, node: Mapping[str, Any]) -> None:
        machine = (str(node["NodeManagerHostname"]), str(node["NodeManagerAddress"]))
        seat = self._seats[name] = _Seat(name, machine, float(node["Resources"].get("GPU", 0.0)))
        self._begin(seat, self._open(seat))

    def _begin(
        self, seat: _Seat, work: Coroutine[Any, Any, NodeGpuWindow | None]
    ) -> asyncio.Task[NodeGpuWindow | None]:
        seat.asked = asyncio.create_task(self._guarded(seat, work), name="gpu-sampler")
        return seat.asked

    async def _guarded(
        self, seat: _Seat, work: Coroutine[Any, Any, NodeGpuWindow | None]
    ) -> NodeGpuWindow | None:
        try:
            return await work
        except ActorUnavailableError:  # its process ended, and Ray makes another
            if not seat.is_up:
                self._drop(seat)  # the next look begins anew
            return None
        except RayError as error:
            if self._seats.get(seat.node) is not seat:  # we ended it ourselves while it was asked
                return None
            words = f"{type(error).__name__}: {str(error).strip()[-300:]}"
            log.warning("the GPU sampler of a node has ended", extra={"node": seat.host, "why": words})
        except Exception:  # the boundary: a cycle is whole without figures of GPUs
            log.exception("watching the GPUs of a node failed", extra={"node": seat.host})
        finally:
            seat.asked = None
        self._pass_over(seat)
        return None

    async def _open(self, seat: _Seat) -> None:
        # On this node no process is started for nothing: most machines have no card.
        if seat.node == self._own_node and not await asyncio.to_thread(self._sees_cards):
            self._pass_over(seat)
            return
        options = {
            "name": f"{NAME}{seat.node}",
            "namespace": self._namespace,
            "num_cpus": 0,
            "num_gpus": 0,
            "max_restarts": RESTARTS,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(seat.node, soft=False),
            "enable_task_events": False,  # a call each cycle would only fill Ray's table of tasks
        }
        actor_class: Any = RAY.remote(**options)(NodeSampler)
        seat.actor = actor_class.remote(seat.host, self._make_probe)
        window = await self._ask(seat, 0.0)
        if window.cards:
            seat.is_up = True
            names = [card.name for card in window.cards]
            log.info("GPUs are watched", extra={"node": seat.host, "gpus": names})
            return
        level = logging.WARNING if seat.gpus else logging.INFO
        words = {"node": seat.host, "why": window.reason, "gpus_that_ray_counts": seat.gpus}
        log.log(level, "no GPU to watch on a node", extra=words)
        self._pass_over(seat)

    def _sees_cards(self) -> bool:
        with self._make_probe() as probe:
            return bool(probe.sample(full=False))

    async def _ask(self, seat: _Seat, seconds: float) -> NodeGpuWindow:
        replicas = {
            info.pid: info.name
            for info in self._replicas()
            # By machine: nodes that share one see the same cards.
            if info.node in self._seats and self._seats[info.node].machine == seat.machine
        }
        window: NodeGpuWindow = await seat.actor.window.remote(seconds, replicas)
        seat.is_late = False
        for words in window.news if window.cards or seat.is_up else ():
            log.warning("GPUs", extra={"node": seat.host, "what": words})
        return window

    def _pass_over(self, seat: _Seat) -> None:
        rest_s = AGAIN_S if seat.gpus else math.inf
        self._try_again_s[seat.node] = self._clock.monotonic() + rest_s
        self._drop(seat)

    def _drop(self, seat: _Seat) -> None:
        if self._seats.get(seat.node) is seat:
            del self._seats[seat.node]
        if seat.actor is not None:
            RAY.kill(seat.actor)
            seat.actor = None
