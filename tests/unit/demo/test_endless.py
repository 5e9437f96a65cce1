"""A demo without end: days follow each other, ids go on, and what is old is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from catalyst_ray.core.filings import read_submission
from catalyst_ray.demo.channels import Shape
from catalyst_ray.demo.press import DAYS_KEPT, Press
from catalyst_ray.demo.submissions import submission
from catalyst_ray.demo.world import World
from catalyst_ray.errors import ConfigError

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
BASE = "http://127.0.0.1:1"
DAYS = 8


@pytest.fixture(scope="module")
def press() -> Press:
    """Return an endless press on its eighth day, a minute a batch."""
    made = Press(World(7, START, items=150), START, is_endless=True)
    for batch in range(1, 3 * DAYS + 1):
        made.release(batch, START + timedelta(minutes=batch))
    return made


def test_the_next_day_goes_on_where_the_last_one_ended() -> None:
    """Ids, addresses, accession numbers and stories are new, batches are counted on, and the news is other news."""
    first = World(7, START, items=150)
    second = first.next_day(START)
    both = (*first.items, *second.items)
    assert [item.id for item in both] == list(range(1, 301))
    assert {item.batch for item in second.items} == {4, 5, 6}
    assert {move.batch for move in second.moves} == {4, 5, 6}
    assert len({item.path for item in both}) == 300
    accessions = [item.filing.accession for item in both if item.filing]
    assert len(set(accessions)) == len(accessions)
    assert not {item.truth.story for item in first.items} & {item.truth.story for item in second.items}
    assert len({item.title for item in first.items} & {item.title for item in second.items}) < 15
    assert second.stories(5)


def test_feeds_and_memory_stay_bounded(press: Press) -> None:
    """After many days the press holds the items of the last few, and each feed still lists the newest first."""
    out = press.released_items()
    assert len(out) == DAYS_KEPT * 150
    assert (min(item.batch for item in out), press.batch) == (3 * (DAYS - DAYS_KEPT) + 1, 3 * DAYS)
    wires = [channel for channel in press.world.channels if channel.desks]
    for channel in wires:
        entries = press.entries(channel)
        assert press.edition(channel, BASE).body
        assert [e.released_utc for e in entries] == sorted((e.released_utc for e in entries), reverse=True)
    assert len(press._editions) == len(wires)
    assert len(press._released) == 3 * DAYS_KEPT


def test_what_is_forgotten_has_no_page(press: Press) -> None:
    """An item is found by its address while it is remembered and out; the price keeps to what is remembered."""
    old = World(7, START, items=150).items[0]
    assert press.find(old.path.split("?")[0]) is None
    for item in press.released_items():
        address = item.filing.accession if item.filing else item.path.split("?")[0]
        assert press.find(address) is item
    tickers = {item.truth.ticker for item in press.released_items() if item.truth.ticker}
    assert 0 < sum(len(press.shocks(ticker)) for ticker in tickers) <= DAYS_KEPT * 36


def test_a_world_with_an_end_has_one() -> None:
    """Without the wish for more, the last batch is the last; with it, any number of days is drawn at once."""
    with pytest.raises(ConfigError, match="no batch 4"):
        Press(World(7, START, items=150), START).release(4, START)
    made = Press(World(7, START, items=150), START, is_endless=True)
    made.release(10, START)
    assert (made.batch, made.last_batch) == (10, 12)
    with pytest.raises(ConfigError, match="no batch -1"):
        made.release(-1, START)


def test_accession_numbers_have_six_digits_for_ever() -> None:
    """After a million filings another agent files, and the number is still one that the program reads."""
    world = World(7, START, items=150)
    world._last_id = 1_999_990
    day = world.next_day(START)
    press = Press(day, START)
    press.release(day.batches, START)
    filed = [
        entry for channel in day.channels if channel.shape is Shape.EDGAR for entry in press.entries(channel)
    ]
    assert filed
    for entry in filed:
        assert entry.item.filing is not None
        facts = entry.item.filing
        assert len(facts.accession) == 20
        text = read_submission(submission(entry, facts).encode(), form=facts.form, items=facts.items)
        assert text.form == facts.form
