"""The pool's promises: every caller answered once and in time, whatever the replicas do.

The first half drives the pool with replicas in this process, the second with Ray actors on fake GPUs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field

import pytest
from ray import cloudpickle  # noqa: TID253  (these tests are about Ray)

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster.llm_pool import LlmPool
from catalyst_ray.cluster.llm_replica import LlmReplica
from catalyst_ray.cluster.placement import plan_replicas
from catalyst_ray.errors import ParseError, TransportError
from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest, Reason

pytestmark = pytest.mark.anyio
# Ray's workers cannot import a test file: what it defines travels by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def request(key, *, timeout_s=5.0, priority=5):
    """Return a request whose prompt is its key."""
    return LlmRequest(key=key, system="s", prompt=key, schema="{}", timeout_s=timeout_s, priority=priority)


def answer(asked, replica=""):
    """Return the echo of a request."""
    return LlmAnswer(text=f"re {asked.prompt}", model="echo", engine="test", replica=replica)


@dataclass
class FakeReplica:
    """Answers by a function from request to answer, error or exception; None is never answered."""

    name: str
    reply: object = None
    workers: int = 2
    asked: list = field(default_factory=list)
    closed: bool = False

    async def generate(self, requests, *, timeout_s):
        self.asked.extend(requests)
        for index, asked in reversed(list(enumerate(requests))):
            outcome = self.reply(asked) if self.reply else answer(asked, self.name)
            if isinstance(outcome, BaseException) and not isinstance(outcome, TransportError | ParseError):
                raise outcome
            if outcome is None:
                await asyncio.sleep(3600)
            await asyncio.sleep(0)
            yield index, outcome

    async def close(self):
        self.closed = True


class Pools:
    """Makes pools and closes them."""

    def __init__(self):
        self.made = []

    def __call__(self, *replicas, **settings):
        pool = LlmPool(replicas, clock=SystemClock(), **settings)
        pool.start()
        self.made.append(pool)
        return pool


@pytest.fixture
async def pools():
    """Return a maker of started pools, all closed afterwards."""
    made = Pools()
    yield made
    for pool in made.made:
        await pool.close()


async def ask_all(pool, requests):
    """Ask for all at once; answers in the order of the requests."""
    async with asyncio.timeout(60):
        return await asyncio.gather(*(pool.ask(asked) for asked in requests))


async def test_every_request_gets_its_own_answer_and_both_replicas_work(pools):
    """Answers come out of order and in batches, and still reach who asked."""
    one, two = FakeReplica("one"), FakeReplica("two")
    pool = pools(one, two)
    answers = await ask_all(pool, [request(f"k{i}") for i in range(9)])
    assert [got.text for got in answers] == [f"re k{i}" for i in range(9)]
    assert one.asked
    assert two.asked
    stats = pool.stats()
    assert (stats.requests, stats.completed, stats.open, stats.busy) == (9, 9, 0, 0)


async def test_identical_requests_reach_the_engine_once(pools):
    """Four identical prompts cost one generation."""
    one = FakeReplica("one")
    pool = pools(one)
    answers = await ask_all(pool, [request("same")] * 4)
    assert {got.text for got in answers} == {"re same"}
    assert len(one.asked) == 1
    assert pool.stats().joined == 3


async def test_a_failed_replicas_requests_go_to_another_once(pools):
    """A refusal by one replica is made good by the other; refusals by both are told, each asked once."""
    bad = FakeReplica("bad", lambda _: TransportError("down"))
    good = FakeReplica("good")
    answers = await ask_all(pools(bad, good), [request("a"), request("b")])
    assert [got.text for got in answers] == ["re a", "re b"]
    assert [got.replica for got in answers] == ["good", "good"]
    worse = FakeReplica("worse", lambda _: TransportError("down too"))
    (lost,) = await ask_all(pools(bad, worse), [request("c")])
    assert lost.code == "llm_failed"
    assert [asked.key for asked in bad.asked + worse.asked].count("c") == 2


async def test_garbage_is_not_asked_for_twice(pools):
    """An unreadable answer fails at once: the same prompt gives the same elsewhere, and the replica is sound."""
    one, two = (FakeReplica(name, lambda _: ParseError("no JSON")) for name in ("one", "two"))
    pool = pools(one, two)
    for key in "abcdefgh":
        assert await pool.ask(request(key)) == Reason("llm_failed", "unreadable answer")
    assert len(one.asked) + len(two.asked) == 8


async def test_a_silent_replica_costs_its_callers_their_deadline_and_no_more(pools):
    """The caller is told at the deadline; others are served meanwhile."""
    pool = pools(FakeReplica("one", lambda asked: None if asked.key == "hang" else answer(asked)))
    hung, other = await ask_all(pool, [request("hang", timeout_s=0.1), request("b")])
    assert hung.code == "llm_deadline"
    assert (await pool.ask(request("c"))).text == "re c"
    assert other.text == "re b"
    assert pool.stats().expired == 1


async def test_the_engine_gets_only_the_time_that_is_left(pools):
    """A request that waited must not hold an engine beyond its caller's patience."""
    one = FakeReplica("one")
    await pools(one).ask(request("a", timeout_s=3.0))
    assert 0 < one.asked[0].timeout_s <= 3.0


async def test_a_bug_in_a_replica_costs_its_batch_only(pools):
    """An exception that nobody foresaw is a failure of the requests in hand, and the pool goes on."""
    pool = pools(FakeReplica("one", lambda asked: KeyError("bug") if asked.key == "bad" else answer(asked)))
    assert (await pool.ask(request("bad"))).code == "llm_failed"
    assert (await pool.ask(request("good"))).text == "re good"


async def test_a_request_passed_over_is_asked_for_once_more(pools):
    """A batch repeated by Ray may skip an answer: the pool notices, and gives up the second time."""

    @dataclass
    class Forgetful(FakeReplica):
        forget: int = 1

        async def generate(self, requests, *, timeout_s):
            async for index, outcome in super().generate(requests, timeout_s=timeout_s):
                if requests[index].key == "b" and self.forget:
                    self.forget -= 1
                else:
                    yield index, outcome

    answers = await ask_all(pools(Forgetful("one")), [request("a"), request("b")])
    assert [got.text for got in answers] == ["re a", "re b"]
    (lost,) = await ask_all(pools(Forgetful("one", forget=2)), [request("b")])
    assert lost == Reason("llm_failed", "the model does not answer")


async def test_a_full_queue_refuses_the_least_urgent(pools):
    """One runs, one waits, and the less urgent of two more is told at once."""
    pool = pools(FakeReplica("one", lambda _: None, workers=1), queue_size=1)
    running = asyncio.create_task(pool.ask(request("running", timeout_s=0.3)))
    await asyncio.sleep(0.05)
    urgent, idle = await ask_all(pool, [request("u", priority=1, timeout_s=0.2), request("i", priority=9)])
    assert idle.code == "llm_refused"
    assert urgent.code == "llm_deadline"
    assert (await running).code == "llm_deadline"


async def test_while_every_replica_rests_requests_are_refused_at_once(pools):
    """An alert does not wait for an engine known to be down; after the rest one request probes it."""
    down = True
    pool = pools(
        FakeReplica("one", lambda asked: TransportError("down") if down else answer(asked)), rest_s=0.2
    )
    for key in "abc":
        assert (await pool.ask(request(key))).code == "llm_failed"
    assert (await pool.ask(request("d"))).code == "llm_refused"
    down = False
    await asyncio.sleep(0.25)
    assert (await pool.ask(request("e"))).text == "re e"
    assert (await pool.ask(request("f"))).text == "re f"


async def test_a_fault_of_the_dispatch_loop_is_survived(pools, caplog):
    """An exception that nobody foresaw there is logged, and the next request is served with the first."""

    class Faulty(FakeReplica):
        faults = 1

        @property
        def workers(self):
            if self.faults:
                self.faults -= 1
                raise KeyError("bug")
            return 2

        @workers.setter
        def workers(self, value):
            pass

    pool = pools(Faulty("one"))
    first = asyncio.create_task(pool.ask(request("a")))
    while "sharing out failed" not in caplog.text:  # noqa: ASYNC110  (no event tells of a log line)
        await asyncio.sleep(0)
    assert (await pool.ask(request("b"))).text == "re b"
    assert (await first).text == "re a"


async def test_a_caller_is_let_go_though_nobody_serves(monkeypatch):
    """The deadline holds even when the dispatch loop does not run, and the caller counts as expired."""
    monkeypatch.setattr("catalyst_ray.cluster.llm_pool.GRACE_S", 0.02)
    pool = LlmPool([FakeReplica("one")], clock=SystemClock())
    assert await pool.ask(request("a", timeout_s=0.02)) == Reason("llm_deadline", "no answer in time")
    assert (pool.stats().expired, pool.stats().open, pool.stats().waiting) == (1, 0, 0)
    await pool.close()


async def test_closing_answers_whoever_waits_and_ends_the_replicas():
    """Nobody is left waiting by the program's end."""
    replica = FakeReplica("one", lambda _: None)
    pool = LlmPool([replica], clock=SystemClock())
    pool.start()
    waiting = [asyncio.create_task(pool.ask(request(key))) for key in "abc"]
    await asyncio.sleep(0.05)
    await pool.close()
    assert {(await task).code for task in waiting} == {"llm_failed"}
    assert replica.closed


class Engine:
    """Takes a fixed time for each answer."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.started = 0
        self.cancelled = 0

    async def start(self):
        self.started += 1
        return EngineInfo(engine="fixed", model="echo")

    async def generate(self, asked):
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if asked.prompt == "fail":
            raise TransportError("refused", status=503)
        return answer(asked)

    async def stop(self):
        pass


@dataclass(frozen=True)
class EngineRecipe:
    """Makes the fixed engine in a replica."""

    seconds: float = 0.0

    def make(self, *, workers):
        return Engine(self.seconds)


@dataclass(frozen=True)
class NoEngine:
    """An engine that does not start."""

    def make(self, *, workers):
        engine = Engine(0)

        async def start():
            raise TransportError("model missing", hint="ollama pull zeta")

        engine.start = start
        return engine


async def test_a_replica_gives_errors_as_values_with_their_place():
    """A failed request costs its batch nothing, and the engine starts once, when first needed."""
    replica = LlmReplica(EngineRecipe(), name="r", workers=2)
    outcomes = {
        index: got async for index, got in replica.generate([request("a"), request("fail"), request("b")])
    }
    assert (outcomes[0].text, outcomes[2].text) == ("re a", "re b")
    assert outcomes[0].replica == "r"
    assert outcomes[1].status == 503
    again = [got async for _, got in replica.generate([request("c")])]
    assert again[0].text == "re c"
    assert replica._running.model.started == 1


async def test_a_replica_drops_what_its_caller_gave_up():
    """The engine does not go on generating for nobody."""
    replica = LlmReplica(EngineRecipe(30.0), name="r", workers=2)
    stream = replica.generate([request("a"), request("b"), request("c")])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.05)
    await stream.aclose()
    assert replica._running.model.cancelled == 2


async def open_pool(recipe, *, replicas, label):
    """Start replicas on the session's Ray and a pool over them."""
    from catalyst_ray.cluster.remote_replica import start_replicas

    plan = plan_replicas(2, replicas, replicas)
    started = await start_replicas(recipe, plan, workers=3, timeout_s=60, label=label)
    pool = LlmPool([replica for replica, _ in started], clock=SystemClock())
    pool.start()
    return pool, [replica for replica, _ in started]


async def kill(replica, after_s):
    """SIGKILL the actor's process."""
    info = await replica.start(30)
    await asyncio.sleep(after_s)
    os.kill(info.pid, signal.SIGKILL)


async def has_ended(pid):
    """Wait until a process is gone."""
    async with asyncio.timeout(20):
        while os.path.exists(f"/proc/{pid}"):  # noqa: ASYNC110, ASYNC240, PTH110  (no event tells of it)
            await asyncio.sleep(0.05)
    return True


async def test_two_replicas_see_one_gpu_each_and_leave_nothing_behind(ray_session):
    """Ray gives device 0 to one and 1 to the other, both serve, and close ends both processes."""
    pool, replicas = await open_pool(EngineRecipe(0.05), replicas=2, label="gpus")
    infos = [await replica.start(30) for replica in replicas]
    assert sorted(info.gpu_ids for info in infos) == [("0",), ("1",)]
    assert sorted(info.visible_devices for info in infos) == ["0", "1"]
    answers = await ask_all(pool, [request(f"g{i}") for i in range(8)])
    assert [got.text for got in answers] == [f"re g{i}" for i in range(8)]
    assert {got.replica for got in answers} == {"gpus-0", "gpus-1"}
    await pool.close()
    assert all([await has_ended(info.pid) for info in infos])


async def test_a_killed_actors_requests_are_answered_by_the_other(ray_session):
    """SIGKILL in mid-request loses nothing, and the actor comes back by itself."""
    pool, replicas = await open_pool(EngineRecipe(0.4), replicas=2, label="kill")
    before = await replicas[0].start(30)
    killer = asyncio.create_task(kill(replicas[0], 0.2))
    answers = await ask_all(pool, [request(f"k{i}", timeout_s=20) for i in range(6)])
    await killer
    assert [got.text for got in answers] == [f"re k{i}" for i in range(6)]
    assert (await replicas[0].start(30)).pid != before.pid
    await pool.close()


async def test_a_lone_killed_actor_answers_after_its_restart_or_the_deadline_does(ray_session):
    """With time enough the call is repeated by the restarted actor; without, the caller is told in time."""
    pool, (replica,) = await open_pool(EngineRecipe(0.5), replicas=1, label="lone")
    killer = asyncio.create_task(kill(replica, 0.2))
    patient = await ask_all(pool, [request(f"p{i}", timeout_s=30) for i in range(3)])
    await killer
    assert [got.text for got in patient] == ["re p0", "re p1", "re p2"]
    killer = asyncio.create_task(kill(replica, 0.2))
    hurried = await ask_all(pool, [request(f"h{i}", timeout_s=0.45) for i in range(3)])
    await killer
    assert {got.code for got in hurried} == {"llm_deadline"}
    await pool.close()


async def test_an_engine_that_does_not_start_is_an_error_with_its_hint(ray_session):
    """The error crosses Ray as itself."""
    with pytest.raises(TransportError, match="ollama pull zeta"):
        await open_pool(NoEngine(), replicas=2, label="none")


@dataclass(frozen=True)
class Slow:
    """An engine whose start takes longer than anyone waits."""

    def make(self, *, workers):
        engine = Engine(0)

        async def start():
            await asyncio.sleep(3600)

        engine.start = start
        return engine


async def is_free(gpus):
    """Wait until the cluster's GPUs are all free again."""
    import ray

    async with asyncio.timeout(20):
        while ray.available_resources().get("GPU", 0) < gpus:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.05)
    return True


async def test_a_start_given_up_leaves_no_actor_behind(ray_session):
    """Who ends while models load gets the GPUs back at once."""
    from catalyst_ray.cluster.remote_replica import start_replicas

    plan = plan_replicas(2, 2, 2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await start_replicas(Slow(), plan, workers=1, timeout_s=60, label="given-up")
    assert await is_free(2)
