"""Runs the program's own cycles on a load, takes down what they did, and makes the report."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray import __version__
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.app import Start, run_app
from catalyst_ray.cluster.stop import StopSignal
from catalyst_ray.errors import CatalystError
from catalyst_ray.profiler.loads import open_load
from catalyst_ray.profiler.quality import quality_of
from catalyst_ray.profiler.recorder import Recorder
from catalyst_ray.profiler.report import make_report

if TYPE_CHECKING:
    from catalyst_ray.models import ProfileReport
    from catalyst_ray.profiler.wish import ProfileWish
    from catalyst_ray.settings import Settings

log = logging.getLogger(__name__)


def measure(settings: Settings, wish: ProfileWish, stop: StopSignal | None = None) -> ProfileReport:
    """Profile the program with these settings over a load, and return what was found.

    Joins the cluster of the settings, or starts a Ray of its own. The user's store, sinks and files are left alone.
    A stop ends it early with what there is; ``stop`` tells of one that came too late for that.

    Raises:
        CatalystError: It cannot run, or no cycle ended.
    """
    clock = SystemClock()
    with open_load(settings, wish) as load, open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  (no path of ours)
        recorder = Recorder(wish, clock=clock, next_load=load.next_load)
        start = Start(
            cycles=wish.total,
            out=nowhere,
            is_terminal=False,
            on_report=recorder.on_report,
            dashboard=False,
            fake_gpus=wish.fake_gpus,
            around=recorder.around,
            stop=stop or StopSignal(),
        )
        with redirect_stdout(sys.stderr):  # Ray prints to standard output when a worker dies
            run_app(load.settings, start)
        facts = load.facts
        quality = quality_of(load.settings, load.truth()) if recorder.reports else {}
    if not recorder.reports:
        raise CatalystError("no cycle ended, so there is nothing to tell", key="profile")
    report = make_report(
        recorder, wish, settings=settings, made_utc=clock.now_utc(), load_facts=facts, version=__version__
    )
    return replace(report, quality=quality)
