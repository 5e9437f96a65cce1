"""Which replica is asked, and when one is stuck."""

from __future__ import annotations

from catalyst_ray.core.replicas import Share, Watchdog, next_share


def test_work_is_spread_before_it_is_stacked():
    """Two requests for two idle replicas go to one each; eight fill both evenly."""
    assert next_share([3, 3], [0, 0], 2) == Share(0, 1)
    assert next_share([0, 3], [1, 0], 1) == Share(1, 1)
    assert next_share([3, 3], [0, 0], 8) == Share(0, 3)


def test_the_least_loaded_is_chosen_and_none_without_room_or_work():
    """Load decides; a replica without room is passed over."""
    assert next_share([1, 2, 0], [2, 1, 0], 1) == Share(1, 1)
    assert next_share([0, 0], [3, 3], 5) is None
    assert next_share([3], [0], 0) is None


def test_silence_with_requests_in_hand_is_stuck_and_idling_is_not():
    """Only the time that a replica held requests counts, summed over those that went unanswered."""
    dog = Watchdog(limit_s=10.0)
    assert not dog.is_stuck(1_000.0)
    dog.sent(2, 1_000.0)
    assert not dog.is_stuck(1_009.9)
    dog.ended(2, 1_004.0, answered=False)
    assert not dog.is_stuck(5_000.0)
    dog.sent(1, 5_000.0)
    assert not dog.is_stuck(5_005.9)
    assert dog.is_stuck(5_006.0)


def test_any_answer_ends_the_silence():
    """One answer among many shows that the replica works."""
    dog = Watchdog(limit_s=10.0)
    dog.sent(3, 0.0)
    dog.ended(1, 9.0, answered=True)
    assert not dog.is_stuck(18.9)
    assert dog.is_stuck(19.0)


def test_restarts_that_do_not_help_are_spaced_out():
    """Patience doubles with each restart, eightfold at most, and is back after an answer."""
    dog = Watchdog(limit_s=10.0)
    for limit_s in (10.0, 20.0, 40.0, 80.0, 80.0):
        dog.sent(1, 0.0)
        assert not dog.is_stuck(limit_s - 0.1)
        assert dog.is_stuck(limit_s)
        dog.restarted()
    dog.sent(1, 0.0)
    dog.ended(1, 1.0, answered=True)
    dog.sent(1, 1.0)
    assert dog.is_stuck(11.0)
