"""The double's limits: what each request is told, and what is held against its caller."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from catalyst_ray.demo.discord_limits import Limited, Traffic


class Clock:
    """Time that stands still."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def now_utc(self) -> datetime:
        """Return the invented time."""
        return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=self.now_s)

    def monotonic(self) -> float:
        """Return the invented seconds."""
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Do not sleep."""


def test_an_address_asks_fifty_times_a_second() -> None:
    """Posts and edits count together; the fifty-first is told so, and who asks on is impatient."""
    clock = Clock()
    traffic = Traffic(clock, route_window_s=2.0)
    for bucket in traffic._routes.values():
        bucket.limit = 100
    for number in range(50):
        traffic.admit("PATCH" if number % 5 else "POST")
    for _ in range(2):
        with pytest.raises(Limited) as caught:
            traffic.admit("PATCH")
        assert caught.value.scope == "global"
    assert traffic.violations == {"address": 1, "impatient": 1}
    clock.now_s += 1.0
    traffic.admit("PATCH")


def test_ten_thousand_refusals_in_ten_minutes_are_a_ban() -> None:
    """From then on Cloudflare answers, without a body."""
    clock = Clock()
    traffic = Traffic(clock)
    for _ in range(10_000):
        traffic.note_invalid()
    with pytest.raises(Limited) as caught:
        traffic.admit("POST")
    assert caught.value.body is None
    assert traffic.violations == {"ban": 1}
    clock.now_s += 601
    traffic.admit("POST")


def test_without_a_window_there_are_no_limits_and_no_headers_of_any() -> None:
    """As a relay answers."""
    traffic = Traffic(Clock(), route_window_s=0)
    assert [traffic.admit("POST") for _ in range(500)] == [{}] * 500
