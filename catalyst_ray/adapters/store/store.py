"""Owns the store's port: one method a question, each one transaction. The statements are in the modules beside."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from catalyst_ray.adapters.store import (
    alerts,
    cache,
    cycles,
    driver,
    intake,
    marks,
    migrations,
    outbox,
    purge,
    space,
    stories,
)
from catalyst_ray.adapters.store.address import make_folder, need_file, read_address
from catalyst_ray.adapters.store.archive import SqlArchive
from catalyst_ray.adapters.store.database import Database
from catalyst_ray.errors import StoreError
from catalyst_ray.ports import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from catalyst_ray.models import (
        Alert,
        Claim,
        CycleReport,
        Decision,
        Delivery,
        DeliveryState,
        FeedState,
        Item,
    )

_CACHE_ROWS = 50_000
_TRIM_EVERY = 500
"""Cache writes between two trims: counting rows at each would cost more than the write."""
_PURGE_BATCHES = 40


class SqlStore(SqlArchive, Store):
    """The store on SQLite or PostgreSQL. Methods block and may be called from many threads."""

    def __init__(self, database: Database, *, alias_window: timedelta, cache_rows: int = _CACHE_ROWS) -> None:
        super().__init__(database)
        self._alias_window = alias_window
        self._cache_rows = cache_rows
        self._cache_writes = itertools.count()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        alias_window: timedelta = timedelta(days=3),
        read_only: bool = False,
        busy_timeout_s: float = 10.0,
        cache_rows: int = _CACHE_ROWS,
    ) -> Self:
        """Open a store; make it, its folder and its tables where they are missing.

        Args:
            url: ``sqlite:///out/catalyst.db`` (relative to the working folder) or
                ``postgresql+psycopg://user:password@host/database``.
            alias_window: How long an alias makes a duplicate of another item, from its first claim.
            read_only: Look while a driver runs: changes nothing, and makes nothing.
            busy_timeout_s: How long a write waits for another program's.
            cache_rows: LLM answers kept at most.

        Raises:
            ConfigError: The URL, its login or its folder is wrong, or psycopg is missing.
            StoreError: The database does not answer, is damaged or too new.
        """
        address = read_address(url)
        if address.path is not None:
            if read_only:
                need_file(address.path)
            else:
                make_folder(address.path)
        database = Database(address, busy_timeout_s=busy_timeout_s, read_only=read_only)
        try:
            database.probe()
            _bring_up_to_date(database, read_only=read_only)
            if not read_only:
                space.keep_track(database)
        except BaseException:
            database.close()
            raise
        return cls(database, alias_window=alias_window, cache_rows=cache_rows)

    def acquire_lease(self, owner: str, *, now_utc: datetime, ttl: timedelta) -> bool:
        """Take or renew the driver's lease; False while another owner's is still good."""
        with self._database.write() as connection:
            return driver.acquire_lease(connection, owner, now_utc=now_utc, ttl=ttl)

    def release_lease(self, owner: str) -> None:
        """Give the lease back, if it is ours."""
        with self._database.write() as connection:
            driver.release_lease(connection, owner)

    def save_feed_state(self, state: FeedState) -> None:
        """Remember a feed's state."""
        with self._database.write() as connection:
            driver.save_feed_state(connection, state)

    def claim(self, items: Sequence[Item], *, now_utc: datetime) -> list[Claim]:
        """Offer items; answers in the same order."""
        if not items:
            return []
        with self._database.write() as connection:
            return intake.claim(connection, items, now_utc=now_utc, window=self._alias_window)

    def undecided(self, *, limit: int) -> list[Item]:
        """Return items claimed and never decided, oldest first."""
        with self._database.read() as connection:
            return intake.undecided(connection, limit=limit)

    def decide(self, decisions: Sequence[tuple[Item, Decision]], *, now_utc: datetime) -> None:
        """Write decisions that are no alert; see ``intake.decide`` for those that are ignored."""
        if decisions:
            with self._database.write() as connection:
                intake.decide(connection, decisions, now_utc=now_utc)

    def hold_alert(self, alert: Alert, *, now_utc: datetime) -> bool:
        """Write a hold decision and keep the alert for a later cycle; False where that is too late."""
        with self._marked() as connection:
            return alerts.hold(connection, alert, now_utc=now_utc)

    def alert_of(self, item_key: str) -> Alert | None:
        """Return an item's alert as it is stored, held or released."""
        with self._database.read() as connection:
            return alerts.of_item(connection, item_key)

    def withdraw_hold(self, alert: Alert, decision: Decision, *, now_utc: datetime) -> bool:
        """Forget a held alert and write its item's new decision; False when it is not held any more."""
        with self._marked() as connection:
            return alerts.withdraw_hold(connection, alert, decision, now_utc=now_utc)

    def held_alerts(self, *, limit: int) -> list[Alert]:
        """Return held alerts, the most urgent and oldest first."""
        with self._database.read() as connection:
            return alerts.held(connection, limit=limit)

    def commit_alert(self, alert: Alert, sinks: Sequence[str], *, now_utc: datetime) -> bool:
        """Write item decision, alert and a pending outbox row per sink; False if it was one before."""
        with self._marked() as connection:
            return alerts.commit(connection, alert, sinks, now_utc=now_utc)

    def revise_alert(self, alert: Alert, *, now_utc: datetime) -> bool:
        """Replace a released alert by a newer revision, its item's decision too; False if none is older."""
        with self._marked() as connection:
            return alerts.revise(connection, alert, now_utc=now_utc)

    def due_edits(self, sink: str, *, now_utc: datetime, limit: int) -> list[Delivery]:
        """Return a sink's sent rows whose alert was revised since and whose time has come."""
        with self._database.read() as connection:
            return outbox.due_edits(connection, sink, now_utc=now_utc, limit=limit)

    def finish_edit(
        self,
        delivery_id: int,
        revision: int,
        *,
        now_utc: datetime,
        error: str | None = None,
        next_attempt_utc: datetime | None = None,
    ) -> None:
        """Write that the sink has ``revision``, or when it is tried again."""
        with self._marked() as connection:
            outbox.finish_edit(
                connection,
                delivery_id,
                revision,
                now_utc=now_utc,
                error=error,
                next_attempt_utc=next_attempt_utc,
            )

    def due_deliveries(
        self,
        sink: str,
        *,
        now_utc: datetime,
        limit: int,
        since_utc: datetime | None = None,
        before_utc: datetime | None = None,
    ) -> list[Delivery]:
        """Return a sink's unfinished rows whose time has come, those being sent right now too."""
        with self._database.read() as connection:
            return outbox.due(
                connection, sink, now_utc=now_utc, limit=limit, since_utc=since_utc, before_utc=before_utc
            )

    def attempts_since(self, sink: str, since_utc: datetime, *, now_utc: datetime) -> list[datetime]:
        """Return when calls of a sink since then ended, as far as it is known."""
        with self._database.read() as connection:
            return outbox.attempts_since(connection, sink, since_utc, now_utc=now_utc)

    def begin_delivery(self, delivery_id: int, *, now_utc: datetime) -> bool:
        """Write ``unknown`` and count the attempt, before the sink is called; False if it is finished."""
        with self._marked() as connection:
            return outbox.begin(connection, delivery_id, now_utc=now_utc)

    def begin_digest(self, delivery_ids: Sequence[int], *, now_utc: datetime) -> list[int]:
        """Begin several deliveries at once; return which: one that is finished is left out."""
        with self._marked() as connection:
            return [row for row in delivery_ids if outbox.begin(connection, row, now_utc=now_utc)]

    def finish_digest(
        self,
        revisions: Mapping[int, int],
        state: DeliveryState,
        *,
        now_utc: datetime,
        message_id: str | None = None,
        error: str | None = None,
        next_attempt_utc: datetime | None = None,
    ) -> None:
        """Write what the sink said of one message with several alerts, given by delivery and its revision."""
        with self._marked() as connection:
            for row, revision in revisions.items():
                outbox.finish(
                    connection,
                    row,
                    state,
                    now_utc=now_utc,
                    message_id=message_id,
                    error=error,
                    next_attempt_utc=next_attempt_utc,
                    revision=revision,
                    in_digest=True,
                )

    def finish_delivery(
        self,
        delivery_id: int,
        state: DeliveryState,
        *,
        now_utc: datetime,
        message_id: str | None = None,
        error: str | None = None,
        next_attempt_utc: datetime | None = None,
        revision: int = 0,
    ) -> None:
        """Write what the sink said, and of which revision."""
        with self._marked() as connection:
            outbox.finish(
                connection,
                delivery_id,
                state,
                now_utc=now_utc,
                message_id=message_id,
                error=error,
                next_attempt_utc=next_attempt_utc,
                revision=revision,
            )

    def retire_deliveries(
        self, sinks: Sequence[str], *, before_utc: datetime, now_utc: datetime
    ) -> Mapping[str, int]:
        """Give up unfinished rows made before then; return how many, by sink."""
        with self._marked() as connection:
            return outbox.retire(connection, sinks, before_utc=before_utc, now_utc=now_utc)

    def recent_alerts(self, *, limit: int) -> list[Alert]:
        """Return released alerts, newest first."""
        with self._database.read() as connection:
            return alerts.recent(connection, limit=limit)

    def alerts_since(self, since_utc: datetime, *, limit: int, ticker: str | None = None) -> list[Alert]:
        """Return alerts made since then, held ones too, of one ticker or of all; newest first."""
        with self._database.read() as connection:
            return alerts.since(connection, since_utc, limit=limit, ticker=ticker)

    def join_story(
        self,
        item: Item,
        key: str,
        *,
        decision: Decision | None,
        alert: Alert | None,
        edit_utc: datetime,
        now_utc: datetime,
    ) -> None:
        """Write that an item tells the story of an alert, its decision and what it changes there."""
        with self._marked() as connection:
            if decision is not None:
                intake.decide(connection, [(item, decision)], now_utc=now_utc)
            stories.join(connection, item, key, now_utc=now_utc)
            if alert is not None:
                alerts.amend(connection, alert, edit_utc=edit_utc, now_utc=now_utc)

    def untold_copies(self, *, since_utc: datetime, limit: int) -> list[tuple[Item, str]]:
        """Return exact copies of alerted items that joined no story yet."""
        with self._database.read() as connection:
            return stories.untold(connection, since_utc=since_utc, limit=limit)

    def needed_files(self) -> set[str]:
        """Return chart paths that an alert not yet sent still needs."""
        with self._database.read() as connection:
            return alerts.needed_files(connection)

    def cached(self, key: str, *, now_utc: datetime) -> str | None:
        """Return a cached LLM answer that has not expired."""
        with self._database.read() as connection:
            return cache.get(connection, key, now_utc=now_utc)

    def cache(self, key: str, text: str, *, expires_utc: datetime) -> None:
        """Keep an LLM answer until ``expires_utc``."""
        with self._database.write() as connection:
            cache.put(connection, key, text, expires_utc=expires_utc)
            if next(self._cache_writes) % _TRIM_EVERY == 0:
                cache.trim(connection, keep_rows=self._cache_rows)

    def save_cycle(self, report: CycleReport, *, keep: int) -> None:
        """Keep a cycle's report, and delete all but the newest ``keep``."""
        with self._marked() as connection:
            cycles.save(connection, report, keep=keep)

    def purge(self, *, before_utc: datetime) -> int:
        """Delete what is old and finished; return how many items, deliveries, cycles and cached answers.

        At most 20,000 items a call, 500 a transaction: what is left goes next time.
        """
        with self._database.write() as connection:
            gone = purge.expired(connection, before_utc=before_utc)
            gone += cache.trim(connection, keep_rows=self._cache_rows)
            gone += cycles.expired(connection, before_utc=before_utc)
        for _ in range(_PURGE_BATCHES):
            with self._marked() as connection:
                deleted, deliveries = purge.finished_items(connection, before_utc=before_utc)
            gone += deleted + deliveries
            if deleted < purge.BATCH_ITEMS:
                break
        return gone

    def give_back(self) -> int:
        """Give back some of the space that deleted rows left; return how many bytes. PostgreSQL does so by itself."""
        return space.give_back(self._database)

    @contextmanager
    def _marked(self) -> Iterator[Connection]:
        """Give a connection in a transaction that readers are told of."""
        with self._database.write() as connection:
            yield connection
            marks.move(connection)


def _bring_up_to_date(database: Database, *, read_only: bool) -> None:
    with database.read() as connection:
        if migrations.is_current(connection):
            return
    if read_only:
        raise StoreError(
            "the store is older than this program, or empty",
            hint="run catalyst-ray once: it brings the store up to date",
        )
    with database.write() as connection:
        migrations.upgrade(connection)
