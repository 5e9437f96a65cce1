"""Filings read before they are decided: in time, too late, broken, and not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.errors import ParseError, TransportError
from catalyst_ray.models import FilingPart, FilingText, Item, ItemKind, Party
from catalyst_ray.pipeline.paperwork import Paperwork
from catalyst_ray.pipeline.round import Round
from catalyst_ray.pipeline.tally import Tally
from tests.adapters.pipeline_world import NOW, World

if TYPE_CHECKING:
    from catalyst_ray.models import Decision

pytest_plugins = ["tests.adapters.pipeline_fixtures"]
pytestmark = pytest.mark.anyio

TAKEDOWN = FilingText(
    form="424B5",
    parts=(
        FilingPart(
            "Cover",
            "QLLN Inc\n500,000 Shares of Common Stock\nWe are offering 500,000 shares directly to investors under a securities purchase"
            " agreement.\nOffering price | $1.20 | $600,000",
        ),
    ),
)
DULL = FilingText(form="8-K", parts=(FilingPart("Item 3.02", "Item 3.02 Sales\nThe plan was amended."),))


class FakeDocuments:
    """Gives one answer for every filing."""

    def __init__(self, answer: FilingText | Exception | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def text(self, item: Item) -> FilingText:
        self.asked.append(item.key)
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer


def filing(form: str = "424B5", *items: str) -> Item:
    """Return a filing of the first invented company."""
    return Item(
        key="sec:0001",
        feed="edgar",
        kind=ItemKind.FILING,
        title=f"{form} - QLLN Inc",
        form=form,
        filing_items=items,
        parties=(Party(100, "QLLN Inc", "Filer"),),
        received_utc=NOW,
        published_utc=NOW,
    )


async def decided(world: World, item: Item, documents: FakeDocuments, wait_s: float = 5.0) -> Decision:
    """Return what a cycle with these documents decides on an item."""
    world.paperwork = Paperwork(documents=documents, clock=world.clock, wait_s=wait_s)
    world.store.claim([item], now_utc=NOW)
    async with world.delivering():
        shared = Round(Tally(1, world.clock), slots=5)
        await world.cycle()._flow.decide_all([item], NOW, shared)
    decision = world.record(item.title).decision
    assert sum(shared.tally.counts[name] for name in ("alert", "suppress", "drop", "hold")) == 1
    return decision


async def test_a_document_speaks_without_a_model(world: World) -> None:
    """A takedown alerts with its terms, and its reasons name the parts that were read."""
    decision = await decided(world, filing(), FakeDocuments(TAKEDOWN))
    assert decision.action == "alert"
    assert ("filing_read", "Cover") in [(reason.code, reason.detail) for reason in decision.reasons]
    (alert,) = world.store.recent_alerts(limit=1)
    assert alert.score.terms is not None
    assert (alert.score.terms.kind, alert.score.terms.price.value) == ("registered_direct", 1.2)
    assert alert.score.events[0].code == "registered_direct"


async def test_a_document_that_tells_nothing_sinks_its_form(world: World) -> None:
    """Item 3.02 alone would be an alert; its text, which sells nothing, is none."""
    assert (await decided(world, filing("8-K", "3.02"), FakeDocuments(DULL), wait_s=0)).action == "alert"
    again = replace(filing("8-K", "3.02"), key="sec:0002", title="8-K - QLLN Inc, the second")
    assert (await decided(world, again, FakeDocuments(DULL))).action == "suppress"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "not read within 0.01 s"),
        (TransportError("HTTP 503"), "HTTP 503"),
        (ParseError("no text"), "no text"),
        (ZeroDivisionError("odd"), "ZeroDivisionError: odd"),
        (FilingText(form="424B5", parts=(None,)), "AttributeError"),
    ],
)
async def test_what_cannot_be_read_in_time_is_decided_on_its_form(world: World, answer, why) -> None:
    """A document that is late, not there, broken or breaks its reader costs the terms, never the alert."""
    decision = await decided(world, filing(), FakeDocuments(answer), wait_s=0.01)
    assert decision.action == "alert"
    (said,) = [reason.detail for reason in decision.reasons if reason.code == "filing_unread"]
    assert why in said


async def test_only_filings_that_the_policy_names_are_fetched(world: World) -> None:
    """A form that is no catalyst, news, and a wait of nothing fetch nothing."""
    documents = FakeDocuments(TAKEDOWN)
    await decided(world, filing("10-Q"), documents)
    assert documents.asked == []
    await decided(world, replace(filing(), key="sec:0003", title="424B5 - again"), documents, wait_s=0)
    assert documents.asked == []


async def test_noise_in_a_document_is_suppressed_at_once(world: World) -> None:
    """A release on a conference appearance ends as noise, and no model is asked about it."""
    release = "QLLN Inc to Present at the Harbour Healthcare Conference\nThe presentation will be webcast."
    text = FilingText(form="8-K", parts=(FilingPart("EX-99.1", release),))
    decision = await decided(world, filing("8-K", "7.01"), FakeDocuments(text))
    assert decision.action == "suppress"
    assert decision.reasons[0].code == "conference"
    assert world.judge.judged == []
