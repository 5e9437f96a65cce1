"""Pages that are kept: as long as nothing changed, and not for long even then."""

from __future__ import annotations

import pytest

from catalyst_ray.web.answers import Answer
from catalyst_ray.web.kept import MAX_AGE_S, MAX_PAGES, Kept
from tests.adapters.pipeline_world import FakeClock

pytestmark = pytest.mark.anyio


class Maker:
    """Makes pages, each with its number."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self) -> Answer:
        """Make the next."""
        self.made += 1
        return Answer(body=b"%d" % self.made)


async def test_a_page_is_kept_for_a_mark_and_a_moment() -> None:
    """Ages stand on it: it is made anew after two seconds though nothing changed, at a change at once."""
    clock, make = FakeClock(), Maker()
    kept = Kept(clock)
    first = await kept.get("/", "1", make)
    clock.advance(MAX_AGE_S)
    assert await kept.get("/", "1", make) is first
    clock.advance(0.1)
    assert (await kept.get("/", "1", make)).body == b"2"
    assert (await kept.get("/", "2", make)).body == b"3"
    assert (await kept.get("/", "", make)).body == b"4"
    assert (await kept.get("/", "", make)).body == b"5"


async def test_few_pages_are_kept() -> None:
    """Whoever asks for ever new addresses fills no memory: the oldest goes first."""
    kept, make = Kept(FakeClock()), Maker()
    for number in range(MAX_PAGES + 1):
        await kept.get(f"/?q={number}", "1", make)
    await kept.get(f"/?q={MAX_PAGES}", "1", make)
    assert make.made == MAX_PAGES + 1
    await kept.get("/?q=0", "1", make)
    assert make.made == MAX_PAGES + 2
