"""Keeps a local Ray on this machine's loopback address, and finds it there again. Starts and joins nothing.

By itself Ray gives every node the machine's own address, even one that nobody else is to join, and then listens on all
addresses. Its switch for systems with a fussy firewall gives loopback instead; Ray reads it when it is imported.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ray._private import ray_constants, services

from catalyst_ray.core.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

CONSTANTS: Any = ray_constants
"""Ray has no public way to ask for loopback."""
SERVICES: Any = services
"""Nor to ask where the cluster of this machine is."""
SWITCH: str = CONSTANTS.ENABLE_RAY_CLUSTERS_ENV_VAR
"""Ray's own processes, and the drivers of jobs submitted to it, read it from the environment."""
LOOK_S = 1.0


@contextmanager
def on_loopback(*, wanted: bool) -> Iterator[None]:
    """Let Ray take the loopback address for this machine's own, where that is ``wanted``."""
    before = CONSTANTS.ENABLE_RAY_CLUSTER
    if wanted:
        CONSTANTS.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        CONSTANTS.ENABLE_RAY_CLUSTER = before


def may_start_there() -> bool:
    """Return whether a local Ray may keep to loopback: unless the environment asks for this machine's own address."""
    return os.environ.get(SWITCH) != "1"  # noqa: TID251  (Ray's variable, no setting)


def is_only_there(address: str) -> bool:
    """Return whether the cluster at ``address`` (``auto``: this machine's) listens on loopback alone."""
    found = cluster_here() if address == "auto" else address
    host, _, port = found.rpartition(":")
    if not is_loopback(host.strip("[]")) or not port.isdigit():
        return False
    own: str = SERVICES.get_node_ip_address()
    try:
        socket.create_connection((own, int(port)), timeout=LOOK_S).close()
    except OSError:
        return True
    return is_loopback(own)


def cluster_here() -> str:
    """Return where Ray would look for ``auto``: the last one that was started, else any that runs; empty if none."""
    SERVICES.find_gcs_addresses.cache_clear()
    address: str = SERVICES.find_bootstrap_address(None) or next(iter(SERVICES.find_gcs_addresses()), "")
    return address
