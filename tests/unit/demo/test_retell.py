"""Releases told again: the facts stay, the words change."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime

import pytest

from catalyst_ray.core.notices import Notice, notice_in
from catalyst_ray.demo.companies import companies, read_toml
from catalyst_ray.demo.near_misses import near_misses
from catalyst_ray.demo.retell import correct, retell, retract
from catalyst_ray.demo.writer import templates, write_news
from catalyst_ray.models import Item

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
EVENTS = {template.code: template for template in templates("event")}


def draft(code: str, seed: int = 1):
    """Return a release of the first company that suits."""
    template = EVENTS[code]
    company = next(one for one in companies() if template.suits(one))
    return write_news(template, company, random.Random(seed), START)


@pytest.mark.parametrize("code", sorted(EVENTS))
def test_every_catalyst_can_be_told_in_other_words(code):
    """Texts are filled in, name the ticker by its tag once, and are not those of the release."""
    assert code in {row["code"] for row in read_toml("retold.toml")["retold"]}
    told = [retell(draft(code), random.Random(seed)) for seed in range(60)]
    assert len({one.title for one in told}) > 5
    for one in told:
        assert not re.search(r"[{}]", one.title + one.paragraphs[0])
        assert one.paragraphs[0].count(one.facts["tag"]) == 1
    assert {one.title[0] for one in told} & {"$"}


def test_a_correction_has_another_amount_and_says_so():
    """It is known as a notice; a release without an amount in its headline has none."""
    made = [correct(draft("atm_program", seed), random.Random(seed)) for seed in range(5)]
    for seed, fixed in enumerate(made):
        assert fixed is not None
        assert fixed.title.lower().startswith("correct")
        assert draft("atm_program", seed).facts["amount"] in fixed.paragraphs[0]
        news = Item(key="k", feed="f", title=fixed.title, received_utc=START)
        assert notice_in(news) is Notice.CORRECTED
    assert correct(draft("bankruptcy"), random.Random(1)) is None


def test_a_retraction_names_the_release():
    """It is known as a notice, and quotes what it takes back."""
    back = retract(draft("fda_approval"), random.Random(1))
    assert notice_in(Item(key="k", feed="f", title=back.title, received_utc=START)) is Notice.RETRACTED
    assert draft("fda_approval").title in back.paragraphs[0]


def test_near_misses_differ_in_what_counts():
    """Groups of two or three releases, no two with one headline."""
    for seed in range(40):
        group = near_misses(companies()[seed % len(companies())], random.Random(seed), START)
        assert len(group) in (2, 3)
        told = {(one.title, one.company.ticker if one.company else "", one.paragraphs) for one in group}
        assert len(told) == len(group)
