"""The doctor's checks of what a driver on this machine needs: store, folders, page, clock's zone, memory."""

from __future__ import annotations

import errno
import re
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.adapters import machine
from catalyst_ray.adapters.dashboard import ask, json_of
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.core.hosts import is_loopback
from catalyst_ray.core.node_health import GIB, LOW_DISK_BYTES
from catalyst_ray.doctor.steps import blocking, step
from catalyst_ray.models import Finding
from catalyst_ray.wiring import make_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from catalyst_ray.settings import Settings

BUSY_SWAP_SHARE = 0.5
PAGE_S = 5.0
RAY_USUAL = Path("/tmp/ray")  # noqa: S108  (Ray's)
RAY_SESSION = re.compile(r"/session_\d{4}-\d\d-\d\d_[^/]+/")
"""Ray's folder of a session, wherever ``--temp-dir`` put it; a job's working folder is in it."""
CHART_FOLDER_MEND = "set QUICKCHART_IMAGE_DIR to a folder that this user may write to"
OUT_MEND = (
    "set OUT_DIR to an absolute path on a disk that outlives the job, or DATABASE_URL to a PostgreSQL server"
)


async def check_set_up(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what is to be said of the driver's own things."""
    yield await step("store", _store(settings), "check DATABASE_URL, or OUT_DIR where that is unset")
    yield await step("out folder", _out_folder(settings), OUT_MEND)
    yield await step("chart folder", _chart_folder(settings), CHART_FOLDER_MEND)
    yield await step("out disk", _disk(settings), "set OUT_DIR to a folder that this user may read")
    yield await step("swap", _swap(), "nothing: the program runs without it")
    if settings.web_port:
        yield await step("page", _page(settings.web_host, settings.web_port), "set WEB_PORT to a free port")


async def _store(settings: Settings) -> Finding:
    def use() -> int:
        store = SqlStore.open(settings.store_url)
        try:
            return sum(store.delivery_counts().values())
        finally:
            store.close()

    await blocking(lambda: make_folder(settings))
    rows = await blocking(use)
    return Finding("store", "ok", f"readable and writable, {rows} outbox rows")


async def _out_folder(settings: Settings) -> Finding:
    folder = await blocking(settings.out_dir.resolve)
    is_store = settings.database_url is None
    what = "what was sent is forgotten with it" if is_store else "charts and your own record go with it"
    if _goes_with_ray(folder):
        return Finding(
            "out folder", "fail", f"{folder} is inside Ray's own folder, which Ray deletes: {what}", OUT_MEND
        )
    if folder.is_relative_to(tempfile.gettempdir()):
        return Finding("out folder", "warn", f"{folder} is a temporary folder: {what}", OUT_MEND)
    return Finding("out folder", "ok", f"{folder} stays")


def _goes_with_ray(folder: Path) -> bool:
    return folder.is_relative_to(RAY_USUAL) or RAY_SESSION.search(f"{folder}/") is not None


async def _chart_folder(settings: Settings) -> Finding:
    folder = settings.quickchart_image_dir

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".write-test").touch()
        (folder / ".write-test").unlink()

    try:
        await blocking(write)
    except OSError as error:
        return Finding("chart folder", "fail", f"{folder}: {error.strerror}", CHART_FOLDER_MEND)
    if _goes_with_ray(await blocking(folder.resolve)):
        words = f"{folder} is inside Ray's own folder: charts go with the job, before late alerts were sent"
        return Finding("chart folder", "warn", words, "set QUICKCHART_IMAGE_DIR to an absolute path")
    return Finding("chart folder", "ok", f"{folder} is writable")


async def _disk(settings: Settings) -> Finding:
    room = await blocking(lambda: machine.disk_room(settings.out_dir))
    words = f"{room.free_bytes / GIB:.1f} GiB free at {room.path}"
    if room.free_bytes > LOW_DISK_BYTES:
        return Finding("out disk", "ok", words)
    return Finding(
        "out disk", "warn", words, "free some space, or lower RETENTION_DAYS and CHART_KEEP_SECONDS"
    )


async def _swap() -> Finding:
    used, total = await blocking(machine.swap)
    words = f"{used / GIB:.1f} of {total / GIB:.1f} GiB used" if total else "none"
    if total and used > BUSY_SWAP_SHARE * total:
        return Finding(
            "swap", "warn", words, "end other programs, or add memory: what is swapped out answers late"
        )
    return Finding("swap", "ok", words)


async def _page(host: str, port: int) -> Finding:
    def listen() -> bool:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
                raise
        return True

    try:
        is_free = await blocking(listen)
    except OSError as error:
        return Finding(
            "page",
            "fail",
            f"cannot listen on {host}: {error.strerror}",
            "set WEB_HOST to an address of this machine",
        )
    if not is_free and not await blocking(lambda: _is_ours(host, port)):
        return Finding(
            "page", "fail", f"another program listens on port {port}", "set WEB_PORT to a free port"
        )
    words = f"port {port} is free" if is_free else f"a driver serves it on port {port}"
    if is_loopback(host):
        return Finding("page", "ok", f"{words}, for this machine alone")
    return Finding(
        "page",
        "warn",
        f"{words}, for whoever reaches {host}: it has no login",
        "put a proxy with a login before it (docs/operate.md), or unset WEB_HOST",
    )


def _is_ours(host: str, port: int) -> bool:
    name = f"[{host}]" if ":" in host else host
    try:
        _, body = ask(f"http://{name}:{port}/healthz", timeout_s=PAGE_S)
    except OSError:
        return False
    said = json_of(body)
    return isinstance(said, dict) and said.get("status") in {"ok", "failing"}
