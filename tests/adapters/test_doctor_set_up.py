"""The doctor's checks of what the driver needs: folders that stay, a page that can be served, checks that hang."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from catalyst_ray.adapters import machine
from catalyst_ray.doctor.set_up import check_set_up
from catalyst_ray.doctor.steps import blocking, step
from catalyst_ray.errors import TransportError
from catalyst_ray.models import Finding
from catalyst_ray.settings import Settings
from tests.adapters.small_server import answering

pytestmark = pytest.mark.anyio


async def findings(tmp_path, **settings: Any) -> dict[str, Finding]:
    """Return the findings by name."""
    usual = {"out_dir": tmp_path / "out", "quickchart_image_dir": tmp_path / "charts"}
    return {one.name: one async for one in check_set_up(Settings(**{**usual, **settings}))}


async def test_a_folder_that_ray_deletes_does_not_keep_a_store(tmp_path) -> None:
    """Inside /tmp/ray, or a session's folder wherever it is, is a failure; another temporary folder a warning."""
    session = tmp_path / "session_2026-11-26_12-58-29_003898_3701" / "runtime_resources" / "working_dir_files"
    found = await findings(tmp_path, out_dir=session / "out", quickchart_image_dir=session / "charts")
    out, charts = found["out folder"], found["chart folder"]
    assert (out.status, "Ray deletes" in out.words, "DATABASE_URL" in out.mend) == ("fail", True, True)
    assert (charts.status, "absolute path" in charts.mend) == ("warn", True)
    assert (await findings(tmp_path))["out folder"].status == "warn"


async def test_a_folder_of_its_own_stays(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not under the folder of temporary files."""
    monkeypatch.setattr("tempfile.tempdir", "/var/tmp/elsewhere")
    assert (await findings(tmp_path))["out folder"].status == "ok"


async def test_swap_in_use_is_a_warning(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than half of it."""
    monkeypatch.setattr(machine, "swap", lambda: (6 * 2**30, 8 * 2**30))
    found = (await findings(tmp_path))["swap"]
    assert (found.status, found.words) == ("warn", "6.0 of 8.0 GiB used")


async def test_a_port_for_the_page(tmp_path) -> None:
    """Free, taken by another program, and not asked for."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        found = (await findings(tmp_path, web_port=port))["page"]
        assert (found.status, "another program" in found.words) == ("fail", True)
    found = (await findings(tmp_path, web_port=port))["page"]
    assert (found.status, found.words) == ("ok", f"port {port} is free, for this machine alone")
    assert "page" not in await findings(tmp_path)


async def test_a_page_that_a_driver_serves_is_well(tmp_path) -> None:
    """It is known by what /healthz says."""
    with answering(200, b'{"status": "ok"}', "/healthz") as (url, _):
        found = (await findings(tmp_path, web_port=int(url.rpartition(":")[2])))["page"]
    assert (found.status, "a driver serves it" in found.words) == ("ok", True)


async def test_a_page_for_others_is_a_warning(tmp_path) -> None:
    """It has no login."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = (await findings(tmp_path, web_port=port, web_host="0.0.0.0"))["page"]
    assert (found.status, "no login" in found.words) == ("warn", True)


async def test_a_check_that_hangs_is_cut_off_and_named() -> None:
    """One that waits, and one that blocks in a thread: neither holds up the next, nor the end."""
    never = threading.Event()

    async def waits() -> Finding:
        await asyncio.sleep(3600)
        raise AssertionError

    async def blocks() -> Finding:
        await blocking(never.wait, 0.1)
        raise AssertionError

    waited = await step("feeds", waits(), "mend it", limit_s=0.1)
    assert waited == Finding("feeds", "fail", "cut off: not done in 0.1 s", "mend it")
    blocked = await step("store", blocks(), "mend it")
    never.set()
    assert blocked == Finding("store", "fail", "cut off: not done in 0.1 s", "mend it")


async def test_an_error_with_a_hint_says_it() -> None:
    """Its own hint comes before the check's mend; a fault of ours asks to be reported."""

    async def fails(error: Exception) -> Finding:
        raise error

    told = await step("x", fails(TransportError("no answer", hint="its own")), "the check's")
    assert (told.words, told.mend) == ("no answer", "its own")
    broken = await step("x", fails(KeyError("y")), "the check's")
    assert (broken.words, "report it" in broken.mend) == ("broke off: KeyError", True)
