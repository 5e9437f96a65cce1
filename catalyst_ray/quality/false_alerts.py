"""How often routine and noise raise an alert, and how often the demo's catalysts do: the fast tier alone, all fresh.

A text without a ticker cannot alert, so it is given an invented one. ``routine`` says what is routine of the real pages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalyst_ray.core.directory import TickerDirectory
from catalyst_ray.core.policy import decide, default_policy, triage
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.score import score
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.core.tickers import link
from catalyst_ray.demo.edgar import company_tickers
from catalyst_ray.demo.items import Expected
from catalyst_ray.demo.world import World
from catalyst_ray.models import Action, ItemKind, Link, Reason, Symbol, Verdict
from catalyst_ray.quality.figure import Figure, estimate, mean_of
from catalyst_ray.quality.routine import ROUTINE_FORMS, ROUTINE_ITEMS, routine_items
from catalyst_ray.quality.texts import news

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.demo.items import DemoItem
    from catalyst_ray.models import Item
    from catalyst_ray.quality.folder import DataFolder

_TITLE = "Alerts on routine and noise texts, demo world and real pages"
SEEDS = (11, 12, 13, 14)
DAY_UTC = datetime(2026, 11, 23, 14, tzinfo=UTC)
_STRANGER = Link(symbols=(Symbol(ticker="ZQXW", reason=Reason(Code.EXCHANGE_TAG)),))
_ABROAD = frozenset({Code.FOREIGN_VENUE})
"""Reasons of a link for which an item gets no invented ticker: its company is listed elsewhere."""
_NO_MODEL = Verdict(None, Reason(Code.LLM_NOT_NEEDED))


@dataclass(frozen=True, slots=True)
class Bench:
    """The fast tier, ready to judge; ``directory`` is the tickers of one world."""

    directory: TickerDirectory
    model: SentimentModel

    def alerts(self, item: Item) -> bool:
        """Return whether an item alone, fresh, without a language model, becomes an alert."""
        policy = default_policy()
        linked = link(item, self.directory)
        if not linked.symbols and not any(reason.code in _ABROAD for reason in linked.reasons):
            linked = _STRANGER
        scored = score(item, linked, self.model, now_utc=item.received_utc, policy=policy)
        early = triage(item, linked, scored, policy=policy)
        made = early or decide(linked, scored, _NO_MODEL, policy=policy)
        return made.action is Action.ALERT


def false_alerts(folder: DataFolder) -> tuple[Figure, ...]:
    """Return the share of routine texts that alert, and the share of the demo's catalysts that do."""
    model = SentimentModel()
    demo = Bench(TickerDirectory.from_json(company_tickers()), model)
    told = [(f"demo {item.truth.event}", demo.alerts(as_item(item))) for item in demo_items(Expected.QUIET)]
    real = Bench(folder.directory, model)
    pages = [(kind, real.alerts(item)) for kind, item in routine_items(folder)]
    figure = Figure(key="false_alert_rate", title=_TITLE, aim=0.01, smaller_is_better=True)
    return (_rate(figure, told, pages) if pages else figure, _recall(demo))


def _rate(figure: Figure, told: list[tuple[str, bool]], pages: list[tuple[str, bool]]) -> Figure:
    rows = [(float(alerted), 1.0) for _, alerted in (*told, *pages)]
    found = estimate(rows, mean_of)
    if found.value == 0:
        found = replace(found, high=3 / len(rows))  # the rule of three: resamples of none have none
    items = ", ".join(sorted(ROUTINE_ITEMS))
    return figure.measured(
        found,
        n=len(rows),
        details=(
            f"demo world: all news and filings of {len(SEEDS)} days that are no catalysts, {_share(told)}",
            f"real pages: {_share(pages)}",
            f"routine: filings of {len(ROUTINE_FORMS)} forms; 8-Ks without other items than {items}; titles of feeds",
            "and labelled headlines that match a plain pattern; each title once, all fresh, without a model",
            "an item without a ticker gets an invented one, but for those that name a foreign venue",
            *(f"{kind}: {_share([one for one in pages if one[0] == kind])}" for kind, _ in _counted(pages)),
        ),
    )


def _recall(demo: Bench) -> Figure:
    caught = [(item.truth.event, demo.alerts(as_item(item))) for item in demo_items(Expected.ALERT)]
    found = estimate([(float(alerted), 1.0) for _, alerted in caught], mean_of)
    missed = Counter(event for event, alerted in caught if not alerted)
    title = "Catalysts of the demo world that alert, each copy alone"
    return Figure(key="demo_catalyst_recall", title=title, aim=0.95).measured(
        found,
        n=len(caught),
        details=tuple(f"missed {event}: {count}" for event, count in missed.most_common()),
    )


def demo_items(expected: Expected) -> Iterator[DemoItem]:
    """Yield the demo's items of some days, each title once; stale catalysts are left out."""
    for seed in SEEDS:
        seen: set[str] = set()
        for item in World(seed, DAY_UTC).items:
            is_stale = item.truth.sign and item.truth.action is Expected.QUIET
            name = item.filing.accession if item.filing else item.title
            if item.truth.action is expected and not is_stale and name not in seen:
                seen.add(name)
                yield item


def as_item(made: DemoItem) -> Item:
    """Return a demo item as its feed would tell it, published now."""
    if made.filing:
        return news(
            made.title,
            kind=ItemKind.FILING,
            form=made.filing.form,
            filing_items=made.filing.items,
            parties=made.filing.parties,
        )
    categories = (made.category,) if made.category else ()
    return news(made.title, " ".join(made.paragraphs), categories=categories)


def _counted(rows: list[tuple[str, bool]]) -> list[tuple[str, int]]:
    return Counter(kind for kind, _ in rows).most_common()


def _share(rows: list[tuple[str, bool]]) -> str:
    alerted = sum(one for _, one in rows)
    return f"{alerted} of {len(rows)} alert ({100 * alerted / max(1, len(rows)):.2f} %)"
