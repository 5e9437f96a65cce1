"""What later items on its story change on an alert, and what they no longer change."""

from __future__ import annotations

from catalyst_ray.core.notices import Notice
from catalyst_ray.core.retold import MOST_CORRECTIONS, MOST_SOURCES, with_copy, with_notice
from tests.unit.core.factories import make_alert
from tests.unit.core.tellings import item


def test_further_sources_are_named_once_and_not_without_end():
    """The alert's own source and one that is named add nothing; beyond the bound none does."""
    alert = make_alert()
    assert with_copy(alert, item("Copy", source=alert.item.source)) is None
    for number in range(MOST_SOURCES):
        copy = item("Copy", source=f"Wire {number}")
        alert = with_copy(alert, copy)
        assert alert is not None
        assert with_copy(alert, copy) is None
    assert alert.also == tuple(f"Wire {number}" for number in range(MOST_SOURCES))
    assert with_copy(alert, item("Copy", source="One more")) is None


def test_a_correction_says_what_changed_since_the_last_one():
    """Each is kept with its item; the same one twice, and one too many, change nothing."""
    alert = make_alert()
    for number in range(1, MOST_CORRECTIONS + 1):
        fix = item(f"CORRECTION: Quillon prices ${25 + number} million public offering", key=f"url:{number}")
        alert = with_notice(alert, Notice.CORRECTED, fix)
        assert alert is not None
        assert with_notice(alert, Notice.CORRECTED, fix) is None
    assert [notice.detail for notice in alert.notices][1] == "$27 million, was $26 million"
    assert with_notice(alert, Notice.CORRECTED, item("CORRECTION: again", key="url:x")) is None
    assert len(alert.corrections) == MOST_CORRECTIONS


def test_a_retraction_is_the_last_word():
    """What was taken back is neither corrected nor taken back again."""
    alert = with_notice(make_alert(), Notice.RETRACTED, item("RETRACTION: it", source="Meridian"))
    assert alert is not None
    assert alert.is_retracted
    assert alert.notices[-1].detail == "Meridian"
    assert with_notice(alert, Notice.RETRACTED, item("RETRACTION: it", key="url:2")) is None
    assert with_notice(alert, Notice.CORRECTED, item("CORRECTION: it", key="url:3")) is None
