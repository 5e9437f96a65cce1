"""Server-sent events: who is told what, and that nobody is asked for nothing."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.errors import StoreError
from catalyst_ray.web.live import MAX_LISTENERS
from tests.adapters.web_world import HandMadeArchive, record_of, served

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


class Events:
    """Reads a stream event by event."""

    def __init__(self, answer) -> None:
        self._answer = answer

    async def next(self, *names: str) -> dict[str, str]:
        """Return the next event of one of these names, by field."""
        async with asyncio.timeout(10):
            while True:
                fields = dict([line.split(": ", 1) async for line in self._lines()])
                if fields.get("event") in names:
                    return fields

    async def _lines(self):
        while line := (await self._answer.content.readline()).decode().rstrip("\n"):
            yield line


@asynccontextmanager
async def listening(client, page: str, *, last: str = "", headers: dict[str, str] | None = None):
    """Listen as a page that knows the mark ``last``."""
    async with client.get(f"{page}/events?last={last}", headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        assert answer.headers["X-Accel-Buffering"] == "no"
        yield Events(answer)


async def test_a_change_is_told_once_to_all(tmp_path: Path) -> None:
    """Every page is told of a change by the mark, in words for its next question."""
    archive = HandMadeArchive()
    async with (
        served(archive, tmp_path) as (client, page),
        listening(client, page, last="1") as one,
        listening(client, page, last="1") as two,
    ):
        await one.next("beat")
        await two.next("beat")
        archive.word = "2"
        for events in (one, two):
            event = await events.next("change")
            assert (event["id"], json.loads(event["data"])) == ("2", "2")


async def test_who_was_away_is_told_at_once(tmp_path: Path) -> None:
    """A page that names an older mark, by its address or as browsers do, hears of the change as it comes back."""
    archive = HandMadeArchive()
    archive.word = "7"
    async with served(archive, tmp_path) as (client, page):
        async with listening(client, page, last="3") as events:
            assert (await events.next("change"))["id"] == "7"
        async with listening(client, page, last="7", headers={"Last-Event-ID": "5"}) as events:
            assert (await events.next("change"))["id"] == "7"


async def test_silence_is_filled(tmp_path: Path) -> None:
    """A silent line carries the server's time now and then, and a page that knows the mark hears nothing else."""
    async with (
        served(HandMadeArchive(), tmp_path, beat_s=0.05) as (client, page),
        listening(client, page, last="1") as events,
    ):
        for _ in range(3):
            assert (await events.next("beat", "change"))["event"] == "beat"


async def test_one_asks_for_all_and_only_while_somebody_listens(tmp_path: Path) -> None:
    """The store is asked by one poller, not by each page, and not at all when the last has gone."""
    archive = HandMadeArchive()
    async with served(archive, tmp_path, poll_s=0.05) as (client, page):
        await asyncio.sleep(0.15)
        assert archive.asked["mark"] == 0
        async with (
            listening(client, page) as one,
            listening(client, page) as two,
            listening(client, page) as three,
        ):
            for events in (one, two, three):
                await events.next("change")
            before = archive.asked["mark"]
            await asyncio.sleep(0.5)
            assert archive.asked["mark"] - before <= 20, "one poller asks ten times, three thirty"
        # A page that went is seen at the next write or when its connection closes.
        seen = -1
        async with asyncio.timeout(10):
            while seen != archive.asked["mark"]:
                seen = archive.asked["mark"]
                await asyncio.sleep(0.3)


async def test_trouble_of_the_store_is_told_and_its_end_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While the store fails listeners are told so, and then that it does not; a fault of ours is logged once."""
    archive = HandMadeArchive()
    async with served(archive, tmp_path, beat_s=0.05) as (client, page), listening(client, page) as events:
        await events.next("change")
        archive.error = StoreError("disk\nis gone")
        assert json.loads((await events.next("trouble"))["data"]) == "disk is gone"
        archive.error = ZeroDivisionError()
        assert json.loads((await events.next("trouble"))["data"]) == "ZeroDivisionError"
        asked = archive.asked["mark"]
        async with asyncio.timeout(10):
            while archive.asked["mark"] < asked + 3:
                await events.next("beat")
        assert caplog.text.count("the page's poller failed") == 1
        archive.error = None
        assert json.loads((await events.next("trouble"))["data"]) == ""


async def test_listeners_are_bounded(tmp_path: Path) -> None:
    """One too many is sent away, to come again later; a place that is given back is free."""
    archive = HandMadeArchive()
    async with served(archive, tmp_path) as (client, page):
        streams = [await client.get(f"{page}/events") for _ in range(MAX_LISTENERS)]
        async with client.get(f"{page}/events") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"]
        streams.pop().close()

        statuses: list[int] = []
        async with asyncio.timeout(10):
            while 200 not in statuses:
                async with client.get(f"{page}/events") as answer:
                    statuses.append(answer.status)
        for stream in streams:
            stream.close()


async def test_the_end_lets_listeners_go(tmp_path: Path) -> None:
    """A stop does not wait for open pages."""
    async with asyncio.timeout(5):
        async with served(HandMadeArchive(), tmp_path) as (client, page):
            answer = await client.get(f"{page}/events")
            await Events(answer).next("change")
        answer.close()


async def test_a_crowd_that_asks_for_the_same_is_one_question(tmp_path: Path) -> None:
    """While pages follow the news, equal questions after a change are answered by one look; a change makes a new one."""
    archive = HandMadeArchive(record_of())
    async with served(archive, tmp_path) as (client, page), listening(client, page) as events:
        await events.next("change")

        async def ask() -> str:
            async with client.get(page) as answer:
                return await answer.text()

        pages = await asyncio.gather(*(ask() for _ in range(20)))
        assert len(set(pages)) == 1
        assert archive.asked["find_alerts"] == 1
        archive.records.append(record_of(1))
        archive.word = "2"
        await events.next("change")
        assert "alert00001" in await ask()


async def test_a_page_that_nobody_follows_is_of_now(tmp_path: Path) -> None:
    """When the last listener has gone, the mark that it was told is no reason to keep a page."""
    archive = HandMadeArchive(record_of())
    async with served(archive, tmp_path) as (client, page):
        async with listening(client, page) as events:
            await events.next("change")
        archive.word = "9"
        async with asyncio.timeout(10):
            text = ""
            while 'data-mark="9"' not in text:
                async with client.get(page) as answer:
                    text = await answer.text()


async def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    """What failed is asked again by the next, though the mark is the same."""
    archive = HandMadeArchive(record_of())
    async with served(archive, tmp_path, poll_s=60.0) as (client, page), listening(client, page) as events:
        await events.next("change")
        archive.error = StoreError("busy")
        async with client.get(page) as answer:
            assert answer.status == 503
        archive.error = None
        async with client.get(page) as answer:
            assert answer.status == 200
