"""What a reader asks for: query strings read into checked values, and written again for links.

Pure. Owns the names and limits of the parameters; whoever calls decides which of them a page takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from catalyst_ray.core.message import Tone
from catalyst_ray.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from catalyst_ray.models import AlertRecord
    from catalyst_ray.ports import Archive

MAX_CHARS = 200
"""Of one value: more is no search."""
_TICKER = re.compile(r"\$?([A-Z0-9][A-Z0-9.\-/=]{0,15})")
_EVENT = re.compile(r"[a-z0-9_]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which alerts are wanted; empty means all. Times are aware UTC."""

    ticker: str = ""
    event: str = ""
    direction: str = ""
    words: str = ""
    since_utc: datetime | None = None
    before_utc: datetime | None = None
    limit: int

    @property
    def narrows(self) -> bool:
        """Return whether it leaves alerts out by what they say."""
        return bool(self.ticker or self.event or self.direction or self.words)

    def link(self, path: str = "/", **changes: Any) -> str:
        """Return the address of a page with this filter, changed; the limit goes along only where it is given."""
        wanted = replace(self, **changes)
        pairs = {
            "ticker": wanted.ticker,
            "event": wanted.event,
            "direction": wanted.direction,
            "q": wanted.words,
            "since": iso(wanted.since_utc),
            "before": iso(wanted.before_utc),
            "limit": str(wanted.limit) if "limit" in changes else "",
        }
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"{path}?{query}" if query else path


def find(archive: Archive, wanted: Filter, *, limit: int | None = None) -> list[AlertRecord]:
    """Return the alerts that a filter wants, newest first; ``limit`` in place of its own."""
    return archive.find_alerts(
        ticker=wanted.ticker or None,
        event=wanted.event or None,
        direction=wanted.direction or None,
        words=wanted.words or None,
        since_utc=wanted.since_utc,
        before_utc=wanted.before_utc,
        limit=limit or wanted.limit,
    )


def iso(when_utc: datetime | None) -> str:
    """Return a time as a parameter takes it; nothing for none."""
    return when_utc.astimezone(UTC).isoformat().replace("+00:00", "Z") if when_utc else ""


def read_filter(query: Mapping[str, str], *, usual: int, most: int) -> Filter:
    """Return the filter that a query string asks for.

    Args:
        query: By name; empty values count as absent, as a form sends them.
        usual: The limit where none is named.
        most: The largest.

    Raises:
        ParseError: A value is nonsense; ``key`` is its parameter.
    """
    direction = _text(query, "direction").lower()
    if direction and direction not in {tone.value for tone in Tone}:
        raise ParseError(f"must be one of {', '.join(Tone)}", key="direction")
    return Filter(
        ticker=_ticker(query),
        event=_event(query),
        direction=direction,
        words=_text(query, "q"),
        since_utc=read_time(query, "since"),
        before_utc=read_time(query, "before"),
        limit=read_number(query, "limit", usual=usual, least=1, most=most),
    )


def read_words(query: Mapping[str, str], name: str) -> str:
    """Return a parameter's text without white space around it.

    Raises:
        ParseError: It is too long.
    """
    return _text(query, name)


def read_number(query: Mapping[str, str], name: str, *, usual: int, least: int, most: int) -> int:
    """Return a whole number from ``least`` to ``most``.

    Raises:
        ParseError: It is none.
    """
    text = _text(query, name)
    if not text:
        return usual
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
        raise ParseError(f"must be a whole number from {least} to {most}", key=name)
    return int(text)


def read_time(query: Mapping[str, str], name: str) -> datetime | None:
    """Return a time in UTC; None where none is named.

    Raises:
        ParseError: It is no ISO 8601 time with its zone.
    """
    text = _text(query, name)
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is not None:
            return when.astimezone(UTC)
    except (ValueError, OverflowError):  # an offset may lead out of the calendar
        pass
    raise ParseError("must be a time with its zone, like 2026-03-17T13:42:07Z", key=name)


def refuse_unknown(query: Collection[str], known: Collection[str]) -> None:
    """Refuse parameters that there are not: a program that misspells one must not get everything.

    Raises:
        ParseError: There is one; the words name those that there are.
    """
    unknown = sorted(set(query) - set(known))
    if unknown:
        raise ParseError(f"unknown; there are {', '.join(known)}", key=unknown[0][:40])


def _text(query: Mapping[str, str], name: str) -> str:
    text = query.get(name, "").strip()
    if len(text) > MAX_CHARS:
        raise ParseError(f"must be at most {MAX_CHARS} characters", key=name)
    return text


def _ticker(query: Mapping[str, str]) -> str:
    text = _text(query, "ticker").upper()
    found = _TICKER.fullmatch(text)
    if text and not found:
        raise ParseError("must be a ticker, like QLLN or BRK.B", key="ticker")
    return found[1] if found else ""


def _event(query: Mapping[str, str]) -> str:
    # People read the words and programs the code: both are taken.
    text = "_".join(_text(query, "event").lower().split())
    if text and not _EVENT.fullmatch(text):
        raise ParseError("must be an event's code, like offering_priced", key="event")
    return text
