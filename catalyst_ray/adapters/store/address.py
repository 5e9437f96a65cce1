"""Owns where the store is: reads its URL, makes the folder, keeps its secrets out of every message."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from catalyst_ray.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HINT = "use sqlite:///out/catalyst.db or postgresql+psycopg://user:password@host/database"
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A checked database URL.

    Args:
        url: What SQLAlchemy opens; holds the password.
        shown: The same for messages: without password and query string.
        path: The file, for SQLite.
        secrets: Words that no message may hold.
    """

    url: URL
    shown: str
    path: Path | None
    secrets: tuple[str, ...]

    def masked(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def read_address(text: str) -> Address:
    """Read a database URL; ``~`` in a file's path is the home folder.

    Raises:
        ConfigError: It is no URL of SQLite (a file) or PostgreSQL.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        # The text is not repeated: it may hold a password.
        raise ConfigError("DATABASE_URL is no database URL", hint=_HINT) from None
    driver = _DRIVERS.get(url.drivername.lower())
    if driver is None:
        raise ConfigError(f"DATABASE_URL: {url.drivername!r} is not supported", hint=_HINT)
    if driver != "sqlite":
        url = url.set(drivername=driver)
        shown = url.set(query={}).render_as_string(hide_password=True)
        return Address(url, shown, None, tuple(_secrets(url)))
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ConfigError("DATABASE_URL: the store needs a file, memory would forget", hint=_HINT)
    path = Path(url.database).expanduser()
    return Address(URL.create("sqlite", database=str(path)), f"sqlite:///{path}", path, ())


def _secrets(url: URL) -> Iterator[str]:
    if url.password:
        yield str(url.password)
    for name, values in url.normalized_query.items():
        if "pass" in name:  # libpq takes password= and sslpassword= there
            yield from filter(None, values)


def make_folder(path: Path) -> None:
    """Make the folder of a database file.

    Raises:
        ConfigError: It cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"the folder {path.parent} cannot be made: {reason}",
            key="DATABASE_URL",
            hint="name a folder that can be written",
        ) from error


def need_file(path: Path) -> None:
    """Check that there is a database file to look at.

    Raises:
        StoreError: There is none.
    """
    if not path.is_file():
        raise StoreError(
            "there is no store yet",
            key=str(path),
            hint="it is made by the first run, or DATABASE_URL names another file",
        )
