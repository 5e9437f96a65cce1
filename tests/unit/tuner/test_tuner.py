"""A session of tuning over a made-up machine: finds what is planted, keeps what helps, rolls back the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalyst_ray.errors import TransportError
from catalyst_ray.models import FeedReport
from catalyst_ray.tuner import Limits, Tuner
from catalyst_ray.tuner.session import Stopped
from tests.unit.core.profile_scene import CHARTS, LLM, PRICES, SETTINGS, cycle, healthy, spread

QUALITY = {"stories": 60.0, "found": 58.0, "wrong": 0.0, "alerts": 58.0, "judged": 58.0, "decided": 500.0}


class Clock:
    """Time that a measurement moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        """Return the invented seconds."""
        return self.now_s


class Machine:
    """Answers profiles as a program with these settings would.

    Args:
        planted: Settings that are set.
        serves: Requests that the engine takes at a time.
        slow_feed_s: What one feed takes; its news is lost where FEEDS_TIMEOUT ends it, if it has any.
    """

    def __init__(self, *, serves=64, slow_feed_s=0.4, slow_feed_stories=0, repeats=0, noise=(), **planted):
        self.planted = planted
        self.serves = serves
        self.slow_feed_s = slow_feed_s
        self.slow_feed_stories = slow_feed_stories
        self.repeats = repeats
        self.noise = list(noise)
        self.asked: list[dict[str, str]] = []
        self.clock = Clock()
        self.fails_with: dict[str, Exception] = {}

    def __call__(self, changes):
        """Return the profile of a turn."""
        self.asked.append(dict(changes))
        self.clock.now_s += 20.0
        for name in changes:
            if name in self.fails_with:
                raise self.fails_with[name]
        settings = {**SETTINGS, **self.planted, **changes}
        workers = min(int(settings["LLM_BATCH_WORKERS"]), self.serves)
        cached = self.repeats if float(settings["LLM_CACHE_TTL"]) else 0
        work_s = 0.3 * (60 - cached) / workers
        charts_s = 3.0 / min(int(settings["CHART_QUEUE_WORKERS"]), 4)
        feed_s, lost = self.slow_feed_s, 0
        if feed_s > float(settings["FEEDS_TIMEOUT"]):
            feed_s, lost = 0.1, self.slow_feed_stories
        noise_s = self.noise.pop(0) if self.noise else 0.0
        seconds = max(work_s / 5, charts_s / 3, feed_s) + noise_s
        slots = int(settings["LLM_BATCH_WORKERS"])
        quick = FeedReport(feed="quick", status="ok", seconds=0.4, new=9)
        slow = FeedReport(feed="tortoise", status="ok", seconds=feed_s, new=3)
        return healthy(
            load="demo",
            settings=settings,
            machine={"cpus": 4, "gpus": 0},
            cycles=tuple(cycle(number, feeds=(quick, slow), seconds=seconds) for number in range(1, 6)),
            cycle_s=spread(seconds),
            posted_s={"discord": spread(charts_s / 3)},
            queues={
                "llm": {
                    **LLM,
                    "replicas": 1,
                    "workers": slots,
                    "taken": 60 - cached,
                    "worked": 60 - cached,
                    "seconds": 0.3 * (60 - cached) * slots / workers,
                    "waited_s": 60 * max(0.0, work_s / 10 - 0.3),
                    "repeated": self.repeats - cached,
                },
                "charts": {
                    **CHARTS,
                    "seconds": 4.0,
                    "waited_s": 40 * max(0.0, charts_s / 6 - 0.15),
                    "workers": int(settings["CHART_QUEUE_WORKERS"]),
                },
                "prices": PRICES,
            },
            quality={**QUALITY, "found": 58.0 - lost, "verdict_p95_s": work_s / 4 + 0.3 + noise_s},
        )


def tune(machine, **limits):
    """Return what a session on the machine comes to, and what it told."""
    told: list[str] = []
    tuner = Tuner(machine, limits=Limits(**limits), clock=machine.clock, tell=told.append)
    return tuner.run(), told


@pytest.mark.parametrize(
    ("machine", "changes"),
    [
        (Machine(LLM_BATCH_WORKERS="1"), {"LLM_BATCH_WORKERS": "4"}),
        (Machine(CHART_QUEUE_WORKERS="1"), {"CHART_QUEUE_WORKERS": "4"}),
        (Machine(slow_feed_s=6.0), {"FEEDS_TIMEOUT": "2"}),
        (Machine(LLM_CACHE_TTL="0", LLM_BATCH_WORKERS="4", repeats=30), {"LLM_CACHE_TTL": "3600"}),
    ],
    ids=["serial model", "few chart workers", "slow feed", "tiny cache"],
)
def test_what_is_planted_is_found_and_mended(machine, changes):
    """Each bottleneck alone: its setting is changed and no other, and the figures say what it won."""
    result, _ = tune(machine)
    assert result.changes == changes
    assert all(trial.decision.after < 0.95 * trial.decision.before for trial in result.trials if trial.kept)


def test_several_bottlenecks_are_mended_one_after_the_other():
    """The next advice is taken from a profile with what was kept, and each change is tried on top of it."""
    machine = Machine(LLM_BATCH_WORKERS="1", CHART_QUEUE_WORKERS="1", slow_feed_s=6.0)
    result, _ = tune(machine)
    assert result.changes == {"FEEDS_TIMEOUT": "2", "LLM_BATCH_WORKERS": "4", "CHART_QUEUE_WORKERS": "4"}
    assert result.trials[0].advice.setting == "FEEDS_TIMEOUT"
    assert machine.asked[-1] == result.changes


def test_on_a_tuned_machine_nothing_is_tried():
    """One measurement, and that is all."""
    machine = Machine(LLM_BATCH_WORKERS="6")
    result, _ = tune(machine)
    assert (machine.asked, result.trials, result.changes) == ([{}], [], {})


def test_turns_alternate_and_each_pair_begins_without_the_change():
    """ABAB…: what drifts in the machine meets both alike."""
    machine = Machine(LLM_BATCH_WORKERS="1")
    tune(machine, rounds=1)
    assert machine.asked == [{}, *[{}, {"LLM_BATCH_WORKERS": "4"}] * 4]


def test_a_change_that_does_not_help_is_rolled_back_at_once_and_not_tried_again():
    """An engine that takes one at a time gains nothing by more: the trial ends as soon as that is sure."""
    machine = Machine(LLM_BATCH_WORKERS="1", serves=1, noise=[0.0, 0.0, 0.4])
    result, told = tune(machine)
    assert result.changes == {}
    (trial,) = result.trials
    assert not trial.kept
    assert len(machine.asked) == 3
    assert told[-1].startswith("LLM_BATCH_WORKERS=4: rolled back, no more than noise")
    assert result.last is result.first


def test_a_feed_whose_news_counts_is_not_given_up_for_speed():
    """A shorter time-out would lose two stories: four seconds a cycle do not pay for that."""
    result, _ = tune(Machine(slow_feed_s=6.0, slow_feed_stories=2))
    assert result.changes == {}
    assert result.trials[0].why == "fewer alerts found: 58 before, 56 after"


def test_a_change_that_cannot_run_is_told_and_the_next_is_tried():
    """A setting that another contradicts ends its trial, not the session."""
    machine = Machine(LLM_BATCH_WORKERS="1", slow_feed_s=6.0)
    machine.fails_with["FEEDS_TIMEOUT"] = TransportError("the demo did not start")
    result, _ = tune(machine)
    failed, *others = result.trials
    assert failed.decision is None
    assert failed.why == "could not be tried: the demo did not start"
    assert result.changes == {"LLM_BATCH_WORKERS": "4"}
    assert all(trial.kept for trial in others)


def test_a_turn_that_breaks_costs_its_trial_only(caplog):
    """Ray may time out on a busy machine: that is no reason to lose what other trials found."""
    machine = Machine(LLM_BATCH_WORKERS="1", slow_feed_s=6.0)
    machine.fails_with["LLM_BATCH_WORKERS"] = Exception("The node timed out during startup.\nmore")
    result, _ = tune(machine)
    kept, broken = result.trials
    assert (kept.kept, result.changes) == (True, {"FEEDS_TIMEOUT": "2"})
    assert broken.why == "could not be tried: Exception: The node timed out during startup."
    assert "a turn broke" in caplog.text


def test_settings_that_do_not_run_as_they_are_end_the_session():
    """There is nothing to compare with."""
    machine = Machine()

    def broken(_):
        raise TransportError("no server")

    with pytest.raises(TransportError):
        Tuner(broken, limits=Limits(), clock=machine.clock).run()


def test_a_stop_drops_the_trial_in_hand_and_keeps_what_was_sure():
    """What was kept before stays told; nothing half tried counts."""
    machine = Machine(LLM_BATCH_WORKERS="1", slow_feed_s=6.0)
    machine.fails_with["LLM_BATCH_WORKERS"] = Stopped()
    result, _ = tune(machine)
    assert result.stopped
    assert [trial.advice.setting for trial in result.trials] == ["FEEDS_TIMEOUT"]


def test_rounds_and_minutes_bound_the_session():
    """It says that more advice was left; a trial that would not end in time is not begun."""
    planted = {"LLM_BATCH_WORKERS": "1", "CHART_QUEUE_WORKERS": "1"}
    result, _ = tune(Machine(slow_feed_s=6.0, **planted), rounds=1)
    assert len(result.trials) == 1
    assert result.ended == "1 change was tried; more advice is left"
    result, _ = tune(Machine(**planted), minutes=2.0)
    assert (result.trials, result.ended) == ([], "no time is left of 2 minutes; more advice is left")


def test_advice_that_no_trial_can_judge_is_only_told():
    """What has no value, or nothing that a trial would show, is for a person to weigh."""
    machine = Machine()
    slow_ray = lambda changes: replace(machine(changes), ray_s={"task": 0.5})  # noqa: E731
    result = Tuner(slow_ray, limits=Limits(), clock=machine.clock).run()
    assert (result.trials, [advice.rule for advice in result.told]) == ([], ["ray_slow"])
