"""Event types and false alerts on texts that nobody here wrote."""

from __future__ import annotations

import pytest

from catalyst_ray.quality.events import events
from catalyst_ray.quality.false_alerts import false_alerts
from catalyst_ray.quality.folder import DataFolder

pytestmark = pytest.mark.real_data


def test_event_types_agree_with_people(data_dir):
    """Mean F1 over all types of the labelled sentences stays well above that of a list of keywords."""
    (figure,) = events(DataFolder(data_dir))
    assert figure.value is not None
    assert figure.value > 0.25 > figure.baselines["keywords"]


def test_routine_makes_no_alerts(data_dir):
    """Of the routine filings and titles of real pages and of the demo, fewer than one in a hundred alert."""
    rate, recall = false_alerts(DataFolder(data_dir))
    assert rate.n > 500
    assert rate.is_met
    assert recall.is_met
