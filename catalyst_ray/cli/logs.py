"""Log lines on standard error: plain for a terminal, JSON elsewhere, secrets masked in both."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import click
from pydantic import SecretStr

from catalyst_ray.core.message_text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from catalyst_ray.settings import Settings

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
COLOURS = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")
DUMP = re.compile(r"\[state-dump\]|\[[\d\s:,-]+ [IDW] [\d ]+\] ")
"""Lines of the log of a node that failed: Ray prints the last twenty beside the one that says so."""
MIN_SECRET_CHARS = 8
"""Anything shorter may be a common word: blotting it out would eat the line and hide nothing."""
DATABASES = frozenset({"sqlite", "postgresql", "postgresql+psycopg"})
TOKEN = re.compile(r"^(?=.*[\dA-Z])[\w-]+$")
"""A piece of an address that may be a token: not "webhooks", nor a host's name."""
RAY_CHATTER = "ray._private.authentication.authentication_token_setup"
"""Says at every start that Ray's tokens are on, as they are meant to be."""


class Masked(logging.Formatter):
    """Formats a record with ``render`` and blots every secret out of the whole line, tracebacks included."""

    def __init__(self, render: Callable[[logging.LogRecord], str], secrets: Iterable[str]) -> None:
        super().__init__()
        self._render = render
        long = [s for s in secrets if len(s) >= MIN_SECRET_CHARS]
        # In JSON quotes and backslashes are escaped, so a secret may stand in either form.
        forms = {form for s in long for form in (s, json.dumps(s, ensure_ascii=False)[1:-1])}
        self._secrets = sorted(forms, key=len, reverse=True)  # the whole address before its token

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = self._render(record)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


class LogLines(io.TextIOBase):
    """A stream whose lines become log lines, without colours: for what others print."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        self._rest = ""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Take text; whole lines are logged."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in filter(str.strip, lines):
            text = plain(ANSI.sub("", line))[:500]
            level = logging.DEBUG if DUMP.match(text) else logging.WARNING
            self._logger.log(level, "printed by a library", extra={"text": text})
        return len(text)


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
        entry["traceback"] = _traceback(record)
    return json.dumps(entry, default=str, ensure_ascii=False)


def plain_line(record: logging.LogRecord) -> str:
    """Return time, words and fields, for a person; a traceback follows on lines of its own."""
    when = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
    fields = "  ".join(f"{key}={_value(value)}" for key, value in _fields(record).items())
    colour = COLOURS.get(record.levelno)
    level = click.style(f"{record.levelname.lower()}: ", fg=colour) if colour else ""
    line = f"{when}  {level}{plain(record.getMessage())}" + (f"  ({fields})" if fields else "")
    return f"{line}\n{_traceback(record)}" if record.exc_info else line


def _fields(record: logging.LogRecord) -> dict[str, object]:
    # Other libraries leave marks of their own on every record; theirs begin with "_".
    return {k: v for k, v in vars(record).items() if k not in STANDARD and not k.startswith("_")}


def _value(value: object) -> str:
    # A stranger's words may stand in a value: on a terminal they must not move the cursor.
    return f"{value:g}" if isinstance(value, float) else plain(str(value))


def _traceback(record: logging.LogRecord) -> str:
    return logging.Formatter().formatException(record.exc_info) if record.exc_info else ""


def secrets_of(settings: Settings) -> list[str]:
    """Return every text that no line may show: the secrets, and the telling parts of secret addresses."""
    found = (getattr(settings, name) for name in type(settings).model_fields)
    secrets = [one.get_secret_value() for one in found if isinstance(one, SecretStr)]
    return [part for secret in secrets for part in (secret, *_telling_parts(secret))]


def _telling_parts(secret: str) -> Iterator[str]:
    """Yield what gives a secret away that is an address, or several: passwords and tokens in them."""
    for one in re.split(r"[\s,]+", secret):
        yield one
        try:
            parts = urlsplit(one)
            password = parts.password or ""
        except ValueError:  # no address at all: whoever takes it says so
            continue
        yield from (password, unquote(password))
        if parts.scheme not in DATABASES:  # there the rest is names
            # A user's or a host's place may hold a token too: apprise has pover://user@token.
            spots = (
                *re.split(r"[@:]", parts.netloc),
                *parts.path.split("/"),
                *(value for _, value in parse_qsl(parts.query)),
            )
            yield from filter(TOKEN.search, spots)


def set_up_logs(level: str, *, secrets: Iterable[str]) -> None:
    """Send this package's log lines to standard error; other packages' only from WARNING on.

    Call it after Ray is imported: its handler, made then, is taken away and its lines come as ours do.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Masked(plain_line if sys.stderr.isatty() else json_line, secrets))
    top = logging.getLogger()
    top.handlers = [handler]
    top.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.getLogger("catalyst_ray").setLevel(level)
    ray = logging.getLogger("ray")
    ray.handlers, ray.propagate = [], True
    ray.setLevel(logging.WARNING)
    logging.getLogger(RAY_CHATTER).setLevel(logging.ERROR)
