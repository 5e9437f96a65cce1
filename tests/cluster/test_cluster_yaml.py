"""cluster.yaml against Ray's own schema and checks; no cloud is asked."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "cluster.yaml").read_text())


def check(config: dict[str, object]) -> dict[str, object]:
    """Return the configuration as Ray completes it, checked by Ray."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    return prepared


def test_ray_accepts_it() -> None:
    """Ray's own validation passes, and the head takes no work."""
    types = check(CONFIG)["available_node_types"]
    assert types["head"]["resources"]["CPU"] == 0
    assert types["gpu_worker"]["resources"]["GPU"] == 1


def test_a_card_is_there_without_being_asked_for() -> None:
    """Replicas are planned over the GPUs that are up, so at least one node must be."""
    gpu_worker = CONFIG["available_node_types"]["gpu_worker"]
    assert 1 <= gpu_worker["min_workers"] <= gpu_worker["max_workers"]


@pytest.mark.parametrize("change", [{"typo": 1}, {"head_node_type": "nobody"}])
def test_the_check_can_fail(change: dict[str, object]) -> None:
    """The same check refuses an unknown key and a head type that does not exist."""
    with pytest.raises(Exception, match=r"typo|nobody|head_node_type"):
        check({**CONFIG, **change})
