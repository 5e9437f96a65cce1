"""What the recorder takes down, when it lets the next load go, and when instruments look."""

from __future__ import annotations

import asyncio

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.app import Running
from catalyst_ray.cluster.llm_replica import ReplicaInfo
from catalyst_ray.models import EngineInfo
from catalyst_ray.profiler import recorder as recorder_of
from catalyst_ray.profiler.recorder import Recorder
from catalyst_ray.profiler.report import make_report, speed_settings
from catalyst_ray.profiler.wish import EXTRA, ProfileWish
from catalyst_ray.settings import Settings
from tests.unit.core.profile_facts import cycle

ENGINE = EngineInfo(engine="ollama", model="mistral", device="gpu")
REPLICA = ReplicaInfo(name="llm-0", pid=7, node="n", gpu_ids=("0",), visible_devices="0", engine=ENGINE)
LLM = {"waiting": 4, "busy": 2, "oldest_age_s": 0.5}


class Tree:
    """Returns what it is asked with."""

    def __init__(self, address):
        self.asked = []

    def read(self, replicas):
        self.asked.append(dict(replicas))
        return ()


def record(monkeypatch, wish: ProfileWish, cycles: int) -> tuple[Recorder, list[int]]:
    """Let the recorder see a run of so many cycles."""
    monkeypatch.setattr(recorder_of, "cluster_facts", lambda: {"cpus": 2.0})
    monkeypatch.setattr(recorder_of, "gcs_address", lambda: "10.0.0.1:6379")
    monkeypatch.setattr(recorder_of, "ray_cost", lambda _clock: {"task": 0.001})
    monkeypatch.setattr(recorder_of, "RayTree", Tree)
    asked: list[int] = []
    seen = Recorder(wish, clock=SystemClock(), next_load=asked.append)
    running = Running({"llm": lambda: LLM, "charts": dict}, lambda: [REPLICA], lambda: "words")

    async def run() -> None:
        with seen.around(running):
            for number in range(1, cycles + 1):
                await asyncio.sleep(0)
                await asyncio.to_thread(seen.on_report, cycle(number, number / 10))

    asyncio.run(run())
    return seen, asked


def test_a_run_is_taken_down(monkeypatch) -> None:
    """Counted cycles, the queues' moments, the model, memory read with the replicas' names; the closing cycle is none."""
    wish = ProfileWish(kind="full", cycles=3)
    seen, asked = record(monkeypatch, wish, wish.total)
    assert [report.number for report in seen.reports] == [1, 2, 3]
    assert asked == [2, 3]
    assert (seen.moments[0].llm_waiting, seen.moments[0].llm_busy, seen.moments[0].llm_oldest_s) == (
        4,
        2,
        0.5,
    )
    assert seen.model == "mistral by ollama on gpu"
    assert seen._tree.asked == [{7: "llm-0"}] * 3
    assert seen.ray_s == {"task": 0.001}


def test_a_profile_of_cycles_reads_no_process_and_tries_no_task(monkeypatch) -> None:
    """The plain kind costs only the look at the queues."""
    seen, _ = record(monkeypatch, ProfileWish(cycles=2), 3)
    assert (seen._tree.asked, seen.readings, seen.ray_s) == ([], [], {})


def test_instruments_have_cycles_of_their_own(monkeypatch) -> None:
    """They begin after the counted cycles, one after the other, and end before the closing one, which has no load."""
    told: list[str] = []
    for name in ("start", "stop"):
        monkeypatch.setattr(
            recorder_of.CallMeter, name, lambda _self, name=name: told.append(f"calls {name}")
        )
    for name in ("start", "mark", "stop"):
        monkeypatch.setattr(
            recorder_of.GrowthMeter, name, lambda _self, name=name: told.append(f"growth {name}")
        )
    wish = ProfileWish(cycles=2, cprofile=True, tracemalloc=True)
    told_at: dict[int, list[str]] = {}
    seen, asked = record(monkeypatch, wish, 0)
    for number in range(1, wish.total + 1):
        told.clear()
        seen._loop = None
        seen._in_loop = lambda switch: switch()
        seen.on_report(cycle(number))
        if told:
            told_at[number] = list(told)
    assert told_at == {
        2: ["calls start"],
        2 + EXTRA: ["calls stop", "growth start"],
        3 + EXTRA: ["growth mark"],
        2 + 2 * EXTRA: ["growth stop"],
    }
    assert wish.total == 3 + 2 * EXTRA
    assert asked[-1] == wish.total - 1


def test_a_long_run_keeps_a_bounded_number_of_moments(monkeypatch) -> None:
    """When there are too many, every second one goes and it looks half as often."""
    monkeypatch.setattr(recorder_of, "MOST_MOMENTS", 8)
    monkeypatch.setattr(recorder_of, "LOOK_S", 0.001)
    pauses: list[float] = []

    class Clock(SystemClock):
        async def sleep(self, seconds):
            pauses.append(seconds)
            if len(pauses) > 40:
                seen.reports.append(cycle())
            await asyncio.sleep(0)

    seen = Recorder(ProfileWish(cycles=1), clock=Clock(), next_load=lambda _: None)
    asyncio.run(seen._look(Running({"llm": lambda: LLM, "charts": dict}, list, lambda: "none")))
    assert len(seen.moments) < 8
    assert pauses == sorted(pauses)
    assert pauses[-1] > 8 * pauses[0]


def test_the_report_says_what_is_missing(monkeypatch) -> None:
    """An early end and a model that never judged are notes; the settings stand as in .env, without places or secrets."""
    seen, _ = record(monkeypatch, ProfileWish(kind="full", cycles=3), 2)
    seen.model, seen.model_words = "", "no Ollama"
    settings = Settings(_env_file=None, llm_batch_workers=6, llm_api_key="secret-key-of-mine")
    wish = ProfileWish(kind="full", cycles=3)
    report = make_report(
        seen, wish, settings=settings, made_utc=SystemClock().now_utc(), load_facts={"a": "b"}, version="1"
    )
    assert report.notes == ("stopped after 2 of 3 cycles", "no language model judged: no Ollama")
    assert report.load_facts == {"a": "b", "model": ""}
    assert report.machine == {"cpus": 2.0, "catalyst_ray": "1"}
    told = dict(speed_settings(settings))
    assert (told["LLM_BATCH_WORKERS"], told["FEEDS_PARALLEL"]) == ("6", "1")
    assert not [name for name in told if name.endswith(("_URL", "_KEY", "_DIR"))]
    assert "secret" not in str(report)
