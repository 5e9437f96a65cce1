"""Models survive their JSON form."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core import codec
from catalyst_ray.errors import ParseError
from catalyst_ray.models import (
    Action,
    Alert,
    Decision,
    FeedState,
    Item,
    Party,
    Reason,
    Trace,
)
from tests.unit.core.factories import NOW_UTC, make_alert

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_UTC = st.datetimes(timezones=st.just(UTC))
_REASONS = st.builds(Reason, _TEXT, _TEXT, st.none() | st.floats(allow_nan=False))
_ITEMS = st.builds(
    Item,
    key=_TEXT,
    aliases=st.lists(_TEXT, max_size=3).map(tuple),
    feed=_TEXT,
    title=_TEXT,
    summary=_TEXT,
    source_weight=st.floats(0, 1),
    published_utc=st.none() | _UTC,
    received_utc=_UTC,
    form=st.none() | _TEXT,
    parties=st.lists(st.builds(Party, st.integers(0, 10**10), _TEXT, _TEXT), max_size=3).map(tuple),
)
_DECISIONS = st.builds(
    Decision,
    action=st.sampled_from(Action),
    reasons=st.lists(_REASONS, max_size=3).map(tuple),
    value=st.floats(allow_nan=False),
    priority=st.integers(0, 9),
)


@settings(max_examples=150, deadline=None)
@given(_ITEMS)
def test_items_come_back_equal(item: Item) -> None:
    """Any item of any text and time is the same after encoding and decoding."""
    assert codec.decode(Item, codec.encode(item)) == item


@settings(max_examples=100, deadline=None)
@given(_DECISIONS)
def test_decisions_come_back_equal(decision: Decision) -> None:
    """Any decision is the same after encoding and decoding, infinite figures included."""
    assert codec.decode(Decision, codec.encode(decision)) == decision


def test_a_whole_alert_comes_back_with_its_types() -> None:
    """Nested models, enums, tuples and aware times are restored, not left as dicts, words and lists."""
    alert = make_alert(trace=Trace(steps=(("claimed", NOW_UTC), ("posted", NOW_UTC + timedelta(seconds=1)))))
    back = codec.decode(Alert, codec.encode(alert))
    assert back == alert
    assert back.decision.action is Action.ALERT
    assert back.trace.steps[1][1].utcoffset() == timedelta(0)


def test_nan_is_kept() -> None:
    """NaN, which JSON has no number for, does not become null and unreadable."""
    made = Decision(action=Action.DROP, reasons=(), value=math.nan)
    assert math.isnan(codec.decode(Decision, codec.encode(made)).value)


def test_lone_surrogates_become_question_marks() -> None:
    """A broken escape of a JSON feed costs one character, not the item."""
    alert = make_alert(item={"title": "Quillon \ud83d up", "aliases": ("title:\udfff",)})
    back = codec.decode(Alert, codec.encode(alert))
    assert back.item.title == "Quillon ? up"
    assert back.item.aliases == ("title:?",)
    assert back == replace(alert, item=replace(alert.item, title="Quillon ? up", aliases=("title:?",)))


def test_fields_of_a_newer_version_are_ignored() -> None:
    """A store that a newer program wrote stays readable: unknown fields go, absent ones have defaults."""
    text = json.dumps({"feed": "demo_wire", "etag": "x", "mood": ["new"]})
    assert codec.decode(FeedState, text) == FeedState(feed="demo_wire", etag="x")


@pytest.mark.parametrize("text", ["", "{", "null", '{"feed": 1, "etag": []}', "[1]"])
def test_what_is_no_model_is_a_parse_error(text: str) -> None:
    """Text that does not fit says which model and field, as the error the store expects."""
    with pytest.raises(ParseError, match="no FeedState"):
        codec.decode(FeedState, text)


def test_what_has_no_json_form_is_refused() -> None:
    """An object that is no data is a ValueError at once, not a surprise when read."""
    with pytest.raises(ValueError, match="serialize"):
        codec.encode(object())
