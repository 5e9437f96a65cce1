"""Hosts: what means this machine, however it is written."""

from __future__ import annotations

import pytest

from catalyst_ray.core.hosts import is_loopback


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.0.1", "::1"])
def test_this_machine(host: str) -> None:
    """Its name in any case, all of 127/8 and IPv6's own."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org"]
)
def test_another_one(host: str) -> None:
    """Every address at once is not this machine alone, and a stranger's name only looks like it."""
    assert not is_loopback(host)
