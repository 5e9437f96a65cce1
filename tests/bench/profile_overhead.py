"""What a profile costs: cycles with and without its recorder in turns in one run, and the stage times that are always taken."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.app import Running, Start, run_app
from catalyst_ray.pipeline.tally import Tally
from catalyst_ray.profiler.loads import open_load
from catalyst_ray.profiler.recorder import Recorder
from catalyst_ray.profiler.wish import ProfileWish
from catalyst_ray.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.models import CycleReport

PAIRS = 30
WISH = ProfileWish(kind="full", cycles=2 * PAIRS + 2, world=("--batches=25", "--items=2500"))
"""Batches odd in number, so that no batch of a day meets the recorder twice in a row."""
SPANS = 20_000


def measure() -> dict[str, float]:
    """Return the shares of a cycle: by turns, by the recorder's own seconds, and of the stage times with no profile on."""
    turns = _Turns()
    with open_load(Settings(_env_file=None, log_level="ERROR"), WISH) as load:
        turns.next_load = load.next_load
        start = Start(
            cycles=WISH.cycles,
            is_terminal=False,
            on_report=turns.on_report,
            dashboard=False,
            fake_gpus=2,
            around=turns.around,
        )
        with _counted_spans(turns):
            run_app(load.settings, start)
    taken = list(zip(turns.cycles, turns.was_on, strict=True))[
        1:-1
    ]  # the first is cold, the last waits for what is late
    off, on = ([seconds for seconds, was_on in taken if was_on is turn] for turn in (False, True))
    pairs = [{was_on: seconds for seconds, was_on in taken[at : at + 2]} for at in range(0, len(taken), 2)]
    ratios = [pair[True] / pair[False] for pair in pairs]
    cycle_s = statistics.median(off)
    spans = statistics.median(turns.spans)
    return {
        "profile_overhead_share": statistics.median(on) / cycle_s - 1,
        "profile_overhead_pairs_share": statistics.median(ratios) - 1,
        "profile_work_share": turns.worked_s / sum(on),
        "profile_read_s": statistics.median(turns.reads),
        "profile_off_share": spans * _span_s(round(spans)) / cycle_s,
        "profile_spans_a_cycle": spans,
    }


class _Turns:
    """Lets the recorder look in every second cycle."""

    def __init__(self) -> None:
        self.cycles: list[float] = []
        self.was_on: list[bool] = []
        self.spans: list[int] = []
        self.reads: list[float] = []
        self.worked_s = 0.0
        self.counted = 0
        self.next_load = lambda _number: None
        self._gate = asyncio.Event()
        self._recorder = Recorder(WISH, clock=_Gated(self), next_load=lambda _: None)
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def around(self, running: Running) -> Iterator[None]:
        """Let the recorder look, timed, until the cycles end."""
        self._loop = asyncio.get_running_loop()
        queues = {name: self._timed(stats) for name, stats in running.queues.items()}
        watched = Running(queues, running.replicas, running.model)
        with self._recorder.around(watched):
            yield

    def on_report(self, report: CycleReport) -> None:
        """Take the cycle down, by the recorder too where it was its turn; then give the turn away."""
        self.cycles.append(report.seconds)
        self.spans.append(self.counted)
        self.counted = 0
        self.was_on.append(self._gate.is_set())
        if self._gate.is_set():
            begun_s = time.perf_counter()
            self._recorder.on_report(report)
            self.reads.append(time.perf_counter() - begun_s)
        # In the second cycle without, then with, with, without, without, …: neither is always the second of a pair.
        is_next = (report.number // 2) % 2 == 1
        self._loop.call_soon_threadsafe(self._gate.set if is_next else self._gate.clear)
        self.next_load(report.number + 1)

    def _timed(self, stats):
        def look():
            begun_s = time.perf_counter()
            try:
                return stats()
            finally:
                self.worked_s += time.perf_counter() - begun_s

        return look

    async def turn(self) -> None:
        """Wait for the recorder's turn."""
        await self._gate.wait()


class _Gated(SystemClock):
    """A clock whose sleep lasts until it is the recorder's turn."""

    def __init__(self, turns: _Turns) -> None:
        self._turns = turns

    async def sleep(self, seconds: float) -> None:
        """Sleep, and wait for the turn."""
        await asyncio.sleep(seconds)
        await self._turns.turn()


@contextmanager
def _counted_spans(turns: _Turns) -> Iterator[None]:
    """Count the pieces of work that a cycle times."""
    add = Tally.add

    def counted(self: Tally, name: str, seconds: float) -> None:
        turns.counted += 1
        add(self, name, seconds)

    Tally.add = counted
    try:
        yield
    finally:
        Tally.add = add


def _span_s(spans: int) -> float:
    """Return the seconds that timing a piece of work takes, its share of the report included."""
    begun_s = time.perf_counter()
    done = 0
    while done < SPANS:
        tally = Tally(1, SystemClock())
        for _ in range(spans):
            with tally.stage("score"):
                pass
        tally.report(queues={}, deliveries={})
        done += spans
    return (time.perf_counter() - begun_s) / done
