"""What is kept and what is not: agreement of pairs, least gain, quality as a veto, no other figure worse."""

from __future__ import annotations

import random

import pytest

from catalyst_ray.tuner.decide import CHANCE, Turn, chance_of, decide, is_hopeless, turn_of
from tests.unit.core.profile_scene import healthy, with_queue

GOOD = {
    "stories": 60.0,
    "found": 58.0,
    "wrong": 0.0,
    "alerts": 58.0,
    "judged": 58.0,
    "charted": 58.0,
    "decided": 500.0,
}
LIVE = {"alerts": 10.0, "judged": 8.0, "decided": 300.0}


def turns(cycle, *, post=None, late=None, answer=None, **quality):
    """Return turns whose cycles took so long, all else equal."""
    others = {"post": post, "verdicts": late, "answer": answer}
    more = {name: value for name, value in others.items() if value is not None}
    return [Turn(figures={"cycle": seconds, **more}, quality={**GOOD, **quality}) for seconds in cycle]


SLOW, FAST = (4.0, 4.2, 3.9, 4.1), (2.0, 2.1, 2.2, 1.9)


def test_a_change_that_wins_every_pair_is_kept():
    """Four pairs that agree would be chance once in sixteen times, and half the time is more than 5 %."""
    found = decide(turns(SLOW), turns(FAST), "cycle")
    assert (found.keep, found.better, found.pairs, found.chance) == (True, 4, 4, CHANCE)
    assert (found.before, found.after) == (4.05, 2.05)
    assert found.why == "better in 4 of 4 pairs, 49% less"


def test_pairs_that_disagree_are_noise():
    """One pair of four the other way round, and it may be chance."""
    found = decide(turns(SLOW), turns((2.0, 2.1, 2.2, 9.0)), "cycle")
    assert not found.keep
    assert found.why.startswith("no more than noise")


def test_a_machine_that_is_too_busy_is_told():
    """Where equal turns took twice as long, noise is no word on the change."""
    found = decide(turns((2.0, 5.0)), turns((3.0, 3.0)), "cycle")
    assert found.why.endswith(
        "equal turns without it went from 2.00 s to 5.00 s: a quieter machine tells more"
    )
    assert "equal turns" not in decide(turns((4.0, 5.0)), turns((4.5, 4.5)), "cycle").why


def test_turns_that_differ_by_chance_alone_are_seldom_kept():
    """Of a hundred changes that do nothing, on a machine that wavers by a tenth, a handful pass at most."""
    chance = random.Random(7)
    kept = sum(
        decide(
            turns([chance.gauss(4.0, 0.4) for _ in range(4)]),
            turns([chance.gauss(4.0, 0.4) for _ in range(4)]),
            "cycle",
        ).keep
        for _ in range(100)
    )
    assert kept <= 10


def test_a_gain_that_nobody_would_notice_is_not_kept():
    """Less than 5 %, or some milliseconds, is not worth a changed setting, however sure."""
    assert decide(turns(SLOW), turns([s - 0.1 for s in SLOW]), "cycle").why == "too little: 2% less"
    assert decide(turns([0.05] * 4), turns([0.03] * 4), "cycle").why.startswith("too little")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ({"found": 57.0}, "fewer alerts found: 58 before, 57 after"),
        ({"wrong": 1.0}, "more wrong alerts: 0 before, 1 after"),
        ({"judged": 50.0}, "fewer alerts with a verdict: 100% before, 86% after"),
        ({"charted": 50.0}, "fewer alerts with a chart: 100% before, 86% after"),
    ],
)
def test_speed_that_costs_quality_is_not_kept(harm, words):
    """Of the demo the truth is known: a story less, a wrong alert, a verdict or chart missed outweighs any gain."""
    found = decide(turns(SLOW), turns(FAST, **harm), "cycle")
    assert (found.keep, found.why) == (False, words)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ({"alerts": 9.0}, "fewer alerts: 10 before, 9 after"),
        ({"decided": 280.0}, "fewer items decided: 300 before, 280 after"),
        ({"judged": 5.0}, "fewer alerts with a verdict"),
    ],
)
def test_live_feeds_have_no_truth_but_counts(harm, words):
    """Of the same bytes the same must become: fewer decisions, alerts or verdicts are a loss."""
    before = [Turn(figures={"cycle": s}, quality=LIVE) for s in SLOW]
    after = [Turn(figures={"cycle": s}, quality={**LIVE, **harm}) for s in FAST]
    assert words in decide(before, after, "cycle").why
    assert decide(before, [Turn(figures=t.figures, quality=LIVE) for t in after], "cycle").keep


def test_alerts_are_not_counted_where_the_truth_is():
    """Fewer alerts that were no stories are no loss."""
    assert decide(turns(SLOW, wrong=2.0, alerts=60.0, judged=60.0, charted=60.0), turns(FAST), "cycle").keep


def test_one_odd_turn_costs_no_good_change():
    """Quality is compared by medians: one late verdict in one turn is not the change's."""
    after = [*turns(FAST[:3]), *turns(FAST[3:], found=57.0)]
    assert decide(turns(SLOW), after, "cycle").keep


def test_a_change_that_makes_another_figure_worse_is_not_kept():
    """Shorter cycles are not bought with later posts; a figure that only wavers is no reason."""
    found = decide(turns(SLOW, post=1.0), turns(FAST, post=1.5), "cycle")
    assert found.why == "p95 to post gets worse: 1.00 s before, 1.50 s after"
    assert decide(turns(SLOW, post=1.0), turns(FAST, post=1.05), "cycle").keep


def test_verdicts_are_an_aim_of_their_own():
    """More verdicts in time are kept where no time is lost, and not where posts come later for it."""
    assert decide(turns(SLOW, late=0.3), turns(SLOW, late=0.1), "verdicts").keep
    assert not decide(turns(SLOW, late=0.30), turns(SLOW, late=0.29), "verdicts").keep
    found = decide(turns(SLOW, post=2.0, late=0.3), turns(SLOW, post=3.0, late=0.1), "verdicts")
    assert found.why.startswith("p95 to post gets worse")


def test_a_cycle_within_its_target_may_grow_and_one_beyond_it_not():
    """Five seconds are the aim of a cycle: below that it is no reason against faster posts."""
    assert decide(turns([2.0] * 4, post=2.0), turns([3.0] * 4, post=1.0), "post").keep
    found = decide(turns([4.0] * 4, post=2.0), turns([6.0] * 4, post=1.0), "post")
    assert found.why == "p95 of a cycle gets worse: 4.00 s before, 6.00 s after"


def test_verdicts_may_use_the_wait_that_alerts_are_told_to_have():
    """Alerts that go out with their verdict go out later: by LLM_ALERT_WAIT_SECS at most, and for no other aim."""
    before, after = turns([1.0] * 4, post=1.0, answer=9.0), turns([1.0] * 4, post=2.5, answer=3.0)
    assert decide(before, after, "answer", granted_s=2.0).keep
    assert not decide(before, after, "answer", granted_s=1.0).keep
    assert decide(turns(SLOW, post=1.0), turns(FAST, post=2.5), "cycle", granted_s=2.0).keep is False


def test_what_was_not_measured_is_not_kept():
    """No figure, no decision for it."""
    assert decide(turns(SLOW), turns(FAST), "post").why == "p95 to post was not measured"


def test_a_trial_ends_where_nothing_can_save_it():
    """After one pair against the change four pairs cannot agree any more; with six they can."""
    assert is_hopeless(turns([2.0]), turns([2.5]), "cycle", pairs=4)
    assert not is_hopeless(turns([2.0]), turns([2.5]), "cycle", pairs=6)
    assert not is_hopeless(turns([2.0]), turns([1.5]), "cycle", pairs=4)
    assert not is_hopeless(turns([2.0]), turns([1.5]), "post", pairs=4)


def test_the_chance_counts_every_way_to_turn_the_pairs():
    """Two pairs of which one disagrees slightly: two of four ways look as good."""
    assert chance_of([1.0, 1.0]) == 0.25
    assert chance_of([1.0, -0.1]) == 0.5
    assert chance_of([1.0, 1.0, 1.0, 1.0]) == CHANCE


def test_a_turn_takes_its_figures_from_the_profile():
    """The p95 of cycle and post, and the verdicts that were late, timed out or refused."""
    found = turn_of(with_queue("llm", timed_out=3, refused=3))
    assert found.figures == {"cycle": 1.2, "post": 0.9, "verdicts": 0.1}
    assert turn_of(healthy(queues={}, posted_s={})).figures == {"cycle": 1.2}


def test_what_a_change_does_to_the_other_figures_is_told():
    """Medians before and after of all that was measured, and in words what a kept change costs within the rules."""
    before, after = turns([1.5] * 4, post=1.0, answer=9.0), turns([2.7] * 4, post=2.5, answer=5.4)
    found = decide(before, after, "answer", granted_s=2.0)
    assert found.others == {"cycle": (1.5, 2.7), "post": (1.0, 2.5)}
    assert found.why == (
        "better in 4 of 4 pairs, 40% less; p95 of a cycle grows from 1.50 s to 2.70 s, within its 5 s;"
        " p95 to post grows from 1.00 s to 2.50 s, within LLM_ALERT_WAIT_SECS"
    )
    free = decide(turns(SLOW, post=1.0), turns(FAST, post=1.05), "cycle")
    assert free.why.endswith("% less"), "what only wavers costs nothing"
