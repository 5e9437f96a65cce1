"""Chart files: whole or not there, kept while needed, gone when old; a wrong folder is told at the start."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.errors import ConfigError, ParseError
from catalyst_ray.models import ChartRequest, Picture
from catalyst_ray.pipeline.pictures import Pictures, PictureSet
from tests.adapters.pipeline_world import NOW, PNG, FakeArtist, World, two_bars

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


async def test_a_reader_sees_the_old_file_or_the_whole_new_one(world: World, monkeypatch: Any) -> None:
    """The picture is written beside and moved: while it is written the old one stands."""
    pictures = world.pictures()
    await _take(pictures)
    world.artist = FakeArtist()
    seen: list[bytes] = []
    final = world.folder / "charts" / "a1.png"
    write = type(final).write_bytes

    def watching(path: Path, data: bytes) -> int:
        count = write(path, data)
        seen.append(final.read_bytes())
        return count

    monkeypatch.setattr(type(final), "write_bytes", watching)
    pictures._write("a1", b"new picture")
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
    """Charts of unsent alerts and files that are not ours stay; broken-off writes go too."""
    pictures = world.pictures()
    folder = world.folder / "charts"
    old = _file(folder, "old.png", age_s=2 * HOUR_S)
    part = _file(folder, "old.7.part", age_s=2 * HOUR_S)
    needed = _file(folder, "needed.png", age_s=2 * HOUR_S)
    young = _file(folder, "young.png", age_s=60)
    other = _file(folder, "notes.txt", age_s=2 * HOUR_S)
    gone = pictures.sweep(needed={str(needed)}, now_utc=NOW, keep_s=HOUR_S)
    assert gone == 2
    assert [path.exists() for path in (old, part, needed, young, other)] == [False, False, True, True, True]
    later = NOW + timedelta(hours=3)
    assert pictures.sweep(needed=(), now_utc=later, keep_s=HOUR_S) == 2


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
    parts: Any = object()
    with pytest.raises(ConfigError, match=r"QUICKCHART_IMAGE_DIR: cannot write to .*may write to"):
        Pictures(
            prices=parts,
            artist=parts,
            clock=parts,
            folder=blocked / below if below else blocked,
            timeout_s=1,
            theme="dark",
        )


def test_the_folder_is_made_and_left_clean(tmp_path: Path) -> None:
    """A missing folder is created with its parents; the test of writing leaves nothing."""
    parts: Any = object()
    folder = tmp_path / "a" / "b"
    Pictures(prices=parts, artist=parts, clock=parts, folder=folder, timeout_s=1, theme="dark")
    assert list(folder.iterdir()) == []


async def test_a_cached_picture_is_written_all_the_same(world: World) -> None:
    """The artist's cache saves the drawing, not the file."""

    async def cached(_request: ChartRequest, *, priority: int) -> Picture:
        return Picture(png=PNG, seconds=0.0, cached=True)

    world.artist.draw = cached  # type: ignore[method-assign]
    taken = await _take(world.pictures(), "a2")
    assert taken.chart_path is not None
    assert (world.folder / "charts" / "a2.png").exists()
