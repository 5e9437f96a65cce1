"""What systemd hears, on a real socket of its kind."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.systemd import MAX_VALUE_CHARS, Systemd
from catalyst_ray.pipeline.pulse import Pulse
from tests.adapters.notify_socket import heard, notify_socket

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("is_abstract", [False, True])
def test_it_is_heard(tmp_path: Path, is_abstract: bool) -> None:
    """All states of one call in one message, a line each, on a path and on an abstract name."""
    address = f"@catalyst-{secrets.token_hex(8)}" if is_abstract else str(tmp_path / "notify")
    with notify_socket(address) as ear:
        systemd = Systemd(address)
        systemd.tell(READY="1", STATUS="one\nREADY=0 \t two")
        assert ear.recv(4096) == b"READY=1\nSTATUS=one READY=0 two"
        systemd.tell(STATUS="x" * 2_000)
        assert len(ear.recv(4096)) == len("STATUS=") + MAX_VALUE_CHARS
        systemd.close()


def test_nobody_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once and costs nothing; without an address nothing is tried."""
    caplog.set_level(logging.WARNING)
    systemd = Systemd(str(tmp_path / "gone"))
    systemd.tell(READY="1")
    systemd.tell(WATCHDOG="1")
    systemd.close()
    assert [record.message for record in caplog.records] == ["the supervisor cannot be told how this does"]
    Systemd(None).tell(READY="1")
    assert len(caplog.records) == 1


def test_a_full_socket_holds_nobody_up(tmp_path: Path) -> None:
    """A supervisor that reads nothing must not stop the driver."""
    address = str(tmp_path / "notify")
    with notify_socket(address):
        systemd = Systemd(address)
        for _ in range(5_000):
            systemd.tell(STATUS="x" * 400)
        systemd.close()


@pytest.mark.anyio
async def test_a_loop_that_stands_still_gives_no_sign(tmp_path: Path) -> None:
    """Signs come from the loop itself: while it is blocked there are none, after it there are again."""
    address = str(tmp_path / "notify")
    with notify_socket(address) as ear:
        pulse = Pulse(Systemd(address), clock=SystemClock(), watchdog_s=0.06, patience_s=60.0)
        async with pulse.beating(asyncio.Event().wait):
            await asyncio.sleep(0.2)
            assert len(heard(ear)) >= 2
            time.sleep(0.3)  # noqa: ASYNC251  (the hang)
            assert heard(ear) == []
            await asyncio.sleep(0.2)
            assert len(heard(ear)) >= 2
