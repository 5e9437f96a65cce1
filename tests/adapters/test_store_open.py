"""Opening: what is missing is made, what is old is brought up to date, what is wrong is said plainly."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, inspect, make_url, text

from catalyst_ray.adapters.store import SqlStore, migrations, schema
from catalyst_ray.core.codec import encode
from catalyst_ray.errors import CatalystError, ConfigError, StoreError
from catalyst_ray.models import Action, Decision, DeliveryState, EventHit, Judgement, Reason, Score, Verdict
from tests.adapters.store_world import CYCLE, NOW, SINKS, alert_on, connected, news, rows, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

pytest_plugins = ["tests.adapters.store_fixtures"]

VERSION_5 = {
    "meta": "name value",
    "items": "key payload kind feed title url published claimed seen decided action decision duplicate_of",
    "stories": "item_key of_key joined",
    "item_tickers": "item_key ticker",
    "aliases": "alias item_key seen",
    "alerts": "id item_key ticker value priority payload state chart_path created revision direction events",
    "outbox": (
        "id alert_id sink state attempts doubles message_id next_attempt last_error created changed "
        "revision edit_since sent edited in_digest"
    ),
    "feed_state": "feed payload",
    "llm_cache": "key text expires",
    "cycles": "id number started payload",
    "lease": "name owner expires",
}


def test_a_changed_schema_needs_a_migration() -> None:
    """The tables are those of version 5; whoever changes them adds a step and updates this list."""
    made = {table.name: " ".join(table.columns.keys()) for table in schema.metadata.sorted_tables}
    assert (made, len(migrations.STEPS)) == (VERSION_5, 4)


def test_folder_and_tables_are_made(tmp_path: Path) -> None:
    """The first run needs nothing prepared."""
    file = tmp_path / "out" / "deep" / "catalyst.db"
    with SqlStore.open(f"sqlite:///{file}") as store:
        assert store.recent_alerts(limit=1) == []
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def _add_mood(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE items ADD COLUMN mood INTEGER"))


def _fill_mood(connection: Connection) -> None:
    items = Table("items", MetaData(), Column("key", Text), Column("mood", Integer))
    connection.execute(items.update().values(mood=7))


def _fail(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE half (a INTEGER)"))
    connection.execute(text("SELECT * FROM nowhere"))


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    with connected(url) as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def test_an_older_store_is_brought_up_to_date(url: str) -> None:
    """Steps that are missing run in order, once, and the data stays."""
    with SqlStore.open(url) as store:
        store.claim([news("a")], now_utc=NOW)
    for _ in range(2):
        with _transaction(url) as connection:
            migrations.upgrade(connection, steps=(*migrations.STEPS, _add_mood, _fill_mood))
    with _transaction(url) as connection:
        assert migrations.version(connection) == 7
        assert connection.execute(text("SELECT key, mood FROM items")).all() == [("url:a", 7)]


def _as_made(url: str, table: str) -> Any:
    with connected(url) as connection:
        look = inspect(connection)
        return (
            [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in look.get_columns(table)
            ],
            look.get_pk_constraint(table)["constrained_columns"],
            sorted((index["name"], index["column_names"]) for index in look.get_indexes(table)),
            [(key["referred_table"], key["options"]) for key in look.get_foreign_keys(table)],
        )


_BEFORE_CYCLES = (
    "DROP TABLE cycles",
    "DROP INDEX ix_alerts_direction",
    "ALTER TABLE alerts DROP COLUMN direction",
    "ALTER TABLE alerts DROP COLUMN events",
    "ALTER TABLE outbox DROP COLUMN sent",
    "ALTER TABLE outbox DROP COLUMN edited",
    "ALTER TABLE outbox DROP COLUMN in_digest",
)
_BEFORE_STORIES = (*_BEFORE_CYCLES, "DROP TABLE stories", "DROP INDEX ix_items_duplicate_of")
_BEFORE_REVISIONS = (
    *_BEFORE_STORIES,
    "DROP INDEX ix_outbox_edits",
    "ALTER TABLE outbox DROP COLUMN edit_since",
    "ALTER TABLE outbox DROP COLUMN revision",
    "ALTER TABLE alerts DROP COLUMN revision",
)


def test_a_store_of_version_1_finds_its_items_by_ticker_afterwards(url: str) -> None:
    """The step makes the table as a new store has it, and fills it from old decisions and alerts."""
    named = Decision(
        action=Action.SUPPRESS, reasons=(Reason("weak"), Reason("ticker", "BWGH by cik 1234567"))
    )
    with SqlStore.open(url) as store:
        store.claim([news("a"), news("b"), news("c")], now_utc=NOW)
        store.decide([(news("a"), named)], now_utc=NOW)
        store.commit_alert(alert_on(news("b")), SINKS, now_utc=NOW)
    as_new = _as_made(url, "item_tickers")
    run_sql(
        url,
        *_BEFORE_REVISIONS,
        "DROP TABLE item_tickers",
        "UPDATE meta SET value = '1' WHERE name = 'schema_version'",
    )
    with pytest.raises(StoreError, match="run catalyst-ray once"):
        SqlStore.open(url, read_only=True)
    SqlStore.open(url).close()
    with SqlStore.open(url, read_only=True) as store:
        assert [record.item.key for record in store.explain("BWGH", limit=5)] == ["url:a"]
    assert {tuple(row) for row in rows(url, "item_tickers")} == {("url:a", "BWGH"), ("url:b", "QLLN")}
    assert _as_made(url, "item_tickers") == as_new


def test_a_store_of_version_2_gets_revisions(url: str) -> None:
    """Alerts and sent rows of before are of the first revision, due for no edit, and can be revised."""
    alert = alert_on(news("a"))
    with SqlStore.open(url) as store:
        store.commit_alert(alert, SINKS, now_utc=NOW)
        (row,) = store.due_deliveries("discord", now_utc=NOW, limit=5)
        store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW, message_id="m-1")
    as_new = [_as_made(url, table) for table in ("alerts", "outbox")]
    old = json.loads(encode(alert))
    assert "revision" in old, "a payload of today"
    del old["revision"], old["revised_utc"]
    run_sql(url, *_BEFORE_REVISIONS, "UPDATE meta SET value = '2' WHERE name = 'schema_version'")
    with _transaction(url) as connection:
        connection.execute(text("UPDATE alerts SET payload = :old"), {"old": json.dumps(old)})
    with SqlStore.open(url) as store:
        assert store.recent_alerts(limit=5) == [alert]
        assert [store.due_edits(sink, now_utc=NOW, limit=5) for sink in SINKS] == [[], []]
        (record,) = store.explain("url:a", limit=1)
        assert [delivery.revision for delivery in record.deliveries] == [0, 0]
        assert store.revise_alert(replace(alert, revision=1), now_utc=NOW)
        assert [row.message_id for row in store.due_edits("discord", now_utc=NOW, limit=5)] == ["m-1"]
    assert [_as_made(url, table) for table in ("alerts", "outbox")] == as_new


def test_a_store_of_version_3_gets_stories(url: str) -> None:
    """The table is as a new store has it, and copies of before are in it: alerts are not told of them again."""
    with SqlStore.open(url) as store:
        store.claim([news("a", "title:1"), news("copy", "title:1")], now_utc=NOW)
        store.commit_alert(alert_on(news("a", "title:1")), SINKS, now_utc=NOW)
        assert [item.key for item, _ in store.untold_copies(since_utc=NOW, limit=5)] == ["url:copy"]
    as_new = [_as_made(url, table) for table in ("stories", "items")]
    run_sql(url, *_BEFORE_STORIES, "UPDATE meta SET value = '3' WHERE name = 'schema_version'")
    with SqlStore.open(url) as store:
        assert store.untold_copies(since_utc=NOW, limit=5) == []
    assert [_as_made(url, table) for table in ("stories", "items")] == as_new
    assert [(row.item_key, row.of_key, row.joined) for row in rows(url, "stories")] == [
        ("url:copy", "url:a", NOW)
    ]


def test_a_store_of_version_4_finds_its_alerts_by_direction_and_event(url: str) -> None:
    """Alerts of before are found as new ones are; a row says when it was sent where that is certain."""
    hits = (
        EventHit(code="fda_approval", label="", weight=0.9),
        EventHit(code="law_firm_ad", label="", weight=0.0, noise=True),
    )
    good = alert_on(news("good"), score=Score(value=0.7, sentiment=0.1, confidence=0.9, events=hits))
    judged = Judgement(direction=0.0, confidence=0.9, summary="", events=("guidance",))
    even = alert_on(
        news("even"),
        verdict=Verdict(judged, Reason("llm_agrees")),
        decision=Decision(action=Action.ALERT, reasons=(), value=0.04),
    )
    shown = alert_on(news("bad"), verdict=Verdict(replace(judged, has_weight=False), Reason("llm_no_weight")))
    with SqlStore.open(url) as store:
        for alert in (good, even, shown):
            store.commit_alert(alert, SINKS, now_utc=NOW)
        (first, second, _) = store.due_deliveries("files", now_utc=NOW, limit=5)
        for row, attempts in ((first, 1), (second, 2)):
            for _ in range(attempts):
                store.begin_delivery(row.id, now_utc=NOW)
            store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW)
    tables = ("alerts", "outbox", "cycles")
    as_new = [_as_made(url, table) for table in tables], [row[-2:] for row in rows(url, "alerts")]
    run_sql(url, *_BEFORE_CYCLES, "UPDATE meta SET value = '4' WHERE name = 'schema_version'")
    with SqlStore.open(url) as store:
        assert [found.alert for found in store.find_alerts(direction="bullish", limit=5)] == [good]
        assert [found.alert for found in store.find_alerts(event="guidance", limit=5)] == [even]
        store.save_cycle(CYCLE, keep=5)
        assert store.cycles(since_utc=NOW, limit=5) == [CYCLE]
    assert ([_as_made(url, table) for table in tables], [row[-2:] for row in rows(url, "alerts")]) == as_new
    sent = {row.id: row.sent for row in rows(url, "outbox") if row.state == "sent"}
    assert sent == {first.id: NOW, second.id: None}


def test_a_failing_step_changes_nothing(url: str) -> None:
    """A migration that breaks half-way leaves the store at its version, usable by the program it has."""
    SqlStore.open(url).close()
    with pytest.raises(Exception, match="nowhere"), _transaction(url) as connection:
        migrations.upgrade(connection, steps=(*migrations.STEPS, _add_mood, _fail))
    with _transaction(url) as connection:
        assert migrations.version(connection) == 5
        assert "half" not in inspect(connection).get_table_names()
        assert "mood" not in {column["name"] for column in inspect(connection).get_columns("items")}
    SqlStore.open(url).close()


def test_a_newer_store_is_refused(url: str) -> None:
    """An older program does not write into what it does not understand."""
    SqlStore.open(url).close()
    run_sql(url, "UPDATE meta SET value = '99'")
    with pytest.raises(StoreError, match=r"version 99.*update catalyst-ray"):
        SqlStore.open(url)


def test_tables_of_another_program_are_not_taken_over(url: str) -> None:
    """A database in which someone else has a table of our name stays untouched."""
    run_sql(url, "CREATE TABLE outbox (mine INTEGER)")
    with pytest.raises(CatalystError, match=r"another program: outbox"):
        SqlStore.open(url)
    with _transaction(url) as connection:
        assert inspect(connection).get_table_names() == ["outbox"]


def test_many_may_open_a_new_store_at_once(url: str) -> None:
    """Programs that start together on an empty database make its tables once."""
    start = threading.Barrier(4)
    problems: list[CatalystError] = []

    def open_it() -> None:
        start.wait()
        try:
            SqlStore.open(url).close()
        except CatalystError as error:
            problems.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_reading_beside_a_running_driver(store: SqlStore, url: str) -> None:
    """``explain`` sees what the driver committed so far, and cannot change anything."""
    with SqlStore.open(url, read_only=True) as reader:
        store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
        assert len(reader.recent_alerts(limit=5)) == 1
        with pytest.raises(StoreError):
            reader.claim([news("b")], now_utc=NOW)
    assert len(rows(url, "items")) == 1


def test_reading_after_the_driver_ended(url: str) -> None:
    """A store that nobody has open is readable too."""
    with SqlStore.open(url) as store:
        store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    with SqlStore.open(url, read_only=True) as reader:
        assert len(reader.recent_alerts(limit=5)) == 1


def test_reading_makes_nothing(tmp_path: Path, url: str) -> None:
    """Looking at a store that is not there, or is empty, leaves no trace and says how it comes to be."""
    with pytest.raises(StoreError, match="first run"):
        SqlStore.open(f"sqlite:///{tmp_path / 'none' / 'x.db'}", read_only=True)
    assert not (tmp_path / "none").exists()
    run_sql(url, "SELECT 1")
    with pytest.raises(StoreError, match="run"):
        SqlStore.open(url, read_only=True)
    with _transaction(url) as connection:
        assert inspect(connection).get_table_names() == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "out/catalyst.db",
        "mysql://u:hush@h/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://u:hush@h:x/d",
    ],
)
def test_other_urls_are_refused_with_an_example(url: str) -> None:
    """What is no URL of a store is a setting to correct, and its password is not repeated."""
    with pytest.raises(ConfigError, match=r"sqlite:///out/catalyst\.db") as caught:
        SqlStore.open(url)
    assert "hush" not in str(caught.value)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A folder under a file is a setting to correct, named with the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=rf"{tmp_path}/file/out cannot be made"):
        SqlStore.open(f"sqlite:///{tmp_path}/file/out/x.db")


def test_a_path_that_is_a_folder(tmp_path: Path) -> None:
    """A database file that is a folder is a setting to correct."""
    with pytest.raises(ConfigError, match="cannot be opened"):
        SqlStore.open(f"sqlite:///{tmp_path}")


def test_an_unreadable_payload_names_its_model(store: SqlStore, url: str) -> None:
    """A row that someone edited by hand is a StoreError, not a crash."""
    store.claim([news("a")], now_utc=NOW)
    run_sql(url, "UPDATE items SET payload = '{}'")
    with pytest.raises(StoreError, match="no Item: key"):
        store.undecided(limit=5)


def test_without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PostgreSQL address without its driver says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"pip install 'catalyst-ray\[postgres\]'"):
        SqlStore.open("postgresql://u:hush@localhost/d")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "hush-hush"}, "check user and password"),
        ({"username": "nobody-here"}, "check user and password"),
        ({"database": "no-such"}, "createdb"),
    ],
)
def test_a_refused_login(clean_postgres_url: str, change: dict[str, Any], words: str) -> None:
    """A wrong user, password or database is a setting to correct, and no secret is shown."""
    url = make_url(clean_postgres_url).set(**change)
    with pytest.raises(ConfigError, match=words) as caught:
        SqlStore.open(url.render_as_string(hide_password=False))
    assert str(url.password) not in str(caught.value)


def test_a_servers_words_are_masked_too(clean_postgres_url: str) -> None:
    """A password that a server repeats, here because it was given as the database as well, is masked."""
    url = make_url(clean_postgres_url)
    with pytest.raises(ConfigError) as caught:
        SqlStore.open(url.set(database=url.password).render_as_string(hide_password=False))
    assert caught.value.message.endswith('database "***" does not exist')


def test_a_server_that_does_not_answer() -> None:
    """A PostgreSQL that is down is a StoreError: the settings may be right."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(StoreError, match="check that the server runs") as caught:
        SqlStore.open("postgresql://u:hush@127.0.0.1:1/d?sslpassword=hush2")
    assert "hush" not in str(caught.value)


def test_the_payload_column_is_json(store: SqlStore, url: str) -> None:
    """An operator's own SQL can read what is stored: payloads are JSON text."""
    store.claim([news("a")], now_utc=NOW)
    with connected(url) as connection:
        payload = connection.scalar(text("SELECT payload FROM items"))
    assert payload.startswith('{"key":"url:a"')
