"""Everything that survives the process, as the pipeline sees it. No implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from catalyst_ray.models import (
        Alert,
        AlertRecord,
        Claim,
        CycleReport,
        Decision,
        Delivery,
        DeliveryState,
        FeedState,
        Item,
        ItemRecord,
    )


class Archive(Protocol):
    """What a reader sees while a driver may run. Every method is read-only and blocks.

    Raises:
        StoreError: From every method, when the database cannot be read.
    """

    def mark(self) -> str:
        """Return a word that changes whenever an alert, a delivery or a cycle was written; cheap."""
        ...

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
        """Return the alerts that all the conditions hold for, held ones too, newest first.

        Args:
            ticker: The subject's, or one that the decision names; with or without ``$``, in any case.
            event: Code of a catalyst that the fast tier found, or the model where its say counted.
            direction: ``bullish``, ``bearish`` or ``neutral``, as on the card.
            words: All must occur in the headline, in any order and case.
            since_utc: Made at that time or later.
            before_utc: Made earlier than that.
            limit: Alerts at most.
        """
        ...

    def alert_record(self, alert_id: str) -> AlertRecord | None:
        """Return an alert with its deliveries."""
        ...

    def cycles(self, *, since_utc: datetime, limit: int) -> list[CycleReport]:
        """Return the reports of the cycles that began since then, newest first."""
        ...

    def explain(self, query: str, *, limit: int) -> list[ItemRecord]:
        """Find items by key, accession number, URL, ticker, alert id or words of the title."""
        ...

    def decision_counts(self, *, since_utc: datetime) -> Mapping[tuple[str, str], int]:
        """Return how many items were decided since then, by action and code of the first reason."""
        ...

    def delivery_counts(self) -> Mapping[str, int]:
        """Return the number of outbox rows by ``sink/state``, and ``possible_doubles``."""
        ...

    def feed_states(self) -> Mapping[str, FeedState]:
        """Return the remembered state of every feed, by name."""
        ...


class Store(Archive, Protocol):
    """Everything that survives the process. Methods block; call them in a thread.

    Order that cannot lose: ``claim`` and the decision come before ``save_feed_state``; an alert, its
    item's decision and its outbox rows are one transaction; ``begin_delivery`` comes before the sink
    is called and ``finish_delivery`` after it answered.

    Raises:
        StoreError: From every method, when the database cannot be read or written.
    """

    def acquire_lease(self, owner: str, *, now_utc: datetime, ttl: timedelta) -> bool:
        """Take or renew the driver's lease; False while another owner's is still good."""
        ...

    def release_lease(self, owner: str) -> None:
        """Give the lease back, if it is ours."""
        ...

    def save_feed_state(self, state: FeedState) -> None:
        """Remember a feed's state."""
        ...

    def claim(self, items: Sequence[Item], *, now_utc: datetime) -> list[Claim]:
        """Offer items; answers in the same order, one transaction.

        A new key is stored undecided. A known key whose item names new parties is stored merged and,
        if no alert was made of it, comes back EXTENDED. An unknown key with an alias seen within the
        window is stored with a ``drop`` decision (``duplicate``) and comes back DUPLICATE.
        """
        ...

    def undecided(self, *, limit: int) -> list[Item]:
        """Return items claimed and never decided (a crash came between), oldest first."""
        ...

    def decide(self, decisions: Sequence[tuple[Item, Decision]], *, now_utc: datetime) -> None:
        """Write decisions that are no alert. One that became an alert or hold stays so."""
        ...

    def hold_alert(self, alert: Alert, *, now_utc: datetime) -> bool:
        """Write a hold decision and keep the alert for a later cycle; one that is held is replaced.

        False where it was released, or a newer version of the item was decided.
        """
        ...

    def alert_of(self, item_key: str) -> Alert | None:
        """Return an item's alert as it is stored, held or released."""
        ...

    def withdraw_hold(self, alert: Alert, decision: Decision, *, now_utc: datetime) -> bool:
        """Forget a held alert and write its item's new decision; False when it is not held any more."""
        ...

    def held_alerts(self, *, limit: int) -> list[Alert]:
        """Return held alerts, the most urgent and oldest first."""
        ...

    def commit_alert(self, alert: Alert, sinks: Sequence[str], *, now_utc: datetime) -> bool:
        """Write item decision, alert and a pending outbox row per sink; False if it was one before."""
        ...

    def revise_alert(self, alert: Alert, *, now_utc: datetime) -> bool:
        """Replace a released alert by its next revision, and its item's decision; one transaction.

        The sinks that have an older revision are due for an edit from then on. False when no such alert was
        released, or when it has this revision or a newer one already.
        """
        ...

    def due_edits(self, sink: str, *, now_utc: datetime, limit: int) -> list[Delivery]:
        """Return a sink's sent rows whose alert was revised since, oldest first; their retry time has come."""
        ...

    def finish_edit(
        self,
        delivery_id: int,
        revision: int,
        *,
        now_utc: datetime,
        error: str | None = None,
        next_attempt_utc: datetime | None = None,
    ) -> None:
        """Write that the sink has ``revision``; with ``next_attempt_utc``, that it is tried again then."""
        ...

    def due_deliveries(
        self,
        sink: str,
        *,
        now_utc: datetime,
        limit: int,
        since_utc: datetime | None = None,
        before_utc: datetime | None = None,
    ) -> list[Delivery]:
        """Return a sink's pending and unknown rows whose time has come, the most urgent first.

        With ``since_utc`` and ``before_utc`` those only that were made between.
        """
        ...

    def attempts_since(self, sink: str, since_utc: datetime, *, now_utc: datetime) -> list[datetime]:
        """Return when calls of a sink since then ended, as far as it is known; rather too many, or too late.

        One whose outcome is unknown counts as ended now.
        """
        ...

    def begin_delivery(self, delivery_id: int, *, now_utc: datetime) -> bool:
        """Write ``unknown`` and count the attempt, before the sink is called.

        False when the row is finished or gone meanwhile: the sink must not be called.
        """
        ...

    def begin_digest(self, delivery_ids: Sequence[int], *, now_utc: datetime) -> list[int]:
        """Begin several deliveries in one transaction; return which: one that is finished is left out."""
        ...

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
        """Write what the sink said of one message with several alerts, in one transaction.

        ``revisions`` are those it was sent, by delivery. Once sent, these deliveries are ``in_digest``.
        """
        ...

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
        """Write what the sink said, and which revision it was sent: a newer one is due for an edit."""
        ...

    def retire_deliveries(
        self, sinks: Sequence[str], *, before_utc: datetime, now_utc: datetime
    ) -> Mapping[str, int]:
        """Mark pending and unknown rows made before ``before_utc`` dead; return how many, by sink.

        ``sinks`` are those that there are; rows of others go too, and their error says so.
        """
        ...

    def recent_alerts(self, *, limit: int) -> list[Alert]:
        """Return alerts with an outbox row, newest first."""
        ...

    def alerts_since(self, since_utc: datetime, *, limit: int, ticker: str | None = None) -> list[Alert]:
        """Return alerts made since then, held ones too, of one ticker or of all; newest first."""
        ...

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
        """Write that an item tells the story of the alert on item ``key``; one transaction.

        ``decision`` is the item's, if it was not decided before; ``alert`` replaces the one that is stored, if it
        changed: a held one as it is, one that is out as its next revision, whose edits are due at ``edit_utc``.
        """
        ...

    def untold_copies(self, *, since_utc: datetime, limit: int) -> list[tuple[Item, str]]:
        """Return exact copies of alerted items with the item's key, of alerts made since then, that joined none yet."""
        ...

    def needed_files(self) -> set[str]:
        """Return chart paths that an alert not yet sent still needs."""
        ...

    def cached(self, key: str, *, now_utc: datetime) -> str | None:
        """Return a cached LLM answer that has not expired."""
        ...

    def cache(self, key: str, text: str, *, expires_utc: datetime) -> None:
        """Keep an LLM answer until ``expires_utc``."""
        ...

    def save_cycle(self, report: CycleReport, *, keep: int) -> None:
        """Keep a cycle's report, and delete all but the newest ``keep``."""
        ...

    def purge(self, *, before_utc: datetime) -> int:
        """Delete decided items, finished deliveries, cycles and expired cache rows older than that; return how many."""
        ...

    def give_back(self) -> int:
        """Give space that deleted rows left back to the disk, as much as a moment allows; return how many bytes."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...
