"""The NDJSON file and the console."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from catalyst_ray.adapters.console import Console
from catalyst_ray.adapters.files import NdjsonFile
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import Action, Alert, Deal, Decision, Judgement, Reason, Verdict
from tests.unit.core.factories import NOW_UTC, make_alert

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


async def edit(sink: NdjsonFile | Console, alert: Alert) -> None:
    """Tell a sink of a revised alert."""
    await sink.edit(alert, message_id=alert.id, chart=None, gauge=None)


async def test_a_revision_is_a_line_more(tmp_path: Path) -> None:
    """Consumers take the last line of an id; a repeated edit, or an older one after a restart, adds none."""
    path = tmp_path / "alerts.ndjson"
    sink = NdjsonFile(path)
    await write(sink, "a", "b")
    for one in (sink, sink, NdjsonFile(path)):
        await edit(one, make_alert(id="a", revision=1, revised_utc=NOW_UTC))
    await write(NdjsonFile(path), "a")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["id"], line["revision"]) for line in lines] == [("a", 0), ("b", 0), ("a", 1)]
    await edit(sink, make_alert(id="a", revision=2, revised_utc=NOW_UTC))
    assert ids_in(path) == ["a", "b", "a", "a"]


async def test_lines_of_an_older_program_have_no_revision(tmp_path: Path) -> None:
    """They stand for the first one, so that a revision is written after them."""
    path = tmp_path / "alerts.ndjson"
    path.write_text('{"id":"a"}\n{"id":"b","revision":"odd"}\n')
    await write(NdjsonFile(path), "a", "b")
    assert ids_in(path) == ["a", "b"]
    await edit(NdjsonFile(path), make_alert(id="a", revision=1))
    assert ids_in(path) == ["a", "b", "a"]


async def test_programs_get_a_revised_alert_whole() -> None:
    """The same record again, with its revision."""
    stream = io.StringIO()
    sink = Console(stream)
    await write(sink, "a")
    await edit(sink, make_alert(id="a", revision=1))
    assert [json.loads(line)["revision"] for line in stream.getvalue().splitlines()] == [0, 1]


async def test_people_get_one_line_of_a_revised_alert() -> None:
    """Ticker, the score before and now, who judged, one sentence; the one before only where it is known."""
    stream = io.StringIO()
    sink = Console(stream, is_terminal=True)
    await write(sink, "a", decision=Decision(action=Action.ALERT, reasons=(), value=-0.5))
    start = len(stream.getvalue())
    await edit(sink, make_alert(id="a", revision=1))
    await edit(sink, make_alert(id="unknown", revision=1, item={"title": "[red]"}))
    told = re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue()[start:])
    first, second = " ".join(told.split()).split("alert a")
    assert first.startswith("↻ QLLN −0.50 → −0.72, strongly bearish · LLM mistral, 0.9 s · Quillon sells")
    assert "diluted" not in first, "the second sentence"
    assert second.strip().startswith("↻ QLLN −0.72, strongly bearish")


async def test_people_see_the_terms_of_a_deal() -> None:
    """In the panel, on a line of their own."""
    stream = io.StringIO()
    answer = Judgement(direction=-0.8, confidence=0.9, summary="Diluted.", deal=Deal(size_usd=1e7))
    verdict = Verdict(answer, Reason("llm_judged"))
    await write(Console(stream, is_terminal=True), "a", verdict=verdict)
    assert "Deal: $10.0M " in stream.getvalue()


async def test_people_see_who_told_it_too_and_what_was_corrected() -> None:
    """The line of an update says why there is one."""
    stream = io.StringIO()
    notices = (Reason("corrected", "$52 million, was $25 million"),)
    await edit(Console(stream, is_terminal=True), make_alert(also=("Meridian",), notices=notices, revision=1))
    words = " ".join(re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue()).split())
    assert "corrected: $52 million, was $25 million · also Meridian" in words


async def test_people_see_that_an_alert_is_withdrawn() -> None:
    """In the line itself."""
    stream = io.StringIO()
    sunk = Decision(action=Action.ALERT, reasons=(Reason("llm_sinks"),), value=-0.1)
    await edit(Console(stream, is_terminal=True), make_alert(decision=sunk, revision=1))
    assert "withdrawn by the LLM: now below the threshold" in stream.getvalue()


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
