"""``catalyst-ray explain`` says which revision of an alert each sink has, and what went wrong there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from click.testing import CliRunner

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.cli.explain import command
from catalyst_ray.models import DeliveryState
from tests.adapters.store_world import NOW, alert_on, news

if TYPE_CHECKING:
    from pathlib import Path


def _explained(env_file: Path) -> str:
    done = CliRunner().invoke(command, ["url:a", "--env-file", str(env_file)])
    assert done.exit_code == 0, done.output
    return done.output


def test_explain_tells_a_sink_that_is_behind(tmp_path: Path) -> None:
    """The revision that it has and the newest; of an alert never revised there is nothing to tell."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    env_file = tmp_path / ".env"
    env_file.write_text(f"DATABASE_URL={url}\n")
    alert = alert_on(news("a"))
    with SqlStore.open(url) as store:
        store.commit_alert(alert, ["wall"], now_utc=NOW)
        (row,) = store.due_deliveries("wall", now_utc=NOW, limit=1)
        store.begin_delivery(row.id, now_utc=NOW)
        store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW, message_id="m-1")
        assert "wall: sent, 1 attempt, message m-1\n" in _explained(env_file)
        store.revise_alert(replace(alert, revision=2), now_utc=NOW)
    assert "wall: sent, 1 attempt, message m-1, revision 0 of 2\n" in _explained(env_file)


def test_explain_tells_why_a_sink_does_not_have_it(tmp_path: Path) -> None:
    """The sink's own words, of one that was given up and of one that waits; doubles and lists are named."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    env_file = tmp_path / ".env"
    env_file.write_text(f"DATABASE_URL={url}\n")
    with SqlStore.open(url) as store:
        store.commit_alert(alert_on(news("a")), ["wall"], now_utc=NOW)
        (row,) = store.due_deliveries("wall", now_utc=NOW, limit=1)
        for _ in range(2):
            store.begin_digest([row.id], now_utc=NOW)
        store.finish_delivery(row.id, DeliveryState.DEAD, now_utc=NOW, error="HTTP 400, code 50035")
        assert "wall: dead, 2 attempts, 1 possible double; HTTP 400, code 50035\n" in _explained(env_file)
        store.finish_digest({row.id: 0}, DeliveryState.SENT, now_utc=NOW, message_id="m-1")
    assert "wall: sent, 2 attempts, message m-1 (a list), 1 possible double\n" in _explained(env_file)
