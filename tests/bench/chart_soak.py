"""Many charts through the pool, each with other bars and a file of its own: does memory stay flat, is a file left?

``python -m tests.bench.chart_soak [N]`` prints the figures as JSON; N is 10,000 unless told otherwise.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.bench.charts import OPENED_S, walk_bars
from catalyst_ray.cluster.chart_pool import ChartPool
from catalyst_ray.cluster.session import ray_session
from catalyst_ray.pipeline.charting import ChartLook
from catalyst_ray.pipeline.pictures import Pictures

if TYPE_CHECKING:
    from catalyst_ray.models import Bars

CYCLE = 50
"""Charts asked for at once; the folder is swept after each."""
WARM_UP_SHARE = 0.1
CACHE_TTL_S = 300.0


class Walk:
    """A price source that has another random walk for every ticker."""

    name = "walk"

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return a day of bars."""
        return walk_bars(ticker)

    async def close(self) -> None:
        """Do nothing."""


async def soak(count: int, *, folder: Path, sample_every: int) -> dict[str, Any]:
    """Draw ``count`` charts on the Ray that runs and return what they cost and left behind."""
    clock = SystemClock()
    pool = ChartPool(clock=clock, workers=4, cache_ttl_s=CACHE_TTL_S, timeout_s=60)
    pictures = Pictures(
        prices=Walk(),
        artist=pool,
        clock=clock,
        folder=folder,
        timeout_s=60,
        timeframe="1D",
        look=ChartLook(),
    )
    await pool.start()
    mark = datetime.fromtimestamp(OPENED_S + 3600, UTC)
    samples: list[tuple[int, float, float]] = []
    missing = swept = 0
    started = time.perf_counter()
    for first in range(0, count, CYCLE):
        taken = await asyncio.gather(
            *(
                pictures.take(f"a{n}", f"T{n}", mark_utc=mark, label="Contract won", priority=n % 10)
                for n in range(first, min(first + CYCLE, count))
            )
        )
        missing += sum(one.chart_path is None for one in taken)
        later = clock.now_utc() + timedelta(hours=2)
        swept += pictures.sweep(needed=(), now_utc=later, keep_s=3600)
        if first % sample_every == 0:
            samples.append((first, rss_mb(os.getpid()), worker_mb()))
    seconds = time.perf_counter() - started
    stats = pool.stats()
    figures = {
        "charts": int(stats["completed"]),
        "missing": missing,
        "seconds": round(seconds, 1),
        "charts_per_s": round(count / seconds, 1),
        "draw_s": round(stats["draw_seconds"], 4),
        "files_swept": swept,
        "files_left": len(os.listdir(folder)),  # noqa: PTH208  (nothing else runs here)
        "open_callers": int(stats["open"]),
        "running": int(stats["busy"]),
        "waiting": int(stats["waiting"]),
        "cached_pictures": len(pool._cache),
        "cache_bytes": pool._cache.bytes,
        **memory(samples, count),
    }
    await pool.close()
    return figures


def memory(samples: list[tuple[int, float, float]], count: int) -> dict[str, float]:
    """Return first, last and slopes of the driver's memory and of its largest worker's, without the warm-up."""
    flat = [sample for sample in samples if sample[0] >= WARM_UP_SHARE * count]
    figures = {}
    for column, name in ((1, "driver"), (2, "worker")):
        points = [(sample[0] / 1000, sample[column]) for sample in flat]
        figures[f"{name}_mb_first"] = round(points[0][1], 1)
        figures[f"{name}_mb_last"] = round(points[-1][1], 1)
        figures[f"{name}_mb_per_1000_charts"] = round(slope(points), 3)
        figures[f"{name}_mb_per_1000_charts_second_half"] = round(slope(points[len(points) // 2 :]), 3)
    return figures


def slope(points: list[tuple[float, float]]) -> float:
    """Return the slope of the line through points, by least squares; 0 through one."""
    middle = sum(x for x, _ in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * y for x, y in points) / spread if spread else 0.0


def rss_mb(pid: int | str) -> float:
    """Return the resident memory of a process; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def worker_mb() -> float:
    """Return the memory of the largest Ray worker below this process."""
    parents: dict[str, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[stat.parent.name] = stat.read_text().rsplit(") ", 1)[1].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return max((rss_mb(pid) for pid in parents if _is_worker(pid, parents)), default=0.0)


def _is_worker(pid: str, parents: dict[str, str]) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    if not title.startswith((b"ray::IDLE", b"ray::chart")):
        return False
    while pid in parents and pid != str(os.getpid()):
        pid = parents[pid]
    return pid == str(os.getpid())


def main() -> None:
    """Soak on a Ray of its own and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with ray_session(None, dashboard=False), tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(soak(count, folder=Path(folder), sample_every=max(CYCLE, count // 100)))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
