"""The made day: deterministic, complete, and true to what it says of itself."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest

from catalyst_ray.core.notices import Notice, notice_in
from catalyst_ray.demo.channels import MIN_FEEDS
from catalyst_ray.demo.companies import companies, foreign_issuers
from catalyst_ray.demo.items import Expected
from catalyst_ray.demo.world import BATCHES, CATALYSTS_PER_BATCH, World
from catalyst_ray.demo.writer import templates
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import Item

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_seeds_give_equal_worlds(seed):
    """Seed, day and sizes are all that a world depends on."""
    assert World(seed, START).items == World(seed, START).items
    assert World(seed, START).items != World(seed + 1, START).items


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_has_what_was_asked_for(seed):
    """Items, batches and true catalysts come in the numbers asked for."""
    world = World(seed, START)
    assert len(world.items) == 300
    assert Counter(item.batch for item in world.items) == {1: 100, 2: 100, 3: 100}
    assert [len(world.stories(batch)) for batch in (1, 2, 3)] == [CATALYSTS_PER_BATCH] * BATCHES


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_catalyst_happens(seed):
    """A day of three batches holds each event and each kind of filing at least once."""
    found = {item.truth.event for item in World(seed, START).items if item.truth.action is Expected.ALERT}
    assert found == {template.code for kind in ("event", "filing") for template in templates(kind)}


def test_noise_covers_what_fools_programs():
    """A larger day holds every kind of noise."""
    found = {item.truth.event for item in World(1, START, items=900).items}
    assert {template.code for kind in ("noise", "quiet_filing") for template in templates(kind)} <= found


@pytest.mark.parametrize("seed", SEEDS)
def test_no_placeholder_is_left(seed):
    """Every text is filled in, and every headline begins with a capital, a digit or a wire's mark."""
    for item in World(seed, START).items:
        for text in (item.title, *item.paragraphs):
            assert not re.search(r"[{}]|\bNone\b|\$\$|  ", text), text
        assert item.title[0].isupper() or item.title[0] in "$/0123456789"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_release_names_its_ticker_where_the_truth_does(seed):
    """What the truth says can be read from the text: an exchange tag, or none where there is no ticker."""
    tag = re.compile(r"\((?:NASDAQ|NYSE)[^:)]*: ?([A-Z]+)\)", re.IGNORECASE)
    for item in World(seed, START).items:
        if item.filing is None:
            found = set(tag.findall(" ".join(item.paragraphs)))
            assert found == ({item.truth.ticker} if item.truth.ticker else set()), item.title


@pytest.mark.parametrize("seed", SEEDS)
def test_copies_are_one_story(seed):
    """Copies share ticker, event and story, and stand in different feeds; some tell it in other words."""
    stories = defaultdict(list)
    for item in World(seed, START).items:
        if item.truth.action is Expected.ALERT:
            stories[item.truth.story].append(item)
    assert sum(len(copies) > 1 for copies in stories.values()) >= 10
    reworded = 0
    for first, *rest in stories.values():
        assert {copy.truth for copy in rest} <= {first.truth}
        at_once = [copy.channel for copy in (first, *rest) if copy.batch == first.batch]
        assert len(at_once) == len(set(at_once))
        reworded += sum(copy.paragraphs[0] != first.paragraphs[0] for copy in rest)
    assert reworded >= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_later_batches_follow_up_on_earlier_ones(seed):
    """Each mends one release where it can, takes one back and tells one again; the story stays the first one's."""
    seen: set[str] = set()
    follow_ups: Counter[str] = Counter()
    for item in World(seed, START).items:
        if item.batch > 1 and item.truth.story in seen:
            news = Item(key="k", feed="f", title=item.title, summary=item.paragraphs[0], received_utc=START)
            follow_ups[str(notice_in(news))] += 1
        elif item.batch == 1:
            seen.add(item.truth.story)
    assert follow_ups[Notice.RETRACTED] == 1
    assert follow_ups[Notice.CORRECTED] <= 1


def test_refiling_repeats_word_for_word_under_new_numbers():
    """Later batches file what there was again, beside as much news as without; the story stays the first one's."""
    plain, world = World(3, START), World(3, START, refile=True)
    first = {item.truth.story: item for item in world.items if item.filing and item.batch == 1}
    again = [item for item in world.items if item.filing and item.batch == 3 and item.truth.story in first]
    assert len(again) == len(first) > 10
    for item in again:
        one = first[item.truth.story]
        assert item.filing.accession != one.filing.accession
        assert (item.truth, item.filing.main, item.paragraphs) == (one.truth, one.filing.main, one.paragraphs)
    filed = sum(item.filing is not None for item in world.items if item.batch == 1)
    assert Counter(item.batch for item in plain.items)[2] + filed == Counter(i.batch for i in world.items)[2]


def test_look_alikes_are_stories_of_their_own():
    """A harder day has pairs of like headlines; no two drafts of a group share a story, their copies do."""
    plain, hard = World(7, START, items=400), World(7, START, items=400, look_alikes=3)
    assert not {item.truth.event for item in plain.items} & {"two_orders", "analyst_calls", "two_tranches"}
    kinds = ("offering_closed", "two_orders", "analyst_calls", "two_tranches", "two_officers", "two_partners")
    assert {item.truth.event for item in hard.items} & set(kinds)
    assert len(hard.items) == 400
    assert [len(hard.stories(batch)) >= CATALYSTS_PER_BATCH for batch in (1, 2, 3)] == [True] * BATCHES


@pytest.mark.parametrize("seed", SEEDS)
def test_no_company_sends_the_same_quiet_news_twice(seed):
    """A headline that comes again is the story that it was."""
    stories = defaultdict(set)
    for item in World(seed, START).items:
        if item.filing is None and item.truth.action is Expected.QUIET:
            stories[item.title].add(item.truth.story)
    assert [title for title, found in stories.items() if len(found) > 1] == []


def test_odd_dates_are_noise():
    """Stale, future and missing dates are there, and none of them on an item that should alert."""
    items = World(3, START).items
    odd = [item for item in items if item.age_s is None or item.age_s < 0 or item.age_s > 86_400]
    assert {item.age_s is None for item in odd} == {True, False}
    assert any(item.age_s is not None and item.age_s < 0 for item in odd)
    assert any(item.age_s is not None and item.age_s > 86_400 for item in odd)
    assert all(item.truth.action is Expected.QUIET for item in odd)


def test_a_foreign_symbol_collides_with_an_invented_one():
    """Foreign issuers carry symbols that are US tickers here, so that a missed venue shows."""
    tickers = {company.ticker for company in companies()}
    venues = {issuer.venue for issuer in foreign_issuers()}
    assert venues == {"TSX", "TSXV", "TSX-V", "ASX", "LSE"}
    foreign = [item for item in World(5, START).items if item.truth.event.startswith("foreign")]
    assert foreign
    for item in foreign:
        venue, symbol = item.category.split(":")
        assert venue in venues
        assert symbol.split(".")[0] in tickers


def test_accessions_and_parties_are_as_edgars():
    """Accession numbers are unique and well formed; stakes name subject and filer."""
    filings = [item.filing for item in World(2, START).items if item.filing]
    accessions = [filing.accession for filing in filings]
    assert len(set(accessions)) == len(accessions)
    assert all(re.fullmatch(r"\d{10}-\d{2}-\d{6}", accession) for accession in accessions)
    stakes = [filing for filing in filings if filing.form.startswith("SCHEDULE")]
    assert all({"Subject", "Filed by"} == {party.role for party in filing.parties} for filing in stakes)
    assert max(len(filing.parties) for filing in filings) >= 3


def test_companies_are_distinct():
    """Tickers, names and CIKs are unique, tickers four or five letters."""
    for values in zip(*((one.ticker, one.name, one.cik) for one in companies()), strict=True):
        assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"[A-Z]{4,5}", one.ticker) for one in companies())


@pytest.mark.parametrize("feeds", [MIN_FEEDS, 20, 45])
def test_a_world_has_as_many_feeds_as_asked(feeds):
    """Worlds shrink and grow with the number of feeds, and every item stands in one of them."""
    world = World(4, START, feeds=feeds)
    names = {channel.name for channel in world.channels}
    assert len(names) == feeds
    assert {item.channel for item in world.items} <= names


@pytest.mark.parametrize("sizes", [{"feeds": 3}, {"items": 20}, {"batches": 0}])
def test_impossible_sizes_are_refused(sizes):
    """Too few feeds, items or batches give an error with its key and a hint."""
    with pytest.raises(ConfigError) as caught:
        World(1, START, **sizes)
    assert caught.value.key
    assert caught.value.hint
