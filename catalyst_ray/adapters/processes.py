"""What processes of this machine hold in memory, by psutil."""

from __future__ import annotations

import psutil


def own_rss_bytes() -> int | None:
    """Return the resident memory of this process; None where the system does not tell."""
    try:
        rss: int = psutil.Process().memory_info().rss
    except (psutil.Error, OSError):
        return None
    return rss
