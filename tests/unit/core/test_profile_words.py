"""What a profile's figures mean, in words."""

from __future__ import annotations

import pytest

from catalyst_ray.core.profile_words import gpu_words, no_gpu_words, slope_words, target_words
from catalyst_ray.models import ProcessMemory, Target
from tests.unit.core.profile_facts import card, cycle, profile

LONG = {"oldest_age_s": 4.0, "answer_tokens_per_s": 41.0}


@pytest.mark.parametrize(
    ("use", "llm", "words"),
    [
        (5.0, {}, "underused (below 20 %): no request waited as long as a second; there is not more work"),
        (
            5.0,
            LONG,
            "underused (below 20 %): a request waited 4.0 s, 41 answer tokens/s; the card could take more",
        ),
        (95.0, {}, "saturated (above 80 %): no request waited as long as a second; it keeps up"),
        (
            95.0,
            LONG,
            "saturated (above 80 %): a request waited 4.0 s, 41 answer tokens/s; it is the bottleneck",
        ),
        (50.0, LONG, "in between: a request waited 4.0 s, 41 answer tokens/s"),
        (None, LONG, "its use is not told"),
    ],
)
def test_a_card_s_use_is_judged_with_the_queue_beside_it(use, llm, words) -> None:
    """The guide's limits name the state; whether it hurts is said by who waited and by tokens a second."""
    assert gpu_words(card(utilisation_pct=use), llm).startswith(words)


def test_that_there_is_no_card_is_said_plainly() -> None:
    """A cluster without cards has none; one that counts some which cannot be read is told where to look."""
    assert no_gpu_words(profile((cycle(),))) == "there is no GPU: none on any node of the cluster"
    counted = profile((cycle(),), machine={"gpus": 2.0})
    assert "Ray counts 2: `catalyst-ray gpu` says why" in no_gpu_words(counted)


def test_growth_is_told_with_its_doubt() -> None:
    """A slope comes with two standard errors; without one there are no words."""
    one = ProcessMemory(
        role="driver", name="d", pid=1, rss_bytes=1, rss_max_bytes=1, slope_bytes=5000.0, doubt_bytes=500.0
    )
    assert slope_words(one) == "+5 ± 1 kB a cycle"
    assert slope_words(ProcessMemory(role="driver", name="d", pid=1, rss_bytes=1, rss_max_bytes=1)) == ""


@pytest.mark.parametrize(
    ("value", "passed", "words"),
    [
        (1.0, True, "kept"),
        (9.0, False, "missed"),
        (None, None, "nothing to judge by"),
        (1.0, None, "cannot be told"),
    ],
)
def test_a_target_is_kept_missed_or_not_told(value, passed, words) -> None:
    """No verdict is never passed off as one."""
    found = target_words(Target(name="x", value=value, limit=5.0, unit="s", passed=passed))
    assert found.startswith(words)
