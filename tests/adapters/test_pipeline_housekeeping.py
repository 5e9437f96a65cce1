"""After a cycle: the page, old charts, old rows; a step that fails is told and the others run."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.errors import StoreError
from catalyst_ray.models import CycleReport
from catalyst_ray.pipeline.housekeeping import PURGE_EVERY_S, TRIM_EVERY_S, Housekeeping
from tests.adapters.pipeline_world import NOW, headline, rss
from tests.adapters.store_world import alert_on, news

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from catalyst_ray.models import Alert
    from tests.adapters.pipeline_world import World

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

DAY_S = 86_400.0
REPORT = CycleReport(
    number=1, started_utc=NOW, seconds=1.0, stages={}, counts={}, feeds=(), queues={}, deliveries={}
)


class Page:
    """Takes what would be written; raises ``error`` if there is one."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.written: list[tuple[list[str], CycleReport]] = []

    def __call__(self, alerts: Sequence[Alert], report: CycleReport) -> None:
        """Take it."""
        if self.error:
            raise self.error
        self.written.append(([alert.item.title for alert in alerts], report))


def _housekeeping(
    world: World, page: Page, *, chart_keep_s: float = 3600.0, trim: Callable[[], object] = lambda: None
) -> Housekeeping:
    return Housekeeping(
        clock=world.clock,
        store=world.store,
        pictures=world.pictures(),
        page=page,
        chart_keep_s=chart_keep_s,
        retention=timedelta(days=7),
        trim=trim,
    )


def _age_charts(world: World) -> None:
    for chart in (world.folder / "charts").iterdir():
        os.utime(chart, (NOW.timestamp() - DAY_S,) * 2)


def _charts(world: World) -> int:
    return len(list((world.folder / "charts").iterdir()))


async def test_the_page_shows_the_latest_alerts_and_the_report(world: World) -> None:
    """It is written from the store after each cycle."""
    page = Page()
    world.feed("wire", rss(headline("QLLN")))
    await world.run()
    assert await _housekeeping(world, page).run(REPORT) == ()
    assert page.written == [([headline("QLLN")], REPORT)]


async def test_the_report_is_kept_for_readers(world: World) -> None:
    """The store has it after the cycle; a store that cannot keep it is told, and the rest is done."""
    page = Page()
    housekeeping = _housekeeping(world, page)
    assert await housekeeping.run(REPORT) == ()
    assert world.store.cycles(since_utc=NOW, limit=5) == [REPORT]

    def fail(method: str, _arguments: Any) -> None:
        if method == "save_cycle":
            raise StoreError("the disk is full")

    world.store.tell = fail
    assert await housekeeping.run(REPORT) == ("report: the disk is full",)
    assert len(page.written) == 2


async def test_a_revised_alert_is_on_the_page_before_the_next_cycle(world: World) -> None:
    """The page alone is written, with the last cycle's report; before any cycle there is none to write."""
    page = Page()
    housekeeping = _housekeeping(world, page)
    assert await housekeeping.refresh_page() == ()
    assert page.written == []
    alert = alert_on(news("a"))
    world.store.commit_alert(alert, ["wall"], now_utc=NOW)
    await housekeeping.run(REPORT)
    item = replace(alert.item, title="as the model sees it")
    world.store.revise_alert(replace(alert, item=item, revision=1), now_utc=NOW)
    steps: list[str] = []
    world.store.tell = lambda name, _: steps.append(name)
    assert await housekeeping.refresh_page() == ()
    assert page.written[-1] == (["as the model sees it"], REPORT)
    assert steps == ["recent_alerts"], "neither charts nor rows are swept"


async def test_a_page_that_cannot_be_refreshed_is_told(world: World) -> None:
    """It is no reason to stop."""
    page = Page()
    housekeeping = _housekeeping(world, page)
    await housekeeping.run(REPORT)
    page.error = OSError("disk full")
    assert await housekeeping.refresh_page() == ("page: disk full",)


async def test_old_charts_go_when_every_sink_has_them(world: World) -> None:
    """A chart of an alert that one sink has yet to take stays, however old."""
    page = Page()
    world.wall.always = RuntimeError("down")
    world.feed("wire", rss(headline("QLLN")))
    await world.run()
    _age_charts(world)
    housekeeping = _housekeeping(world, page)
    await housekeeping.run(REPORT)
    assert _charts(world) == 1
    world.wall.always = None
    world.clock.advance(10)
    await world.run()
    await housekeeping.run(REPORT)
    assert _charts(world) == 0


@pytest.mark.parametrize("error", [OSError("disk full"), StoreError("locked"), KeyError("template")])
async def test_a_step_that_fails_is_told_and_the_others_run(world: World, error: Exception) -> None:
    """A page that cannot be written, for whatever reason, stops neither the sweep nor the run."""
    page = Page()
    page.error = error
    world.feed("wire", rss(headline("QLLN")))
    await world.run()
    _age_charts(world)
    (problem,) = await _housekeeping(world, page).run(REPORT)
    assert problem.startswith("page: ")
    assert str(error) in problem
    assert _charts(world) == 0


async def test_each_step_that_fails_has_its_line(world: World) -> None:
    """With the store gone all four say so, and nothing is raised."""

    def broken(_name: str, _args: Any) -> None:
        raise StoreError("gone")

    housekeeping = _housekeeping(world, Page())
    world.store.tell = broken
    assert await housekeeping.run(REPORT) == (
        "report: gone",
        "page: gone",
        "charts: gone",
        "retention: gone",
    )


async def test_old_rows_go_at_most_every_ten_minutes(world: World) -> None:
    """The first cycle purges and gives the space back; the next ones do when ten minutes have passed."""
    purges: list[str] = []
    world.store.tell = lambda name, _: purges.append(name) if name in {"purge", "give_back"} else None
    housekeeping = _housekeeping(world, Page())
    seen = []
    for pass_s in (0.0, 1.0, PURGE_EVERY_S - 2.0, 1.0, 1.0):
        world.clock.advance(pass_s)
        await housekeeping.run(REPORT)
        seen.append(len(purges))
    assert seen == [2, 2, 2, 4, 4]
    assert purges == ["purge", "give_back"] * 2


async def test_free_memory_is_given_back_at_most_every_minute(world: World) -> None:
    """The first cycle gives it back; the next one that does is a minute later, however short they are."""
    trims: list[None] = []
    housekeeping = _housekeeping(world, Page(), trim=lambda: trims.append(None))
    seen = []
    for pass_s in (0.0, 1.0, TRIM_EVERY_S - 2.0, 1.0, 1.0):
        world.clock.advance(pass_s)
        await housekeeping.run(REPORT)
        seen.append(len(trims))
    assert seen == [1, 1, 1, 2, 2]


async def test_what_is_purged_is_older_than_the_retention(world: World) -> None:
    """A decided item stays for seven days and goes after that."""
    world.feed("wire", rss("No company at all"))
    await world.run()
    housekeeping = _housekeeping(world, Page())
    world.clock.advance(6 * DAY_S)
    await housekeeping.run(REPORT)
    assert len(world.store.explain("No company at all", limit=5)) == 1
    world.clock.advance(2 * DAY_S)
    await housekeeping.run(REPORT)
    assert world.store.explain("No company at all", limit=5) == []
