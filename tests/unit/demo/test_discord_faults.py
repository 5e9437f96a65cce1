"""Faults by plan: listed first, then by seeded chance."""

from __future__ import annotations

from collections import Counter

import pytest

from catalyst_ray.demo.discord_faults import FaultPlan


def test_equal_seeds_give_equal_plans() -> None:
    """And each fault about its share of all requests."""
    shares = {"500": 0.2, "cut": 0.1}
    one, other = (FaultPlan(shares=shares, seed=7) for _ in range(2))
    met = [one.next() for _ in range(2_000)]
    assert met == [other.next() for _ in range(2_000)]
    counts = Counter(met)
    assert (counts["500"], counts["cut"], counts[None]) == pytest.approx((400, 200, 1_400), rel=0.2)
    assert met != [FaultPlan(shares=shares, seed=8).next() for _ in range(2_000)]


def test_what_is_listed_comes_first() -> None:
    """One entry a request; after the last, an honest answer."""
    plan = FaultPlan(["hang", None])
    assert plan.listed == ("hang", None)
    assert [plan.next() for _ in range(4)] == ["hang", None, None, None]


@pytest.mark.parametrize(
    ("listed", "shares"), [(["boom"], {}), ([], {"boom": 0.1}), ([], {"cut": 0.6, "hang": 0.6})]
)
def test_a_wrong_plan_is_refused(listed: list[str], shares: dict[str, float]) -> None:
    """Names that there are not, and shares that are too many."""
    with pytest.raises(ValueError, match="fault"):
        FaultPlan(listed, shares=shares)
