"""Whether the joined cluster's dashboard is open to the world, and the refusal to use one that is."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ray
from ray._private.authentication import authentication_utils, http_token_authentication

from catalyst_ray.adapters.dashboard import Door, knock, own_addresses
from catalyst_ray.cluster.capacity import HEAD
from catalyst_ray.cluster.cut_off import side_by_side
from catalyst_ray.core.hosts import is_loopback
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
TOKENS: Any = authentication_utils
TOKEN_HEADERS: Any = http_token_authentication
"""Ray has no public way to ask for its token, or whether there is one."""
KNOCK_S = 3.0
MOST_DOORS = 16
OPEN_MEND = (
    "start every node with RAY_AUTH_MODE=token and the same token (docs/operate.md, Security), or the head with"
    " --dashboard-host=127.0.0.1"
)


def dashboard_doors(dashboard_url: str | None) -> dict[str, Door]:
    """Return what a stranger meets at every address that the dashboard may be reached at; none without a dashboard.

    Ray names one address. Where that is loopback the dashboard may still listen on others (``::`` and 0.0.0.0), so the
    head's own are asked too.
    """
    if not dashboard_url:
        return {}
    urls = _urls(dashboard_url, head_addresses())
    knocks = {url: partial(knock, url, timeout_s=KNOCK_S) for url in urls}
    met = side_by_side(knocks, KNOCK_S * 2)
    # What takes longer than its steps may is as good as silent.
    return {url: Door.SILENT if isinstance(door, Exception) else door for url, door in met.items()}


def refuse_open_dashboard(doors: Mapping[str, Door], *, allowed: bool) -> None:
    """Refuse a cluster whose dashboard takes jobs from anybody who reaches it; only warn where that is allowed.

    Raises:
        ConfigError: It answers without a token on an address that is not loopback.
    """
    opened = open_doors(doors)
    if opened and not allowed:
        raise ConfigError(
            f"the Ray dashboard at {opened[0]} takes jobs without a token: whoever reaches it can run programs on the"
            " cluster",
            key="RAY_ADDRESS",
            hint=f"{OPEN_MEND}; ALLOW_OPEN_DASHBOARD=1 goes on all the same",
        )
    if opened:
        log.warning(
            "the Ray dashboard takes jobs without a token", extra={"where": opened[0], "mend": OPEN_MEND}
        )
    for url in (url for url, door in doors.items() if door is Door.SILENT):
        log.warning(
            "the Ray dashboard does not answer: whether it asks for a token is not known",
            extra={"where": url},
        )


def open_doors(doors: Mapping[str, Door]) -> tuple[str, ...]:
    """Return the addresses, other than loopback, at which the dashboard is open."""
    return tuple(
        url
        for url, door in doors.items()
        if door is Door.OPEN and not is_loopback(urlsplit(url).hostname or "")
    )


def has_tokens() -> bool:
    """Return whether this process uses Ray with tokens."""
    return bool(TOKENS.is_token_auth_enabled())


def token_headers() -> dict[str, str]:
    """Return the headers that show the cluster that we belong to it; none without tokens."""
    headers: dict[str, str] = TOKEN_HEADERS.get_auth_headers_if_auth_enabled({})
    return headers


def head_addresses() -> tuple[str, ...]:
    """Return the head's addresses: the one that Ray knows, and all of this machine's where this is the head."""
    known = [
        str(node["NodeManagerAddress"]) for node in RAY.nodes() if node["Alive"] and HEAD in node["Resources"]
    ]
    own = own_addresses()
    is_here = any(address in own or is_loopback(address) for address in known)
    return (*known, *(own if is_here else ()))


def _urls(dashboard_url: str, heads: Iterable[str]) -> tuple[str, ...]:
    parts = urlsplit(dashboard_url)
    hosts = dict.fromkeys((parts.hostname or "", *heads))
    named = (f"[{host}]" if ":" in host else host for host in hosts if host)
    return tuple(f"http://{host}:{parts.port}" for host in named)[:MOST_DOORS]
