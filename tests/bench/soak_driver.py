"""The soak's driver: the program itself on a Ray of its own, which tells of every cycle in a line of JSON.

Started by ``soak``. What differs from a run of months, so that an hour shows its bounds: what is old is deleted after minutes
rather than days, the last few hundred reports and stories are kept rather than ten thousand, all of it is looked
after every twenty seconds, and what keeps the last thousands of texts is full from the start.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.request import Request, urlopen

import ray  # noqa: TID253  (run on its own, never imported)

from catalyst_ray.adapters.allocator import give_back_memory
from catalyst_ray.app import Start, run_app
from catalyst_ray.core.dates import parse_date
from catalyst_ray.core.identity import url_key
from catalyst_ray.core.story_words import words_of
from catalyst_ray.core.text import normal_title
from catalyst_ray.demo.world import World
from catalyst_ray.demo_settings import demo_settings
from catalyst_ray.pipeline import housekeeping, stories
from tests.bench.soak_memory import anonymous_mb

if TYPE_CHECKING:
    from catalyst_ray.models import CycleReport
    from catalyst_ray.settings import Settings

DAY_S = 86_400.0
PURGE_EVERY_S = 20.0
REPORTS_KEPT = 200
STORIES_KEPT = 500
TRIM_EVERY_S = 20.0
FAR_SEED = 1_000_000
DATES = 8_192
TOP = 25
TRIMMED = "driver after trim_mb"


class Teller:
    """Told of each cycle: publishes what the next ones find, and says how the process is.

    Args:
        wish: What ``soak`` hands over: ``base_url``, ``cycles``, ``every``, ``sample_every``, ``warm``, ``kinds``.
    """

    def __init__(self, wish: dict[str, Any]) -> None:
        self._wish = wish
        self._kinds: Counter[str] | None = None

    def __call__(self, report: CycleReport) -> None:
        line: dict[str, Any] = {
            "cycle": report.number,
            "seconds": report.seconds,
            "alerts": report.counts["alert"] + report.counts["released"],
            "new": report.counts["new"],
            "failed": report.counts["failed"],
            "problems": [one for one in report.problems if "demo_broken" not in one],
        }
        if report.number % self._wish["sample_every"] == 0:
            line["inside"] = inside()
        if self._wish["kinds"]:
            self._count_kinds(report.number)
        if report.number % self._wish["every"] == 0:
            release(self._wish["base_url"])
        try:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # nobody measures any more
            os.kill(os.getpid(), signal.SIGTERM)

    def _count_kinds(self, number: int) -> None:
        """Say on standard error of which kinds there are more objects at the end than after the warm-up."""
        if number not in {self._wish["warm"], self._wish["cycles"] - 1}:
            return
        gc.collect()
        kinds = Counter(str(type(one)) for one in gc.get_objects())
        grown = kinds - (self._kinds or kinds)
        sys.stderr.writelines(f"{count:8} more of {kind}\n" for kind, count in grown.most_common(TOP))
        self._kinds = kinds


_UNUSED = ("ordblks", "smblks", "hblks", "usmblks", "fsmblks")


class MallInfo(ctypes.Structure):
    """What glibc's ``mallinfo2`` answers."""

    _fields_: ClassVar = [
        (name, ctypes.c_size_t)
        for name in ("arena", *_UNUSED[:3], "hblkhd", *_UNUSED[3:], "uordblks", "fordblks", "keepcost")
    ]


def malloc_mb() -> dict[str, float]:
    """Return what is held of the C library's allocator, and what it keeps for later, in megabytes."""
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = MallInfo
    found = library.mallinfo2()
    return {"malloc: used_mb": (found.uordblks + found.hblkhd) / 1e6, "malloc: kept_mb": found.fordblks / 1e6}


def inside() -> dict[str, float]:
    """Return what only the process itself can count, and its memory right after the free part was given back."""
    kept = malloc_mb()
    begun_s = time.perf_counter()
    give_back_memory()
    kept["seconds of a trim"] = time.perf_counter() - begun_s
    objects = gc.get_objects()
    tasks = sum(isinstance(one, asyncio.Task) and not one.done() for one in objects)
    cached = sum(one.cache_info().currsize for one in objects if isinstance(one, _lru_cache_wrapper))
    return {
        "objects": len(objects),
        "tasks": tasks,
        "texts in caches": cached,
        **kept,
        TRIMMED: anonymous_mb(os.getpid()),
    }


def fill_caches() -> None:
    """Fill what keeps the last thousands of texts, as days of news would, with news that the run does not have."""
    day = World(FAR_SEED, datetime.now(UTC), items=150)
    while words_of.cache_info().currsize < words_of.cache_info().maxsize:
        for item in day.items:
            address = f"http://127.0.0.1:1{item.path}"
            for cached, text in ((words_of, item.title), (normal_title, item.title), (url_key, address)):
                cached(text)
        day = day.next_day(day.start_utc)
    for number in range(DATES):
        parse_date((day.start_utc + timedelta(seconds=number)).isoformat())


def release(base_url: str) -> None:
    """Have the demo publish its next batch."""
    with urlopen(Request(f"{base_url}/_control/release", method="POST"), timeout=30):
        return


def soaked(wish: dict[str, Any]) -> Settings:
    """Return the demo's settings with a page, little rest and short memory."""
    settings = demo_settings(
        wish["base_url"],
        wish["webhook_url"],
        Path(wish["out"]),
        sleep_seconds=wish["sleep_s"],
        chart_keep_seconds=wish["keep_s"],
        llm_cache_ttl=wish["keep_s"],
        web_port=wish["web_port"],
        log_level="WARNING",
    )
    # Checked settings keep a day at least; none is as long as that here.
    return settings.model_copy(update={"retention_days": wish["keep_s"] / DAY_S})


def main() -> None:
    """Run the cycles that were asked for."""
    wish = json.loads(sys.argv[1])
    housekeeping.PURGE_EVERY_S = PURGE_EVERY_S
    housekeeping.CYCLES_KEPT = REPORTS_KEPT
    housekeeping.TRIM_EVERY_S = TRIM_EVERY_S
    stories.LIMIT = STORIES_KEPT
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    fill_caches()
    release(wish["base_url"])
    with Path("/dev/null").open("w") as nowhere:
        start = Start(
            cycles=wish["cycles"],
            out=nowhere,
            is_terminal=False,
            on_report=_with_session(Teller(wish)),
            dashboard=True,
            fake_gpus=2,
        )
        run_app(soaked(wish), start)


def _with_session(teller: Teller) -> Any:
    """Say first where Ray keeps its logs."""

    def tell(report: CycleReport) -> None:
        if report.number == 1:
            folder = ray._private.worker._global_node.get_session_dir_path()
            sys.stdout.write(json.dumps({"session": folder}) + "\n")
        teller(report)

    return tell


if __name__ == "__main__":
    main()
