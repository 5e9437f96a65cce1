"""Names and addresses that mean this machine. Resolves nothing."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_NAME = "localhost"
_HOST = re.compile(r"\w[\w.-]*")
MOST_PORT = 65_535


def is_loopback(host: str) -> bool:
    """Return whether a host name or an address without brackets means this machine."""
    address = address_of(host)
    return host.lower() == _NAME or (address is not None and address.is_loopback)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the numeric address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_host(host: str) -> bool:
    """Return whether a text may be a host's name, or is a numeric address without brackets."""
    return address_of(host) is not None or _HOST.fullmatch(host) is not None


def is_host_and_port(text: str) -> bool:
    """Return whether a text is ``host:port``, a numeric IPv6 address in brackets, with a port that there can be."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return False
    return is_host(host) and port.isascii() and port.isdigit() and 0 < int(port) <= MOST_PORT


def is_http(address: str) -> bool:
    """Return whether an address is one of http or https, with a host, and a port that there can be or none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # brackets that do not match, a port that is none
        return False
    has_marks = any(mark.isspace() for mark in address)
    return parts.scheme in {"http", "https"} and not has_marks and port != 0 and is_host(parts.hostname or "")
