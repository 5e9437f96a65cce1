"""Tells systemd how the program does, in its notification protocol (sd_notify(3)): one datagram a message.

Owns the socket and nothing of when what is said. Podman speaks it too.
"""

from __future__ import annotations

import logging
import socket
from contextlib import suppress

log = logging.getLogger(__name__)

MAX_VALUE_CHARS = 500


class Systemd:
    """Implements the port ``Supervisor``; says nothing where there is no socket to say it to.

    Args:
        address: ``NOTIFY_SOCKET``: the path of a socket, or an abstract name that begins with ``@``.
    """

    def __init__(self, address: str | None) -> None:
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self._socket: socket.socket | None = None
        self._is_silent = False

    def tell(self, **states: str) -> None:
        """Send states in one message; a supervisor that cannot be reached is told of once, and costs nothing."""
        if not self._address:
            return
        lines = (f"{name}={' '.join(value.split())[:MAX_VALUE_CHARS]}" for name, value in states.items())
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            if not self._is_silent:
                log.warning("the supervisor cannot be told how this does", extra={"error": str(error)})
            self._is_silent = True

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None
