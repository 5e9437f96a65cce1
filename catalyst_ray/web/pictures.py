"""Chart files as the page serves them. A chart that is gone is not drawn again.

Its bars would be today's and not those that the alert was made on, and drawing belongs to the workers. Whoever
wants charts for longer sets CHART_KEEP_SECONDS.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalyst_ray.models import Alert

MAX_BYTES = 4 * 1024 * 1024
_MAGIC = b"\x89PNG\r\n\x1a\n"
_SIZE_AT = 16
"""Width and height stand there in every PNG."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with its size, so that the page does not jump when it comes."""

    body: bytes
    width: int
    height: int


def chart_of(alert: Alert, folder: Path) -> Chart | None:
    """Return an alert's chart; None where there is none, or no longer.

    Only files of ``folder`` are read, whatever the stored path says: a driver on another machine, or in
    another working folder, wrote it.
    """
    if not alert.chart_path:
        return None
    path = folder / Path(alert.chart_path).name
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    if len(body) > MAX_BYTES or len(body) < _SIZE_AT + 8 or not body.startswith(_MAGIC):
        return None
    width, height = struct.unpack_from(">II", body, _SIZE_AT)
    return Chart(body, width, height)
