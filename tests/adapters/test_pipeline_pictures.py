"""Chart files: whole or not there, kept while needed, gone when old; a wrong folder is told at the start."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.adapters.prices import NoPrices
from catalyst_ray.core.gauge import GaugeBook
from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import ConfigError, ParseError
from catalyst_ray.models import ChartRequest, Picture, Reason
from catalyst_ray.pipeline.charting import ChartLook
from catalyst_ray.pipeline.picture_files import PictureFiles
from catalyst_ray.pipeline.pictures import Pictures, PictureSet
from tests.adapters.pipeline_world import NOW, PNG, World, two_bars

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

HOUR_S = 3600.0


async def _take(pictures: Pictures, alert_id: str = "a1") -> PictureSet:
    return await pictures.take(alert_id, "QLLN", mark_utc=NOW, label="Contract won", priority=3)


def _file(folder: Path, name: str, *, age_s: float) -> Path:
    path = folder / name
    path.write_bytes(PNG)
    os.utime(path, (NOW.timestamp() - age_s,) * 2)
    return path


async def test_the_chart_shows_the_bars_with_the_mark(world: World) -> None:
    """The artist is asked for the ticker's bars, the time of the news and its label."""
    taken = await _take(world.pictures())
    (request,) = world.artist.drawn
    assert request == ChartRequest(bars=two_bars("QLLN"), mark_utc=NOW, label="Contract won", theme="dark")
    assert taken.chart_path == str(world.folder / "charts" / "a1.png")
    assert (world.folder / "charts" / "a1.png").read_bytes() == PNG
    assert taken.reason is None


async def test_prices_of_another_size_are_told_and_small_repairs_are_not(world: World) -> None:
    """A split that was undone stands on the card and in `explain`, with a chart and without one."""
    split = Reason(Code.SPLIT_ADJUSTED, "1 for 10 on 2026-03-17")
    mended = replace(two_bars("QLLN"), remarks=(Reason(Code.BARS_REPAIRED, "high", 2.0), split))
    world.prices.answer = {"1D": mended}
    pictures = world.pictures()
    assert (await _take(pictures)).remarks == (split,)
    world.artist.error = ParseError("no bar")
    without = await _take(pictures)
    assert (without.chart_path, without.remarks) == (None, (split,))


async def test_a_reader_sees_the_old_file_or_the_whole_new_one(world: World, monkeypatch: Any) -> None:
    """The picture is written beside and moved: while it is written the old one stands."""
    await _take(world.pictures())
    seen: list[bytes] = []
    final = world.folder / "charts" / "a1.png"
    write = type(final).write_bytes

    def watching(path: Path, data: bytes) -> int:
        count = write(path, data)
        seen.append(final.read_bytes())
        return count

    monkeypatch.setattr(type(final), "write_bytes", watching)
    PictureFiles(final.parent).write_chart("a1", b"new picture")
    assert seen == [PNG]
    assert final.read_bytes() == b"new picture"
    assert os.listdir(final.parent) == ["a1.png"]  # noqa: PTH208  (nothing else lies there)


async def test_one_alert_drawn_twice_at_once_has_one_whole_picture(world: World) -> None:
    """Two writers of one alert's file do not take each other's."""
    pictures = world.pictures()
    sets = await asyncio.gather(*(_take(pictures) for _ in range(20)))
    assert {taken.chart_path for taken in sets} == {str(world.folder / "charts" / "a1.png")}
    assert all(taken.reason is None for taken in sets)


async def test_a_disk_that_takes_no_file_leaves_a_reason(world: World) -> None:
    """The alert goes out without a chart, and with its price."""
    pictures = world.pictures()
    (world.folder / "charts").rmdir()
    taken = await _take(pictures)
    assert taken.chart_path is None
    assert taken.reason is not None
    assert taken.reason.code == "no_chart"
    assert taken.price_usd == 11.0


async def test_a_reason_is_bounded(world: World) -> None:
    """However much an error says, the card gets 200 characters of it."""
    world.prices.answer = ParseError("x" * 5000)
    taken = await _take(world.pictures())
    assert taken.reason is not None
    assert len(taken.reason.detail) == 200


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device", "/srv/secret/a.png"), ValueError("/srv/secret")]
)
async def test_a_reason_holds_no_path(world: World, error: Exception) -> None:
    """What went wrong on this machine is logged; the card, which others read, names no path."""
    world.prices.answer = error
    taken = await _take(world.pictures())
    assert taken.reason is not None
    assert "secret" not in taken.reason.detail


async def test_cancelling_is_no_failure_of_the_chart(world: World) -> None:
    """A chart that is no longer wanted ends at once; it does not come back as a reason."""
    world.artist.gate = asyncio.Event()
    task = asyncio.ensure_future(_take(world.pictures()))
    while not world.artist.drawn:  # noqa: ASYNC110  (the fake tells in a list)
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_sweep_takes_old_files_and_keeps_needed_and_young_ones(world: World) -> None:
    """Charts of unsent alerts and files that are not ours stay; broken-off writes go after a minute."""
    pictures = world.pictures()
    folder = world.folder / "charts"
    old = _file(folder, "old.png", age_s=2 * HOUR_S)
    part = _file(folder, "old.7.part", age_s=61)
    writing = _file(folder, "new.8.part", age_s=59)
    needed = _file(folder, "needed.png", age_s=2 * HOUR_S)
    young = _file(folder, "young.png", age_s=90)
    other = _file(folder, "notes.txt", age_s=2 * HOUR_S)
    gone = pictures.sweep(needed={str(needed)}, now_utc=NOW, keep_s=HOUR_S)
    assert gone == 2
    assert [path.exists() for path in (old, part)] == [False, False]
    assert all(path.exists() for path in (writing, needed, young, other))
    later = NOW + timedelta(hours=3)
    assert pictures.sweep(needed=(), now_utc=later, keep_s=HOUR_S) == 3


async def test_a_chart_is_never_swept_before_its_alert_can_be_stored(world: World) -> None:
    """With CHART_KEEP_SECONDS=0 too, a file that was just written stays for a minute."""
    pictures = world.pictures()
    fresh = _file(world.folder / "charts", "fresh.png", age_s=59)
    assert pictures.sweep(needed=(), now_utc=NOW, keep_s=0) == 0
    assert fresh.exists()
    assert pictures.sweep(needed=(), now_utc=NOW + timedelta(seconds=2), keep_s=0) == 1


async def test_a_gauge_is_written_once_stays_and_comes_back(world: World) -> None:
    """No sweep takes it; one that somebody deleted or tore is whole again when it is asked for."""
    pictures = world.pictures()
    files = PictureFiles(world.folder / "charts")
    png = GaugeBook().get(-0.3)
    path = files.write_gauge("dark_-0.3", png)
    os.utime(path, (NOW.timestamp() - 9 * HOUR_S,) * 2)
    written = path.stat()
    assert files.write_gauge("dark_-0.3", png) == path
    assert (path.stat().st_mtime, path.stat().st_ino) == (written.st_mtime, written.st_ino)
    assert pictures.sweep(needed=(), now_utc=NOW, keep_s=HOUR_S) == 0
    path.write_bytes(png[:100])
    assert files.write_gauge("dark_-0.3", png).read_bytes() == png
    path.unlink()
    assert files.write_gauge("dark_-0.3", png).read_bytes() == png


@pytest.mark.parametrize("name", ["../../etc/cron", "a/b", "", ".", "gauge-dark_-0.3", "ä" * 500])
async def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    """Whatever an alert is called, its chart is one file in the folder, and takes no gauge's place."""
    path = PictureFiles(tmp_path / "charts").write_chart(name, PNG)
    assert path.parent == tmp_path / "charts"
    assert path.read_bytes() == PNG
    assert not path.name.startswith("gauge-")
    assert PictureFiles(tmp_path / "charts").write_chart(name, PNG) == path


async def test_a_full_disk_keeps_no_half_picture(world: World, monkeypatch: Any, caplog: Any) -> None:
    """The alert goes without its chart, the log says why, and what was written of it is gone."""
    pictures = world.pictures()

    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    taken = await _take(pictures)
    assert taken.reason is not None
    assert taken.reason.detail == "the picture could not be kept: No space left on device"
    assert os.listdir(world.folder / "charts") == []  # noqa: PTH208  (nothing at all lies there)
    assert "No space left" in caplog.records[-1].error


async def test_a_needed_file_is_known_however_its_folder_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart with a relative path in place of an absolute one deletes nothing that is needed."""
    pictures = world.pictures()
    needed = _file(world.folder / "charts", "needed.png", age_s=2 * HOUR_S)
    monkeypatch.chdir(world.folder)
    assert pictures.sweep(needed={"charts/needed.png"}, now_utc=NOW, keep_s=HOUR_S) == 0
    assert needed.exists()


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path, below: str) -> None:
    """The error names the setting and what to do."""
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"QUICKCHART_IMAGE_DIR: cannot write to .*may write to"):
        PictureFiles(blocked / below if below else blocked)


def test_the_folder_is_made_and_left_clean(tmp_path: Path) -> None:
    """A missing folder is created with its parents; the test of writing leaves nothing."""
    folder = tmp_path / "a" / "b"
    PictureFiles(folder)
    assert list(folder.iterdir()) == []


async def test_a_cached_picture_is_written_all_the_same(world: World) -> None:
    """The artist's cache saves the drawing, not the file."""

    async def cached(_request: ChartRequest, *, priority: int, timeout_s: float | None = None) -> Picture:
        return Picture(png=PNG, seconds=0.0, cached=True)

    world.artist.draw = cached  # type: ignore[method-assign]
    taken = await _take(world.pictures(), "a2")
    assert taken.chart_path is not None
    assert (world.folder / "charts" / "a2.png").exists()


def _pictures(world: World, **changes: Any) -> Pictures:
    parts: dict[str, Any] = {
        "prices": world.prices,
        "artist": world.artist,
        "clock": world.clock,
        "folder": world.folder / "charts",
        "timeout_s": 10.0,
        "timeframe": "1D",
        "look": ChartLook(),
    }
    return Pictures(**{**parts, **changes})


async def test_charts_look_as_they_are_set_to(world: World) -> None:
    """Timeframe, theme, panels and size reach the artist."""
    world.prices.answer = {"3M": two_bars("QLLN")}
    look = ChartLook(theme="light-colour-blind", panels=("rsi",), width_px=1740, height_px=1041)
    await _take(_pictures(world, timeframe="3M", look=look))
    (request,) = world.artist.drawn
    assert (request.theme, request.panels) == ("light-colour-blind", ("rsi",))
    assert (request.width_px, request.height_px) == (1740, 1041)


@pytest.mark.parametrize(
    ("asked", "had"), [("1D", "1M"), ("5D", "1M"), ("1M", "5D"), ("3M", "5D"), ("1Y", "5D")]
)
async def test_a_source_without_a_timeframe_shows_another(world: World, asked: str, had: str) -> None:
    """A source of daily bars alone has months for a day's chart, one of minutes alone has days for a year's."""
    empty = replace(two_bars("QLLN"), times_s=(), open=(), high=(), low=(), close=(), volume=())
    world.prices.answer = {asked: empty, had: replace(two_bars("QLLN"), timeframe=had)}
    taken = await _take(_pictures(world, timeframe=asked))
    assert taken.reason is None
    assert [request.bars.timeframe for request in world.artist.drawn] == [had]


async def test_a_ticker_without_bars_of_any_kind_has_no_chart(world: World) -> None:
    """The source is asked twice at most."""
    world.prices.answer = None
    taken = await _take(_pictures(world))
    assert taken.reason is not None
    assert taken.reason.code == "no_prices"
    assert len(world.prices.asked) == 2


async def test_an_installation_without_a_price_source_says_so(world: World) -> None:
    """The card's reader learns that none is set, not that a source called none has none."""
    taken = await _take(_pictures(world, prices=NoPrices()))
    assert taken.reason == Reason("no_prices", "PRICE_SOURCE is not set")


async def test_bars_and_chart_share_one_deadline(world: World) -> None:
    """What the price source took is taken off the artist's time."""
    given: list[float | None] = []

    async def bars(ticker: str, _timeframe: str) -> Any:
        world.clock.advance(7.0)
        return two_bars(ticker)

    async def draw(_request: ChartRequest, *, priority: int, timeout_s: float | None = None) -> Picture:
        given.append(timeout_s)
        return Picture(png=PNG, seconds=0.0)

    world.prices.bars = bars  # type: ignore[method-assign]
    world.artist.draw = draw  # type: ignore[method-assign]
    await _take(_pictures(world))
    assert given == [3.0]
