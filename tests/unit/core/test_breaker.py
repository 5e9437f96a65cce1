"""When a breaker opens, how long it rests, and that one request at a time probes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.breaker import Breaker
from catalyst_ray.errors import CircuitOpen


def test_the_breaker_opens_after_failures_and_lets_one_probe_through():
    """Three failures open it; then one request probes it, and its success closes the breaker."""
    breaker = Breaker(failures=3, rest_s=10.0)
    for _ in range(3):
        assert breaker.room(0.0) is None
        breaker.sent()
        breaker.failed(0.0)
    assert breaker.room(9.9) == 0
    assert breaker.retry_at_s() == 10.0
    assert breaker.room(10.0) == 1
    breaker.sent()
    assert breaker.room(10.0) == 0
    assert breaker.retry_at_s() == math.inf
    breaker.succeeded()
    assert breaker.room(10.0) is None


def test_a_failed_probe_opens_it_again():
    """One failure is enough in half-open."""
    breaker = Breaker(failures=1, rest_s=10.0)
    breaker.failed(0.0)
    breaker.sent()
    breaker.failed(12.0)
    assert breaker.room(21.9) == 0
    assert breaker.room(22.0) == 1


def test_a_host_that_names_a_wait_is_left_alone_for_so_long():
    """A wait that was asked for opens it at the first failure, and is longer or shorter than its own rest."""
    breaker = Breaker(failures=3, rest_s=10.0)
    breaker.admit(0.0)
    breaker.failed(0.0, retry_after_s=60.0)
    assert breaker.retry_at_s() == 60.0
    for now_s in (1.0, 2.0, 3.0):  # those that were under way
        breaker.failed(now_s)
    assert breaker.retry_at_s() == 60.0
    breaker.admit(60.0)
    breaker.failed(60.0, retry_after_s=2.0)
    assert breaker.retry_at_s() == 62.0


def test_while_it_rests_callers_are_told_when_to_come_back():
    """The refusal names who rests and for how long; during the probe nobody knows."""
    breaker = Breaker(failures=1, rest_s=10.0, name="Acme")
    breaker.admit(0.0)
    breaker.failed(0.0)
    with pytest.raises(CircuitOpen, match="Acme") as refused:
        breaker.admit(4.0)
    assert refused.value.retry_after_s == 6.0
    breaker.admit(10.0)
    with pytest.raises(CircuitOpen) as refused:
        breaker.admit(10.0)
    assert refused.value.retry_after_s is None


def test_the_rest_grows_with_each_failed_probe_to_its_limit():
    """Two, four, eight, eight: and a success begins anew."""
    breaker = Breaker(failures=1, rest_s=2.0, longest_rest_s=8.0)
    now, rests = 0.0, []
    for _ in range(4):
        breaker.admit(now)
        breaker.failed(now)
        rests.append(breaker.retry_at_s() - now)
        now = breaker.retry_at_s()
    assert rests == [2, 4, 8, 8]
    breaker.admit(now)
    breaker.succeeded()
    breaker.failed(now)
    assert breaker.retry_at_s() == now + 2


def test_a_probe_that_was_called_off_leaves_room_for_another():
    """A cancelled probe says nothing: the breaker stays half-open, and the next request probes."""
    breaker = Breaker(failures=1, rest_s=1.0)
    breaker.failed(0.0)
    breaker.admit(1.0)
    breaker.gave_up()
    assert breaker.room(1.0) == 1


@given(st.lists(st.sampled_from(["ask", "fail", "limit", "answer", "give up", "wait"]), max_size=60))
def test_never_two_probes_at_once(steps: list[str]):
    """Whatever happens in whatever order, an open breaker admits nobody and a half-open one a single request."""
    breaker, now, out = Breaker(failures=2, rest_s=5.0, longest_rest_s=20.0), 0.0, 0
    for step in steps:
        was_open = breaker.room(now) is not None
        if step == "ask":
            try:
                breaker.admit(now)
            except CircuitOpen:
                continue
            assert not was_open or breaker.room(now) == 0
            out += 1
        elif step == "wait":
            now += 3.0
        elif out:
            out -= 1
            {
                "fail": lambda: breaker.failed(now),  # noqa: B023  (called at once)
                "limit": lambda: breaker.failed(now, retry_after_s=7.0),  # noqa: B023
                "answer": breaker.succeeded,
                "give up": breaker.gave_up,
            }[step]()
