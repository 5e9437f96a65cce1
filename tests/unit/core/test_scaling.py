"""How many replicas are wanted: by the work that waits, up at once, down after idling."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.scaling import Demand, Scaler, replicas_needed


def demand(waiting=0, busy=0, oldest_age_s=0.0, seconds_each=0.0):
    """Return a queue's figures."""
    return Demand(waiting=waiting, busy=busy, oldest_age_s=oldest_age_s, seconds_each=seconds_each)


def scaler(**changes):
    """Return a scaler: one replica at least, two requests at a time, five seconds, a minute."""
    return Scaler(**{"least": 1, "workers": 2, "target_s": 5.0, "idle_s": 60.0, **changes})


def test_replicas_needed_is_the_work_over_the_time():
    """40 requests of a second, two at a time, in five seconds: four replicas."""
    assert replicas_needed(demand(30, 10, 1.0, 1.0), 1, workers=2, target_s=5.0) == 4
    assert replicas_needed(demand(), 3, workers=2, target_s=5.0) == 0


def test_an_old_request_asks_for_one_more_whatever_is_known_of_the_speed():
    """Before the first answer, or when the speed was misjudged, age alone adds replicas one by one; none where none waits."""
    assert replicas_needed(demand(1, 2, 4.9), 1, workers=2, target_s=5.0) == 1
    assert replicas_needed(demand(1, 2, 5.0), 1, workers=2, target_s=5.0) == 2
    assert replicas_needed(demand(0, 2, 9.0), 1, workers=2, target_s=5.0) == 1


def test_nothing_is_added_for_age_while_a_replica_is_about_to_be_there():
    """A node takes minutes to come: its request must not bring one node after the other meanwhile."""
    waits = Demand(waiting=1, busy=0, oldest_age_s=60.0, seconds_each=0.5, starting=1)
    assert replicas_needed(waits, 1, workers=2, target_s=5.0) == 1
    assert replicas_needed(replace(waits, waiting=40), 1, workers=2, target_s=5.0) == 2


def test_work_needs_a_replica():
    """Where none need stay, what waits or is being answered still needs one, whatever is known of the speed."""
    for waiting, busy in ((1, 0), (0, 1)):
        assert replicas_needed(demand(waiting, busy, 0.0), 0, workers=2, target_s=5.0) == 1
    assert replicas_needed(demand(0, 0, 0.0), 1, workers=2, target_s=5.0) == 0


def test_it_grows_at_once_and_never_past_the_limit():
    """A burst is answered in the same tick, as far as the cluster goes."""
    made = scaler()
    assert made.decide(demand(200, 2, 0.5, 1.0), 1, 8, 0.0).wanted == 8
    assert "200 wait" in made.decide(demand(200, 2, 0.5, 1.0), 1, 4, 0.0).words


def test_it_shrinks_only_after_a_time_without_need():
    """A lull shorter than that changes nothing; after it, what the lull needed at most is kept."""
    made = scaler(idle_s=60.0)
    assert made.decide(demand(), 4, 8, 0.0).wanted == 4
    assert made.decide(demand(18, 2, 0.1, 1.0), 4, 8, 30.0).wanted == 4
    assert made.decide(demand(), 4, 8, 59.0).wanted == 4
    shrunk = made.decide(demand(), 4, 8, 60.0)
    assert (shrunk.wanted, shrunk.words) == (2, "2 were enough for 60 s")


def test_a_burst_in_the_lull_begins_the_wait_anew():
    """Need for all of them resets the clock."""
    made = scaler()
    made.decide(demand(), 2, 8, 0.0)
    assert made.decide(demand(20, 0, 0.1, 1.0), 2, 8, 50.0).wanted == 2
    assert made.decide(demand(), 2, 8, 60.0).wanted == 2
    assert made.decide(demand(), 2, 8, 120.0).wanted == 1


@given(
    figures=st.builds(
        demand, st.integers(0, 10_000), st.integers(0, 100), st.floats(0, 1e5), st.floats(0, 1e3)
    ),
    current=st.integers(0, 20),
    limit=st.integers(0, 20),
    now_s=st.floats(0, 1e6),
)
def test_the_answer_stays_within_least_and_limit(figures, current, limit, now_s):
    """Whatever the figures, between the least and the limit, or what there is."""
    wanted = scaler(least=2).decide(figures, current, limit, now_s).wanted
    assert wanted == current or 2 <= wanted <= max(2, limit)
