"""How many replicas fit, and what the plan says when not all do."""

from __future__ import annotations

import pytest

from catalyst_ray.cluster.placement import plan_replicas, replica_options
from catalyst_ray.errors import ConfigError


@pytest.mark.parametrize(
    ("gpus", "limits", "share", "expected"),
    [
        (2, (1, 8), 1.0, (2, 1.0)),
        (8, (1, 4), 1.0, (4, 1.0)),
        (2, (4, 8), 1.0, (2, 1.0)),
        (0, (1, 8), 1.0, (1, 0.0)),
        (0, (3, 8), 1.0, (3, 0.0)),
        (2, (1, 8), 0.5, (4, 0.5)),
        (2, (1, 8), 0.4, (4, 0.4)),
        (1, (1, 99), 0.1, (10, 0.1)),
        (5, (1, 8), 2.0, (2, 2.0)),
        (1, (1, 8), 2.0, (0, 2.0)),
    ],
)
def test_replicas_fit_the_cards(gpus, limits, share, expected):
    """A fraction packs a card, its remainder serves nobody; without GPUs the least number runs on CPUs."""
    plan = plan_replicas(gpus, *limits, share)
    assert (plan.count, plan.num_gpus) == expected


def test_a_shortfall_is_said_in_words():
    """An infeasible actor would wait for ever in silence: the plan says what was asked and what there is."""
    assert plan_replicas(2, 4, 8).words == "asked 4 × 1 GPU, the cluster has 2: starting 2 replicas"
    assert "none fits" in plan_replicas(1, 1, 8, 2.0).words
    assert plan_replicas(0, 1, 8).words == "no GPU in the cluster: 1 replica on CPU"


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan"), float("inf")])
def test_a_share_that_ray_refuses_is_a_configuration_error(share):
    """Ray takes fractions up to one and whole numbers above."""
    with pytest.raises(ConfigError, match="LLM_GPUS_PER_REPLICA"):
        plan_replicas(2, 1, 1, share)


def test_limits_must_agree():
    """The least may not exceed the most."""
    with pytest.raises(ConfigError, match="LLM_MIN_REPLICAS"):
        plan_replicas(2, 3, 2)


def test_a_replica_holds_no_cpu_and_comes_back():
    """The options that keep CPUs free for charts and replicas alive."""
    options = replica_options("llm-0", namespace="n", num_gpus=0.5, workers=3)
    assert (options["num_cpus"], options["num_gpus"], options["max_restarts"]) == (0, 0.5, -1)
    assert options["max_concurrency"] > 3
    assert "lifetime" not in options
