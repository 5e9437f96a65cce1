"""The bench's figures: what is counted, by replica too, and how it is told."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from catalyst_ray.bench import BenchWish, bench, run
from catalyst_ray.bench.charts import walk_bars
from catalyst_ray.bench.figures import BenchReport, ChartRate, CycleRate
from catalyst_ray.bench.model import ask_all, headline, model_rate
from catalyst_ray.cli.bench import command, lines
from catalyst_ray.cluster.session import Session
from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest, Reason
from catalyst_ray.settings import Settings
from tests.adapters.pipeline_world import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

INFO = EngineInfo(engine="fake", model="m", device="gpu 0")


class FakePool:
    """Answers from two replicas in turn, ten seconds later; refuses every fifth request."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.asked: list[LlmRequest] = []
        self.busy = self.most = 0

    async def ask(self, request: LlmRequest) -> LlmAnswer | Reason:
        """Answer."""
        self.asked.append(request)
        number = len(self.asked)
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0)
        self._clock.advance(1.0)
        self.busy -= 1
        if number % 5 == 0:
            return Reason("llm_failed")
        tokens = {"prompt_tokens": 100, "output_tokens": 10}
        return LlmAnswer(
            text="{}", model="m", engine="fake", seconds=number / 10, replica=f"bench-{number % 2}", **tokens
        )


async def test_rates_are_of_the_measured_time() -> None:
    """Warm-up requests count for nothing; refused ones count as failed; each replica has its share."""
    clock = FakeClock()
    pool = FakePool(clock)
    rate = await model_rate(pool.ask, INFO, requests=20, slots=1, replicas=2, clock=clock)
    assert len(pool.asked) == 22
    assert (rate.requests, rate.failed) == (20, 4)
    assert rate.per_s == pytest.approx(16 / 20)
    assert rate.prompt_tokens_per_s == pytest.approx(1600 / 20)
    assert rate.output_tokens_per_s == pytest.approx(160 / 20)
    assert [one.replica for one in rate.replicas] == ["bench-0", "bench-1"]
    assert sum(one.answers for one in rate.replicas) == 16
    assert sum(one.output_tokens_per_s for one in rate.replicas) == pytest.approx(rate.output_tokens_per_s)
    assert (rate.p50_s, rate.p95_s) == (1.2, 2.2)


async def test_nothing_answers() -> None:
    """A server that refuses everything gives zeros, not a division by none."""

    async def refuse(_: LlmRequest) -> Reason:
        clock.advance(1.0)
        return Reason("llm_failed")

    clock = FakeClock()
    rate = await model_rate(refuse, INFO, requests=4, slots=1, replicas=1, clock=clock)
    assert (rate.failed, rate.per_s, rate.p50_s, rate.p95_s, rate.replicas) == (4, 0.0, 0.0, 0.0, ())


async def test_no_more_at_once_than_asked_for() -> None:
    """Enough to keep every slot busy, and bounded."""
    pool = FakePool(FakeClock())
    answers = await ask_all(pool.ask, [headline(n) for n in range(30)], at_once=4)
    assert len(answers) == 30
    assert pool.most == 4


def test_no_two_requests_are_equal() -> None:
    """Equal ones would be joined, and their answers cached."""
    requests = [headline(n) for n in range(-20, 200)]
    assert len({request.key for request in requests}) == len({request.prompt for request in requests}) == 220


def test_charts_differ_by_name() -> None:
    """Another walk for every chart, the same for the same name."""
    assert walk_bars("A") == walk_bars("A")
    assert walk_bars("A").close != walk_bars("B").close


def test_what_a_person_reads() -> None:
    """A line a part; what was not measured says why."""
    report = BenchReport(
        where="10.0.0.1:6379",
        nodes=3,
        cpus=12.0,
        gpus=1.0,
        charts=ChartRate(charts=300, workers=4, per_s=52.34, alone_s=0.031, draw_s=0.022),
        cycles=CycleRate(
            cycles=8,
            p50_s=1.2,
            p95_s=2.5,
            items=100.0,
            alerts=9.5,
            stages_s={"fetch": 0.02, "draw": 0.4, "read": 0.0},
        ),
        notes=("model: no server answers",),
    )
    assert list(lines(report)) == [
        "cluster   10.0.0.1:6379: 3 nodes, 12 CPUs, 1 GPUs",
        "charts    52.3 a second with 4 workers (300 drawn); alone 31 ms, of which drawing 22 ms",
        "cycles    p50 1.20 s, p95 2.50 s over 8; 100 new items and 9.5 alerts each",
        "          draw 0.40, fetch 0.02",
        "not measured: model: no server answers",
    ]


@pytest.mark.parametrize("allowed", [True, False])
def test_an_open_dashboard_is_for_the_settings_to_allow(
    monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    """ALLOW_OPEN_DASHBOARD counts here as for a run."""
    asked = []

    @contextmanager
    def session(*_: object, **options: object) -> Iterator[Session]:
        asked.append(options["allow_open"])
        yield Session("192.0.2.7:6379", is_local=False, cpus=1, gpus=0, nodes=1, dashboard_url=None)

    monkeypatch.setattr(run, "ray_session", session)
    bench(Settings(_env_file=None, allow_open_dashboard=allowed), BenchWish(parts=()))
    assert asked == [allowed]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_job_s_log_has_the_words_too(monkeypatch, loggers, tmp_path, options) -> None:
    """A program gets a JSON line and whoever reads the log the words beside it; with --json the line alone."""
    monkeypatch.chdir(tmp_path)
    report = BenchReport(where="here", nodes=1, cpus=2.0, gpus=0.0)
    monkeypatch.setattr("catalyst_ray.bench.bench", lambda *_: report)
    done = CliRunner().invoke(command, options)
    assert (done.exit_code, json.loads(done.stdout)["type"]) == (0, "bench")
    assert done.stderr.splitlines() == ([] if options else list(lines(report)))
