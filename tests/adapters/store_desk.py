"""The driver's dealings with a store, as far as alerts and one sink go, for the tests that break something beneath."""

from __future__ import annotations

import itertools
import random
import string
from collections import Counter
from typing import TYPE_CHECKING

from catalyst_ray.errors import StoreError
from catalyst_ray.models import DeliveryState
from tests.adapters.store_world import NOW, alert_on, news

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from catalyst_ray.adapters.store import SqlStore
    from catalyst_ray.models import Alert

SINK = "files"


def alerts() -> Iterator[Alert]:
    """Yield alerts without end, each of some kilobytes that no database can pack."""
    for number in itertools.count():
        noise = "".join(random.Random(number).choices(string.ascii_letters + string.digits, k=3_000))
        yield alert_on(news(f"n{number}", f"title:n{number}", summary=noise))


class Desk:
    """Claims news, makes alerts of them and posts those; what a failure interrupts is done again, as a driver does.

    Args:
        on_post: Called in the place of the sink.
    """

    def __init__(self, store: SqlStore, on_post: Callable[[], None] = lambda: None) -> None:
        self.store = store
        self.answered: list[str] = []
        """Alerts of which the store said that it has them."""
        self.posted: Counter[str] = Counter()
        self._on_post = on_post
        self._coming = alerts()
        self._alert = next(self._coming)

    def work(self, rounds: int) -> None:
        """Do so many rounds."""
        for _ in range(rounds):
            self._round()

    def work_until_it_fails(self, rounds: int = 5_000) -> StoreError:
        """Work until the store fails, and return how."""
        try:
            self.work(rounds)
        except StoreError as error:
            return error
        raise AssertionError("nothing failed")

    def _round(self) -> None:
        self.store.claim([self._alert.item], now_utc=NOW)
        self.store.commit_alert(self._alert, [SINK], now_utc=NOW)
        self.answered.append(self._alert.id)
        self._alert = next(self._coming)
        self.post()

    def post(self) -> None:
        """Post what is due."""
        for row in self.store.due_deliveries(SINK, now_utc=NOW, limit=50):
            if self.store.begin_delivery(row.id, now_utc=NOW):
                self.posted[row.alert.id] += 1
                self._on_post()
                self.store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW)

    def check(self) -> None:
        """Check that every alert was posted, and twice only where that is counted as possible."""
        self.post()
        kept = [record.alert.id for record in self.store.all_alerts(since_utc=NOW)]
        assert sorted(kept) == sorted(self.answered)
        assert set(self.posted) == set(self.answered)
        doubles = self.posted.total() - len(self.posted)
        counts = self.store.delivery_counts()
        assert counts == {f"{SINK}/sent": len(kept), "possible_doubles": doubles}
        assert doubles <= 1
