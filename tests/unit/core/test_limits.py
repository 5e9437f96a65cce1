"""Waiting rules: back-off grows to its cap, and no window holds more requests than a host allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.limits import MAX_HOSTS, Pace, Pacer, Turns, backoff_s, pace_group


@pytest.mark.parametrize(("failures", "expected"), [(1, 30), (2, 60), (5, 480), (6, 900), (1_000, 900)])
def test_backoff_doubles_to_its_cap(failures: int, expected: float) -> None:
    """The wait doubles per failure and stops at the cap, however many failures there were."""
    assert backoff_s(failures, base_s=30, cap_s=900, jitter=0.0) == expected


def test_backoff_jitter_takes_at_most_a_quarter() -> None:
    """Feeds that fail together come back apart, but never sooner than three quarters of the wait."""
    assert 22.5 < backoff_s(1, base_s=30, cap_s=900, jitter=0.99) < 30


def test_backoff_refuses_zero_failures() -> None:
    """A wait for no failure is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least 1"):
        backoff_s(0, base_s=1, cap_s=2, jitter=0)


@pytest.mark.parametrize("host", ["www.sec.gov", "data.sec.gov", "sec.gov"])
def test_sec_hosts_are_one_group(host: str) -> None:
    """All of SEC's hosts share one budget; look-alike names do not."""
    assert pace_group(f"https://{host}/x") == "sec.gov"
    assert pace_group("https://notsec.gov/x") == "notsec.gov"


@given(st.lists(st.floats(min_value=0, max_value=0.5), min_size=30, max_size=80))
def test_sec_gets_at_most_ten_a_second(gaps: list[float]) -> None:
    """Whenever requests are asked for, any window of one second sends at most 10 to SEC."""
    pacer, now, sent = Pacer(), 100.0, []
    for gap in gaps:
        now += gap
        sent.append(now + pacer.reserve("https://www.sec.gov/cgi-bin", now_s=now))
    sent.sort()
    assert all(later - first >= 1.0 for first, later in zip(sent, sent[10:], strict=False))


def test_hosts_do_not_slow_each_other() -> None:
    """A busy host costs another one nothing."""
    pacer = Pacer()
    waits = [pacer.reserve("https://a.example/", now_s=1.0) for _ in range(20)]
    assert waits[-1] > 2.0
    assert pacer.reserve("https://b.example/", now_s=1.0) == 0.0


def test_turns_tell_the_wait_without_taking_it() -> None:
    """Looking books nothing: who finds the wait too long leaves the turn to others."""
    turns = Turns(Pace(rate_per_s=2.0, burst=2))
    assert [turns.reserve(10.0) for _ in range(3)] == [0.0, 0.0, 0.5]
    assert [turns.wait_s(10.0) for _ in range(3)] == [1.0, 1.0, 1.0]
    assert turns.reserve(20.0) == 0.0


def test_hosts_of_long_ago_are_forgotten() -> None:
    """However many hosts are asked, only those whose pace still matters are remembered."""
    pacer = Pacer()
    for number in range(MAX_HOSTS + 5):
        pacer.reserve(f"https://h{number}.example/", now_s=float(number))
    assert len(pacer._hosts) < 10
