"""Alerts as lines of an NDJSON file.

Owns the file. Does not own the schema of a line: that is ``core/message_record``. One process writes it
at a time (the driver's lease sees to that); any number may read.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
from collections import OrderedDict
from typing import TYPE_CHECKING

from catalyst_ray.core.message_record import alert_line
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import Receipt

if TYPE_CHECKING:
    from pathlib import Path

    from catalyst_ray.models import Alert

_TAIL_BYTES = 1024 * 1024
_MAX_IDS = 2_000


class NdjsonFile:
    """Appends one line of JSON an alert and revision (schema: ``catalyst_ray.core.message_record``).

    A line is one write in append mode, then fsync. An alert that stands in the file's last megabyte when it
    is opened, or was written since, is not written again in the same or an older revision, so a delivery
    retried after a crash leaves one line. A line torn by a crash is left as it is and the next one starts on a line of its own.
    """

    def __init__(self, path: Path, *, name: str = "file", page_url: str | None = None) -> None:
        self.name = name
        self._page_url = page_url
        self._path = path
        self._revisions: OrderedDict[str, int] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:  # noqa: ARG002  (a line holds no picture)
        """Append one alert; the receipt holds its id.

        Raises:
            DeliveryError: The file cannot be written; temporary, since disks are emptied and folders mended.
        """
        async with self._one_at_a_time:
            try:
                await asyncio.to_thread(self._append, alert)
            except OSError as error:
                raise DeliveryError(
                    f"cannot write {self._path}: {error.strerror or error}",
                    key=self.name,
                    hint="free disk space, or make the folder writable; the alert waits",
                ) from error
        return Receipt(alert.id)

    async def edit(
        self, alert: Alert, *, message_id: str | None, chart: bytes | None, gauge: bytes | None
    ) -> Receipt:
        """Append a revised alert: of the lines with its id the last counts.

        Raises:
            DeliveryError: As ``send``.
        """
        del message_id  # the alert's own id, or that of a line long gone: the new one stands for itself
        return await self.send(alert, chart=chart, gauge=gauge)

    async def close(self) -> None:
        """Do nothing: the file is closed after every line."""

    def _append(self, alert: Alert) -> None:
        line = (alert_line(alert, page_url=self._page_url) + "\n").encode("ascii")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            known = os.fstat(handle)
            is_file = stat.S_ISREG(known.st_mode)  # a device or pipe can neither be read back nor synced
            wanted = min(known.st_size, _TAIL_BYTES if self._revisions is None else 1)
            tail = os.pread(handle, wanted, known.st_size - wanted) if is_file else b""
            if self._revisions is None:
                self._revisions = _revisions(tail)
            if self._revisions.get(alert.id, -1) >= alert.revision:
                return
            if tail and not tail.endswith(b"\n"):
                line = b"\n" + line
            if os.write(handle, line) < len(line):
                os.ftruncate(handle, known.st_size)  # half a line is worse than none
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if is_file:
                os.fsync(handle)
        finally:
            os.close(handle)
        self._revisions[alert.id] = alert.revision
        if len(self._revisions) > _MAX_IDS:
            self._revisions.popitem(last=False)


def _revisions(tail: bytes) -> OrderedDict[str, int]:
    found: OrderedDict[str, int] = OrderedDict()
    for line in tail.splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # the first line of the tail is cut, the last may be torn
            continue
        if isinstance(record, dict) and isinstance(record.get("id"), str):
            revision = record.get("revision", 0)  # lines of an older program have none
            found[record["id"]] = revision if isinstance(revision, int) else 0
    while len(found) > _MAX_IDS:
        found.popitem(last=False)
    return found
