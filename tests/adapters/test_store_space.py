"""Space: what deleted rows leave goes back to the disk, also in a store of before; and nobody waits for it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.store import SqlStore, space
from tests.adapters.store_world import DAY, NOW, connected, decision, news

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["tests.adapters.store_fixtures"]

CUT = NOW + 30 * DAY


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the store is."""
    return tmp_path / "store.db"


@pytest.fixture(autouse=True)
def _keep_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give back in steps that a small store needs several of."""
    monkeypatch.setattr(space, "KEPT_PAGES", 10)
    monkeypatch.setattr(space, "STEP_PAGES", 200)


def _fill(store: SqlStore, *, batches: int = 4) -> None:
    """Decide two thousand items, some 6 MB, to be purged."""
    for batch in range(batches):
        items = [news(f"{batch}-{n}", summary="x" * 2_000) for n in range(500)]
        store.claim(items, now_utc=NOW)
        store.decide([(item, decision()) for item in items], now_utc=NOW)


def _free(store: SqlStore) -> int:
    return store.status(now_utc=NOW, since_utc=NOW, limit=1).free_bytes


def test_a_purge_makes_the_file_small_again(file: Path) -> None:
    """File and log shrink by what was deleted, but for what the next rows need."""
    with SqlStore.open(f"sqlite:///{file}") as store:
        _fill(store)
        store.give_back()
        full = file.stat().st_size
        assert store.purge(before_utc=CUT) == 2_000
        assert file.stat().st_size == full
        assert store.give_back() > full / 2
        assert file.stat().st_size < full / 4
        assert file.with_name("store.db-wal").stat().st_size == 0
        assert 0 < _free(store) <= max(10 * 4096, file.stat().st_size // 9)
        assert store.give_back() == 0


def test_one_call_gives_back_no_more_than_a_moment_allows(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is free: the rest goes next time, and other writers come in between the steps."""
    monkeypatch.setattr(space, "STEPS", 2)
    with SqlStore.open(f"sqlite:///{file}") as store:
        _fill(store)
        store.purge(before_utc=CUT)
        before = _free(store)
        assert store.give_back() == 400 * 4096
        assert _free(store) == before - 400 * 4096


def test_a_store_that_is_filled_and_purged_stops_growing(file: Path) -> None:
    """After many rounds it is as large as after the first."""
    sizes = []
    with SqlStore.open(f"sqlite:///{file}") as store:
        for _ in range(4):
            _fill(store, batches=1)
            store.purge(before_utc=CUT)
            store.give_back()
            sizes.append(file.stat().st_size)
    assert max(sizes) < 1.2 * sizes[0]


def test_a_reader_in_the_middle_of_its_work_holds_nobody_up(file: Path) -> None:
    """The log is cut later; what the reader sees stays."""
    with SqlStore.open(f"sqlite:///{file}") as store:
        _fill(store, batches=1)
        with connected(f"sqlite:///{file}") as reader:
            reader.exec_driver_sql("BEGIN")
            assert reader.exec_driver_sql("SELECT count(*) FROM items").scalar() == 500
            store.purge(before_utc=CUT)
            assert store.give_back() > 0
            assert reader.exec_driver_sql("SELECT count(*) FROM items").scalar() == 500
        store.give_back()
        assert file.with_name("store.db-wal").stat().st_size == 0


def _of_before(file: Path) -> None:
    """Make a store as version 4 left it on the disk: without track of its free pages."""
    with SqlStore.open(f"sqlite:///{file}") as store:
        _fill(store)
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode=DELETE")
        raw.execute("PRAGMA auto_vacuum=NONE")
        raw.execute("VACUUM")
        raw.execute("PRAGMA journal_mode=WAL")
        assert raw.execute("PRAGMA auto_vacuum").fetchone() == (0,)


def test_a_store_of_before_learns_it(file: Path) -> None:
    """At a driver's next start; a reader changes nothing."""
    _of_before(file)
    url = f"sqlite:///{file}"
    SqlStore.open(url, read_only=True).close()
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    with SqlStore.open(url) as store:
        full = file.stat().st_size
        assert store.purge(before_utc=CUT) == 2_000
        assert store.give_back() > full / 2
        assert file.stat().st_size < full / 4


@pytest.mark.parametrize("obstacle", ["another program", "time"])
def test_a_store_of_before_that_cannot_learn_it_works_on(
    file: Path, obstacle: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program at it, or too large: it is told with what to do, nothing is lost, and the next start tries anew."""
    _of_before(file)
    url = f"sqlite:///{file}"
    if obstacle == "time":
        monkeypatch.setattr(space, "REWRITE_S", 0.0)
        store = SqlStore.open(url)
    else:
        with connected(url) as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            store = SqlStore.open(url, busy_timeout_s=0.1)
    with store:
        (told,) = [record for record in caplog.records if record.levelname == "WARNING"]
        assert "run VACUUM yourself" in told.hint  # type: ignore[attr-defined]
        assert store.purge(before_utc=CUT) == 2_000
        assert store.give_back() == 0
    monkeypatch.setattr(space, "REWRITE_S", 60.0)
    with SqlStore.open(url) as store, closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_postgresql_does_it_by_itself(clean_postgres_url: str) -> None:
    """There is nothing to give back, and nothing is asked of it."""
    with SqlStore.open(clean_postgres_url) as store:
        assert store.give_back() == 0
