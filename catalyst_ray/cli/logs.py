"""Log lines on standard error: plain for a terminal, JSON elsewhere, secrets masked in both."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Masked(logging.Formatter):
    """Formats a record with ``render`` and blots every secret out of the whole line, tracebacks included."""

    def __init__(self, render: Callable[[logging.LogRecord], str], secrets: Iterable[str]) -> None:
        super().__init__()
        self._render = render
        self._secrets = tuple(s for s in secrets if s)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = self._render(record)
        if record.exc_info and "traceback" not in text:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def json_line(record: logging.LogRecord) -> str:
    """Return a record as one JSON object."""
    entry = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
        **_fields(record),
    }
    if record.exc_info:
        entry["traceback"] = logging.Formatter().formatException(record.exc_info)
    return json.dumps(entry, default=str, ensure_ascii=False)


def plain_line(record: logging.LogRecord) -> str:
    """Return time, words and fields, for a person."""
    when = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
    fields = "  ".join(f"{k}={v}" for k, v in _fields(record).items())
    level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
    return f"{when}  {level}{record.getMessage()}" + (f"  ({fields})" if fields else "")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {k: v for k, v in vars(record).items() if k not in STANDARD}


def set_up_logs(level: str, *, secrets: Iterable[str]) -> None:
    """Send this package's log lines to standard error; other packages' only from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Masked(plain_line if sys.stderr.isatty() else json_line, secrets))
    top = logging.getLogger()
    top.handlers = [handler]
    top.setLevel(logging.WARNING)
    logging.getLogger("catalyst_ray").setLevel(level)
