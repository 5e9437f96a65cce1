"""A process that writes to a store for ever and says what is done, to be killed by a test.

``python -m tests.adapters.store_writer URL KIND``: prints a line after each write that returned.
"""

from __future__ import annotations

import itertools
import sys
from datetime import timedelta

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.models import DeliveryState
from tests.adapters.store_world import DAY, NOW, SINKS, alert_on, decision, news

BATCH = 10


def write(store: SqlStore, kind: str, round_: int) -> None:
    """Do one round of writes of a kind, each on items of its own."""
    items = [news(f"{round_}-{number}", f"title:{round_}-{number}") for number in range(BATCH)]
    store.claim(items, now_utc=NOW)
    print("claimed", round_, flush=True)
    if kind == "decide":
        store.decide([(item, decision()) for item in items], now_utc=NOW)
    elif kind == "alert":
        store.hold_alert(alert_on(items[0]), now_utc=NOW)
        store.commit_alert(alert_on(items[0]), SINKS, now_utc=NOW)
        store.commit_alert(alert_on(items[1]), SINKS, now_utc=NOW)
    elif kind == "deliver":
        store.commit_alert(alert_on(items[0]), SINKS, now_utc=NOW)
        for delivery in store.due_deliveries("files", now_utc=NOW, limit=10):
            store.begin_delivery(delivery.id, now_utc=NOW)
            print("began", delivery.id, flush=True)
            store.finish_delivery(delivery.id, DeliveryState.SENT, now_utc=NOW, message_id="m")
    elif kind == "purge":
        store.decide([(item, decision()) for item in items], now_utc=NOW - timedelta(days=round_))
        store.purge(before_utc=NOW + DAY)
    print("done", round_, flush=True)


def main() -> None:
    """Write until killed."""
    url, kind = sys.argv[1:]
    with SqlStore.open(url) as store:
        for round_ in itertools.count():
            write(store, kind, round_)


if __name__ == "__main__":
    main()
