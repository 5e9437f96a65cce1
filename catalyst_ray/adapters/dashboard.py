"""Ray's dashboard, asked as a stranger would: without a token; and other servers of ours, whether they are there.

Changes nothing anywhere.
"""

from __future__ import annotations

import http.client
import json
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil

from catalyst_ray.core.hosts import address_of

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    try:
        status, body = ask(url + JOBS_PATH, timeout_s=timeout_s)
    except TimeoutError:
        return Door.SILENT
    except OSError:
        return Door.NONE
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Door.GUARDED
    return Door.OPEN if status == HTTPStatus.OK and isinstance(json_of(body), list) else Door.NONE


def ask(url: str, *, timeout_s: float, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Return status and body of a page; no redirect is followed and no proxy asked.

    Raises:
        OSError: Nobody answers, or what answers speaks no HTTP; as ``TimeoutError`` where a step takes too long.
    """
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        line.request("GET", parts.path, headers=dict(headers or {}))
        answer = line.getresponse()
        return answer.status, answer.read(MOST_BYTES)
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP: {type(error).__name__}") from error
    finally:
        line.close()


def json_of(body: bytes) -> Any:
    """Return what a body holds as JSON; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def own_addresses() -> tuple[str, ...]:
    """Return the addresses of this machine that others may reach it by."""
    listed = (one.address for many in psutil.net_if_addrs().values() for one in many)
    found = {one: address_of(one) for one in listed}
    # A link-local one is reached from the same wire only, and needs the card's name to be asked.
    return tuple(sorted(one for one, ip in found.items() if ip and not (ip.is_loopback or ip.is_link_local)))
