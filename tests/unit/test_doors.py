"""Which dashboards a start refuses, and what it says."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace

import pytest

from catalyst_ray.adapters.dashboard import Door
from catalyst_ray.cluster import doors as doors_of
from catalyst_ray.cluster.capacity import HEAD
from catalyst_ray.cluster.cut_off import side_by_side
from catalyst_ray.cluster.doors import refuse_open_dashboard
from catalyst_ray.errors import ConfigError

HERE, THERE = "http://127.0.0.1:8265", "http://192.0.2.7:8265"


def test_one_that_is_open_to_others_is_refused() -> None:
    """The address, the mend and what goes on regardless are named."""
    with pytest.raises(ConfigError, match=THERE) as caught:
        refuse_open_dashboard({HERE: Door.OPEN, THERE: Door.OPEN}, allowed=False)
    for words in ("RAY_AUTH_MODE=token", "--dashboard-host=127.0.0.1", "ALLOW_OPEN_DASHBOARD=1"):
        assert words in str(caught.value.hint)


def test_one_that_is_allowed_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """ALLOW_OPEN_DASHBOARD goes on, and the log says what was let pass."""
    with caplog.at_level(logging.WARNING):
        refuse_open_dashboard({THERE: Door.OPEN}, allowed=True)
    assert [record.where for record in caplog.records] == [THERE]


@pytest.mark.parametrize(
    "doors", [{}, {HERE: Door.OPEN}, {HERE: Door.GUARDED, THERE: Door.GUARDED}, {THERE: Door.NONE}]
)
def test_the_others_pass_without_a_word(doors: dict[str, Door], caplog: pytest.LogCaptureFixture) -> None:
    """No dashboard, one on loopback, and one that asks for a token."""
    with caplog.at_level(logging.WARNING):
        refuse_open_dashboard(doors, allowed=False)
    assert caplog.records == []


def test_one_that_does_not_answer_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A time-out proves nothing: the start goes on and says so."""
    with caplog.at_level(logging.WARNING):
        refuse_open_dashboard({THERE: Door.SILENT}, allowed=False)
    assert "not known" in caplog.text


def test_work_that_hangs_holds_up_no_other() -> None:
    """What is late comes to a time-out, what fails to its error, the rest to its result, in order."""
    never = threading.Event()

    def fail() -> int:
        raise KeyError("x")

    found = side_by_side({"hangs": never.wait, "fails": fail, "works": lambda: 7}, 0.05)
    never.set()
    assert list(found) == ["hangs", "fails", "works"]
    assert [type(one) for one in found.values()] == [TimeoutError, KeyError, int]


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        ("127.0.0.1", ["127.0.0.1", "192.0.2.7"]),
        ("192.0.2.7", ["127.0.0.1", "192.0.2.7"]),
        ("192.0.2.50", ["127.0.0.1", "192.0.2.50"]),
    ],
)
def test_a_dashboard_said_to_be_on_loopback_is_tried_at_the_heads_addresses(
    monkeypatch: pytest.MonkeyPatch, head: str, asked: list[str]
) -> None:
    """It may listen on all of them; this machine's own count where it is the head, and dead nodes never."""
    nodes = [
        {"NodeManagerAddress": head, "Alive": True, "Resources": {HEAD: 1.0}},
        {"NodeManagerAddress": "192.0.2.60", "Alive": True, "Resources": {}},
        {"NodeManagerAddress": "192.0.2.61", "Alive": False, "Resources": {HEAD: 1.0}},
    ]
    monkeypatch.setattr(doors_of, "RAY", SimpleNamespace(nodes=lambda: nodes))
    monkeypatch.setattr(doors_of, "own_addresses", lambda: ("192.0.2.7",))
    monkeypatch.setattr(doors_of, "knock", lambda _url, timeout_s: Door.OPEN)
    found = doors_of.dashboard_doors("http://127.0.0.1:8265")
    assert found == {f"http://{host}:8265": Door.OPEN for host in asked}
