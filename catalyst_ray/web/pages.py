"""The pages for people, each from the archive and what was asked. Blocking: called in a thread."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from catalyst_ray.core import arithmetic
from catalyst_ray.core.health import health
from catalyst_ray.core.message import Tone, words
from catalyst_ray.core.reasons import duration
from catalyst_ray.web.answers import Answer
from catalyst_ray.web.asking import find, read_filter, read_number, read_words
from catalyst_ray.web.dial import dial
from catalyst_ray.web.evidence import found_elsewhere, passages
from catalyst_ray.web.pictures import chart_of
from catalyst_ray.web.rows import alert_row, count_groups, item_row, posts, score_parts
from catalyst_ray.web.status import SPREAD_CYCLES, status_of
from catalyst_ray.web.timeline import steps

if TYPE_CHECKING:
    from catalyst_ray.models import CycleReport
    from catalyst_ray.ports import Archive, Clock
    from catalyst_ray.web.answers import Ask
    from catalyst_ray.web.options import PageOptions
    from catalyst_ray.web.render import Renderer

PAGE_ALERTS, MOST_ALERTS = 40, 200
FOUND_ITEMS = 25
COUNTED = timedelta(days=1)
LOOKED_BACK = timedelta(days=30)
"""How old the last cycle may be to be named at all."""
HOURS = (1, 6, 24)
MAX_CYCLES = 1_500
"""A day of cycles of a minute."""


class Pages:
    """One method a page."""

    def __init__(self, archive: Archive, clock: Clock, renderer: Renderer, options: PageOptions) -> None:
        self._archive = archive
        self._clock = clock
        self._renderer = renderer
        self._options = options

    def alerts(self, ask: Ask) -> Answer:
        """Return the list of alerts.

        Raises:
            ParseError: The filter is nonsense.
        """
        wanted = read_filter(ask.query, usual=PAGE_ALERTS, most=MOST_ALERTS)
        records = find(self._archive, wanted, limit=wanted.limit + 1)
        shown = [alert_row(record) for record in records[: wanted.limit]]
        more = len(records) > wanted.limit
        older = wanted.link(ask.root, before_utc=shown[-1].record.alert.created_utc) if more else ""
        return self._page(
            ask,
            "alerts.html.j2",
            rows=shown,
            wanted=wanted,
            directions=tuple(Tone),
            events=sorted({(tag.code, tag.label) for row in shown for tag in row.events}),
            older=older,
            newest=wanted.link(ask.root, before_utc=None) if wanted.before_utc else "",
        )

    def alert(self, ask: Ask) -> Answer:
        """Return an alert's own page."""
        record = self._archive.alert_record(ask.name)
        if record is None:
            return self.problem(
                ask, 404, "There is no such alert", "It is older than RETENTION_DAYS, or never was."
            )
        alert = record.alert
        chart = chart_of(alert, self._options.chart_dir)
        return self._page(
            ask,
            "alert.html.j2",
            row=alert_row(record),
            dial=dial(alert.value),
            passages=passages(alert),
            elsewhere=found_elsewhere(alert),
            parts_of=score_parts(alert.score.parts),
            sum=arithmetic.line(alert.score.parts, alert.score.value),
            reasons=[words(reason) for reason in alert.decision.reasons],
            notices=[words(notice) for notice in reversed(alert.notices)],
            steps=steps(record),
            posts=posts(record),
            chart=chart,
            chart_gone=f"deleted after {duration(self._options.chart_keep_s)} (CHART_KEEP_SECONDS)",
        )

    def chart(self, ask: Ask) -> Answer:
        """Return the picture of an alert's chart."""
        record = self._archive.alert_record(ask.name)
        chart = chart_of(record.alert, self._options.chart_dir) if record else None
        if chart is None:
            return self.problem(ask, 404, "There is no chart", "It was deleted, or none was drawn.")
        return Answer(body=chart.body, content_type="image/png", cache="private, max-age=60")

    def why(self, ask: Ask) -> Answer:
        """Return what became of items, found by identity, ticker or words; and of all, counted.

        Raises:
            ParseError: The words are too many.
        """
        query = read_words(ask.query, "q")
        found = self._archive.explain(query, limit=FOUND_ITEMS + 1) if query else []
        counts = self._archive.decision_counts(since_utc=self._clock.now_utc() - COUNTED)
        return self._page(
            ask,
            "why.html.j2",
            query=query,
            rows=[item_row(record) for record in found[:FOUND_ITEMS]],
            has_more=len(found) > FOUND_ITEMS,
            groups=count_groups(counts),
            total=sum(counts.values()),
        )

    def status(self, ask: Ask) -> Answer:
        """Return how the program does: cycles, feeds, queues, GPUs, outbox.

        Raises:
            ParseError: The hours are none of those offered.
        """
        hours = read_number(ask.query, "hours", usual=6, least=1, most=24)
        now_utc = self._clock.now_utc()
        since_utc = now_utc - timedelta(hours=hours)
        last = self._last()
        shown = status_of(
            self._archive.cycles(since_utc=since_utc, limit=MAX_CYCLES),
            last=last,
            feeds=self._archive.feed_states(),
            outbox=self._archive.delivery_counts(),
            since_utc=since_utc,
            now_utc=now_utc,
        )
        return self._page(
            ask, "status.html.j2", shown=shown, hours=hours, choices=HOURS, spread=SPREAD_CYCLES, last=last
        )

    def problem(self, ask: Ask, status: int, title: str, text: str) -> Answer:
        """Return a page that says what is wrong; it needs no store."""
        body = self._renderer.page(
            "problem.html.j2", ask=ask, options=self._options, title=title, text=text, status=status
        )
        return Answer(body=body, status=status)

    def _page(self, ask: Ask, template: str, **values: Any) -> Answer:
        last = values.pop("last", None) or self._last()
        now_utc = self._clock.now_utc()
        told = health(last, now_utc=now_utc, period_s=self._options.period_s)
        body = self._renderer.page(
            template, ask=ask, options=self._options, last=last, health=told, now_utc=now_utc, **values
        )
        return Answer(body=body)

    def _last(self) -> CycleReport | None:
        found = self._archive.cycles(since_utc=self._clock.now_utc() - LOOKED_BACK, limit=1)
        return found[0] if found else None
