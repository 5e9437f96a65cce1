"""The fast tier alone against the demo world's truth: what is published, parsed and judged as a program would.

Measured on seeds 1 to 40, without a language model: 1,440 of 1,440 stories alert, no false alert, no wrong
sign, no wrong ticker. The companies and texts are invented, so this says nothing of real news: for that
see ``tests/real_data``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from catalyst_ray.core.directory import TickerDirectory
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.demo import edgar
from catalyst_ray.demo.items import Expected
from catalyst_ray.demo.world import World
from catalyst_ray.models import Action, Reason, Verdict
from catalyst_ray.quality.demo_day import demo_items
from catalyst_ray.quality.texts import NOW_UTC

SEEDS = (3, 7, 19, 2026)
NO_MODEL = Verdict(None, Reason("llm_off"))


@dataclass
class Outcome:
    """What became of a world: each list holds lines to read when it should have been empty."""

    stories: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    wrong_tickers: list[str] = field(default_factory=list)
    false_alerts: list[str] = field(default_factory=list)
    wrong_signs: list[str] = field(default_factory=list)


def fast_tier() -> FastTier:
    """Return the fast tier over the demo's companies, with no use for a model."""
    return FastTier(
        directory=TickerDirectory.from_json(edgar.company_tickers()),
        sentiment=SentimentModel(),
        policy=default_policy(),
        uses=ModelUses(classifier=False, fallback=False, filings=False),
    )


def judge(seed: int) -> Outcome:
    """Publish a world and judge every item of it."""
    tier, world, outcome = fast_tier(), World(seed, NOW_UTC), Outcome()
    for batch in range(1, world.batches + 1):
        outcome.stories |= {f"{batch} {story}" for story in world.stories(batch)}
    for item, made in demo_items(world):
        reading, truth = tier.read(item, now_utc=NOW_UTC), made.truth
        decision = reading.early or tier.decide(reading, NO_MODEL, near_duplicate=None)
        ticker = reading.link.symbols[0].ticker if reading.link.symbols else None
        line = f"{truth.event} {decision.value:+.2f} {ticker} {item.title}"
        if ticker != truth.ticker:
            outcome.wrong_tickers.append(line)
        if decision.action is not Action.ALERT:
            continue
        outcome.told.add(f"{made.batch} {truth.story}")
        if truth.action is not Expected.ALERT:
            outcome.false_alerts.append(line)
        elif decision.value * truth.sign < 0:
            outcome.wrong_signs.append(line)
    return outcome


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fast_tier_agrees_with_the_demos_truth(seed: int) -> None:
    """Every ticker is the true one, noise never alerts, no sign is turned, 97 in 100 stories alert."""
    outcome = judge(seed)
    assert len(outcome.stories) >= 30
    assert outcome.wrong_tickers == []
    assert outcome.false_alerts == []
    assert outcome.wrong_signs == []
    assert len(outcome.told & outcome.stories) >= 0.97 * len(outcome.stories), outcome.stories - outcome.told
