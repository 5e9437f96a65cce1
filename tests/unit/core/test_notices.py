"""Notices that mend or take back what was sent, apart from news that only sounds like them."""

from __future__ import annotations

import pytest

from catalyst_ray.core.notices import Notice, notice_in, what_changed
from tests.unit.core.tellings import item

CORRECTED = [
    ("CORRECTING and REPLACING Quillon Prices $25 Million Offering", ""),
    ("CORRECTION: Quillon prices offering", ""),
    ("Corrected: Quillon prices offering", ""),
    ("Corrects Quillon release on its offering", ""),
    ("Quillon prices offering", "Please replace the release issued today with this one."),
    ("Quillon prices offering", "The amount should read $52 million instead of $25 million."),
    ("/C O R R E C T I O N -- Quillon Therapeutics/", ""),
    ("REFILE-Quillon prices offering", ""),
]
RETRACTED = [
    ("RETRACTION: Quillon wins contract", ""),
    ("/KILL/ Quillon wins contract", ""),
    ("WITHDRAWN: Quillon wins contract", ""),
    ("Meridian retracts its story on Quillon", ""),
    ("Notice to editors", "Please disregard the earlier press release of Quillon."),
    ("Notice to editors", "The release was issued in error and will be replaced."),
]
NEWS = [
    ("Quillon withdraws proposed public offering", ""),
    ("Quillon recalls two million devices", ""),
    ("Quillon to kill off its oldest brand", ""),
    ("Markets await correction after long rally", ""),
    ("Quillon corrects course with new strategy", "The company should say more on Thursday."),
    ("Quillon names new chief", "The replacement starts in May."),
]


@pytest.mark.parametrize(("title", "summary"), CORRECTED)
def test_corrections(title, summary):
    """Wires mark them before the headline, in it, or say so in the text."""
    assert notice_in(item(title, summary)) is Notice.CORRECTED


@pytest.mark.parametrize(("title", "summary"), RETRACTED)
def test_retractions(title, summary):
    """They outweigh a correction that is announced with them."""
    assert notice_in(item(title, summary)) is Notice.RETRACTED


@pytest.mark.parametrize(("title", "summary"), NEWS)
def test_news_that_sounds_like_a_notice(title, summary):
    """A company that withdraws its offering takes back no release, and a filing is no notice."""
    assert notice_in(item(title, summary)) is None
    assert notice_in(item("RETRACTION: 8-K", form="8-K")) is None


def test_what_a_correction_changed():
    """The figures that came, and those they came for; the headline where none did."""
    before = "Quillon prices $25 million offering of 5,000,000 shares"
    assert what_changed(before, "CORRECTION: " + before.replace("25", "52")) == "$52 million, was $25 million"
    assert what_changed(before, before + " at $5.00") == "$5.00"
    assert what_changed("Quillon hires", "CORRECTION: Quillon hires Ada Lind") == "Quillon hires Ada Lind"
