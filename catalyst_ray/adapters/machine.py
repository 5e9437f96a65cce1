"""What this machine has left: disk, memory, shared memory, open files. Judges nothing."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

import psutil

from catalyst_ray.models import DiskRoom

SHM = Path("/dev/shm")  # noqa: S108  (looked at, not used)
CGROUP = Path("/sys/fs/cgroup")
LIMITS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)
"""Where a container's limit and use of memory stand: cgroup 2, then 1."""


def disk_room(folder: Path) -> DiskRoom:
    """Return the room where ``folder`` lies, or will lie."""
    whole = folder.absolute()
    there = next(path for path in (whole, *whole.parents) if path.exists())
    usage = shutil.disk_usage(there)
    return DiskRoom(path=str(whole), free_bytes=usage.free, total_bytes=usage.total)


def memory(cgroup: Path = CGROUP) -> tuple[int, int]:
    """Return free and all memory in bytes: the container's where it has a limit, else the machine's."""
    machine = psutil.virtual_memory()
    for limit_file, use_file in LIMITS:
        try:
            limit = int((cgroup / limit_file).read_text())
            used = int((cgroup / use_file).read_text())
        except (OSError, ValueError):  # no such file, or "max"
            continue
        if limit < machine.total:
            return min(max(0, limit - used), machine.available), limit
    return machine.available, machine.total


def swap() -> tuple[int, int]:
    """Return used and all swap space in bytes."""
    found = psutil.swap_memory()
    return found.used, found.total


def shm_bytes() -> int | None:
    """Return the size of the shared memory's file system; None where there is none."""
    return shutil.disk_usage(SHM).total if SHM.exists() else None


def open_files() -> int | None:
    """Return how many files a process may have open; None without limit."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def niceness() -> int:
    """Return this process's nice level."""
    return os.nice(0)
