"""What breaks beneath the store: each fault is named with what to do, costs nothing else, and is over when it is over."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.errors import CatalystError, ConfigError, StoreError
from tests.adapters.postgres_server import running_server
from tests.adapters.store_desk import Desk
from tests.adapters.store_world import NOW, alert_on, connected, news, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapters.postgres_server import PostgresServer

pytest_plugins = ["tests.adapters.store_fixtures"]

BACK = r"backup|\.recover"


_LOCKS = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"SELECT pg_advisory_lock({0x636174616C797374})",
}


@contextmanager
def _locked(url: str) -> Iterator[None]:
    with connected(url) as connection:
        connection.exec_driver_sql(_LOCKS[connection.dialect.name])
        yield


def test_a_locked_database_is_named_after_the_wait(url: str) -> None:
    """Another program that keeps the database locked is an error that says so; then all goes on."""
    with SqlStore.open(url, busy_timeout_s=0.2) as store:
        with _locked(url):
            with pytest.raises(StoreError, match=r"locked.*end the other program"):
                store.claim([news("a")], now_utc=NOW)
            assert store.undecided(limit=5) == []
        assert len(store.claim([news("a")], now_utc=NOW)) == 1


def test_a_short_lock_is_waited_for(url: str) -> None:
    """A write that meets another program's goes through once that is done."""
    with SqlStore.open(url, busy_timeout_s=20) as store:
        writer = threading.Thread(target=store.claim, args=([news("a")],), kwargs={"now_utc": NOW})
        with _locked(url):
            writer.start()
            writer.join(timeout=0.2)
            assert writer.is_alive()
        writer.join()
        assert store.undecided(limit=5) == [news("a")]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Give a folder on a disk of twelve megabytes that every user may look into, or skip."""
    with tempfile.TemporaryDirectory(prefix="catalyst-disk-") as name:
        folder = Path(name)
        _mount("-t", "tmpfs", "-o", "size=12m", "tmpfs", name)
        folder.chmod(0o755)
        yield folder
        subprocess.run(["umount", "--lazy", name], check=True, capture_output=True)


def _fill_up(disk: Path, *, but_for: int) -> Path:
    """Write a file that leaves so many bytes, and return it."""
    state = os.statvfs(disk)
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * (state.f_bavail * state.f_bsize - but_for))
    return ballast


def _mount(*arguments: str) -> None:
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no permission to mount a small disk")


@pytest.fixture(scope="module")
def server(postgres_binaries: Path) -> Iterator[PostgresServer]:
    """Give a server that a test may kill."""
    with running_server(postgres_binaries) as server:
        yield server


@pytest.fixture
def clean_server(server: PostgresServer) -> PostgresServer:
    """Give it with an empty database."""
    run_sql(server.url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def small_url(request: pytest.FixtureRequest, small_disk: Path) -> Iterator[str]:
    """Give a database of each kind whose tables lie on the small disk."""
    if request.param == "sqlite":
        yield f"sqlite:///{small_disk / 'x.db'}"
        return
    server: PostgresServer = request.getfixturevalue("clean_server")
    place = small_disk / "tables"
    place.mkdir()
    server.give(place)
    with connected(server.url) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"CREATE TABLESPACE small LOCATION '{place}'")
        yield f"{server.url}?options=-cdefault_tablespace%3Dsmall"
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        connection.exec_driver_sql("CHECKPOINT")
        connection.exec_driver_sql("DROP TABLESPACE small")


def test_a_full_disk(small_url: str, small_disk: Path) -> None:
    """It is an error that says so; what was stored stays, and with space again no alert is lost or doubled."""
    with SqlStore.open(small_url) as store:
        desk = Desk(store)
        desk.work(5)
        ballast = _fill_up(small_disk, but_for=600_000)
        error = desk.work_until_it_fails()
        assert "disk" in error.message
        assert "free" in (error.hint or "")
        assert len(desk.answered) > 5
        assert len(list(store.all_alerts(since_utc=NOW))) >= len(desk.answered), "it can still be read"
        ballast.unlink()
        desk.work(20)
        desk.check()
    with SqlStore.open(small_url) as store:
        assert len(list(store.all_alerts(since_utc=NOW))) == len(desk.answered)


def test_a_disk_that_is_full_at_the_start(small_disk: Path) -> None:
    """A new store that has no room is not left half made."""
    ballast = _fill_up(small_disk, but_for=40_000)
    url = f"sqlite:///{small_disk / 'x.db'}"
    with pytest.raises(StoreError, match="disk"):
        SqlStore.open(url)
    ballast.unlink()
    with SqlStore.open(url) as store:
        Desk(store).work(2)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_server_that_is_gone_and_back(clean_server: PostgresServer, how: signal.Signals) -> None:
    """Killed or stopped between two steps of a delivery: the same store goes on when it answers again."""
    posts = 0

    def stop_at_the_tenth() -> None:
        nonlocal posts
        posts += 1
        if posts == 10:
            clean_server.stop(how)

    with SqlStore.open(clean_server.url) as store:
        desk = Desk(store, stop_at_the_tenth)
        try:
            errors = [desk.work_until_it_fails(), desk.work_until_it_fails()]
        finally:
            clean_server.start()
        for error in errors:
            assert "check that the server runs" in (error.hint or ""), error
            assert "only-for-tests" not in str(error)
        desk.work(20)
        desk.check()
        assert store.delivery_counts()["possible_doubles"] == 1


def test_a_connection_that_breaks_is_made_anew(clean_postgres_url: str) -> None:
    """A server that was restarted between two cycles costs nothing."""
    with SqlStore.open(clean_postgres_url) as store:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        run_sql(clean_postgres_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        assert store.alerts_since(NOW, limit=1, ticker="NONE") == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A foreign file is neither overwritten nor a traceback."""
    file = tmp_path / "x.db"
    file.write_text("These are my notes. " * 100)
    with pytest.raises(StoreError, match="move it away"):
        SqlStore.open(f"sqlite:///{file}")
    assert file.read_text().startswith("These are my notes.")


def _spoil(file: Path, *, start: int, size: int | None = None) -> None:
    content = bytearray(file.read_bytes())
    end = len(content) if size is None else start + size
    content[start:end] = b"\xa5" * (end - start)
    file.write_bytes(content)


@pytest.mark.parametrize(("start", "size"), [(0, 100), (8192, None)], ids=["header", "pages"])
def test_a_damaged_file(tmp_path: Path, start: int, size: int | None) -> None:
    """Damage, found at opening or later, says how to get back what can be had; the file is left as it is."""
    file = tmp_path / "x.db"
    with SqlStore.open(f"sqlite:///{file}") as store:
        store.claim([news(str(number), summary="x" * 500) for number in range(200)], now_utc=NOW)
    _spoil(file, start=start, size=size)
    spoilt = file.read_bytes()
    with pytest.raises(StoreError, match=BACK), SqlStore.open(f"sqlite:///{file}") as store:
        store.undecided(limit=500)
    assert file.read_bytes() == spoilt


def test_a_damaged_page_costs_what_stands_on_it(tmp_path: Path) -> None:
    """One page of a table is gone: what needs it fails and says so, all the rest is read and written."""
    file = tmp_path / "x.db"
    with SqlStore.open(f"sqlite:///{file}") as store:
        store.claim([news(str(number), summary="x" * 3_000) for number in range(50)], now_utc=NOW)
        Desk(store).work(3)
    with connected(f"sqlite:///{file}") as raw:
        pages = "SELECT min(pageno) FROM dbstat WHERE name = 'items' AND pagetype = 'leaf'"
        try:
            page = raw.exec_driver_sql(pages).scalar()
        except Exception:  # noqa: BLE001  (SQLAlchemy wraps it)
            pytest.skip("this SQLite has no dbstat")
    _spoil(file, start=(page - 1) * 4096, size=4096)
    with SqlStore.open(f"sqlite:///{file}") as store:
        with pytest.raises(StoreError, match=BACK):
            store.undecided(limit=500)
        assert len(store.recent_alerts(limit=5)) == 3
        store.cache("k", "text", expires_utc=NOW)


def test_a_damaged_table(clean_server: PostgresServer) -> None:
    """A server that finds damage says so, and what to do; it goes on with other tables."""
    with SqlStore.open(clean_server.url) as store:
        Desk(store).work(3)
        with connected(clean_server.url) as raw:
            where = raw.exec_driver_sql("SELECT pg_relation_filepath('outbox')").scalar()
        clean_server.stop()
        _spoil(clean_server.data / where, start=0)
        clean_server.start()
        with pytest.raises(StoreError, match=BACK):
            store.delivery_counts()
        assert len(store.recent_alerts(limit=5)) == 3


def test_a_table_that_another_program_locks(clean_postgres_url: str) -> None:
    """Even a reader waits for a lock of the whole table, then says so; after that all goes on."""
    with SqlStore.open(clean_postgres_url, busy_timeout_s=0.2) as store:
        with connected(clean_postgres_url) as other:
            other.exec_driver_sql("LOCK TABLE alerts IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreError, match=r"locked.*end the other program"):
                store.recent_alerts(limit=5)
            with pytest.raises(StoreError, match=r"locked.*end the other program"):
                store.commit_alert(alert_on(news("a")), ["files"], now_utc=NOW)
        assert store.commit_alert(alert_on(news("a")), ["files"], now_utc=NOW)


def test_a_disk_that_cannot_be_written(small_disk: Path) -> None:
    """A folder on it is a setting to correct; a store that is open when it becomes so fails, and goes on after."""
    url = f"sqlite:///{small_disk / 'x.db'}"
    with SqlStore.open(url) as store:
        desk = Desk(store)
        desk.work(5)
        store.close()  # or the disk is busy
        _mount("-o", "remount,ro", str(small_disk))
        try:
            with pytest.raises(CatalystError, match="permissions"):
                desk.work(1)
            for place in (small_disk / "x.db", small_disk / "new.db"):
                with pytest.raises(ConfigError, match="permissions"):
                    SqlStore.open(f"sqlite:///{place}")
            with pytest.raises(ConfigError, match=f"{small_disk}/new cannot be made"):
                SqlStore.open(f"sqlite:///{small_disk / 'new' / 'x.db'}")
        finally:
            _mount("-o", "remount,rw", str(small_disk))
        desk.work(5)
        desk.check()


def test_a_server_that_takes_no_writes(clean_postgres_url: str) -> None:
    """A standby, say: readers are served, a driver is told."""
    with SqlStore.open(clean_postgres_url) as store:
        Desk(store).work(2)
    url = f"{clean_postgres_url}?options=-cdefault_transaction_read_only%3Don"
    with SqlStore.open(url) as store:
        assert len(store.recent_alerts(limit=5)) == 2
        with pytest.raises(StoreError, match="takes no writes"):
            store.claim([news("a")], now_utc=NOW)
