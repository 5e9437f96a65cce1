"""What ``status``, ``alerts`` and ``export`` say, from a store that a driver is writing to."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click import unstyle
from click.testing import CliRunner, Result

from catalyst_ray.adapters.store import SqlStore, pages
from catalyst_ray.cli import alerts, export, status
from catalyst_ray.core.export_rows import COLUMNS
from catalyst_ray.models import (
    Action,
    Decision,
    DeliveryState,
    EventHit,
    FeedReport,
    FeedState,
    Reason,
    Score,
)
from tests.adapters.store_world import CYCLE, DAY, MINUTE, NOW, SINKS, alert_on, news, run_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ["tests.adapters.store_fixtures"]

HOSTILE = '=HYPERLINK("https://evil.example";"win") <script>alert(1)</script> \u202egnp\nnext, line'
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def now_utc() -> datetime:
    """Return the machine's time: the commands read it."""
    return datetime.now(UTC)


@pytest.fixture
def call(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command on the store, with a minute from cycle to cycle."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("SLEEP_SECONDS", "60")
    monkeypatch.setenv("WEB_URL", "https://alerts.example.org")

    def call(command: Any, *arguments: object) -> Result:
        found = CliRunner().invoke(command, [str(one) for one in arguments])
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        return found

    return call


@pytest.fixture
def well(store: SqlStore, now_utc: datetime) -> SqlStore:
    """Give a store whose driver does its work: cycles, an alert that one of two sinks has, one that is held."""
    store.acquire_lease("trader-1:4242:ab12cd34", now_utc=now_utc, ttl=timedelta(minutes=5))
    for number in range(1, 21):
        began = now_utc - (21 - number) * MINUTE
        feeds = (FeedReport(feed="wire", status="ok"), FeedReport(feed="sec", status="off", hint="set it"))
        store.save_cycle(
            replace(CYCLE, number=number, started_utc=began, seconds=float(number), feeds=feeds), keep=100
        )
    alert = alert_on(
        news("offering", title=HOSTILE),
        created_utc=now_utc - 2 * MINUTE,
        score=Score(
            value=-0.7,
            sentiment=-0.1,
            confidence=0.9,
            events=(EventHit(code="offering_priced", label="Offering priced", weight=-0.7),),
        ),
    )
    store.commit_alert(alert, SINKS, now_utc=now_utc - MINUTE)
    (row,) = store.due_deliveries("files", now_utc=now_utc, limit=1)
    store.begin_delivery(row.id, now_utc=now_utc)
    store.finish_delivery(row.id, DeliveryState.SENT, now_utc=now_utc, message_id="m-1")
    up = Score(value=0.5, sentiment=0.1, confidence=0.9)
    store.hold_alert(
        alert_on(news("held"), ticker="MRPK", created_utc=now_utc - 3 * DAY, score=up), now_utc=now_utc
    )
    return store


def test_a_driver_that_does_its_work(well: SqlStore, call: Callable[..., Result]) -> None:
    """Everything stands on one screen, and the command ends with 0."""
    done = call(status.command)
    lines = unstyle(done.output).splitlines()
    assert done.exit_code == 0
    assert lines[0] == "driver    running on trader-1, process 4242"
    assert lines[1].startswith("cycle     number 20 ended 4")
    assert lines[2] == "          last hour: 20 cycles, p50 10.00 s, p95 19.00 s"
    assert lines[3] == "feeds     1 on, 1 off, none in trouble"
    assert lines[4] == "outbox    discord: 1 pending; the oldest waits 60 s"
    assert lines[5] == "          files: 1 sent"
    assert lines[6] == "held      1 alerts wait for a later cycle"
    assert lines[7].startswith("store     ")
    assert lines[7].endswith("MB, schema 5")
    assert lines[8:] == ["✓ nothing is wrong"]


def test_status_for_programs(well: SqlStore, call: Callable[..., Result]) -> None:
    """The same as JSON, with figures instead of words."""
    found = json.loads(call(status.command, "--json").output)
    assert found["problems"] == []
    assert found["driver"] == {"running": True, "owner": "trader-1:4242:ab12cd34"}
    assert (found["cycle"]["number"], found["cycle"]["limit_s"]) == (20, 180.0)
    assert found["last_hour"] == {"cycles": 20, "p50_s": 10.0, "p95_s": 19.0}
    assert found["outbox"] == {"discord": {"pending": 1}, "files": {"sent": 1}}
    assert 60.0 <= found["oldest_open_s"]["discord"] < 90.0
    assert (found["held"], found["possible_doubles"], found["dead"]) == (1, 0, [])
    assert found["store"]["schema_version"] == 5
    assert found["store"]["size_bytes"] > 10_000


def test_what_is_wrong_is_named(store: SqlStore, call: Callable[..., Result], now_utc: datetime) -> None:
    """No driver, an old cycle, a failing feed and a delivery given up: each has its line, and the command ends with 3."""
    failed = FeedReport(feed="wire", status="failed", error="HTTP 503", hint="wait")
    waits = FeedReport(feed="sec", status="waiting", error="waits 20 s after: HTTP 403")
    store.save_feed_state(FeedState(feed="wire", failures=4, last_success_utc=now_utc - 3 * 60 * MINUTE))
    store.save_cycle(
        replace(CYCLE, started_utc=now_utc - 5 * MINUTE, seconds=2.0, feeds=(failed, waits)), keep=9
    )
    store.commit_alert(alert_on(news("a")), ["discord"], now_utc=now_utc)
    (row,) = store.due_deliveries("discord", now_utc=now_utc, limit=1)
    for _ in range(2):
        store.begin_delivery(row.id, now_utc=now_utc)
    store.finish_delivery(row.id, DeliveryState.DEAD, now_utc=now_utc, error="HTTP 404: unknown webhook")
    done = call(status.command)
    lines = unstyle(done.output).splitlines()
    assert done.exit_code == 3
    assert lines[0] == "driver    not running"
    assert "          wire failed: HTTP 503, 4 times running, last answer 3 h ago (wait)" in lines
    assert "          sec waits 20 s after: HTTP 403" in lines
    assert "given up  discord: QLLN, Quillon Therapeutics announces a: HTTP 404: unknown webhook" in lines
    assert "doubles   1 possible: their outcome was left open" in lines
    assert lines[-3:] == [
        "✗ no driver runs, and the last cycle ended 5 min ago, more than 3 periods (3 min)",
        "✗ 2 feeds fail",
        "✗ 1 delivery was given up in the last day",
    ]
    found = json.loads(call(status.command, "--json").output)
    assert len(found["problems"]) == 3
    assert (found["feeds"][0]["feed"], found["feeds"][0]["failures"]) == ("wire", 4)
    assert (found["dead"][0]["headline"], found["dead"][0]["attempts"]) == (news("a").title, 2)


def test_a_dead_sink_is_wrong_though_nothing_was_given_up(
    store: SqlStore, call: Callable[..., Result], now_utc: datetime
) -> None:
    """Its alerts wait: the last cycle's words on it stand here too, and only those."""
    store.acquire_lease("a:1:x", now_utc=now_utc, ttl=MINUTE)
    dead = "sink discord: the webhook is dead (HTTP 404); its alerts wait: make a new one"
    told = (dead, "sink discord: alert a1 given up: too long", "page: disk full")
    store.save_cycle(replace(CYCLE, started_utc=now_utc, problems=told), keep=9)
    done = call(status.command)
    assert done.exit_code == 3
    assert unstyle(done.output).splitlines()[-1] == f"✗ {dead}"


def test_what_was_given_up_days_ago_is_counted_but_no_alarm(
    store: SqlStore, call: Callable[..., Result], now_utc: datetime
) -> None:
    """A check that stays red for a month is one that nobody looks at."""
    store.acquire_lease("a:1:x", now_utc=now_utc, ttl=MINUTE)
    store.save_cycle(replace(CYCLE, started_utc=now_utc), keep=9)
    store.commit_alert(alert_on(news("a")), ["discord"], now_utc=now_utc - 3 * DAY)
    store.retire_deliveries(["discord"], before_utc=now_utc, now_utc=now_utc - 2 * DAY)
    done = call(status.command)
    assert done.exit_code == 0
    assert "discord: 1 dead" in unstyle(done.output)


def test_a_store_without_a_cycle(store: SqlStore, call: Callable[..., Result]) -> None:
    """Before the first cycle has ended there is nothing to show, and that is said."""
    done = call(status.command)
    assert done.exit_code == 3
    assert unstyle(done.output).splitlines()[-1] == "✗ no driver runs, and no cycle has ended yet"
    assert json.loads(call(status.command, "--json").output)["cycle"] is None


def test_alerts_stand_in_lines(well: SqlStore, call: Callable[..., Result]) -> None:
    """Newest first, hostile text as one visible line, and each sink's mark."""
    lines = unstyle(call(alerts.command).output).splitlines()
    assert lines[0].split() == ["made", "(ET)", "ticker", "score", "event", "discord", "files", "headline"]
    assert len(lines) == 3
    assert "QLLN   ▼ −0.70  Offering priced       …        ✓      =HYPERLINK" in lines[1]
    assert lines[1].endswith("<script>alert(1)</script> gnp next, line")
    assert "MRPK   ▲ +0.50  News                  ·        ·      (held) Quillon" in lines[2]


NARROWED = {
    ("--limit", "1"): ["QLLN"],
    ("--ticker", "mrpk"): ["MRPK"],
    ("--direction", "BULLISH"): ["MRPK"],
    ("--event", "offering-priced"): ["QLLN"],
    ("--since", "1d"): ["QLLN"],
    ("--words", "quillon announces"): ["MRPK"],
    ("--ticker", "NONE"): [],
}


def test_alerts_are_narrowed_down(well: SqlStore, call: Callable[..., Result]) -> None:
    """Each condition does, and programs get a line of JSON an alert."""
    tickers = {}
    for conditions in NARROWED:
        found = [json.loads(line) for line in call(alerts.command, "--json", *conditions).output.splitlines()]
        tickers[conditions] = [one["ticker"] for one in found]
        for one in found:
            states = {row["sink"]: row["state"] for row in one["deliveries"]}
            is_held = one["ticker"] == "MRPK"
            expected = {} if is_held else {"discord": "pending", "files": "sent"}
            assert (one["held"], states) == (is_held, expected)
            assert one["page"].startswith("https://alerts.example.org/")
    assert tickers == NARROWED


def test_an_event_that_there_is_not(well: SqlStore, call: Callable[..., Result]) -> None:
    """A mistyped code is refused, with those that look like it."""
    done = call(alerts.command, "--event", "offering_prised")
    assert done.exit_code == 2
    assert "offering_priced" in done.output


def test_every_export_has_its_columns(well: SqlStore, call: Callable[..., Result], tmp_path: Path) -> None:
    """Rows have the columns that are written down, in their order, in a file and on standard output alike."""
    expected = {"alerts": 2, "items": 2, "decisions": 2, "deliveries": 2, "cycles": 20}
    file = tmp_path / "rows"
    for what in export.WHAT:
        lines = call(export.command, "--what", what).stdout
        done = call(export.command, "--what", what, "--out", file)
        assert (done.exit_code, done.stdout, file.read_text()) == (0, "", lines)
        assert {tuple(json.loads(line)) for line in lines.splitlines()} == {COLUMNS[what]}
        assert len(lines.splitlines()) == expected[what]
        call(export.command, "--what", what, "--format", "csv", "--out", file)
        rows = list(csv.reader(io.StringIO(file.read_text(), newline="")))
        assert (tuple(rows[0]), len(rows)) == (COLUMNS[what], 1 + expected[what])
    assert [path.name for path in tmp_path.iterdir() if "rows" in path.name] == ["rows"]


def test_no_cell_is_a_formula(store: SqlStore, call: Callable[..., Result], now_utc: datetime) -> None:
    """Headlines, details and names that begin like one get an apostrophe; figures stay figures; JSON is as it was."""
    titles = ["=1+1", "+1 800", "-2%", "@SUM(A1)", " =cmd|' /C calc'!A0", "\t=1", "＝1", "harmless = 1"]
    items = [news(f"n{n}", title=title) for n, title in enumerate(titles)]
    store.claim(items, now_utc=NOW)
    store.decide(
        [
            (one, Decision(action=Action.SUPPRESS, reasons=(Reason("weak", "=2+2"),), value=-0.2))
            for one in items
        ],
        now_utc=NOW,
    )
    rows = list(
        csv.DictReader(io.StringIO(call(export.command, "--what", "decisions", "--format", "csv").output))
    )
    assert sorted(row["title"] for row in rows) == sorted(
        ["'=1+1", "'+1 800", "'-2%", "'@SUM(A1)", "'=cmd|' /C calc'!A0", "'=1", "'＝1", "harmless = 1"]
    )
    assert {(row["detail"], row["value"]) for row in rows} == {("'=2+2", "-0.2")}
    lines = call(export.command, "--what", "decisions").output.splitlines()
    assert "=1+1" in {json.loads(line)["title"] for line in lines}


def test_since_leaves_out_what_is_older(well: SqlStore, call: Callable[..., Result]) -> None:
    """Each kind of row is told by its own time."""
    found = {
        what: len(call(export.command, "--what", what, "--since", "10m").output.splitlines())
        for what in export.WHAT
    }
    assert found == {"alerts": 1, "items": 2, "decisions": 2, "deliveries": 2, "cycles": 9}


def test_an_export_that_fails_leaves_the_old_file(
    well: SqlStore, url: str, call: Callable[..., Result], tmp_path: Path
) -> None:
    """A reader of the file sees the old one or the whole new one, and no part is left behind."""
    out = tmp_path / "alerts.ndjson"
    out.write_text("old")
    run_sql(url, "UPDATE alerts SET payload = '{}' WHERE state = 'held'")
    done = CliRunner().invoke(export.command, ["--out", str(out)])
    assert "no Alert" in str(done.exception)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []
    done = CliRunner().invoke(export.command, ["--out", str(tmp_path / "no" / "folder")])
    assert "check its folder" in str(done.exception)


def test_pages_miss_nothing(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows share a time, each comes once, in order, and no page is longer than it may be."""
    monkeypatch.setattr(pages, "ROWS", 7)
    items = [news(f"n{number:03}") for number in range(40)]
    store.claim(items[:20], now_utc=NOW)
    store.claim(items[20:], now_utc=NOW + MINUTE)
    found = [record.item.key for record in store.all_items(since_utc=NOW)]
    assert found == [item.key for item in items]


@pytest.fixture
def writer(store: SqlStore, url: str) -> Iterator[subprocess.Popen[str]]:
    """Give a process that writes alerts and deliveries for as long as the test looks."""
    command = [sys.executable, "-m", "tests.adapters.store_writer", url, "deliver"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=environment
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        drain = threading.Thread(target=process.stdout.read)
        drain.start()
        yield process
        process.kill()
        drain.join()


def test_readers_do_not_mind_a_driver_at_work(
    writer: subprocess.Popen[str], call: Callable[..., Result]
) -> None:
    """While another process writes without pause, every command answers and the writer goes on."""
    for _ in range(3):
        assert call(status.command).exit_code == 3  # no cycle was written
        assert call(alerts.command, "--json").exit_code == 0
        for what in export.WHAT:
            assert call(export.command, "--what", what).exit_code == 0
    assert writer.poll() is None
