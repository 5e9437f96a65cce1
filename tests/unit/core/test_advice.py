"""Advice: every rule where it holds and where it does not, its evidence, its value and its bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalyst_ray.core.advice import advise, read_rules, shipped_rules
from catalyst_ray.core.advice_figures import FIGURES, measured
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import FeedReport, GpuProcess, GpuSample, ProcessMemory
from catalyst_ray.settings import NAMES, Settings
from tests.unit.core.profile_scene import LLM, cycle, healthy, spread, stage, with_queue, with_settings

WAITS = {"waited_s": 96.0}
"""Two seconds a request, where an answer takes 0.3."""


def card(pct, *, replica=None, throttle=None, index=0):
    """Return a card that worked so much of the time, held by a replica."""
    held = (GpuProcess(pid=7, memory_bytes=1, replica=replica),) if replica else None
    return GpuSample(
        index=index, uuid=f"GPU-{index}", name="card", utilisation_pct=pct, throttle=throttle, processes=held
    )


def busy(report, pct, *, gpus=2.0, **settings):
    """Return a profile whose cards worked so much, on a cluster with so many."""
    cards = (card(pct, replica="llm-0"), card(0.0, index=1))
    return with_settings(replace(report, gpus=cards, machine={"cpus": 8, "gpus": gpus}), **settings)


def slow_feed(seconds=6.0, *, p95=6.5):
    """Return a profile in which one feed takes most of each cycle."""
    quick = (FeedReport(feed="quick", status="ok", seconds=0.4, new=9),)
    slow = FeedReport(feed="tortoise", status="ok", seconds=seconds, new=2)
    cycles = tuple(cycle(number, feeds=(*quick, slow)) for number in range(1, 6))
    return healthy(cycles=cycles, cycle_s=spread(p95))


def growing(mb, *, cycles=30, doubt_mb=0.0):
    """Return a profile whose driver grew by so much a cycle, give or take twice the doubt."""
    memory = (
        ProcessMemory(
            role="driver",
            name="driver",
            pid=1,
            rss_bytes=1,
            rss_max_bytes=1,
            slope_bytes=mb * 1e6,
            doubt_bytes=doubt_mb * 1e6,
        ),
        ProcessMemory(role="raylet", name="raylet", pid=2, rss_bytes=1, rss_max_bytes=1),
    )
    return healthy(cycles=tuple(cycle(n) for n in range(cycles + 1)), memory=memory)


HELD = tuple(cycle(number, alert=10, hold=6) for number in range(1, 6))
LATE = tuple(cycle(number, revised=4) for number in range(1, 6))
HEAVY = healthy(
    cycles=tuple(cycle(n, alert=10) for n in range(1, 6)),
    cycle_s=spread(12.0),
    stages=(stage("draw", 9.0),),
    machine={"cpus": 4, "gpus": 0},
)

CASES = {
    "engine_not_fed": (with_queue("llm", **WAITS), "LLM_BATCH_WORKERS", "12"),
    "engine_saturated": (
        busy(with_queue("llm", **WAITS), 95.0, gpus=4.0, LLM_MAX_REPLICAS="2"),
        "LLM_MAX_REPLICAS",
        "4",
    ),
    "replicas_late": (busy(with_queue("llm", **WAITS), 95.0, gpus=4.0), "LLM_MIN_REPLICAS", "3"),
    "engine_too_slow": (busy(with_queue("llm", **WAITS), 95.0), "LLM_MODEL_NAME", None),
    "requests_refused": (with_queue("llm", refused=6), "LLM_QUEUE_SIZE", "1024"),
    "answers_cut_off": (with_queue("llm", timed_out=6, seconds=960.0), "LLM_TIMEOUT_SECS", "40"),
    "verdicts_late": (
        replace(with_queue("llm", seconds=120.0), cycles=LATE),
        "LLM_ALERT_WAIT_SECS",
        "5",
    ),
    "answers_asked_again": (
        with_settings(with_queue("llm", repeated=20), LLM_CACHE_TTL="0"),
        "LLM_CACHE_TTL",
        "3600",
    ),
    "charts_wait": (
        with_settings(
            with_queue("charts", waited_s=40.0, workers=1),
            CHART_QUEUE_WORKERS="1",
        ),
        "CHART_QUEUE_WORKERS",
        "2",
    ),
    "charts_drawn_again": (
        with_settings(with_queue("charts", repeated=10), CHART_CACHE_TTL="0"),
        "CHART_CACHE_TTL",
        "300",
    ),
    "prices_asked_again": (
        with_settings(with_queue("prices", repeated=30), PRICE_CACHE_SECS="0"),
        "PRICE_CACHE_SECS",
        "30",
    ),
    "prices_paced": (
        with_settings(with_queue("prices", waited_s=20.0), PRICE_RATE_PER_MIN="60"),
        "PRICE_RATE_PER_MIN",
        "120",
    ),
    "feeds_one_by_one": (with_settings(healthy(), FEEDS_PARALLEL="0"), "FEEDS_PARALLEL", "1"),
    "one_slow_feed": (slow_feed(), "FEEDS_TIMEOUT", "2"),
    "cycles_overlap": (with_settings(healthy(), SLEEP_SECONDS="1"), "SLEEP_SECONDS", "5"),
    "alerts_held": (healthy(cycles=HELD), "MAX_ALERTS_PER_CYCLE", "20"),
    "too_many_alerts": (HEAVY, None, None),
    "gpu_slowed": (
        healthy(gpus=(card(50.0, throttle=("heat",)),)),
        None,
        None,
    ),
    "memory_grows": (growing(2.0), None, None),
    "ray_slow": (healthy(ray_s={"task": 0.4, "actor_call": 0.1}), None, None),
}


def test_every_rule_has_a_case():
    """A rule that is added without a case here is not known to work."""
    assert [rule.name for rule in shipped_rules()] == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_applies_alone_where_its_shortage_was_measured(name):
    """What is planted is found, nothing else, with the setting, its value, and figures in the evidence."""
    report, setting, value = CASES[name]
    (found,) = advise(report)
    assert (found.rule, found.setting, found.value) == (name, setting, value)
    assert found.figures
    assert any(digit in found.evidence for digit in "0123456789")
    assert found.words.endswith((".", "!"))
    assert "{" not in found.evidence + found.words


def test_a_tuned_system_gets_no_advice():
    """Where nothing is short there is nothing to say."""
    assert advise(healthy()) == ()


@pytest.mark.parametrize("pct", [0.0, 5.0, 95.0])
def test_an_idle_or_busy_gpu_beside_an_empty_queue_is_no_shortage(pct):
    """Use of a GPU says nothing by itself: an engine with nothing to do idles, one that keeps up is busy."""
    assert advise(busy(healthy(), pct, gpus=4.0)) == ()


def test_an_idle_gpu_beside_an_old_queue_is_an_engine_that_is_not_fed():
    """Requests wait although the card does little: more of them at a time, and the evidence says both."""
    (found,) = advise(busy(with_queue("llm", **WAITS), 8.0))
    assert found.rule == "engine_not_fed"
    assert "waited 2.00 s" in found.evidence
    assert "the GPUs worked 8 % of the time" in found.evidence
    assert found.figures["gpu_busy_pct"] == 8.0


def test_only_cards_that_replicas_hold_tell_how_busy_the_engine_is():
    """The mean over all cards would hide that the model's own card is full."""
    seen = measured(busy(healthy(), 90.0)).figures
    assert seen["gpu_busy_pct"] == 90.0
    assert measured(healthy(gpus=(card(90.0), card(10.0, index=1)))).figures["gpu_busy_pct"] == 50.0


def test_a_value_at_its_bound_is_not_advised_again():
    """Sixteen at a time is as many as the rule dares to say; so is one timeout lower than what is set."""
    slots = {**WAITS, "workers": 32}
    assert advise(with_settings(with_queue("llm", **slots), LLM_BATCH_WORKERS="16")) == ()
    assert advise(with_settings(slow_feed(), FEEDS_TIMEOUT="2")) == ()


def test_charts_never_get_more_workers_than_there_are_cpus():
    """A chart takes a CPU: more at a time only wait for each other."""
    full = with_settings(with_queue("charts", waited_s=40.0, workers=6), CHART_QUEUE_WORKERS="6")
    (found,) = advise(full)
    assert found.value == "8"
    assert advise(replace(full, machine={"cpus": 6, "gpus": 0})) == ()


def test_the_most_promising_advice_comes_first():
    """Advice is sorted by the seconds of a cycle that it may win."""
    slow = slow_feed()
    both = with_settings(
        replace(slow, queues={**slow.queues, "llm": {**LLM, **WAITS}}),
    )
    found = advise(both)
    assert [one.rule for one in found] == ["one_slow_feed", "engine_not_fed"]
    assert found[0].weight > found[1].weight > 0


def test_a_feed_that_rests_after_a_failure_does_not_count():
    """One that timed out waits for its next turn: its cycles without it took no time."""
    quick = FeedReport(feed="quick", status="ok", seconds=0.4)
    slow = FeedReport(feed="tortoise", status="failed", seconds=1.5)
    rests = FeedReport(feed="tortoise", status="waiting")
    cycles = (cycle(0), cycle(1, feeds=(quick, slow)), *(cycle(n, feeds=(quick, rests)) for n in range(2, 6)))
    found = measured(healthy(cycles=cycles))
    assert (found.words["slow_feed"], found.figures["slow_feed_s"]) == ("tortoise", 1.5)


def test_repeated_work_costs_a_cycle_what_one_worker_of_several_takes():
    """Twelve repeats of 30 ms in five cycles on four workers: 18 ms of a cycle."""
    figures = measured(with_queue("charts", repeated=12)).figures
    assert figures["charts_repeat_cycle_s"] == pytest.approx(12 * 0.03 / 5 / 4)


def test_what_was_not_measured_gives_no_advice():
    """A profile without queues, cycles and prices is no ground for anything."""
    assert advise(healthy(queues={}, cycles=(), stages=(), posted_s={}, machine={}, ray_s={})) == ()


def test_the_period_of_a_demo_load_is_not_the_users():
    """On the demo load the period is the load's own: nothing follows from it."""
    assert advise(with_settings(healthy(load="demo"), SLEEP_SECONDS="0.5")) == ()


def test_memory_needs_cycles_to_tell():
    """Few cycles cannot tell a leak from a warm-up, nor can a slope that its own noise explains."""
    assert advise(growing(2.0, cycles=10)) == ()
    assert advise(growing(2.0, doubt_mb=1.1)) == ()
    assert advise(growing(0.49)) == ()
    assert "2.00 MB" in advise(growing(2.0, doubt_mb=0.9))[0].evidence


def test_lowering_the_cap_is_never_advised_and_its_cost_is_said():
    """Fewer alerts a cycle make no alert faster: the words say so, and no setting is named."""
    (found,) = advise(HEAVY)
    assert found.setting is None
    assert "only by sending the rest one period later" in found.words


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.name)
def test_rules_name_settings_that_there_are_and_values_that_they_take(rule):
    """A rule on a setting that was renamed, or out of its range, would be advice that nobody can follow."""
    named = {name for name in rule.operands if name.isupper()} | ({rule.setting} if rule.setting else set())
    assert named <= NAMES.keys()
    assert rule.source
    for size in (0.01, 1.0, 1e9):
        known = dict.fromkeys((*FIGURES, *NAMES), size)
        value = rule.change.value(known) if rule.change else None
        if value is not None and rule.setting and (value > size or not rule.up):
            Settings(_env_file=None, **{rule.setting.lower(): f"{value:.6g}"})


RULE = """
[[rule]]
name = "a"
source = "s"
aim = "cycle"
when = ["{when}"]
evidence = "{evidence}"
gain = {{ of = "cycle_p95_s" }}
words = "w"
"""


@pytest.mark.parametrize(
    ("when", "evidence", "words"),
    [
        ("cycle_p95 > 1", "e", "a: there is no figure cycle_p95"),
        ("cycle_p95_s > 1", "{cycel_p95_s:.1f}", "a: there is no figure cycel_p95_s"),
        ("cycle_p95_s => 1", "e", "no comparison '=>'"),
        ("cycle_p95_s", "e", "unreadable"),
    ],
)
def test_a_rule_that_names_what_there_is_not_is_an_error(when, evidence, words):
    """A misspelt figure would silently never hold."""
    with pytest.raises(ConfigError) as caught:
        read_rules(RULE.format(when=when, evidence=evidence))
    assert words in " ".join((caught.value.message, *caught.value.problems))


def test_an_unknown_aim_is_an_error():
    """The tuner could not judge it."""
    text = RULE.format(when="cycle_p95_s > 1", evidence="e").replace('"cycle"', '"speed"')
    with pytest.raises(ConfigError, match="aim must be one of"):
        read_rules(text)
