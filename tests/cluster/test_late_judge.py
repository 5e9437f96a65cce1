"""The judge that is there before its model: what it answers meanwhile, when it looks again, and what it logs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from catalyst_ray.cluster.judge import NoJudge
from catalyst_ray.cluster.late_judge import RETRY_S, LateJudge
from catalyst_ray.errors import ConfigError, TransportError
from catalyst_ray.models import Item, Link, LlmUse, Reason, Score, Verdict

pytestmark = pytest.mark.anyio

ITEM = Item(key="url:1", feed="wire", title="Zeta Corp", received_utc=datetime(2026, 1, 2, tzinfo=UTC))
SCORE = Score(value=0.1, sentiment=0.1, confidence=0.5)
JUDGED = Verdict(None, Reason("llm_judged", "m"))
SILENT = NoJudge("Ollama does not answer", "no Ollama answers at http://10.0.0.7")


class StoppedClock:
    """A clock whose sleepers wait until they are let go on."""

    def __init__(self):
        self.slept = []
        self.asleep = asyncio.Event()
        self.go_on = asyncio.Event()

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.asleep.set()
        await self.go_on.wait()
        self.go_on.clear()

    async def next_look(self):
        """Let the sleeper look once more, until it sleeps again."""
        self.asleep.clear()
        self.go_on.set()
        async with asyncio.timeout(10):
            await self.asleep.wait()


class Model:
    """A judge with a model."""

    words = "ollama runs m"

    def __init__(self):
        self.closed = False

    async def judge(self, item, link, score, *, use, priority):
        return JUDGED

    def expected_s(self, ahead):
        return 1.0 + ahead

    def stats(self):
        return {"requests": 1.0}

    def replicas(self):
        return ["where llm-0 runs"]

    async def close(self):
        self.closed = True


class Looks:
    """Finds one thing after the other; an exception is raised, None hangs."""

    def __init__(self, *found):
        self.found = list(found)
        self.ended = False

    async def __call__(self, tell):
        self.tell = tell
        found = self.found.pop(0)
        try:
            if found is None:
                await asyncio.sleep(3600)
        finally:
            self.ended = True
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
async def late():
    """Return a maker of started late judges with their clock; all are closed afterwards."""
    made = []

    def make(*found):
        clock = StoppedClock()
        judge = LateJudge(Looks(*found), clock=clock)
        judge.start()
        made.append(judge)
        return judge, clock

    yield make
    for judge in made:
        await judge.close()


async def ask(judge):
    """Return the verdict on the item."""
    return await judge.judge(ITEM, Link(symbols=()), SCORE, use=LlmUse.HEADLINE, priority=3)


async def until_judged(judge):
    """Wait until the model's verdict comes."""
    async with asyncio.timeout(10):
        while await ask(judge) != JUDGED:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0)


def lines(caplog):
    """Return the messages logged by the late judge."""
    return [record.message for record in caplog.records if record.name.endswith("late_judge")]


async def test_a_hung_model_holds_nobody_up(late):
    """While the opening hangs a verdict comes at once with its reason, and the grace ends."""
    judge, _ = late(None)
    assert await judge.ready(0.01) is False
    assert await ask(judge) == Verdict(None, Reason("llm_off", "the model is still loading"))
    assert (judge.words, judge.stats()) == ("the model is still loading", {})
    assert list(judge.replicas()) == []


async def test_it_delegates_once_the_model_is_there(late, caplog):
    """Verdicts, statistics and words are the model's, and nothing is looked for any more."""
    caplog.set_level("INFO")
    judge, clock = late(Model())
    assert await judge.ready(5) is True
    assert await ask(judge) == JUDGED
    assert (judge.words, judge.stats()) == ("ollama runs m", {"requests": 1.0})
    assert judge.replicas() == ["where llm-0 runs"]
    assert lines(caplog) == ["the language model is ready"]
    assert clock.slept == []


async def test_it_looks_again_until_a_model_is_there(late, caplog):
    """No engine, twice, then another reason, then a model: each state is told once."""
    caplog.set_level("INFO")
    judge, clock = late(SILENT, SILENT, TransportError("at http://10.0.0.7", status=404), Model())
    assert await judge.ready(5) is False
    assert (await ask(judge)).reason == Reason("llm_off", "Ollama does not answer")
    assert judge.words == SILENT.words
    await clock.next_look()
    await clock.next_look()
    assert (await ask(judge)).reason == Reason("llm_off", "the model is not installed")
    clock.go_on.set()
    await until_judged(judge)
    assert judge.expected_s(2) == 3.0
    assert clock.slept == [RETRY_S] * 3
    assert lines(caplog) == ["no language model", "no language model", "the language model is ready"]


async def test_a_bug_in_the_opening_is_logged_and_tried_again(late, caplog):
    """An exception that nobody foresaw means no model for now, and its words stay in the log."""
    judge, clock = late(KeyError("10.0.0.7"), Model())
    assert await judge.ready(5) is False
    assert (await ask(judge)).reason == Reason("llm_off", "the model does not start")
    assert "looking for a language model failed" in caplog.text
    clock.go_on.set()
    await until_judged(judge)


@pytest.mark.parametrize("found", [NoJudge("switched off", is_final=True), ConfigError("not installed")])
async def test_what_cannot_change_is_not_looked_for_again(late, found):
    """Switched off stays off, and so does what is configured wrongly."""
    judge, clock = late(found)
    assert await judge.ready(5) is False
    await asyncio.sleep(0)
    assert (await ask(judge)).judgement is None
    assert clock.slept == []


async def test_closing_ends_the_looking_and_the_judge():
    """A hung opening is cancelled; a judge that is there is closed; one never started closes too."""
    looks = Looks(None)
    judge = LateJudge(looks, clock=StoppedClock())
    judge.start()
    await judge.ready(0.01)
    await judge.close()
    assert looks.ended
    model = Model()
    judge = LateJudge(Looks(model), clock=StoppedClock())
    judge.start()
    await judge.ready(5)
    await judge.close()
    assert model.closed
    await LateJudge(Looks(), clock=StoppedClock()).close()


async def test_what_the_opening_waits_for_is_told(late, caplog):
    """While replicas wait for a GPU the log and the words say so; cards still say that the model loads."""
    caplog.set_level("INFO")
    judge, _ = late(None)
    await asyncio.sleep(0.01)
    looks = judge._look
    looks.tell("llm-0 waits for a free GPU")
    assert judge.words == "llm-0 waits for a free GPU"
    assert (await ask(judge)).reason == Reason("llm_off", "the model is still loading")
    assert "a replica of the language model is not there yet" in caplog.text


async def test_replicas_that_join_later_are_told_of_too(late, caplog):
    """A second replica that waits for a GPU is in the log, and the judge that serves stays."""
    caplog.set_level("INFO")
    judge, _ = late(Model())
    await until_judged(judge)
    judge._look.tell("llm-1 waits for a free GPU")
    assert "llm-1 waits for a free GPU" in str([record.__dict__ for record in caplog.records])
    assert await ask(judge) == JUDGED
