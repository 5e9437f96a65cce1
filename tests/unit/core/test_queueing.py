"""The queue's order, bound, joins and counts, also under random histories."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from catalyst_ray.core.queueing import Outcome, RequestQueue

MAX_SIZE = 4


def offer(queue, key, *, priority=5, deadline_s=100.0, now_s=0.0):
    """Offer a key with its own name as payload."""
    return queue.offer(key, key, priority=priority, deadline_s=deadline_s, now_s=now_s)


def keys(batch):
    """Return the keys handed out, in order."""
    return [work.key for work in batch.work]


def test_the_more_urgent_goes_first_and_equals_keep_their_order():
    """Priority decides, then the order of arrival, also within one instant."""
    queue = RequestQueue(10)
    for key, priority in [("a", 5), ("b", 5), ("c", 0), ("d", 9), ("e", 5)]:
        offer(queue, key, priority=priority)
    assert keys(queue.take(0.0, 3)) == ["c", "a", "b"]
    assert keys(queue.take(0.0, 9)) == ["e", "d"]


def test_the_least_urgent_is_served_once_its_head_start_is_used_up():
    """A priority is a head start of ``ageing_s``: an old 9 passes a fresh 0 after nine of them."""
    queue = RequestQueue(10, ageing_s=2.0)
    offer(queue, "old", priority=9, now_s=0.0)
    offer(queue, "before", priority=0, now_s=17.9)
    offer(queue, "after", priority=0, now_s=18.1)
    assert keys(queue.take(19.0, 3)) == ["before", "old", "after"]


def test_identical_requests_are_joined_while_waiting_and_while_running():
    """Three callers of one key make one piece of work, and all get its answer once."""
    queue = RequestQueue(10)
    first = offer(queue, "k")
    second = offer(queue, "k")
    assert second.outcome is Outcome.JOINED
    assert keys(queue.take(1.0, 5)) == ["k"]
    third = offer(queue, "k", now_s=1.0)
    assert len(queue) == 0
    assert set(queue.done("k", 3.0)) == {first.ticket, second.ticket, third.ticket}
    assert queue.done("k", 3.0) == ()
    stats = queue.stats(3.0)
    assert (stats.requests, stats.joined, stats.completed, stats.worked, stats.seconds) == (3, 2, 3, 1, 2.0)


def test_an_urgent_joiner_pulls_the_request_forward():
    """What somebody needs at once is not held up because somebody else asked for it idly before."""
    queue = RequestQueue(10)
    offer(queue, "slow", priority=9)
    offer(queue, "other", priority=5)
    offer(queue, "slow", priority=0)
    assert keys(queue.take(0.0, 2)) == ["slow", "other"]


def test_a_full_queue_refuses_the_least_urgent():
    """The bound holds; a more urgent newcomer takes the place of the least urgent, all of whose callers learn it."""
    queue = RequestQueue(2)
    offer(queue, "a", priority=3)
    victims = (offer(queue, "b", priority=7).ticket, offer(queue, "b", priority=8).ticket)
    refused = offer(queue, "c", priority=7)
    assert refused.outcome is Outcome.REFUSED
    assert refused.reason is not None
    assert refused.reason.code == "queue_full"
    taken = offer(queue, "d", priority=6)
    assert taken.outcome is Outcome.QUEUED
    assert taken.displaced == victims
    assert keys(queue.take(0.0, 5)) == ["a", "d"]
    assert queue.stats(0.0).refused == 3


def test_expired_callers_are_told_and_their_work_is_not_handed_out():
    """Nobody waits past a deadline; a request goes on while one of its callers still has time."""
    queue = RequestQueue(10)
    late = offer(queue, "a", deadline_s=1.0)
    offer(queue, "b", deadline_s=1.0)
    offer(queue, "b", deadline_s=9.0)
    batch = queue.take(2.0, 5)
    assert late.ticket in batch.expired
    assert [(work.key, work.deadline_s) for work in batch.work] == [("b", 9.0)]
    assert offer(queue, "c", deadline_s=2.0, now_s=2.0).outcome is Outcome.REFUSED


def test_running_work_that_nobody_waits_for_can_still_end():
    """A late answer is counted as work and goes to nobody."""
    queue = RequestQueue(10)
    ticket = offer(queue, "a", deadline_s=1.0).ticket
    queue.take(0.0, 1)
    assert queue.expire(1.0) == (ticket,)
    assert queue.stats(1.0).busy == 1
    assert queue.done("a", 2.0) == ()
    assert queue.stats(2.0).busy == 0


def test_work_put_back_goes_first_among_its_equals_and_to_another():
    """A request that a replica lost keeps its place, its callers and its count of attempts; that replica is avoided."""
    queue = RequestQueue(10)
    ticket = offer(queue, "lost").ticket
    offer(queue, "next")
    assert [work.attempt for work in queue.take(1.0, 1, taker="one").work] == [1]
    assert queue.put_back("lost", avoid="one") == ()
    assert keys(queue.take(1.0, 1, taker="one")) == ["next"]
    again = queue.take(1.0, 5, taker="two").work
    assert [(work.key, work.attempt) for work in again] == [("lost", 2)]
    assert queue.done("lost", 2.0) == (ticket,)


def test_what_a_replica_does_for_nobody_is_known():
    """A request counts until its last caller's deadline, and is unwanted once all have gone while it runs."""
    queue = RequestQueue(10)
    first = offer(queue, "k", deadline_s=5.0)
    second = offer(queue, "k", deadline_s=9.0)
    assert (queue.deadline_s("k"), queue.is_unwanted("k")) == (9.0, False)
    queue.take(0.0, 1)
    queue.cancel(second.ticket)
    assert (queue.deadline_s("k"), queue.is_unwanted("k")) == (5.0, False)
    queue.cancel(first.ticket)
    assert (queue.deadline_s("k"), queue.is_unwanted("k")) == (-math.inf, True)
    assert queue.deadline_s("other") == -math.inf
    assert not queue.is_unwanted("other")


def test_whoever_is_alone_takes_what_avoids_it():
    """An empty taker takes anything; what nobody wants any more does not come back."""
    queue = RequestQueue(10)
    offer(queue, "a")
    left = offer(queue, "b").ticket
    queue.take(0.0, 2)
    queue.cancel(left)
    queue.put_back("a", avoid="one")
    queue.put_back("b", avoid="one")
    assert keys(queue.take(0.0, 5)) == ["a"]
    assert queue.stats(0.0).busy == 1


@pytest.mark.parametrize(("priority", "deadline_s"), [(-1, 9.0), (10, 9.0), (5, math.nan)])
def test_nonsense_is_refused_loudly(priority, deadline_s):
    """A priority out of range or a deadline that is no number is a bug of the caller."""
    with pytest.raises(ValueError, match="priority"):
        offer(RequestQueue(1), "a", priority=priority, deadline_s=deadline_s)


def test_the_wait_for_a_hand_out_is_counted_once():
    """How long requests waited says whether workers are short; what is put back does not wait anew."""
    queue = RequestQueue(10)
    offer(queue, "a", now_s=0.0)
    offer(queue, "b", now_s=1.0)
    queue.take(3.0, 1)
    queue.put_back("a")
    queue.take(9.0, 2)
    stats = queue.stats(9.0)
    assert (stats.taken, stats.waited_s) == (2, 3.0 + 8.0)


def test_what_was_answered_lately_and_is_asked_again_is_a_repeat(monkeypatch):
    """A cache that kept the answer would have spared it; what failed, or shares a request, is none."""
    monkeypatch.setattr("catalyst_ray.core.queueing.REMEMBERED", 2)
    queue = RequestQueue(10)
    for key, end in (("a", queue.done), ("b", queue.failed), ("a", queue.done), ("b", queue.done)):
        offer(queue, key)
        offer(queue, key)
        queue.take(1.0, 1)
        end(key, 2.0)
    assert queue.stats(2.0).repeated == 1
    offer(queue, "c")
    queue.take(3.0, 1)
    queue.done("c", 4.0)
    offer(queue, "a")  # forgotten by now: the memory is bounded
    assert queue.stats(5.0).repeated == 1


class QueueHistory(RuleBasedStateMachine):
    """Any history of offers, hand-outs, answers, cancels and passing time, against a plain model."""

    def __init__(self):
        super().__init__()
        self.queue = RequestQueue(MAX_SIZE, ageing_s=2.0)
        self.now_s = 0.0
        self.open: dict[int, tuple[str, float]] = {}
        self.left: list[int] = []
        self.places: dict[str, tuple[float, int]] = {}
        self.running: dict[str, tuple[float, int]] = {}
        self.avoid: dict[str, str] = {}
        self.offers = 0

    def leave(self, tickets):
        for ticket in tickets:
            del self.open[ticket]
            self.left.append(ticket)
        wanted = {key for key, _ in self.open.values()}
        self.places = {key: place for key, place in self.places.items() if key in wanted}

    def due(self):
        return {ticket for ticket, (_, deadline_s) in self.open.items() if deadline_s <= self.now_s}

    @rule(key=st.sampled_from("abcdefgh"), priority=st.integers(0, 9), patience_s=st.floats(0, 30))
    def offer(self, key, priority, patience_s):
        self.offers += 1
        deadline_s = self.now_s + patience_s
        known = key in self.places or key in self.running
        full = len(self.places) >= MAX_SIZE
        worst = max(self.places.values(), default=None)
        got = offer(self.queue, key, priority=priority, deadline_s=deadline_s, now_s=self.now_s)
        place = (self.now_s + 2.0 * priority, got.ticket)
        if deadline_s <= self.now_s or (not known and full and worst < place):
            assert got.outcome is Outcome.REFUSED
            self.left.append(got.ticket)
            return
        assert got.outcome is (Outcome.JOINED if known else Outcome.QUEUED)
        assert bool(got.displaced) == (full and not known)
        self.open[got.ticket] = (key, deadline_s)
        if not known:
            self.avoid.pop(key, None)
        if key not in self.running:
            self.places[key] = min(place, self.places.get(key, place))
        self.leave(got.displaced)

    @rule(n=st.integers(0, 3), taker=st.sampled_from(["", "one", "two"]))
    def take(self, n, taker):
        due = self.due()
        batch = self.queue.take(self.now_s, n, taker=taker)
        assert set(batch.expired) == due
        self.leave(batch.expired)
        fit = [key for key in self.places if not taker or self.avoid.get(key) != taker]
        expected = sorted(fit, key=self.places.__getitem__)[:n]
        assert keys(batch) == expected
        assert all(work.deadline_s > self.now_s for work in batch.work)
        for key in expected:
            self.running[key] = self.places.pop(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), avoid=st.sampled_from(["", "one", "two"]))
    def put_back(self, data, avoid):
        key = data.draw(st.sampled_from(sorted(self.running)))
        place = self.running.pop(key)
        displaced = self.queue.put_back(key, avoid=avoid)
        if key not in {of for of, _ in self.open.values()}:
            assert displaced == ()
            return
        self.places[key], self.avoid[key] = place, avoid
        victim = max(self.places, key=self.places.__getitem__)
        lost = {ticket for ticket, (of, _) in self.open.items() if of == victim}
        assert set(displaced) == (lost if len(self.places) > MAX_SIZE else set())
        self.leave(displaced)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), well=st.booleans())
    def answer(self, data, well):
        key = data.draw(st.sampled_from(sorted(self.running)))
        tickets = (self.queue.done if well else self.queue.failed)(key, self.now_s)
        assert set(tickets) == {ticket for ticket, (of, _) in self.open.items() if of == key}
        del self.running[key]
        self.leave(tickets)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def cancel(self, data):
        ticket = data.draw(st.sampled_from(sorted(self.open)))
        assert self.queue.cancel(ticket)
        assert not self.queue.cancel(ticket)
        self.leave([ticket])

    @rule(seconds=st.floats(0, 10))
    def pass_time(self, seconds):
        self.now_s += seconds

    @rule()
    def expire(self):
        due = self.due()
        tickets = self.queue.expire(self.now_s)
        assert set(tickets) == due
        self.leave(tickets)

    @invariant()
    def nothing_is_lost_and_nothing_answered_twice(self):
        stats = self.queue.stats(self.now_s)
        ended = (
            stats.cached + stats.refused + stats.expired + stats.cancelled + stats.completed + stats.failed
        )
        assert stats.requests == self.offers == ended + stats.open
        assert len(self.left) == len(set(self.left)) == ended
        assert stats.open == len(self.open)
        assert (stats.waiting, stats.busy) == (len(self.places), len(self.running))
        assert stats.waiting <= MAX_SIZE


QueueHistory.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


class TestQueueHistory(QueueHistory.TestCase):
    """Nothing is lost or answered twice; order, bound and counts hold in any history."""
