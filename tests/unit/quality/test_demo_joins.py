"""Days of the invented market: every wording that is alerted by itself joins its story's first alert, and no other."""

from __future__ import annotations

from collections import Counter

import pytest

from catalyst_ray.core.dedupe import telling_of
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.notices import notice_in
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.core.stories import StoryIndex
from catalyst_ray.demo.world import World
from catalyst_ray.models import Action
from catalyst_ray.pipeline.flow import NOT_NEEDED
from catalyst_ray.quality.demo_day import demo_directory, demo_items
from catalyst_ray.quality.texts import NOW_UTC


@pytest.mark.parametrize("seed", [4, 7, 12, 14, 16, 24])
def test_a_story_is_alerted_once_in_whatever_words(seed):
    """Without the cooldown, which hides a second alert for half an hour."""
    tier = FastTier(
        directory=demo_directory(), sentiment=SentimentModel(), policy=default_policy(), uses=ModelUses()
    )
    index, first = StoryIndex(), dict[str, str]()
    wrong: list[tuple[str, str]] = []
    for item, made in demo_items(World(seed, NOW_UTC, batches=4)):
        reading = tier.read(item, now_utc=NOW_UTC)
        is_news = reading.early is None and notice_in(item) is None
        if not is_news or tier.decide(reading, NOT_NEEDED, near_duplicate=None).action is not Action.ALERT:
            continue
        telling = telling_of(item, reading.link, reading.score)
        match = index.find(telling)
        if match is None:
            index.add(telling, story=item.key, now_utc=NOW_UTC)
            first[item.key] = made.truth.story
        elif first[match.story] != made.truth.story:
            wrong.append((item.title, match.story))
    assert ([story for story, count in Counter(first.values()).items() if count > 1], wrong) == ([], [])
