"""Owns giving back the space that deleted rows leave, on SQLite; PostgreSQL's autovacuum does so by itself.

A new file keeps track of its free pages (``auto_vacuum=INCREMENTAL``), so that some can be given back at a time while
the driver works. A file of before does not: it is written anew once, at a driver's start, which turns that on.

No ``ANALYZE``, no ``PRAGMA optimize``: with the figures of a moment in which nothing is held or due, SQLite reads whole
tables where the partial indexes are the point (measured: held alerts took four times as long).
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalyst_ray.adapters.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.adapters.store.database import Database

log = logging.getLogger(__name__)

STEP_PAGES = 1_000
"""Pages given back in one transaction: 4 MB, a tenth of a second; other writers come in between."""
STEPS = 20
"""Transactions of one call: 80 MB."""
KEPT_PAGES = 1_000
KEPT_SHARE = 0.1
"""Free pages that stay, as many as the larger of both says: the next rows need them again."""
REWRITE_S = 60.0
"""How long a file of before is written anew at most; half a gigabyte takes some seconds."""
_PATIENCE_MS = 250
_LOOK_EVERY = 1_000
"""Steps of SQLite's machine, some rows, between two looks at the clock."""
_INCREMENTAL = 2


def give_back(database: Database) -> int:
    """Give free pages back to the disk, and the log's space too; return how many bytes of pages."""
    given = 0
    for pages in _steps(database):
        given += pages
    with database.alone() as file:
        if file is None:
            return 0
        # Waiting for a reader would hold up every writer: what a reader still needs goes next time.
        with _patience(file, _PATIENCE_MS):
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return given * _figure(file, "page_size")


def _steps(database: Database) -> Iterator[int]:
    for _ in range(STEPS):
        with database.alone() as file:
            if file is None or _figure(file, "auto_vacuum") != _INCREMENTAL:
                return
            free = _figure(file, "freelist_count")
            surplus = free - max(KEPT_PAGES, int(KEPT_SHARE * _figure(file, "page_count")))
            if surplus <= 0:
                return
            # Only a script is run to its end: ``execute`` takes one step of it, which is one page.
            file.executescript(f"PRAGMA incremental_vacuum({min(surplus, STEP_PAGES)})")
            yield free - _figure(file, "freelist_count")


def keep_track(database: Database) -> None:
    """Make a file of before keep track of its free pages, by writing it anew; tell and go on where that cannot be."""
    with database.alone() as file:
        if file is None or _figure(file, "auto_vacuum") == _INCREMENTAL:
            return
        size = _figure(file, "page_count") * _figure(file, "page_size")
        log.info("writing the store anew, once, so that deleted rows free space", extra={"size_bytes": size})
        clock = SystemClock()
        until_s = clock.monotonic() + REWRITE_S
        file.set_progress_handler(lambda: clock.monotonic() > until_s, _LOOK_EVERY)
        try:
            file.execute("PRAGMA auto_vacuum=INCREMENTAL")
            file.execute("VACUUM")
        except sqlite3.OperationalError as error:
            # Nothing is lost and all goes on as it did: too little space, another program at it, or too long.
            hint = f"free {2 * size / 1e6:.0f} MB and start again, or run VACUUM yourself while it is stopped"
            log.warning("the store could not be written anew", extra={"error": str(error), "hint": hint})
        finally:
            file.set_progress_handler(None, 0)


@contextmanager
def _patience(file: sqlite3.Connection, milliseconds: int) -> Iterator[None]:
    """Wait for other connections no longer than this, meanwhile."""
    before_ms = _figure(file, "busy_timeout")
    file.execute(f"PRAGMA busy_timeout={milliseconds}")
    try:
        yield
    finally:
        file.execute(f"PRAGMA busy_timeout={before_ms}")


def _figure(file: sqlite3.Connection, name: str) -> int:
    return int(file.execute(f"PRAGMA {name}").fetchone()[0])
