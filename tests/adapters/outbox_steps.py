"""What tests of the way out of the outbox do and ask: post, revise, count, look at a row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.adapters.store_world import alert_on, news

if TYPE_CHECKING:
    from catalyst_ray.models import Delivery
    from tests.adapters.pipeline_world import World


def post(world: World, *names: str, **changes: Any) -> None:
    """Commit an alert on each invented piece of news, and say so."""
    for name in names:
        alert = alert_on(news(name), **changes)
        world.store.commit_alert(alert, world.courier.names, now_utc=world.clock.now_utc())
    world.courier.wake()


def revise(world: World, *names: str, revision: int = 1, **changes: Any) -> None:
    """Store the next revision of each alert, and say so."""
    for name in names:
        alert = replace(alert_on(news(name)), revision=revision, **changes)
        assert world.store.revise_alert(alert, now_utc=world.clock.now_utc())
    world.courier.wake()


def counts(world: World) -> dict[str, int]:
    """Return the outbox rows by sink and state."""
    return dict(world.store.delivery_counts())


def row(world: World, name: str) -> Delivery:
    """Return the one row of an alert."""
    (record,) = world.store.explain(f"url:{name}", limit=1)
    (found,) = record.deliveries
    return found
