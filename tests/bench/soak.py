"""Thousands of cycles of the program on an endless demo market: does anything grow that should not?

``python -m tests.bench.soak [--cycles 2000] [--json F]`` prints a table; what is measured is described in
docs/performance.md. The program runs in a process of its own (``soak_driver``), this one looks at it from outside.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.request import urlopen

import psutil

from catalyst_ray.demo.process import DemoProcess
from tests.bench.soak_memory import anonymous_mb, summed_up

if TYPE_CHECKING:
    from collections.abc import Iterator

WORLD = (
    *("--endless", "--items=150", "--slow-s=0", "--llm-latency-s=0.02", "--llm-parallel=8"),
    *("--discord-window-s=0", "--discord-keep=200"),
)
"""Fifty items a batch with twelve stories that alert; no feed is slow on purpose."""
SLEEP_S = 0.02
SHORT = 200
SHORT_WARM_UP = 0.5
LOG_TAIL = 100_000
WARM_UP = 0.3
"""Part of the cycles that is not fitted: caches fill, and retention begins to delete."""
ROLES = {
    "gcs_server": "gcs",
    "raylet": "raylet",
    "dashboard.py": "dashboard",
    "dashboard/agent.py": "dashboard agent",
    "runtime_env/agent": "runtime env agent",
    "log_monitor.py": "log monitor",
    "monitor.py": "monitor",
    "ray::llm": "replica",
    "ray::LlmReplica": "replica",
    "ray::gpus": "gpu sampler",
    "ray::NodeSampler": "gpu sampler",
    "ray::DashboardAgent": "dashboard agent",
    "ray::RuntimeEnvAgent": "runtime env agent",
    "ray::": "worker",
    "": "parts of the dashboard",
}
"""A process's role by what stands in its command line; the first that fits."""


@dataclass(slots=True)
class Sample:
    """What was seen at one cycle: megabytes by process, and counts."""

    cycle: int
    memory: dict[tuple[str, int], float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """What a run left: its lines and samples."""

    cycles: list[dict[str, Any]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    seconds: float = 0.0


def measure() -> dict[str, float]:
    """Return the slope of the driver's memory over a short run, how many cycles that was, and where it ended.

    So few cycles find a leak of some tens of megabytes in a thousand, not one of a megabyte: for that there is the
    long run. What the driver has in use stands beside: what lies free among it grows for some hundred cycles more.
    """
    run = soak(cycles=SHORT, every=2, sample_every=2, keep_s=10.0)
    counts = figures_of(run, warm_up=SHORT_WARM_UP)["counts"]
    driver = counts["driver after trim_mb"]
    return {
        "rss_slope_mb_per_1000_cycles": driver["per_1000"],
        "heap_slope_mb_per_1000_cycles": counts["malloc: used_mb"]["per_1000"],
        "rss_slope_cycles": float(len(run.cycles)),
        "rss_driver_mb": driver["last"],
    }


def soak(
    *,
    cycles: int,
    every: int,
    sample_every: int,
    keep_s: float,
    kinds: bool = False,
    file: Path | None = None,
) -> Run:
    """Run the program for so many cycles, with news in each ``every``-th one.

    ``file`` takes the figures and all samples, written anew every hundred cycles.
    """
    with tempfile.TemporaryDirectory() as folder, DemoProcess(options=WORLD) as world:
        out = Path(folder) / "out"
        out.mkdir()
        wish = {
            "base_url": world.base_url,
            "webhook_url": world.webhook_url,
            "out": str(out),
            "cycles": cycles,
            "every": every,
            "sample_every": sample_every,
            "keep_s": keep_s,
            "sleep_s": SLEEP_S,
            "web_port": _free_port(),
            "warm": round(cycles * WARM_UP),
            "kinds": kinds,
        }
        command = [sys.executable, "-m", "tests.bench.soak_driver", json.dumps(wish)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
            assert driver.stdout is not None
            watcher = Watcher(driver.pid, world.pid, out, f"http://127.0.0.1:{wish['web_port']}/")
            run = Run()
            for run in watcher.follow(driver.stdout, cycles=cycles, sample_every=sample_every):
                sys.stderr.write(f"{run.cycles[-1]['cycle']} cycles in {run.seconds:.0f} s\n")
                if file:
                    write(run, file)
        if driver.returncode:
            raise RuntimeError(f"the driver ended with {driver.returncode}")
    return run


class Watcher:
    """Looks at a running driver from outside."""

    def __init__(self, driver: int, world: int | None, out: Path, page_url: str) -> None:
        self._driver = psutil.Process(driver)
        self._world = world
        self._out = out
        self._page_url = page_url
        self._session: Path | None = None
        self._roles: dict[int, str] = {}

    def follow(self, lines: IO[str], *, cycles: int, sample_every: int) -> Iterator[Run]:
        """Read the driver's lines until it ends, sample each so-many-th cycle; yield at times what there is so far."""
        run, begun_s = Run(), time.monotonic()
        for text in lines:
            line = json.loads(text)
            if "session" in line:
                self._session = Path(line["session"])
                continue
            run.cycles.append(line)
            if line["cycle"] % sample_every == 0 and line["cycle"] < cycles:
                run.samples.append(self._sample(line))
            run.seconds = time.monotonic() - begun_s
            if line["cycle"] % 100 == 0:
                yield run
        if run.cycles and run.cycles[-1]["cycle"] % 100:
            yield run

    def _sample(self, line: dict[str, Any]) -> Sample:
        with contextlib.suppress(OSError), urlopen(self._page_url, timeout=5) as page:
            page.read()
        sample = Sample(line["cycle"])
        sample.counts = dict(line["inside"])
        for process in (self._driver, *self._driver.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):
                sample.memory[self._role(process), process.pid] = anonymous_mb(process.pid)
        if self._world:
            sample.memory["demo", self._world] = anonymous_mb(self._world)
        with contextlib.suppress(psutil.Error):
            sample.counts["driver's rss_mb"] = self._driver.memory_info().rss / 1e6
            sample.counts["driver's open files"] = self._driver.num_fds()
            sample.counts["driver's threads"] = self._driver.num_threads()
        sample.counts["processes"] = len(sample.memory)
        sample.counts |= rows_of(self._out / "catalyst.db")
        sample.counts |= sizes_of(self._out, "out")
        if self._session:
            sample.counts |= sizes_of(self._session / "logs", "logs")
            sample.counts |= task_events(self._session / "logs" / "gcs_server.out")
        return sample

    def _role(self, process: psutil.Process) -> str:
        """Return what a process is; a worker is one for life, whatever it does at the moment."""
        if process.pid == self._driver.pid:
            return "driver"
        if process.pid not in self._roles:
            words = " ".join(process.cmdline())
            self._roles[process.pid] = next(role for mark, role in ROLES.items() if mark in words)
        return self._roles[process.pid]


def rows_of(database: Path) -> dict[str, float]:
    """Return the rows of each table, and the size of the store."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        names = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        plain = [name for name in names if re.fullmatch(r"[a-z_]+", name) and not name.startswith("sqlite")]
        rows = {f"rows of {n}": store.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in plain}
    size = sum(file.stat().st_size for file in database.parent.glob(database.name + "*"))
    return {**rows, "store_mb": size / 1e6}


def sizes_of(folder: Path, name: str) -> dict[str, float]:
    """Return how many files a folder holds and how many megabytes they are."""
    sizes = []
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if file.is_file() and not file.is_symlink():
                sizes.append(file.stat().st_size)
    return {f"{name}: files": len(sizes), f"{name}_mb": sum(sizes) / 1e6}


def task_events(log: Path) -> dict[str, float]:
    """Return how many tasks the GCS remembers, as it writes it into its log once a minute."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL))
            found = re.findall(rb"num of task events stored: (\d+)", file.read())
    except OSError:
        return {}
    return {"tasks that Ray remembers": int(found[-1])} if found else {}


def figures_of(run: Run, warm_up: float = WARM_UP) -> dict[str, Any]:
    """Return first, last, least, most and slope of everything that was seen, without the warm-up."""
    first = run.cycles[-1]["cycle"] * warm_up
    samples = [sample for sample in run.samples if sample.cycle > first]
    memory = dict(_series_of_memory(samples))
    names = {name: None for sample in samples for name in sample.counts}
    counts = {n: [(s.cycle, s.counts[n]) for s in samples if n in s.counts] for n in names}
    return {
        "cycles": len(run.cycles),
        "seconds": round(run.seconds, 1),
        "median_cycle_s": statistics.median(line["seconds"] for line in run.cycles),
        "news": sum(line["new"] for line in run.cycles),
        "alerts": sum(line["alerts"] for line in run.cycles),
        "failed": sum(line["failed"] for line in run.cycles),
        "problems": sorted({one for line in run.cycles for one in line["problems"]})[:20],
        "memory": {name: summed_up(points) for name, points in sorted(memory.items())},
        "counts": {name: summed_up(points) for name, points in sorted(counts.items())},
    }


def _series_of_memory(samples: list[Sample]) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Yield the memory of each role: that of the processes that lived all the time, divided by their number."""
    steady = set.intersection(*(set(sample.memory) for sample in samples))
    for role in {role for role, _ in steady}:
        members = [key for key in steady if key[0] == role]
        points = [(s.cycle, sum(s.memory[key] for key in members) / len(members)) for s in samples]
        yield (role if len(members) == 1 else f"{role}, mean of {len(members)}"), points
    yield "all", [(sample.cycle, sum(sample.memory.values())) for sample in samples]


def write(run: Run, file: Path) -> None:
    """Write the figures so far, and all samples."""
    samples = [
        {"cycle": s.cycle, "counts": s.counts, "memory": {f"{r}:{p}": v for (r, p), v in s.memory.items()}}
        for s in run.samples
    ]
    file.write_text(json.dumps({**figures_of(run), "samples": samples}, indent=1) + "\n")


def show(figures: dict[str, Any]) -> str:
    """Return the figures as a table."""
    head = f"{'':34}{'first':>10}{'last':>10}{'least':>10}{'most':>10}{'per 1000':>10}{'2nd half':>10}"
    lines = [
        f"{figures['cycles']} cycles in {figures['seconds']:.0f} s, median {figures['median_cycle_s']:.2f} s",
        f"{figures['news']} items, {figures['alerts']} alerts, {figures['failed']} failed",
        *figures["problems"],
    ]
    for title, kind in (("megabytes of memory of its own", "memory"), ("other counts", "counts")):
        lines += ["", f"{title:34}{head[34:]}"]
        lines += [
            f"{name:34}" + "".join(f"{value:10.3f}" for value in row.values())
            for name, row in figures[kind].items()
        ]
    return "\n".join(lines)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Soak and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--cycles", type=int, default=2_000)
    parser.add_argument("--every", type=int, default=2, help="cycles from one batch of news to the next")
    parser.add_argument("--sample-every", type=int, default=10, help="cycles from one look to the next")
    parser.add_argument("--keep-s", type=float, default=120.0, help="age at which rows and charts go")
    parser.add_argument("--kinds", action="store_true", help="name the kinds of objects that grew in number")
    parser.add_argument("--json", type=Path, help="file for the figures and all samples")
    asked = parser.parse_args()
    run = soak(
        cycles=asked.cycles,
        every=asked.every,
        sample_every=asked.sample_every,
        keep_s=asked.keep_s,
        kinds=asked.kinds,
        file=asked.json,
    )
    print(show(figures_of(run)))


if __name__ == "__main__":
    main()
