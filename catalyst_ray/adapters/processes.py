"""What processes of this machine hold in memory, by psutil: this one, and those of the Ray that it is part of.

Tells what a process is by its place in the tree and its command line; knows nothing of Ray but those.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from catalyst_ray.models import ProcessReading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SESSION = re.compile(r"session_\d[\w-]*")
"""The name that Ray gives to a start; every process of it has it in its command line."""
REPLICA = ("ray::LlmReplica", "ray::llm:")
"""What Ray calls the process: by its class when idle, by the call while it answers one."""
SAMPLER, AGENT = "ray::NodeSampler", re.compile(r"ray::\w+Agent\b")
SERVERS: Mapping[str, str] = {"gcs_server": "gcs", "raylet": "raylet"}
SCRIPTS = ("/dashboard.py", "/monitor.py", "/log_monitor.py")
MOST_CHARS = 80


def own_rss_bytes() -> int | None:
    """Return the resident memory of this process; None where the system does not tell."""
    try:
        rss: int = psutil.Process().memory_info().rss
    except (psutil.Error, OSError):
        return None
    return rss


class RayTree:
    """This process as the driver, and every process that the cluster at ``gcs_address`` has on this machine.

    Roles are by what a process is: what a replica started is its ``engine``, what else Ray runs for its work is a
    ``worker``, and its log monitor, autoscaler and per-node agents are ``agent``.
    """

    def __init__(self, gcs_address: str) -> None:
        self._address = gcs_address
        self._roots: list[psutil.Process] = []

    def read(self, replicas: Mapping[int, str]) -> tuple[ProcessReading, ...]:
        """Return what each holds now; ``replicas`` names those whose process number is known."""
        found = {reading.pid: reading for reading in self._all(replicas)}
        return tuple(found.values())

    def _all(self, replicas: Mapping[int, str]) -> Iterator[ProcessReading]:
        yield from _reading(psutil.Process(), "driver", "driver")
        if not self._roots or not all(root.is_running() for root in self._roots):
            self._roots = list(_roots(self._address))
        for root in self._roots:
            with suppress(psutil.Error):
                yield from self._under(root, replicas)

    def _under(self, root: psutil.Process, replicas: Mapping[int, str]) -> Iterator[ProcessReading]:
        words = _command(root)
        role = SERVERS.get(root.name(), "dashboard" if SCRIPTS[0] in words else "agent")
        yield from _reading(root, role, role if role != "agent" else _script(words))
        if role == "dashboard":
            for child in root.children(recursive=True):
                yield from _reading(child, "dashboard", child.name())
        if role == "raylet":
            for child in root.children():
                with suppress(psutil.Error):
                    yield from _work(child, replicas)


def _work(process: psutil.Process, replicas: Mapping[int, str]) -> Iterator[ProcessReading]:
    """Yield a child of the raylet and what it started; the driver of a job is a grandchild, and known already."""
    title = _command(process)
    below = [child for child in process.children(recursive=True) if child.pid != os.getpid()]
    if process.pid in replicas or title.startswith(REPLICA):
        yield from _reading(process, "replica", replicas.get(process.pid, "replica"))
        for child in below:
            yield from _reading(child, "engine", child.name())
        return
    role = "sampler" if title.startswith(SAMPLER) else "agent" if AGENT.match(title) else "worker"
    yield from _reading(process, role, title.removeprefix("ray::").split(" ")[0] or process.name())
    if not title.startswith("ray::JobSupervisor"):  # what it started is a job: a driver, or another's
        for child in below:
            yield from _reading(child, role, child.name())


def _reading(process: psutil.Process, role: str, name: str) -> Iterator[ProcessReading]:
    with suppress(psutil.Error):  # it has ended
        rss = process.memory_info().rss
        yield ProcessReading(role=role, name=name[:MOST_CHARS], pid=process.pid, rss_bytes=rss)


def _roots(gcs_address: str) -> Iterator[psutil.Process]:
    """Yield the servers of the cluster: those that name the session of a raylet that names the address."""
    lines = {process: _command(process) for process in psutil.process_iter()}
    named = {
        found[0]
        for process, words in lines.items()
        if f"={gcs_address}" in words and (found := SESSION.search(words))
    }
    for process, words in lines.items():
        with suppress(psutil.Error):
            found = SESSION.search(words)
            is_server = process.name() in SERVERS or any(script in words for script in SCRIPTS)
            if found and found[0] in named and is_server and process.pid != os.getpid():
                yield process


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()).strip()
    except (psutil.Error, OSError):
        return ""


def _script(words: str) -> str:
    script = next((word for word in words.split() if word.endswith(".py")), "")
    return Path(script).stem
