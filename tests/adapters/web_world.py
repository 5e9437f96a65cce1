"""An archive made by hand and a page served over it, for the page's tests; companies and texts are invented."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.core.message import card
from catalyst_ray.models import (
    Action,
    AlertRecord,
    CycleReport,
    Decision,
    Delivery,
    DeliveryState,
    FeedReport,
    FeedState,
    GpuSample,
    ItemRecord,
    Reason,
    Trace,
)
from catalyst_ray.ports import Archive
from catalyst_ray.web.options import PageOptions
from catalyst_ray.web.server import PageServer
from tests.unit.core.factories import NOW_UTC, make_alert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from catalyst_ray.models import Alert

HOSTILE = """<script>alert(1)</script>"><img src=x onerror=alert(1)> {{ 7 * 7 }} \u202egnp.exe\u202c"""


def record_of(number: int = 0, *, held: bool = False, **changes: Any) -> AlertRecord:
    """Return an alert made ``number`` minutes before noon, sent to two sinks unless it is held."""
    created = NOW_UTC - timedelta(minutes=number)
    trace = Trace(steps=(("published", created - timedelta(seconds=40)), ("first_byte", created)))
    parts = {"id": f"alert{number:05d}", "created_utc": created, "trace": trace, **changes}
    alert = make_alert(**parts)
    alert = replace(alert, item=replace(alert.item, key=f"url:{number:016x}"))
    rows = (delivery(alert, "discord"), delivery(alert, "file")) if not held else ()
    return AlertRecord(alert=alert, is_held=held, deliveries=rows)


def delivery(alert: Alert, sink: str, **changes: Any) -> Delivery:
    """Return an outbox row that was sent half a second after the alert was made."""
    sent = alert.created_utc + timedelta(seconds=0.5)
    parts: dict[str, Any] = {"state": DeliveryState.SENT, "attempts": 1, "sent_utc": sent, **changes}
    return Delivery(id=1, alert=alert, sink=sink, **parts)


def report_of(number: int = 1, **changes: Any) -> CycleReport:
    """Return a cycle's report with a broken feed, queues, a GPU and an outbox."""
    parts: dict[str, Any] = {
        "number": number,
        "started_utc": SystemClock().now_utc() - timedelta(seconds=5),
        "seconds": 1.25,
        "stages": {"fetch": 0.5, "parse": 0.25, "judge": 1.5, "draw": 0.5},
        "counts": {"items": 1412, "new": 20, "alert": 2, "drop": 18},
        "feeds": (
            FeedReport(feed="wire", status="ok", seconds=0.1, entries=20, new=20),
            FeedReport(
                feed="odd", status="failed", error="no feed, but <b>HTML</b>", hint="check the address"
            ),
        ),
        "queues": {
            "filings": {},
            "llm": {"requests": 40, "waiting": 2, "busy": 3, "oldest_age_s": 0.5, "replicas": 1},
        },
        "deliveries": {"discord/sent": 2},
        "posted_s": {"discord": (0.4, 0.6)},
        "gpus": (
            GpuSample(
                index=0,
                uuid="GPU-1",
                name="H100",
                utilisation_pct=43.0,
                memory_used_bytes=2**30,
                memory_total_bytes=2**32,
            ),
        ),
    }
    return CycleReport(**{**parts, **changes})


def item_of(number: int = 0, **changes: Any) -> ItemRecord:
    """Return an item that was suppressed as too weak."""
    item = replace(make_alert().item, key=f"url:{number:016x}", **changes)
    weak = Reason("weak", "below ALERT_THRESHOLD 0.35", 0.21)
    parts = (Reason("event", "Product launch", 0.21), Reason("freshness", "1 min", 1.0))
    decision = Decision(action=Action.SUPPRESS, reasons=(weak,), parts=parts)
    return ItemRecord(item=item, decision=decision, claimed_utc=NOW_UTC)


class HandMadeArchive(Archive):
    """Holds what it is given; raises ``error`` if there is one, and stands still until ``gate`` is set; ``slow`` questions alone where named."""

    def __init__(self, *records: AlertRecord) -> None:
        self.records = list(records)
        self.reports: list[CycleReport] = []
        self.items: list[ItemRecord] = []
        self.word = "1"
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.slow: frozenset[str] = frozenset()
        self.asked: Counter[str] = Counter()

    def _answer(self, question: str) -> None:
        self.asked[question] += 1
        if not self.slow or question in self.slow:
            self.gate.wait(20)
        if self.error:
            raise self.error

    def mark(self) -> str:
        """Return ``word``."""
        self._answer("mark")
        return self.word

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
        """Return those that all conditions hold for."""
        self._answer("find_alerts")
        found = [
            one
            for one in self.records
            if (not ticker or one.alert.ticker == ticker)
            and (not event or event in {hit.code for hit in one.alert.score.events})
            and (not direction or card(one.alert).tone == direction)
            and all(word.lower() in one.alert.item.title.lower() for word in (words or "").split())
            and (since_utc is None or one.alert.created_utc >= since_utc)
            and (before_utc is None or one.alert.created_utc < before_utc)
        ]
        return sorted(found, key=lambda one: one.alert.created_utc, reverse=True)[:limit]

    def alert_record(self, alert_id: str) -> AlertRecord | None:
        """Return the one of this id."""
        self._answer("alert_record")
        return next((one for one in self.records if one.alert.id == alert_id), None)

    def cycles(self, *, since_utc: datetime, limit: int) -> list[CycleReport]:
        """Return the reports, newest first."""
        self._answer("cycles")
        return [one for one in self.reports if one.started_utc >= since_utc][:limit]

    def explain(self, query: str, *, limit: int) -> list[ItemRecord]:
        """Return the items whose title has the words."""
        self._answer("explain")
        return [one for one in self.items if query.lower() in one.item.title.lower()][:limit]

    def decision_counts(self, *, since_utc: datetime) -> Counter[tuple[str, str]]:
        """Return counts that do not change."""
        self._answer("decision_counts")
        return Counter({("suppress", "weak"): 30, ("drop", "no_ticker"): 60, ("alert", "strong"): 10})

    def delivery_counts(self) -> dict[str, int]:
        """Return counts that do not change."""
        self._answer("delivery_counts")
        return {"discord/sent": 7, "discord/dead": 1, "file/sent": 8, "possible_doubles": 1}

    def feed_states(self) -> dict[str, FeedState]:
        """Return a feed that fails."""
        self._answer("feed_states")
        return {"odd": FeedState(feed="odd", failures=3, last_error="no feed")}


@asynccontextmanager
async def served(
    archive: Archive, folder: Path, *, poll_s: float = 0.02, beat_s: float = 15.0, **options: Any
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Serve the page on a free port; give a client and the page's address without a slash at its end."""
    told = PageOptions(**{"chart_dir": folder, "port": 0, **options})
    with PageServer(archive, SystemClock(), told, poll_s=poll_s, beat_s=beat_s) as page:
        async with page.serving(), aiohttp.ClientSession() as client:
            yield client, page.url.rstrip("/")
