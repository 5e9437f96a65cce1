"""The record of the model servers that this user started here, and the ending of those that were left behind.

A record is one file, written and removed by the guard. A server is left behind when the process that started
it is gone and it is not: a machine out of memory, a guard that was killed. Nothing is ended whose start time
is not the recorded one, since a process number comes round again.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from catalyst_ray.adapters import guard

_GRACE_S = 5.0
_PAUSE_S = 0.05


def record_file(name: str) -> Path | None:
    """Return a new file to record a server in; None where there is no folder that is only ours."""
    folder = _folder()
    if folder is None:
        return None
    return folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{secrets.token_hex(4)}.json"


def end_leftovers() -> list[int]:
    """End every recorded server whose owner is gone, and what it started; return their process numbers.

    Blocks for some seconds where one does not end when told to.
    """
    folder = _folder()
    if folder is None or guard.started_ticks(os.getpid()) is None:  # no start times here: nothing is sure
        return []
    found: list[int] = []
    for file in sorted(folder.glob("*.json")):
        record = _read(file)
        if record is not None and not _runs(record.get("owner")):
            found += [int(record[role]["pid"]) for role in ("guard", "server") if _runs(record.get(role))]
            file.unlink(missing_ok=True)
    _end(found)
    return found


def _end(pids: list[int]) -> None:
    everything = {pid: guard.started_ticks(pid) for one in pids for pid in (one, *guard.descendants(one))}
    guard.send(pids, signal.SIGTERM)
    limit_s = time.monotonic() + _GRACE_S  # noqa: TID251  (runs in a thread, before there is a clock)
    while everything:
        time.sleep(_PAUSE_S)  # noqa: TID251  (as above)
        everything = {pid: start for pid, start in everything.items() if guard.started_ticks(pid) == start}
        if time.monotonic() >= limit_s:  # noqa: TID251
            guard.send(list(everything), signal.SIGKILL)
            return


def _runs(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("pid"), int):
        return False
    started = guard.started_ticks(row["pid"])
    return started is not None and started == row.get("started_ticks")


def _read(file: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(file.read_text())
    except (OSError, ValueError):  # half written, or its guard has just removed it
        return None
    return record if isinstance(record, dict) else None


def _folder() -> Path | None:
    if not hasattr(os, "getuid"):
        return None
    folder = Path(tempfile.gettempdir()) / f"catalyst-ray-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    # Anyone may make a folder of this name in a shared place: then there is no record.
    is_ours = found.st_uid == os.getuid() and found.st_mode & 0o777 == 0o700 and folder.is_dir()
    return folder if is_ours and not folder.is_symlink() else None
