"""The pool's promises: every caller answered once and in time, whatever the replicas do.

Drives the pool with replicas in this process; ``test_replicas.py`` does it with Ray actors.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster.llm_pool import LlmPool
from catalyst_ray.errors import ParseError, ReplicaLost, TransportError
from catalyst_ray.models import LlmAnswer, LlmRequest, Reason

pytestmark = pytest.mark.anyio


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
    dropped: list = field(default_factory=list)

    def drop(self, key):
        self.dropped.append(key)

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


class ToldClock:
    """Time that moves when told."""

    def __init__(self):
        self.now_s = 1_000.0

    def monotonic(self):
        return self.now_s


class Pools:
    """Makes pools and closes them."""

    def __init__(self):
        self.made = []

    def __call__(self, *replicas, clock=None, **settings):
        pool = LlmPool(replicas, clock=clock or SystemClock(), **settings)
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


async def test_tokens_are_summed_by_answer_of_an_engine(pools):
    """Four callers of one prompt cost its tokens once; what failed costs none."""

    def reply(asked):
        if asked.prompt == "bad":
            return TransportError("no", status=400)
        return replace(answer(asked), prompt_tokens=100, output_tokens=7)

    pool = pools(FakeReplica("one", reply))
    await ask_all(pool, [*(request("same") for _ in range(4)), request("other"), request("bad")])
    assert (pool.prompt_tokens, pool.answer_tokens) == (200, 14)


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
    pool = pools()
    asked = asyncio.create_task(pool.ask(request("a", timeout_s=3.0)))
    await asyncio.sleep(0.1)
    pool.add(one)
    await asked
    assert 0 < one.asked[0].timeout_s <= 2.91


async def test_a_bug_in_a_replica_costs_its_batch_only(pools):
    """An exception that nobody foresaw is a failure of the requests in hand, and the pool goes on."""
    pool = pools(FakeReplica("one", lambda asked: KeyError("bug") if asked.key == "bad" else answer(asked)))
    assert (await pool.ask(request("bad"))).code == "llm_failed"
    assert (await pool.ask(request("good"))).text == "re good"


async def test_a_request_passed_over_is_asked_for_once_more(pools):
    """A stream may end without an answer: the pool notices, and gives up the second time."""

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
    """One runs, one is sent ahead, one waits, and the less urgent of two more is told at once."""
    one = FakeReplica("one", lambda _: None, workers=1)
    pool = pools(one, queue_size=1)
    for key in ("running", "ahead"):
        pool.held = asyncio.create_task(pool.ask(request(key, timeout_s=60.0)))
        while key not in [asked.key for asked in one.asked]:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.005)
    urgent, idle = await ask_all(pool, [request("u", priority=1, timeout_s=0.2), request("i", priority=9)])
    assert idle.code == "llm_refused"
    assert urgent.code == "llm_deadline"


async def test_while_every_replica_rests_requests_are_refused_at_once(pools):
    """An alert does not wait for an engine known to be down; after the rest one request probes it."""
    clock = ToldClock()
    down = True
    replica = FakeReplica("one", lambda asked: TransportError("down") if down else answer(asked))
    pool = pools(replica, rest_s=30.0, clock=clock)
    for key in "abc":
        assert (await pool.ask(request(key))).code == "llm_failed"
    assert (await pool.ask(request("d"))).code == "llm_refused"
    down = False
    clock.now_s += 30.0
    assert (await pool.ask(request("e"))).text == "re e"
    assert (await pool.ask(request("f"))).text == "re f"


async def test_a_fault_of_the_dispatch_loop_is_survived(pools, caplog):
    """An exception that nobody foresaw there is logged, and the next request is served with the first."""

    class Faulty(FakeReplica):
        reads = 0

        @property
        def workers(self):
            self.reads += 1
            if self.reads == 2:  # the first is the pool's when it takes the replica in
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


async def test_what_a_lost_replica_had_in_hand_goes_to_another(pools):
    """A replica that is gone gets nothing more; its requests are answered by the other, each once."""
    lost = FakeReplica("lost", lambda _: ReplicaLost("its process is gone"), workers=4)

    async def gone(requests, *, timeout_s):
        lost.asked.extend(requests)
        raise ReplicaLost("its process is gone")
        yield

    lost.generate = gone
    good = FakeReplica("good", workers=4)
    pool = pools(lost, good)
    answers = await ask_all(pool, [request(f"k{i}") for i in range(6)])
    assert {got.replica for got in answers} == {"good"}
    assert lost.asked
    assert not pool.seats[0].is_up
    asked = len(lost.asked)
    assert (await pool.ask(request("later"))).replica == "good"
    assert len(lost.asked) == asked
    pool.seats[1].is_leaving = True
    pool.take_back(pool.seats[0])
    del lost.generate
    lost.reply = None
    assert (await pool.ask(request("again"))).replica == "lost"


async def test_requests_wait_for_the_only_replica_to_come_back(pools):
    """While the one replica is lost the queue holds; whoever has time is answered after its return."""
    one = FakeReplica("one", lambda _: None)
    pool = pools(one)
    patient = asyncio.create_task(pool.ask(request("a")))
    await asyncio.sleep(0.02)
    pool.lose(pool.seats[0])
    hurried = await pool.ask(request("b", timeout_s=0.05))
    assert hurried.code == "llm_deadline"
    one.reply = None
    pool.take_back(pool.seats[0])
    assert (await patient).text == "re a"
    assert pool.stats().completed == 1


async def test_a_replica_that_leaves_gets_nothing_and_a_new_one_serves(pools):
    """Replicas come and go under load, and every request is answered."""
    one = FakeReplica("one")
    pool = pools(one)
    await pool.ask(request("a"))
    pool.seats[0].is_leaving = True
    waiting = asyncio.create_task(pool.ask(request("b")))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    pool.add(FakeReplica("two"))
    assert (await waiting).replica == "two"
    pool.remove(pool.seats[0])
    assert [seat.replica.name for seat in pool.seats] == ["two"]


async def test_more_than_its_slots_is_sent_ahead_so_that_an_engine_never_waits(pools):
    """Half as many again as the slots are in a replica's hands, and no more."""
    one = FakeReplica("one", lambda _: None, workers=4)
    pool = pools(one)
    waiting = [asyncio.create_task(pool.ask(request(f"k{i}", timeout_s=0.2))) for i in range(10)]
    await asyncio.sleep(0.05)
    assert len(one.asked) == 6
    assert {(await task).code for task in waiting} == {"llm_deadline"}


async def test_a_request_that_was_cut_off_waits_until_its_replica_was_looked_at(pools):
    """The only replica's server broke off: nothing is sent into it until somebody has looked, then once more."""
    broken = True
    one = FakeReplica("one", lambda asked: TransportError("cut off") if broken else answer(asked))
    pool = pools(one)
    seat = pool.seats[0]
    seat.is_watched = True
    asked = asyncio.create_task(pool.ask(request("a", timeout_s=60.0)))
    while not seat.is_suspect:  # noqa: ASYNC110  (no event tells of it)
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    assert (len(one.asked), asked.done()) == (1, False)
    broken = False
    seat.is_suspect = False
    pool.look_again()
    assert (await asked).text == "re a"


async def test_whoever_waits_is_told_when_there_will_be_no_answer(pools):
    """The last replica of another driver is gone: nobody waits out a deadline."""
    pool = pools(FakeReplica("one", lambda _: None))
    asked = asyncio.create_task(pool.ask(request("a", timeout_s=60.0)))
    await asyncio.sleep(0.02)
    pool.remove(pool.seats[0])
    pool.turn_away("the replicas are gone")
    assert await asked == Reason("llm_failed", "the replicas are gone")
    assert pool.stats().open == 0


async def test_impatient_callers_do_not_put_a_slow_replica_to_rest(pools):
    """Requests whose time ran out at once say nothing of the replica: the next patient one is served."""

    @dataclass
    class Slow(FakeReplica):
        async def generate(self, requests, *, timeout_s):
            for index, asked in enumerate(requests):
                if asked.key == "patient":
                    yield index, answer(asked, self.name)
                else:
                    await asyncio.sleep(asked.timeout_s + 0.01)
                    yield index, TransportError(f"no answer within {asked.timeout_s} s")

    pool = pools(Slow("one", workers=8))
    for key in "abcdef":
        assert (await pool.ask(request(key, timeout_s=0.02))).code == "llm_deadline"
    async with asyncio.timeout(5):
        while pool.stats().busy:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.01)
    assert (await pool.ask(request("patient"))).text == "re patient"


async def test_who_joins_late_gets_a_second_try_by_its_own_deadline(pools):
    """The first caller's time is out when the replica is lost; the one who joined has time, and is answered."""
    lost = FakeReplica("lost", lambda _: None)
    pool = pools(lost)
    hurried = asyncio.create_task(pool.ask(request("same", timeout_s=0.2)))
    while not lost.asked:  # noqa: ASYNC110  (no event tells of it)
        await asyncio.sleep(0.005)
    patient = asyncio.create_task(pool.ask(request("same", timeout_s=60.0)))
    assert (await hurried).code == "llm_deadline"
    pool.lose(pool.seats[0])
    pool.add(FakeReplica("other"))
    assert (await patient).replica == "other"


async def test_a_replica_lost_before_its_batch_began_keeps_no_load(pools):
    """What was handed out in the same moment goes to another, and nothing is left on the lost one's account."""
    lost = FakeReplica("lost")
    pool = pools(lost)
    send = pool._send

    def send_and_lose(seat, work, now_s):
        send(seat, work, now_s)
        pool.lose(seat)

    pool._send = send_and_lose
    asked = asyncio.create_task(pool.ask(request("a")))
    while pool.seats[0].is_up:  # noqa: ASYNC110  (no event tells of it)
        await asyncio.sleep(0)
    pool._send = send
    pool.add(FakeReplica("other"))
    assert (await asked).text == "re a"
    assert pool.seats[0].load == 0
    assert pool.stats().busy == 0


async def test_what_nobody_wants_any_more_is_dropped_by_its_replica(pools):
    """Cancelling the last of its callers ends a generation; one that others wait for goes on."""
    one = FakeReplica("one", lambda _: None, workers=4)
    pool = pools(one)
    shared = [asyncio.create_task(pool.ask(request("shared", timeout_s=60.0))) for _ in range(2)]
    alone = asyncio.create_task(pool.ask(request("alone", timeout_s=60.0)))
    while len(one.asked) < 2:  # noqa: ASYNC110  (no event tells of it)
        await asyncio.sleep(0.005)
    for task in (shared[0], alone):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert one.dropped == ["alone"]
    assert (pool.stats().cancelled, pool.stats().open) == (2, 1)
    shared[1].cancel()
