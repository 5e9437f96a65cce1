"""How well the cycles of a load were judged, read from the store that they filled. Judges nothing itself.

Of the demo the truth is known; of live feeds only what was decided, and what the model said.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.core.health import percentile
from catalyst_ray.models import Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.models import Alert, AlertRecord, Item
    from catalyst_ray.settings import Settings

MOST_ALERTS = 10_000
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


def quality_of(settings: Settings, truth: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return counts: ``alerts`` (held ones too), ``decided`` items, alerts ``judged`` by a model and ``charted``.

    ``verdict_p95_s`` is from an answer's first byte to the verdict, over alerts that have one. With truth also the
    ``stories`` that should alert, those ``found``, and ``wrong`` alerts: on no story, or on one that another alert tells.

    Raises:
        StoreError: The store cannot be read.
    """
    with SqlStore.open(settings.store_url, read_only=True) as store:
        alerts = store.find_alerts(limit=MOST_ALERTS)
        decided = sum(store.decision_counts(since_utc=_EVER).values())
    figures = {
        "alerts": len(alerts),
        "decided": decided,
        "judged": sum(one.alert.verdict.judgement is not None for one in alerts),
        "charted": sum(one.alert.chart_path is not None for one in alerts),
    }
    if truth:
        figures |= _against(truth, alerts)
    waits = [wait for one in alerts if (wait := _verdict_s(one.alert)) is not None]
    late = {"verdict_p95_s": percentile(waits, 0.95)} if waits else {}
    return {**{name: float(value) for name, value in figures.items()}, **late}


def _verdict_s(alert: Alert) -> float | None:
    """Return how long the model's verdict took from the first byte on; None where there is none."""
    at = dict(alert.trace.steps)
    came_utc, begun_utc = at.get("revised", at.get("judged")), at.get("first_byte")
    if alert.verdict.judgement is None or came_utc is None or begun_utc is None:
        return None
    return (came_utc - begun_utc).total_seconds()


def _against(truth: Sequence[Mapping[str, Any]], alerts: Sequence[AlertRecord]) -> dict[str, int]:
    by_item = {name: row for row in truth for name in _names(row)}
    wanted = {row["story"] for row in truth if row["action"] == Action.ALERT}
    told = [_story(by_item, one.alert.item) for one in alerts]
    found = wanted & set(told)
    return {"stories": len(wanted), "found": len(found), "wrong": len(told) - len(found)}


def _names(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in (row["accession"], row["url"].split("?")[0]) if name)


def _story(by_item: Mapping[str, Mapping[str, Any]], item: Item) -> str | None:
    row = by_item.get(item.accession or "") or by_item.get(item.url.split("?")[0])
    return row["story"] if row is not None else None
