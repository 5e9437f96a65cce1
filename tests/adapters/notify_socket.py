"""The socket on which systemd listens to its services."""

from __future__ import annotations

import socket


def notify_socket(address: str) -> socket.socket:
    """Return a socket that is bound where systemd's would be; ``@`` begins an abstract name."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.bind(f"\0{address[1:]}" if address.startswith("@") else address)
    ear.settimeout(5)
    return ear


def heard(ear: socket.socket) -> list[bytes]:
    """Return the messages that have come since the last call."""
    messages = []
    ear.setblocking(False)
    try:
        while True:
            messages.append(ear.recv(4096))
    except BlockingIOError:
        return messages
