"""Owns the reader's port: what may be asked while a driver runs, each question one transaction that changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from catalyst_ray.adapters.store import cycles, driver, marks, outbox, overview, pages, records, search
from catalyst_ray.ports import Archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from catalyst_ray.adapters.store.database import Database
    from catalyst_ray.models import AlertRecord, CycleReport, Delivery, FeedState, ItemRecord, StoreStatus


class SqlArchive(Archive):
    """What a store is asked. Methods block and may be called from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        self._database.close()

    def mark(self) -> str:
        """Return a word that changes whenever an alert, a delivery or a cycle was written."""
        with self._database.read() as connection:
            return marks.read(connection)

    def find_alerts(
        self,
        *,
        ticker: str | None = None,
        event: str | None = None,
        direction: str | None = None,
        words: str | None = None,
        since_utc: datetime | None = None,
        before_utc: datetime | None = None,
        limit: int,
    ) -> list[AlertRecord]:
        """Return the alerts that all the conditions hold for, held ones too, newest first."""
        with self._database.read() as connection:
            return records.find(
                connection,
                ticker=ticker,
                event=event,
                direction=direction,
                words=words,
                since_utc=since_utc,
                before_utc=before_utc,
                limit=limit,
            )

    def alert_record(self, alert_id: str) -> AlertRecord | None:
        """Return an alert with its deliveries."""
        with self._database.read() as connection:
            return records.one(connection, alert_id)

    def cycles(self, *, since_utc: datetime, limit: int) -> list[CycleReport]:
        """Return the reports of the cycles that began since then, newest first."""
        with self._database.read() as connection:
            return cycles.recent(connection, since_utc=since_utc, limit=limit)

    def explain(self, query: str, *, limit: int) -> list[ItemRecord]:
        """Find items by identity, ticker of a decision or words of the title."""
        with self._database.read() as connection:
            return search.explain(connection, query, limit=limit)

    def decision_counts(self, *, since_utc: datetime) -> Mapping[tuple[str, str], int]:
        """Return how many items were decided since then, by action and first reason."""
        with self._database.read() as connection:
            return search.decision_counts(connection, since_utc=since_utc)

    def delivery_counts(self) -> Mapping[str, int]:
        """Return the number of outbox rows by ``sink/state``, and ``possible_doubles``."""
        with self._database.read() as connection:
            return outbox.counts(connection)

    def feed_states(self) -> Mapping[str, FeedState]:
        """Return the remembered state of every feed, by name."""
        with self._database.read() as connection:
            return driver.feed_states(connection)

    def status(self, *, now_utc: datetime, since_utc: datetime, limit: int) -> StoreStatus:
        """Return where the store stands, with at most ``limit`` deliveries that were given up since then."""
        with self._database.read() as connection:
            return overview.look(connection, now_utc=now_utc, since_utc=since_utc, limit=limit)

    def all_alerts(self, *, since_utc: datetime) -> Iterator[AlertRecord]:
        """Yield the alerts made since then, held ones too, oldest first; as all that follow, page by page."""
        return pages.all_alerts(self._database, since_utc)

    def all_items(self, *, since_utc: datetime) -> Iterator[ItemRecord]:
        """Yield the items claimed since then."""
        return pages.all_items(self._database, since_utc)

    def all_decided(self, *, since_utc: datetime) -> Iterator[ItemRecord]:
        """Yield the items decided since then, by the time of their decision."""
        return pages.all_decided(self._database, since_utc)

    def all_deliveries(self, *, since_utc: datetime) -> Iterator[Delivery]:
        """Yield the deliveries written since then."""
        return pages.all_deliveries(self._database, since_utc)

    def all_cycles(self, *, since_utc: datetime) -> Iterator[CycleReport]:
        """Yield the reports of the cycles that began since then."""
        return pages.all_cycles(self._database, since_utc)
