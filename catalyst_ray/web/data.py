"""The answers for programs: alerts, cycles and health as JSON. Blocking: called in a thread."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.export_rows import alert_row, cycle_row
from catalyst_ray.core.health import health
from catalyst_ray.core.message_text import plain
from catalyst_ray.errors import StoreError
from catalyst_ray.web.answers import json_answer
from catalyst_ray.web.asking import find, iso, read_filter, read_number, read_time, refuse_unknown

if TYPE_CHECKING:
    from catalyst_ray.models import AlertRecord
    from catalyst_ray.ports import Archive, Clock
    from catalyst_ray.web.answers import Answer, Ask
    from catalyst_ray.web.options import PageOptions

USUAL, MOST = 100, 500
ALERT_PARAMETERS = ("ticker", "event", "direction", "q", "since", "before", "limit")
CYCLE_PARAMETERS = ("since", "limit")
CYCLES_SINCE = timedelta(days=1)


class Data:
    """One method an address."""

    def __init__(self, archive: Archive, clock: Clock, options: PageOptions) -> None:
        self._archive = archive
        self._clock = clock
        self._options = options

    def alerts(self, ask: Ask) -> Answer:
        """Return alerts as ``export`` writes them, newest first.

        ``chart`` is an address of the page here, relative to its first one.

        Raises:
            ParseError: A parameter is unknown or nonsense.
        """
        refuse_unknown(ask.query, ALERT_PARAMETERS)
        wanted = read_filter(ask.query, usual=USUAL, most=MOST)
        found = find(self._archive, wanted)
        return json_answer({"alerts": [_record(one) for one in found]})

    def alert(self, ask: Ask) -> Answer:
        """Return one alert."""
        found = self._archive.alert_record(ask.name)
        if found is None:
            return json_answer({"error": "there is no such alert"}, status=404)
        return json_answer(_record(found))

    def cycles(self, ask: Ask) -> Answer:
        """Return the reports of cycles as ``export`` writes them, newest first; of a day where no time is named.

        Raises:
            ParseError: A parameter is unknown or nonsense.
        """
        refuse_unknown(ask.query, CYCLE_PARAMETERS)
        since_utc = read_time(ask.query, "since") or self._clock.now_utc() - CYCLES_SINCE
        limit = read_number(ask.query, "limit", usual=USUAL, least=1, most=MOST)
        found = self._archive.cycles(since_utc=since_utc, limit=limit)
        return json_answer({"cycles": [cycle_row(report) for report in found]})

    def health(self, ask: Ask) -> Answer:
        """Return whether the driver works: 503 where its last cycle is too old, or the store cannot be read."""
        del ask
        now_utc = self._clock.now_utc()
        try:
            found = self._archive.cycles(since_utc=now_utc - timedelta(days=365), limit=1)
        except StoreError as error:
            return unhealthy(plain(str(error)), store="unreadable")
        last = found[0] if found else None
        told = health(last, now_utc=now_utc, period_s=self._options.period_s)
        return json_answer(
            {
                "status": "failing" if told.problem else "ok",
                "problems": [told.problem] if told.problem else [],
                "store": "ok",
                "cycle": last.number if last else None,
                "started_utc": iso(last.started_utc) if last else None,
                "age_s": None if told.age_s is None else round(told.age_s, 1),
                "limit_s": round(told.limit_s, 1),
            },
            status=503 if told.problem else 200,
        )


def unhealthy(problem: str, *, store: str) -> Answer:
    """Return the answer of a program whose store cannot be asked."""
    return json_answer({"status": "failing", "problems": [problem], "store": store}, status=503)


def _record(found: AlertRecord) -> dict[str, Any]:
    # Where the picture lies on the driver's disk is nobody's business here.
    chart = f"alerts/{found.alert.id}/chart.png" if found.alert.chart_path else None
    return {**alert_row(found), "chart": chart}
