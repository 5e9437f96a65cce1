"""Owns connections and transactions, and turns every failure of the database into a StoreError.

One writer at a time on both databases (BEGIN IMMEDIATE; an advisory lock of PostgreSQL), so what a
transaction read is still so when it writes: no statement needs a retry. Readers are never blocked.

SQLite runs with ``synchronous=FULL``. A killed process loses nothing with NORMAL either (the WAL is in
the system's cache by then), but a power cut would take back the last commits: an alert posted and marked
``sent`` would be pending again, and its second post an uncounted double. One fsync a commit is the price.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from catalyst_ray.adapters.store.failures import diagnose
from catalyst_ray.core.extras import extra
from catalyst_ray.errors import ConfigError, ParseError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from catalyst_ray.adapters.store.address import Address

_FAILURES = (SQLAlchemyError, sqlite3.Error, ParseError)
_WRITER_LOCK = 0x636174616C797374
"""Key of the PostgreSQL advisory lock: "catalyst" in ASCII."""

_WAL_ATTEMPTS = 20

_POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 24, "hide_parameters": True}
"""Python's default thread pool has at most 32 threads, so none ever waits for a connection."""


class Database:
    """Opens transactions; safe to use from many threads, each call on a connection of its own."""

    def __init__(self, address: Address, *, busy_timeout_s: float, read_only: bool) -> None:
        self._address = address
        self._busy_timeout_s = busy_timeout_s
        # Threads of one process queue here: SQLite's own waiting is a poll with growing pauses.
        self._turn = threading.Lock()
        if address.path is None:
            self._engine = _postgres_engine(address, busy_timeout_s=busy_timeout_s, read_only=read_only)
        else:
            self._engine = _sqlite_engine(address, busy_timeout_s=busy_timeout_s, read_only=read_only)
        self._writing = self._engine.execution_options(catalyst_writing=True)

    def probe(self) -> None:
        """Connect once.

        Raises:
            ConfigError: The address or its login is wrong.
            StoreError: The database does not answer or is damaged.
        """
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except _FAILURES as error:
            raise self._failure(error, opening=True) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store throughout."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a transaction that no other writer shares; commits at the end."""
        with self._in_turn(), self._translated(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection | None]:
        """Give SQLite's own connection, outside of transactions, while no other thread writes; None on PostgreSQL."""
        if self._address.path is None:
            yield None
            return
        with self._in_turn(), self._translated():
            connection = self._engine.raw_connection()
            try:
                yield connection.driver_connection
            finally:
                connection.close()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._busy_timeout_s):
            raise StoreError("another thread kept the store's writer busy", key=self._address.shown)
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            raise self._failure(error, opening=False) from error

    def _failure(self, error: BaseException, *, opening: bool) -> ConfigError | StoreError:
        found = diagnose(error)
        kind = ConfigError if opening and found.settings_wrong else StoreError
        return kind(self._address.masked(found.message), key=self._address.shown, hint=found.hint)


def _sqlite_engine(address: Address, *, busy_timeout_s: float, read_only: bool) -> Engine:
    engine = create_engine(
        address.url, connect_args={"timeout": busy_timeout_s, "check_same_thread": False}, **_POOL
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 must not open transactions by itself
        connection.execute("PRAGMA foreign_keys=ON")
        # SQLite's own knows ASCII alone: words with other letters would be found in one case only.
        connection.create_function("lower", 1, _lower, deterministic=True)
        if read_only:
            connection.execute("PRAGMA query_only=ON")
            return
        connection.execute(
            "PRAGMA auto_vacuum=INCREMENTAL"
        )  # of a new file: before anything is written to it
        _use_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=67108864")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("catalyst_writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _use_wal(connection: sqlite3.Connection) -> None:
    # Changing the mode of a new file does not wait for a lock as other statements do. So when several
    # programs start at once, wait as a writer, then ask again; soon one of them has changed it for all.
    for _ in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # extended codes share that byte
                raise
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def _postgres_engine(address: Address, *, busy_timeout_s: float, read_only: bool) -> Engine:
    try:
        engine = create_engine(address.url, connect_args={"connect_timeout": 10}, pool_pre_ping=True, **_POOL)
    except ModuleNotFoundError as error:
        raise ConfigError(
            "PostgreSQL needs the package psycopg",
            key="DATABASE_URL",
            hint=extra("postgres"),
        ) from error

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {int(busy_timeout_s * 1000)}")
            cursor.execute("SET idle_in_transaction_session_timeout = '60s'")
            if read_only:
                cursor.execute("SET default_transaction_read_only = on")
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("catalyst_writing"):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")

    return engine
