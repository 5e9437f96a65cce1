"""Hostile headlines before a real model: what little of an attack can reach it does not turn its label."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from catalyst_ray.adapters import embedded
from catalyst_ray.cluster.engines import EmbeddedSpec
from catalyst_ray.core.prompt import ask_about
from catalyst_ray.models import Item, Link, LlmUse, Reason, Score, Symbol
from tests.unit.core.hostile_headlines import ATTACKS, CLEAN, attacked

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not embedded.available(), reason="the extra `embedded` is not installed"),
]

LINK = Link(symbols=(Symbol(ticker="ZETA", name="Zeta Corp", reason=Reason("exchange_tag")),))
SCORE = Score(value=0.4, sentiment=0.2, confidence=0.5)


def request(title, summary):
    """Return what the model is asked about a headline and its lead."""
    item = Item(
        key="url:1", feed="wire", title=title, summary=summary, received_utc=datetime(2026, 1, 2, tzinfo=UTC)
    )
    question = ask_about(
        item, LINK, SCORE, use=LlmUse.HEADLINE, document=None, model="m", timeout_s=120.0, priority=5
    )
    return question.request


async def test_labels_do_not_flip():
    """Nearly every attack leaves the very prompt of the honest headline; after the others the sign stands."""
    model = EmbeddedSpec().make(name="hostile", workers=1, gpus=0)
    asked = 0
    await model.start()
    try:
        for clean in CLEAN[:2]:
            honest = request(clean.title, clean.summary)
            different = [request(*attacked(clean, attack)) for attack in ATTACKS]
            different = [hostile for hostile in different if hostile.key != honest.key]
            assert len(different) < len(ATTACKS) / 10
            said = json.loads((await model.generate(honest)).text)["direction"]
            for hostile in different:
                answer = json.loads((await model.generate(hostile)).text)["direction"]
                assert answer * said >= 0, hostile.prompt
                asked += 1
    finally:
        await model.stop()
    assert asked
