"""The folder of chart and gauge files: whole files only, kept while needed, swept when old.

Knows nothing of what is on a picture, nor who needs it.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

log = logging.getLogger(__name__)

YOUNG_S = 60.0
"""No file goes before: it may be half written, or its alert not stored yet."""
GAUGE = "gauge-"
"""How the names of gauges start. There are at most 21 a theme, and each is written once: no sweep takes them."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class PictureFiles:
    """Writes and sweeps.

    Args:
        folder: Where files go; created if missing.

    Raises:
        ConfigError: It cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".write-test.{os.getpid()}.part"
            probe.touch()
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(
                f"cannot write to {folder}: {error.strerror}",
                key="QUICKCHART_IMAGE_DIR",
                hint="name a folder that this user may write to",
            ) from error

    def write_chart(self, alert_id: str, png: bytes) -> Path:
        """Write an alert's chart in place of an older one and return where it is.

        Raises:
            OSError: It could not be written; nothing is left of it.
        """
        if not _SAFE.fullmatch(alert_id) or alert_id.startswith(GAUGE):
            alert_id = sha256(alert_id.encode()).hexdigest()
        return self._write(f"{alert_id}.png", png)

    def write_gauge(self, name: str, png: bytes) -> Path:
        """Write a gauge, unless it is there as it should be, and return where it is.

        Raises:
            OSError: It could not be written; nothing is left of it.
        """
        path = self._folder / f"{GAUGE}{name}.png"
        with contextlib.suppress(OSError):
            if path.read_bytes() == png:
                return path
        return self._write(path.name, png)

    def sweep(self, *, needed: Collection[str], now_utc: datetime, keep_s: float) -> int:
        """Delete charts older than ``keep_s`` that no alert needs, and what broken-off writes left.

        Returns how many files went.
        """
        names = {Path(path).name for path in needed}  # the folder may be written another way than it was
        now_s = now_utc.timestamp()

        def is_old(entry: os.DirEntry[str]) -> bool:
            if entry.name.endswith(".part"):
                return now_s - entry.stat().st_mtime > YOUNG_S
            is_chart = entry.name.endswith(".png") and not entry.name.startswith(GAUGE)
            is_free = is_chart and entry.name not in names
            return is_free and now_s - entry.stat().st_mtime > max(keep_s, YOUNG_S)

        return self._delete(is_old)

    def _write(self, name: str, png: bytes) -> Path:
        path = self._folder / name
        # One alert may be drawn twice at once, and a script may write here too.
        part = self._folder / f"{path.stem}.{os.getpid()}-{next(self._numbers)}.part"
        try:
            part.write_bytes(png)
            part.replace(path)  # a reader sees the old file or the whole new one
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()  # half a picture must not fill what is left of the disk
            raise
        return path

    def _delete(self, is_old: Callable[[os.DirEntry[str]], bool]) -> int:
        gone = 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # another sweep took it
                    if is_old(entry):
                        Path(entry.path).unlink()
                        gone += 1
        return gone
