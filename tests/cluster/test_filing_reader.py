"""Filings read off the driver: shared, kept, bounded in number, time and memory, and failing by themselves."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ray import cloudpickle  # noqa: TID253  (these tests are about Ray)

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster import filing_reader
from catalyst_ray.cluster.filing_reader import FilingReader, FilingTask, read_filing
from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.errors import ParseError, TransportError
from catalyst_ray.models import FilingPart, FilingText, Item, ItemKind, Party, Reason, Verdict
from catalyst_ray.pipeline.paperwork import Paperwork
from catalyst_ray.pipeline.tally import Tally

pytestmark = pytest.mark.anyio
# Ray's workers cannot import a test file: what it defines travels by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BODY = (
    b"<DOCUMENT>\n<TYPE>8-K\n<TEXT>\n<html><p>Item 8.01 Other Events.</p><p>The board met today.</p>"
    b"</TEXT>\n</DOCUMENT>\n"
)


def filing(key: str = "sec:1") -> Item:
    """Return a filing."""
    return Item(key=key, feed="edgar", title="t", form="8-K", received_utc=datetime(2026, 11, 23, tzinfo=UTC))


class FakeSubmissions:
    """Gives the same bytes for every filing, once it may."""

    def __init__(self, body: bytes | Exception = BODY, *, cut: bool = False) -> None:
        self.body = body
        self.cut = cut
        self.asked: list[str] = []
        self.busy = 0
        self.busiest = 0
        self.begun, self.two_begun = asyncio.Event(), asyncio.Event()
        self.may = asyncio.Event()
        self.may.set()

    async def submission(self, item: Item) -> tuple[bytes, bool]:
        self.asked.append(item.key)
        self.busy += 1
        self.begun.set()
        if self.busy == 2:
            self.two_begun.set()
        self.busiest = max(self.busiest, self.busy)
        await self.may.wait()
        self.busy -= 1
        if isinstance(self.body, Exception):
            raise self.body
        return self.body, self.cut


class FakeParser:
    """Gives the length of the bytes, or an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def parse(self, body: bytes, item: Item) -> FilingText:
        if self.error:
            raise self.error
        return FilingText(form="8-K", parts=(FilingPart(item.key, str(len(body))),))


def reader(submissions: FakeSubmissions, parser: object = None, **options: int) -> FilingReader:
    """Return a reader of these submissions."""
    made = parser or FakeParser()
    return FilingReader(submissions=submissions, parser=made, clock=SystemClock(), **options)


async def test_a_filing_is_read_once_for_all_who_ask() -> None:
    """Two at once share one reading, a later one comes from the cache, and the counts say so."""
    submissions = FakeSubmissions()
    reading = reader(submissions)
    first, second = await asyncio.gather(reading.text(filing()), reading.text(filing()))
    third = await reading.text(filing())
    stats = reading.stats()
    assert first is second is third
    assert submissions.asked == ["sec:1"]
    assert [stats[name] for name in ("requests", "joined", "cached", "read", "failed")] == [3, 1, 1, 1, 0]
    assert stats["mean_seconds"] >= 0


async def test_only_so_many_are_read_at_a_time_and_kept() -> None:
    """However many are asked for, ``parallel`` are fetched at once; the cache holds the last few."""
    submissions = FakeSubmissions()
    submissions.may.clear()
    reading = reader(submissions, parallel=2, cache_size=3)
    asking = asyncio.gather(*(reading.text(filing(f"sec:{n}")) for n in range(6)))
    await submissions.two_begun.wait()
    submissions.may.set()
    await asking
    assert submissions.busiest == 2
    await reading.text(filing("sec:5"))
    assert len(submissions.asked) == 6
    await reading.text(filing("sec:0"))
    assert len(submissions.asked) == 7


async def test_a_fetch_that_was_cut_shows_in_the_text() -> None:
    """The text says that there was more, whether the fetch or the parser left it out."""
    assert (await reader(FakeSubmissions(cut=True)).text(filing())).cut
    assert not (await reader(FakeSubmissions()).text(filing())).cut


@pytest.mark.parametrize("error", [TransportError("HTTP 404", status=404), ParseError("nothing")])
async def test_failures_are_told_by_name_and_not_kept(error: Exception) -> None:
    """An expected failure reaches everyone who asked, with the filing's key; the next one tries again."""
    submissions = FakeSubmissions(error)
    reading = reader(submissions)
    both = await asyncio.gather(reading.text(filing()), reading.text(filing()), return_exceptions=True)
    assert both == [error, error]
    assert error.key == "sec:1"
    assert reading.stats()["failed"] == 1
    submissions.body = BODY
    assert (await reading.text(filing())).parts


async def test_a_parser_that_breaks_costs_one_filing_only() -> None:
    """A fault in the parser comes out as ParseError, never as itself."""
    reading = reader(FakeSubmissions(), FakeParser(RuntimeError("a fault")))
    with pytest.raises(ParseError, match="a fault"):
        await reading.text(filing())
    assert reading.stats()["failed"] == 1


async def test_a_caller_who_gives_up_leaves_the_reading_to_the_others() -> None:
    """A deadline passes for one caller; the text is there for the next one, read once."""
    submissions = FakeSubmissions()
    submissions.may.clear()
    reading = reader(submissions)
    impatient = asyncio.ensure_future(reading.text(filing()))
    await submissions.begun.wait()
    impatient.cancel()
    submissions.may.set()
    assert (await reading.text(filing())).parts
    assert submissions.asked == ["sec:1"]


async def test_closing_gives_up_what_is_being_read() -> None:
    """A reading that hangs does not hold the end of the program up."""
    submissions = FakeSubmissions()
    submissions.may.clear()
    reading = reader(submissions)
    asking = asyncio.ensure_future(reading.text(filing()))
    await submissions.begun.wait()
    await reading.close()
    with pytest.raises(asyncio.CancelledError):
        await asking


def test_the_memory_cap_is_lifted_after() -> None:
    """The worker that read a filing is used again: its limit is the one it had."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    assert isinstance(read_filing(BODY, "8-K", ()), FilingText)
    assert isinstance(read_filing(b"", "8-K", ()), ParseError)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def where(body: bytes, form: str | None, items: tuple[str, ...]) -> FilingText:
    """Stand in for the parser and tell in which process it ran."""
    return FilingText(form=form or "", parts=(FilingPart("process", str(os.getpid())),))


def slow(body: bytes, form: str | None, items: tuple[str, ...]) -> FilingText:
    """Stand in for a parser that hangs."""
    time.sleep(60)
    return FilingText(form="")


def greedy(body: bytes, form: str | None, items: tuple[str, ...]) -> int:
    """Stand in for a parser that wants more memory than it may have, and return what it got."""
    with filing_reader._memory_cap(64 * 1024 * 1024):
        try:
            return len(bytearray(512 * 1024 * 1024))
        except MemoryError:
            return 0


def dying(body: bytes, form: str | None, items: tuple[str, ...]) -> FilingText:
    """Stand in for a parser that takes its worker with it."""
    os._exit(1)


async def test_a_large_filing_is_read_by_a_worker(ray_session) -> None:
    """The text that comes back from a task is the one that a thread gives."""
    by_task = await FilingTask(timeout_s=60, small_bytes=0).parse(BODY, filing())
    by_thread = await FilingTask(timeout_s=60).parse(BODY, filing())
    assert by_task == by_thread
    assert by_task.parts[0].name == "Item 8.01"


async def test_small_filings_stay_in_this_process(ray_session, monkeypatch) -> None:
    """Below the limit no task is started, from it on one is."""
    monkeypatch.setattr(filing_reader, "read_filing", where)
    task = FilingTask(timeout_s=60, small_bytes=len(BODY))
    assert (await task.parse(BODY, filing())).parts[0].text != str(os.getpid())
    assert (await task.parse(BODY[:-1], filing())).parts[0].name == "Item 8.01"


async def test_a_filing_without_text_is_a_parse_error(ray_session) -> None:
    """What the parser refuses in a worker is refused here by the same name."""
    with pytest.raises(ParseError, match="no text"):
        await FilingTask(timeout_s=60, small_bytes=0).parse(b"\x00", filing())


async def test_a_parser_that_hangs_is_ended(ray_session, monkeypatch) -> None:
    """The time-out comes as TransportError, and the worker is free for the next filing."""
    monkeypatch.setattr(filing_reader, "read_filing", slow)
    hanging = FilingTask(timeout_s=0.5, small_bytes=0)
    for _ in range(3):
        with pytest.raises(TransportError, match=r"0\.5 s"):
            await hanging.parse(BODY, filing())
    monkeypatch.undo()
    assert (await FilingTask(timeout_s=30, small_bytes=0).parse(BODY, filing())).parts


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps RLIMIT_AS")
async def test_a_worker_gets_no_more_memory_than_its_cap(ray_session, monkeypatch) -> None:
    """Beyond the cap memory is refused to the parser, while the worker lives on."""
    monkeypatch.setattr(filing_reader, "read_filing", greedy)
    with pytest.raises(ParseError, match="int"):  # it came back with a number, and the number is not a text
        await FilingTask(timeout_s=60, small_bytes=0).parse(BODY, filing())
    task = filing_reader.RAY.remote(**filing_reader.TASK)(greedy)
    assert await task.remote(b"", None, ()) == 0


async def test_a_lost_worker_is_a_transport_error(ray_session, monkeypatch) -> None:
    """A worker that dies twice over the same filing costs that filing only."""
    monkeypatch.setattr(filing_reader, "read_filing", dying)
    with pytest.raises(TransportError, match="not read"):
        await FilingTask(timeout_s=60, small_bytes=0).parse(BODY, filing())


HOSTILE = {
    "a corrupt table": b"<html><table><tr><td colspan=99999999>"
    + b"<td><tr><td rowspan='-1'>$</table><table>" * 20_000,
    "nested tags": b"<html>" + b"<div><table><tr><td><p>" * 60_000,
    "an entity bomb": (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaa">'
        + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 64) for n in range(1, 200))
        + b"]><edgarSubmission><item4><purpose>&a199;</purpose></item4></edgarSubmission>"
        + b"&a199;" * 100_000
    ),
    "143 MB": BODY + b"<DOCUMENT>\n<TYPE>GRAPHIC\n<TEXT>\n" + b"M" * 143_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_filing_ends_in_its_task(ray_session, name: str) -> None:
    """Each is read or refused by name within the time of an ordinary filing, with the real caps on."""
    begun = time.monotonic()
    try:
        text = await FilingTask(timeout_s=30, small_bytes=0).parse(HOSTILE[name], filing())
    except ParseError:
        text = FilingText(form="")
    assert sum(len(part.text) for part in text.parts) <= 24_000
    assert time.monotonic() - begun < 30


async def test_a_parser_that_hangs_does_not_stop_the_decisions(ray_session, monkeypatch) -> None:
    """The filing is decided on its form while its worker is ended, and the next one is read."""
    fast = FastTier(
        directory=TickerDirectory.from_listings([Listing("OSTR", 7, "Ostrava Bio Inc.")]),
        sentiment=SentimentModel(),
        policy=default_policy(),
        uses=ModelUses(),
    )
    clock = SystemClock()
    now = clock.now_utc()
    item = replace(
        filing(),
        kind=ItemKind.FILING,
        filing_items=("8.01",),
        parties=(Party(7, "Ostrava Bio Inc.", "Filer"),),
        published_utc=now,
        received_utc=now,
    )
    reading, tally = fast.read(item, now_utc=now), Tally(1, clock)
    monkeypatch.setattr(filing_reader, "read_filing", slow)
    hung = FilingReader(
        submissions=FakeSubmissions(), parser=FilingTask(timeout_s=1, small_bytes=0), clock=clock
    )
    late = await Paperwork(documents=hung, clock=clock, wait_s=0.3).read(reading, fast, tally)
    assert [note.code for note in late.notes] == ["filing_unread"]
    assert fast.decide(late, Verdict(None, Reason("llm_off")), near_duplicate=None).action == "suppress"
    await hung.close()
    monkeypatch.undo()
    whole = FilingReader(
        submissions=FakeSubmissions(), parser=FilingTask(timeout_s=30, small_bytes=0), clock=clock
    )
    read = await Paperwork(documents=whole, clock=clock, wait_s=30).read(reading, fast, tally)
    assert [note.code for note in read.notes] == ["filing_read"]
