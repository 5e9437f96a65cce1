"""Items made by hand for the tests of the fast tier; companies and texts are invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from catalyst_ray.core.policy import decide, default_policy, triage
from catalyst_ray.core.score import score
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.models import Decision, Item, ItemKind, Link, Party, Reason, Score, Symbol, Verdict

NOW_UTC = datetime(2026, 1, 12, 15, 0, tzinfo=UTC)
MODEL = SentimentModel()
POLICY = default_policy()
NO_MODEL = Verdict(None, Reason("llm_off"))
LINK = Link(
    symbols=(Symbol(ticker="NRV", reason=Reason("exchange_tag", "NASDAQ: NRV"), name="Norvane Inc."),)
)


def news(title: str, summary: str = "", **changes: Any) -> Item:
    """Return a piece of news published now."""
    parts = {"published_utc": NOW_UTC, "source": "Harbour Newswire", **changes}
    return Item(key="url:1", feed="wire", title=title, summary=summary, received_utc=NOW_UTC, **parts)


def filing(form: str, name: str, *items: str, **changes: Any) -> Item:
    """Return a filing as EDGAR's feed tells it: no prose, only form, name and item numbers."""
    return Item(
        key="sec:0001", feed="edgar", kind=ItemKind.FILING, form=form, filing_items=items,
        title=f"{form} - {name} (0000012659) (Filer)",
        summary="Filed: 2026-01-12 AccNo: 0000012659-26-000001 Size: 2 MB Item 9.01: Financial Statements",
        parties=(Party(12659, name, "Filer"),), received_utc=NOW_UTC,
        **{"published_utc": NOW_UTC, **changes},
    )  # fmt: skip


def scored(item: Item, link: Link = LINK) -> Score:
    """Return the fast tier's score of an item, now."""
    return score(item, link, MODEL, now_utc=NOW_UTC, policy=POLICY)


def judged(item: Item, link: Link = LINK) -> tuple[Score, Decision]:
    """Return score and decision of an item that no language model sees."""
    made = scored(item, link)
    return made, triage(item, link, made, policy=POLICY) or decide(link, made, NO_MODEL, policy=POLICY)
