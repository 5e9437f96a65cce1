"""What one turn of a trial is: the load's settings with the change, and a stop that is no result."""

from __future__ import annotations

import signal

import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.errors import CatalystError, StoreError
from catalyst_ray.profiler import ProfileWish
from catalyst_ray.tuner import measuring as turns
from catalyst_ray.tuner.session import Stopped
from tests.unit.core.profile_scene import healthy


def turn(monkeypatch, outcome, *, cycles):
    """Run one turn whose profile comes to ``outcome``; return it, and what the settings were asked with."""
    asked = []

    def measure(_settings, _wish, _stop):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(turns, "measure", measure)
    with turns.measuring(asked.append, ProfileWish(cycles=cycles), clock=SystemClock()) as ask:
        return ask({"LLM_BATCH_WORKERS": "4"}), asked


def test_a_turn_has_the_change_and_gives_the_profile(monkeypatch):
    """Variables are named as settings' fields are."""
    report = healthy()
    assert turn(monkeypatch, report, cycles=5) == (report, [{"llm_batch_workers": "4"}])


@pytest.mark.parametrize("outcome", [healthy(), CatalystError("no cycle ended", key="profile")])
def test_a_turn_that_was_stopped_is_no_result(monkeypatch, outcome):
    """Whether some of its cycles ended or none: half a turn beside whole ones would be compared."""
    with pytest.raises(Stopped):
        turn(monkeypatch, outcome, cycles=6)


@pytest.mark.parametrize("comes", ["at the end", "in a loop", "twice", "and breaks it"])
def test_ctrl_c_is_never_lost(monkeypatch, comes):
    """Whenever in a turn it comes, and whatever breaks of it: the next turn does not begin, and it is no failure."""

    def measure(_settings, _wish, stop):
        if comes == "in a loop":
            stop.request()
        else:
            signal.raise_signal(signal.SIGINT)
        if comes == "twice":
            signal.raise_signal(signal.SIGINT)
        if comes == "and breaks it":
            raise OSError(111, "Connection refused")
        return healthy()

    usual = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(turns, "measure", measure)
    with turns.measuring(dict, ProfileWish(cycles=5), clock=SystemClock()) as ask, pytest.raises(Stopped):
        ask({})
    assert signal.getsignal(signal.SIGINT) is usual


def test_what_cannot_run_says_why(monkeypatch):
    """It is the trial's failure and no stop."""
    with pytest.raises(StoreError, match="disk"):
        turn(monkeypatch, StoreError("the disk is full"), cycles=5)
