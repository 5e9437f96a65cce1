"""What the page is told when it is made, as plain values: it reads no settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from catalyst_ray.core.hosts import address_of, is_loopback

if TYPE_CHECKING:
    from pathlib import Path

USUAL_PORT = 8787


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """Where the page listens and what it knows of the driver.

    Args:
        port: 0 takes a free one.
        public_url: Where readers reach it (behind a proxy); its host is let in.
        period_s: From the start of one cycle to the start of the next.
        chart_dir: Where the chart files lie; they stay ``chart_keep_s`` long.
        retention_days: How long alerts stay.
        timeout_s: How long a question to the store may take.
    """

    chart_dir: Path
    host: str = "127.0.0.1"
    port: int = USUAL_PORT
    public_url: str | None = None
    period_s: float = 60.0
    chart_keep_s: float = 3600.0
    retention_days: float = 30.0
    timeout_s: float = 10.0

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine reaches the page."""
        return is_loopback(self.host)

    def takes(self, host: str) -> bool:
        """Return whether a request with this Host header is for us.

        A page of a stranger may let its own name point to this machine (DNS rebinding), and would then read
        what only this machine may. Numeric addresses cannot be rebound: they are taken where others may come.
        """
        name = _name(host)
        ours = {self.host.lower(), (urlsplit(self.public_url).hostname or "") if self.public_url else ""} - {
            ""
        }
        if name in ours or is_loopback(name):
            return True
        return not self.is_loopback and address_of(name) is not None


def _name(host: str) -> str:
    """Return the name of a Host header, without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
