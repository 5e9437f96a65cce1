"""Ray's dashboard, asked as a stranger would: without a token. Sends nothing else, and changes nothing there."""

from __future__ import annotations

import http.client
import json
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import urlsplit

import psutil

from catalyst_ray.core.hosts import address_of

JOBS_PATH = "/api/jobs/"
MOST_BYTES = 4_000_000


class Door(StrEnum):
    """What a stranger meets."""

    OPEN = "open"
    """The jobs are listed: whoever asks may run programs there."""
    GUARDED = "guarded"
    """A token is asked for."""
    NONE = "none"
    """Nobody listens, or it is no dashboard."""
    SILENT = "silent"
    """Somebody listens and does not answer in time."""


def knock(url: str, *, timeout_s: float) -> Door:
    """Ask a dashboard for its jobs without a token; each step may take ``timeout_s``."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        line.request("GET", JOBS_PATH)
        answer = line.getresponse()
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return Door.GUARDED
        listed = answer.status == HTTPStatus.OK and isinstance(json.loads(answer.read(MOST_BYTES)), list)
    except TimeoutError:
        return Door.SILENT
    except (OSError, http.client.HTTPException, ValueError):  # ValueError: no JSON
        return Door.NONE
    finally:
        line.close()
    return Door.OPEN if listed else Door.NONE


def own_addresses() -> tuple[str, ...]:
    """Return the addresses of this machine that others may reach it by."""
    listed = (one.address for many in psutil.net_if_addrs().values() for one in many)
    found = {one: address_of(one) for one in listed}
    # A link-local one is reached from the same wire only, and needs the card's name to be asked.
    return tuple(sorted(one for one, ip in found.items() if ip and not (ip.is_loopback or ip.is_link_local)))
