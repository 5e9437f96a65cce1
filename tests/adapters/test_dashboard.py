"""A Ray dashboard asked without a token: open, guarded, silent, or none."""

from __future__ import annotations

import socket

import pytest

from catalyst_ray.adapters.dashboard import Door, knock, own_addresses
from catalyst_ray.core.hosts import is_loopback
from tests.adapters.small_server import answering


@pytest.mark.parametrize(
    ("status", "body", "door"),
    [
        (200, b"[]", Door.OPEN),
        (401, b"Unauthorized", Door.GUARDED),
        (403, b"Forbidden", Door.GUARDED),
        (200, b"<html>another program</html>", Door.NONE),
        (404, b"", Door.NONE),
        (500, b"[]", Door.NONE),
    ],
)
def test_what_a_stranger_meets(status: int, body: bytes, door: Door) -> None:
    """Only a list of jobs is an open door, and a refusal a guarded one; no token is sent to find out."""
    with answering(status, body) as (url, sent):
        assert knock(url, timeout_s=5) is door
    assert [name for headers in sent for name in headers if "auth" in name.lower() or name == "Cookie"] == []


def test_nobody_and_somebody_who_says_nothing() -> None:
    """A closed port is no dashboard; one that does not answer is silent, which is not the same as guarded."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert knock(url, timeout_s=5) is Door.NONE
        listener.listen()
        assert knock(url, timeout_s=0.2) is Door.SILENT


def test_own_addresses_are_those_that_others_reach() -> None:
    """Loopback and link-local addresses are left out."""
    found = own_addresses()
    assert [one for one in found if is_loopback(one) or one.startswith(("fe80", "169.254"))] == []
