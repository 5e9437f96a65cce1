"""The NDJSON file and the console."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from catalyst_ray.adapters.console import Console
from catalyst_ray.adapters.files import NdjsonFile
from catalyst_ray.errors import DeliveryError
from tests.unit.core.factories import make_alert

pytestmark = pytest.mark.anyio


async def write(sink: NdjsonFile | Console, *ids: str, **changes) -> None:
    """Send alerts with these ids."""
    for one in ids:
        await sink.send(make_alert(id=one, **changes), chart=None, gauge=None)


def ids_in(path: Path) -> list[str]:
    """Return the ids of a file's lines, which must all parse."""
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


async def test_one_line_an_alert(tmp_path: Path) -> None:
    """Each alert is one line, in the order sent, in a folder made when needed."""
    path = tmp_path / "new" / "alerts.ndjson"
    await write(NdjsonFile(path), "a", "b")
    assert ids_in(path) == ["a", "b"]


async def test_a_retry_writes_no_second_line(tmp_path: Path) -> None:
    """An id already in the file is skipped, in the same process and after a restart."""
    path = tmp_path / "alerts.ndjson"
    sink = NdjsonFile(path)
    await write(sink, "a", "b", "a")
    await write(NdjsonFile(path), "b", "c")
    assert ids_in(path) == ["a", "b", "c"]


async def test_a_line_torn_by_a_crash_spoils_no_other(tmp_path: Path) -> None:
    """The alert whose line was torn is written again, on a line of its own."""
    path = tmp_path / "alerts.ndjson"
    await write(NdjsonFile(path), "a", "b")
    path.write_bytes(path.read_bytes()[:-20])
    await write(NdjsonFile(path), "b", "c")
    first, torn, *rest = path.read_text().splitlines()
    assert [json.loads(line)["id"] for line in (first, *rest)] == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(torn)


async def test_only_the_end_of_a_long_file_is_read(tmp_path: Path) -> None:
    """A file larger than the tail that is looked at still takes alerts and knows its last ids."""
    path = tmp_path / "alerts.ndjson"
    await write(NdjsonFile(path), "old")
    with path.open("a") as file:
        file.write("x" * 1_100_000 + "\n")
    await write(NdjsonFile(path), "new")
    await write(NdjsonFile(path), "new")
    assert path.read_text().count('"id":"new"') == 1


async def test_a_full_disk_is_temporary() -> None:
    """Nothing is lost when the disk is full: the alert waits, and the operator is told what to do."""
    with pytest.raises(DeliveryError, match="No space left") as caught:
        await write(NdjsonFile(Path("/dev/full")), "a")
    assert not caught.value.permanent
    assert caught.value.outcome_known
    assert "free disk space" in (caught.value.hint or "")


async def test_an_unwritable_path_is_temporary(tmp_path: Path) -> None:
    """A folder in the file's place is an error with a hint, not a crash, and mends when the folder goes."""
    path = tmp_path / "alerts.ndjson"
    path.mkdir()
    sink = NdjsonFile(path)
    with pytest.raises(DeliveryError, match="Is a directory"):
        await write(sink, "a")
    path.rmdir()
    await write(sink, "a")
    assert ids_in(path) == ["a"]


async def test_a_failed_write_is_not_remembered_as_written(tmp_path: Path) -> None:
    """After a failure the same alert is written when it is tried again."""
    blocker = tmp_path / "folder"
    blocker.write_text("a file where the folder should be")
    sink = NdjsonFile(blocker / "alerts.ndjson")
    with pytest.raises(DeliveryError):
        await write(sink, "a")
    blocker.unlink()
    await write(sink, "a")
    assert ids_in(blocker / "alerts.ndjson") == ["a"]


async def test_programs_get_lines() -> None:
    """A stream that is no terminal gets one JSON object a line."""
    stream = io.StringIO()
    await write(Console(stream), "a", "b")
    assert [json.loads(line)["id"] for line in stream.getvalue().splitlines()] == ["a", "b"]


async def test_people_get_a_panel() -> None:
    """A terminal gets the card in words; what looks like markup or an escape code stays text."""
    stream = io.StringIO()
    await write(Console(stream, is_terminal=True), "a", item={"title": "[red]Up[/red] \x1b[5m 50%"})
    shown = stream.getvalue()
    assert "QLLN" in shown
    assert "Strongly bearish" in shown
    assert "[red]Up[/red]" in shown
    assert "\x1b[5m" not in shown


async def test_a_closed_output_is_permanent() -> None:
    """Nobody will read a closed stream again, so the alert is not retried there."""
    stream = io.StringIO()
    sink = Console(stream)
    stream.close()
    with pytest.raises(DeliveryError) as caught:
        await write(sink, "a")
    assert caught.value.permanent
