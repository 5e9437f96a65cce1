"""Names and addresses that mean this machine. Resolves nothing."""

from __future__ import annotations

import ipaddress

_NAME = "localhost"


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
