"""The fleet: who starts, who is woken, who is restarted, who is added and who goes. No Ray, a clock that is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from catalyst_ray.cluster import fleet as module
from catalyst_ray.cluster.fleet import Fleet, FleetLimits
from catalyst_ray.cluster.growth import Pending
from catalyst_ray.cluster.llm_pool import LlmPool
from catalyst_ray.cluster.llm_replica import ReplicaHealth, ReplicaInfo
from catalyst_ray.errors import ReplicaLost, TransportError
from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest

pytestmark = pytest.mark.anyio

INFO = EngineInfo(engine="test", model="m")


class ToldClock:
    """Time that moves when told; sleepers look at it each turn of the loop."""

    def __init__(self):
        self.now_s = 1_000.0

    def monotonic(self):
        return self.now_s

    async def sleep(self, seconds):
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:  # noqa: ASYNC110  (time passes by assignment)
            await asyncio.sleep(0.001)

    async def pass_s(self, seconds, step_s=0.25):
        """Let time pass in steps, with the loop running between them."""
        for _ in range(round(seconds / step_s)):
            self.now_s += step_s
            await settle()


async def settle():
    """Let every task run until it waits."""
    for _ in range(6):
        await asyncio.sleep(0.0015)


async def give_up(asked):
    """End callers that would wait for ever."""
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


@dataclass
class FakeManaged:
    """A replica under the test's hands."""

    name: str
    workers: int = 2
    is_ours: bool = True
    problems: list = field(default_factory=list)
    """Raised by the next starts, one each; an event is waited for."""
    ready: bool = True
    health_error: Exception | None = None
    silent: bool = False
    gate: asyncio.Event | None = None
    log: list = field(default_factory=list)
    info: ReplicaInfo | None = None

    async def start(self, timeout_s, *, fresh=False):
        self.log.append("fresh" if fresh else "start")
        if self.problems:
            problem = self.problems.pop(0)
            if isinstance(problem, asyncio.Event):
                await problem.wait()
            else:
                raise problem
        self.info = ReplicaInfo(
            name=self.name, pid=1, node="n", gpu_ids=(), visible_devices=None, engine=INFO
        )
        return self.info

    async def health(self, timeout_s):
        self.log.append("health")
        if self.health_error:
            raise self.health_error
        return ReplicaHealth(ready=self.ready, engine=INFO)

    async def generate(self, requests, *, timeout_s):
        if self.silent:
            await asyncio.sleep(3600)
        if self.gate:
            await self.gate.wait()
        for index, asked in enumerate(requests):
            yield index, LlmAnswer(text=f"re {asked.prompt}", model="m", engine="test", replica=self.name)

    def drop(self, key):
        self.log.append(f"drop {key}")

    def restart(self):
        self.log.append("restart")

    def kill(self):
        self.log.append("kill")

    async def close(self):
        self.log.append("close")


class Made:
    """Makes replicas by name, changed as planned, and keeps them."""

    def __init__(self):
        self.replicas = []
        self.plans = {}
        self.changes = {}

    def __call__(self, name):
        number = len(self.replicas)
        replica = FakeManaged(name, problems=list(self.plans.get(number, ())), **self.changes.get(number, {}))
        self.replicas.append(replica)
        return replica

    def __getitem__(self, number):
        return self.replicas[number]


@dataclass
class World:
    """A fleet with its pool, clock and replicas."""

    pool: LlmPool
    fleet: Fleet
    clock: ToldClock
    made: Made
    room: list
    told: list
    pending: list
    """The last one is what a replica without a place waits for."""

    async def ask(self, key, timeout_s=60.0):
        """Ask for one answer."""
        return await self.pool.ask(
            LlmRequest(key=key, system="", prompt=key, schema="{}", timeout_s=timeout_s)
        )

    def asking(self, count):
        """Ask for many, in the background."""
        return [asyncio.create_task(self.ask(f"k{i}")) for i in range(count)]


@pytest.fixture
async def worlds():
    """Return a maker of worlds; all are closed afterwards."""
    made_worlds = []

    def make(
        *, start=1, least=None, most=4, target_s=5.0, idle_s=60.0, start_timeout_s=300.0, silence_s=20.0
    ):
        clock, made, room, told = ToldClock(), Made(), [most], []
        pool = LlmPool(clock=clock, silence_s=silence_s)
        pool.start()
        limits = FleetLimits(
            start=start,
            least=start if least is None else least,
            most=most,
            workers=2,
            start_timeout_s=start_timeout_s,
            target_s=target_s,
            idle_s=idle_s,
        )
        waits = [Pending("waits for a GPU")]
        fleet = Fleet(
            pool,
            made,
            limits,
            clock=clock,
            room=lambda: room[0],
            tell=told.append,
            pending=lambda: waits[-1],
        )
        made_worlds.append(World(pool, fleet, clock, made, room, told, waits))
        return made_worlds[-1]

    yield make
    for world in made_worlds:
        await world.fleet.close()
        await world.pool.close()


async def test_it_opens_with_the_first_that_serves_and_the_others_join(worlds):
    """A slow replica holds nobody up, and serves when it is there."""
    world = worlds(start=2)
    slow = asyncio.Event()
    world.made.plans[0] = [slow]
    assert (await world.fleet.open()).name == "llm-1"
    assert (world.fleet.serving, world.fleet.size) == (1, 2)
    assert [info.name for info in world.fleet.places] == ["llm-1"]
    slow.set()
    await settle()
    assert world.fleet.serving == 2
    assert [info.name for info in world.fleet.places] == ["llm-1", "llm-0"]


async def test_if_none_starts_the_first_reason_is_told_and_nothing_is_left(worlds):
    """Every replica that does not start is closed."""
    world = worlds(start=2)
    world.made.plans = {0: [TransportError("first")], 1: [TransportError("second")]}
    with pytest.raises(TransportError, match="first"):
        await world.fleet.open()
    assert [replica.log[-1] for replica in world.made.replicas] == ["close", "close"]


async def test_a_replica_that_waits_for_a_gpu_says_so(worlds, monkeypatch):
    """The start waits without limit for its place, and tells what it waits for; then what the engine does."""
    monkeypatch.setattr(module, "TELL_EVERY_S", 0.01)
    world = worlds(start_timeout_s=5.0)
    placed = asyncio.Event()
    world.made.plans[0] = [placed]
    world.made.changes[0] = {"health_error": TransportError("no answer")}
    opening = asyncio.create_task(world.fleet.open())
    while not world.told:  # noqa: ASYNC110  (time is the test's)
        await asyncio.sleep(0.005)
    assert world.told[0] == "llm-0 waits for a GPU"
    world.clock.now_s += 1_000.0
    await asyncio.sleep(0.03)
    assert not opening.done()
    world.made[0].health_error = None
    await asyncio.sleep(0.03)
    assert world.told[-1] == "llm-0 ready"
    world.clock.now_s += 6.0
    with pytest.raises(TransportError, match=r"did not start within 5 s"):
        await opening


async def test_a_replica_without_any_chance_of_a_place_is_given_up(worlds, monkeypatch):
    """It is ended at once, since it has no process to stop, and none is added for a while."""
    monkeypatch.setattr(module, "TELL_EVERY_S", 0.01)
    world = worlds(most=2, target_s=1.0)
    world.pending.append(Pending("waits in vain", is_vain=True))
    await world.fleet.open()
    world.made.plans[1] = [asyncio.Event()]
    world.made.changes = {0: {"silent": True}, 1: {"health_error": TransportError("no process")}}
    world.made[0].silent = True
    asked = world.asking(9)
    await world.clock.pass_s(2.0)
    assert world.fleet.size == 2
    while world.fleet.size == 2:
        world.clock.now_s += 20.0
        await asyncio.sleep(0.02)
    assert world.told == ["llm-1 waits in vain"]
    assert world.made[1].log[-1] == "kill"
    await world.clock.pass_s(100.0, step_s=1.0)
    assert len(world.made.replicas) == 2
    await give_up(asked)


async def test_no_replica_stays_where_none_need_and_a_request_brings_one(worlds):
    """The last goes after quiet; the next request starts one, and waiting for it starts no second."""
    world = worlds(start=1, least=0, most=3, target_s=1.0, idle_s=5.0)
    await world.fleet.open()
    await world.clock.pass_s(8.0)
    assert world.fleet.size == 0
    placed = asyncio.Event()
    world.made.plans[1] = [placed]
    (asked,) = world.asking(1)
    await world.clock.pass_s(30.0)
    assert (world.fleet.size, len(world.made.replicas)) == (1, 2)
    placed.set()
    await world.clock.pass_s(1.0)
    assert (await asked).text == "re k0"


async def test_of_two_nodes_the_newer_one_falls_idle(worlds):
    """Replicas go by node: one left on each would keep both."""
    world = worlds(start=4, least=2, idle_s=5.0)
    await world.fleet.open()
    await settle()
    for place, node in enumerate("abab"):
        replica = world.made[place]
        replica.info = replace(replica.info, node=node)
    await world.clock.pass_s(8.0)
    assert [info.node for info in world.fleet.places] == ["a", "a"]


async def test_a_lost_replica_is_started_afresh_and_serves_again(worlds):
    """What it had in hand is answered after its return, and the restart is counted."""
    world = worlds()
    await world.fleet.open()
    world.made[0].silent = True
    asked = asyncio.create_task(world.ask("a"))
    await settle()
    world.pool.lose(world.pool.seats[0])
    world.made[0].silent = False
    await world.clock.pass_s(1.0)
    assert (await asked).text == "re a"
    assert world.made[0].log.count("fresh") == 1
    assert (world.fleet.restarts, world.fleet.serving) == (1, 1)


async def test_a_replica_of_another_driver_is_let_go_when_it_is_lost(worlds):
    """It is not ours to restart: it leaves, and who waits is told at once."""
    world = worlds(start=1, most=1)
    world.room[0] = 0
    theirs = FakeManaged("theirs", is_ours=False, silent=True)
    assert (await world.fleet.adopt([theirs], 1.0)).name == "theirs"
    asked = asyncio.create_task(world.ask("a"))
    await settle()
    world.pool.lose(world.pool.seats[0])
    await world.clock.pass_s(1.0)
    assert (await asked).detail == "the replicas are gone"
    assert world.pool.seats == []
    assert not {"fresh", "restart", "kill"} & set(theirs.log)


async def test_a_start_that_fails_takes_a_new_process_and_then_patience(worlds):
    """The second try has a new process; later ones wait longer and longer, without end."""
    world = worlds()
    await world.fleet.open()
    world.made[0].problems = [TransportError("still down")] * 3
    world.pool.lose(world.pool.seats[0])
    await world.clock.pass_s(2.0)
    assert world.made[0].log.count("restart") == 1
    assert world.fleet.serving == 0
    await world.clock.pass_s(8.0)
    assert world.fleet.serving == 1


async def test_an_engine_that_does_not_serve_is_restarted_after_two_looks(worlds):
    """One slow look is no reason; two are. A request that failed makes it look at once."""
    world = worlds()
    await world.fleet.open()
    await world.clock.pass_s(1.0)
    world.made[0].ready = False
    world.pool.seats[0].is_suspect = True
    await world.clock.pass_s(0.25)
    assert world.pool.seats[0].is_up
    world.made[0].log.clear()
    await world.clock.pass_s(1.0)
    assert "fresh" in world.made[0].log
    assert world.fleet.restarts == 1


async def test_a_health_check_without_answer_counts_as_one_that_failed(worlds):
    """A process that hangs altogether is lost as well."""
    world = worlds()
    await world.fleet.open()
    world.made[0].health_error = ReplicaLost("gone")
    await world.clock.pass_s(7.0)
    world.made[0].health_error = None
    await world.clock.pass_s(1.0)
    assert world.fleet.restarts >= 1


async def test_silence_under_green_health_restarts_the_process(worlds, caplog):
    """A hung engine answers health checks for ever: only the watchdog can tell."""
    world = worlds(silence_s=20.0)
    await world.fleet.open()
    world.made[0].silent = True
    asked = asyncio.create_task(world.ask("a", timeout_s=120.0))
    await world.clock.pass_s(19.0, step_s=1.0)
    assert "restart" not in world.made[0].log
    world.made[0].silent = False
    await world.clock.pass_s(3.0)
    assert "restart" in world.made[0].log
    assert "it answers nothing though its health is green" in str([r.__dict__ for r in caplog.records])
    assert (await asked).text == "re a"


async def test_a_full_queue_adds_replicas_and_quiet_takes_them_away_again(worlds):
    """More work than one can do in time brings more, up to what the cluster holds; then they go, drained."""
    world = worlds(most=3, target_s=1.0, idle_s=30.0)
    gate = asyncio.Event()
    world.made.changes[0] = {"gate": gate}
    await world.fleet.open()
    asked = world.asking(12)
    await world.clock.pass_s(4.0)
    assert len(world.made.replicas) >= 2
    gate.set()
    await world.clock.pass_s(4.0)
    assert all(got.text for got in await asyncio.gather(*asked))
    await world.clock.pass_s(40.0, step_s=1.0)
    assert world.fleet.size == 1
    assert world.made[0].log[-1] != "close"
    assert world.made[1].log[-1] == "close"


async def test_it_never_adds_more_than_the_cluster_holds(worlds):
    """Work without end on a cluster without room changes nothing."""
    world = worlds(most=4, target_s=1.0)
    world.room[0] = 1
    world.made.changes[0] = {"silent": True}
    await world.fleet.open()
    asked = world.asking(20)
    await world.clock.pass_s(6.0)
    assert world.fleet.size == 1
    await give_up(asked)


async def test_a_replica_that_goes_finishes_what_it_has(worlds):
    """Draining sends nothing more and ends when the last answer is out."""
    world = worlds(start=1, most=2, target_s=1.0, idle_s=5.0)
    gates = asyncio.Event(), asyncio.Event()
    world.made.changes = {0: {"gate": gates[0]}, 1: {"gate": gates[1]}}
    await world.fleet.open()
    asked = world.asking(6)
    await world.clock.pass_s(4.0)
    assert world.fleet.serving == 2
    held = [seat for seat in world.pool.seats if seat.load]
    assert len(held) == 2
    gates[0].set()
    world.fleet._shrink(1)
    await world.clock.pass_s(1.0)
    assert "close" not in world.made[1].log
    gates[1].set()
    await world.clock.pass_s(1.0)
    assert all(got.text for got in await asyncio.gather(*asked))
    assert world.made[1].log[-1] == "close"


async def test_closing_ends_whatever_is_starting(worlds):
    """No actor is left waiting for a GPU."""
    world = worlds(start=2)
    world.made.plans[1] = [asyncio.Event()]
    await world.fleet.open()
    await world.fleet.close()
    assert "kill" in world.made[1].log
    assert "kill" not in world.made[0].log


async def test_closing_does_not_wait_for_lost_replicas(worlds):
    """A node that is dead would not answer: the program has few seconds to end in."""
    world = worlds(start=2)
    await world.fleet.open()
    await settle()
    world.made[0].problems = [TransportError("its node is gone")] * 9
    world.pool.lose(world.pool.seats[0])
    await world.clock.pass_s(1.0)
    await world.fleet.close()
    assert "kill" in world.made[0].log
    assert "kill" not in world.made[1].log


async def test_a_fault_in_the_watching_is_survived(worlds, caplog):
    """An exception that nobody foresaw is logged, and the next look is taken."""
    world = worlds()
    await world.fleet.open()
    faults = [KeyError("bug")]
    real = world.pool.stats

    def stats():
        if faults:
            raise faults.pop()
        return real()

    world.pool.stats = stats
    await world.clock.pass_s(1.0)
    assert "looking after the replicas failed" in caplog.text
    world.pool.lose(world.pool.seats[0])
    await world.clock.pass_s(1.0)
    assert world.fleet.restarts == 1
