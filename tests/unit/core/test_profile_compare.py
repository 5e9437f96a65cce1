"""Two profiles side by side, and what is a difference."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.profile_compare import BETTER, FEW, ONE, SAME, WORSE, compare, rank_sum_chance
from catalyst_ray.models import ProcessMemory
from tests.unit.core.profile_facts import card, cycle, profile


def taken(seed: int, *, slower: float = 1.0, cycles: int = 20, **changes):
    """Return a profile of noisy cycles, whose fetching and length are ``slower``."""
    dice = random.Random(seed)
    reports = []
    for number in range(cycles):
        fetch, judge = dice.uniform(0.1, 0.3) * slower, dice.uniform(0.4, 0.6)
        elapsed = {"fetch": fetch, "judge": judge}
        posted = {"discord": tuple(dice.uniform(0.5, 1.0) for _ in range(5))}
        report = cycle(number, fetch + judge, stages=elapsed, elapsed=elapsed, posted_s=posted)
        reports.append(replace(report, branches={"Feeds": fetch, "Language model": judge}))
    return profile(tuple(reports), **changes)


def verdicts(before, after) -> dict[str, str]:
    """Return the verdict of each figure."""
    return {change.name: change.verdict for change in compare(before, after).changes}


def test_a_profile_compared_with_itself_shows_no_difference() -> None:
    """Nothing is better or worse, nothing differs, every ratio is one."""
    one = taken(1)
    found = compare(one, one)
    assert {change.verdict for change in found.changes} <= {SAME, ONE}
    assert {change.ratio for change in found.changes} == {1.0}
    assert (found.differ, found.changed) == ((), {})


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_difference(seed: int) -> None:
    """Two profiles of one program, each with its own noise, are told alike."""
    assert {BETTER, WORSE}.isdisjoint(verdicts(taken(seed), taken(seed + 100)).values())


def test_a_planted_change_is_found_where_it_is() -> None:
    """Fetching that takes three times as long is worse in its stage, its branch and the cycle, and nowhere else."""
    found = verdicts(taken(1), taken(2, slower=3.0))
    assert {name for name, verdict in found.items() if verdict == WORSE} == {"fetch", "Feeds", "cycle"}
    back = verdicts(taken(2, slower=3.0), taken(1))
    assert {name for name, verdict in back.items() if verdict == BETTER} == {"fetch", "Feeds", "cycle"}


def test_one_of_many_figures_may_differ_by_chance() -> None:
    """What would be told of one figure alone, at one in a hundred, is not told of one among many."""

    def of(shifted: int):
        figures = [0.10 + step / 100 for step in range(12)]
        shares = [{f"s{n}": figure + (n == 0) * shifted / 100 for n in range(20)} for figure in figures]
        return profile(
            tuple(cycle(n, 9.0, stages=of, elapsed=of) for n, of in enumerate((shares[0], *shares)))
        )

    before, after = of(0), of(7)
    one, two = ([report.elapsed["s0"] for report in found.cycles[1:]] for found in (before, after))
    assert 0.01 / 20 < rank_sum_chance(one, two) < 0.01
    assert verdicts(before, after)["s0"] == SAME


def test_of_few_cycles_nothing_is_told() -> None:
    """Five cycles could differ so by chance: the figures stand, without a verdict."""
    found = verdicts(taken(1, cycles=5), taken(2, slower=3.0, cycles=5))
    assert found["fetch"] == found["cycle"] == FEW
    assert found["first byte to discord"] == FEW  # five alerts a cycle are slow or fast together


def test_a_regular_but_tiny_shift_is_no_difference() -> None:
    """One per cent more in every cycle is nothing that anybody would act on."""
    plain = [cycle(number, 1.0 + number / 1e6) for number in range(30)]
    slow = [cycle(number, 1.01 + number / 1e6) for number in range(30)]
    assert verdicts(profile(tuple(plain)), profile(tuple(slow)))["cycle"] == SAME


def test_what_has_one_figure_a_profile_is_not_judged() -> None:
    """Means of queues, a card's use, Ray's own cost and memory stand side by side; what one side lacks is left out."""
    memory = (ProcessMemory(role="driver", name="driver", pid=1, rss_bytes=300_000_000, rss_max_bytes=1),)
    cards = (card(utilisation_pct=20.0),)
    queues = {"llm": {"mean_seconds": 0.2, "oldest_age_s": 1.0}}
    one = taken(1, memory=memory, gpus=cards, queues=queues)
    two = taken(1, memory=(), gpus=(card(utilisation_pct=40.0),), queues=queues)
    found = {change.name: change for change in compare(one, two).changes}
    assert (found["GPU rack1/0: use"].ratio, found["GPU rack1/0: use"].verdict) == (2.0, ONE)
    assert found["Ray: empty task"].verdict == found["LLM: mean"].verdict == ONE
    assert not [name for name in found if "memory" in name]


def test_what_makes_profiles_unlike_is_named() -> None:
    """Versions, machine and load that differ are told; settings that differ are what was tried."""
    one = taken(1)
    two = taken(
        1,
        load="live",
        machine={**one.machine, "ray": "2.61.0"},
        load_facts={"model": "mistral by ollama on gpu"},
        settings={"LLM_BATCH_WORKERS": "6"},
    )
    found = compare(one, two)
    assert found.differ == (
        "load: demo, then live",
        "ray: 2.60.0, then 2.61.0",
        "model: demo-scripted by ollama on cpu, then mistral by ollama on gpu",
    )
    assert found.changed == {"LLM_BATCH_WORKERS": ("3", "6")}


def test_the_rank_sum_agrees_with_a_known_case() -> None:
    """Wholly apart, 10 against 10: z = 3.74 with the continuity correction, by the table 0.00018."""
    assert rank_sum_chance(range(10), range(10, 20)) == pytest.approx(0.000182, rel=0.02)
    assert rank_sum_chance([1.0] * 9, [1.0] * 9) == 1.0
    assert rank_sum_chance([], [1.0]) == 1.0


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=30), st.lists(st.integers(0, 9), min_size=1, max_size=30)
)
def test_the_rank_sum_is_a_probability_and_does_not_care_who_is_first(one: list[int], two: list[int]) -> None:
    """It lies within 0 and 1 and is the same both ways."""
    chance = rank_sum_chance(one, two)
    assert 0.0 <= chance <= 1.0
    assert chance == pytest.approx(rank_sum_chance(two, one))
