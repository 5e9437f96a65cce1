"""The error tree: every error survives pickling whole and tells its key and mend."""

from __future__ import annotations

import pickle

import pytest

from catalyst_ray import errors

CASES = [
    errors.CatalystError("broken", key="k", hint="mend it"),
    errors.ConfigError("wrong", problems=("A: bad", "B: bad")),
    errors.TransportError("no answer", url="http://x", status=500, key="feed"),
    errors.RateLimited("later", retry_after_s=1.5),
    errors.CircuitOpen("it rests", retry_after_s=4.0),
    errors.NoPlace("no node can hold it", key="llm-0"),
    errors.ReplicaLost("its process is gone", key="llm-0"),
    errors.ParseError("no feed", key="feed"),
    errors.DeliveryError("dead", permanent=True, outcome_known=False),
    errors.StoreError("disk full"),
]


@pytest.mark.parametrize("error", CASES, ids=lambda e: type(e).__name__)
def test_survives_a_ray_task(error: errors.CatalystError) -> None:
    """An error that travels between processes keeps its class, words and fields."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.__dict__) == (str(error), error.__dict__)


def test_message_names_key_and_mend() -> None:
    """One line says what failed, why, and what to do."""
    assert str(CASES[0]) == "k: broken (mend it)"


def test_whole_tree_is_tested() -> None:
    """Every class of the tree stands in the cases above."""
    tree = {c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.CatalystError)}
    assert {type(e) for e in CASES} == tree
