"""Whether two texts tell one story: by headline, or by ticker, event and figures where the words differ. Pure.

Owns the measure and its guards. A figure or a turn that differs outweighs any likeness, which is symmetric;
nothing here knows what was seen before (``stories`` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from catalyst_ray.core.message_text import sentences
from catalyst_ray.core.story_figures import (
    COUNT,
    MONEY,
    PRICE,
    TELLING,
    WEIGHTY,
    Figure,
    Figures,
    figure_of,
    figures_in,
    holds,
    precise,
    shares,
)
from catalyst_ray.core.story_words import (
    MAX_CHARS,
    bare,
    proper,
    shortened,
    tables,
    telling,
    without_dateline,
    words_of,
)
from catalyst_ray.models import OfferingStage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from catalyst_ray.models import Item, Link, OfferingTerms, Score

SAME = 0.85
"""Likeness from which two texts tell one story."""
COVERED = 0.8
"""Part of the shorter headline's telling words that the longer one must have, where ticker and event agree; all otherwise."""
_SAME_EVENT = 0.5
"""Part of the words that must agree where ticker and event do, and no figure."""
_SURER = 0.3
"""The same where a weighty figure agrees too, or two events, or one that a company has once a day."""
_SAME_FIGURE = 0.15
"""The same where a precise figure agrees, and the event too or one of the two says nothing of what happened."""
MENDS = 0.6
"""Resemblance from which a correction or retraction is of a text on its ticker; all words without a ticker."""
_FILED = 0.9
"""Likeness of a filing with another text on its offering: the same stage, and a precise figure."""
_STAGES = {OfferingStage.UPSIZED: OfferingStage.PRICED}
"""An offering is upsized as it is priced."""
_KNOWN_EVENT = 0.65
"""Resemblance of two texts on one ticker and one event."""
_NEVER = 2.0
"""No part of the words is enough."""
_UNSURE = 0.99
_FEW = 2
"""A text of one telling word has at most half of it in common."""
_LEAST_NAME = 4
_MIN_WORDS = 3
"""Below this many telling words a headline says too little to be matched but exactly."""
_LEAST_WEIGHT = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What of an item is compared with others.

    Args:
        ticker: The subject's; empty where none is known.
        events: Codes of what happened; ``noise`` of why it is no news.
        once: What the strongest event is about, if a company has one of that in a day.
        exact: The headline's words, order kept: equal ones are one story, whatever they say.
        words: Stems of the headline's telling words, in order; ``more_set`` has those of its first sentence too.
        named: Stems of other names that the first sentence names; ``heard`` of every telling word of both.
        figures: Of the headline; ``all_figures`` of headline, first sentence and an offering's terms.
        stage: How far the offering has come that it is about, if any.
        is_prose: False for a filing, which has no words of its own.
    """

    key: str
    ticker: str
    events: frozenset[str]
    once: str
    noise: frozenset[str]
    exact: str
    words: tuple[str, ...]
    word_set: frozenset[str]
    more_set: frozenset[str]
    named: frozenset[str]
    heard: frozenset[str]
    figures: Figures
    all_figures: Figures
    turns: tuple[int, ...]
    stage: str
    is_prose: bool
    is_opinion: bool
    when_utc: datetime


def telling_of(item: Item, link: Link, score: Score) -> Telling:
    """Return what of an item is compared; of a filing only who and what happened, for it has no words of its own."""
    is_prose = not item.form
    title = shortened(bare(item.title)) if is_prose else ""
    text = sentences(without_dateline(item.summary[: 2 * MAX_CHARS]), 1)
    lead = shortened(bare(text[:MAX_CHARS])) if is_prose else ""
    names = frozenset(word for name in _names(item, link) for word in words_of(name))
    words = words_of(title)
    stems = telling(words, names)
    figures = figures_in(title.lower())
    weighty = [hit.code for hit in score.events if abs(hit.weight) >= _LEAST_WEIGHT and not hit.noise]
    codes = tables().events_of(weighty)
    return Telling(
        key=item.key,
        ticker=link.symbols[0].ticker if link.symbols else "",
        events=codes,
        once=tables().once_of(weighty),
        noise=frozenset(hit.code for hit in score.events if hit.noise),
        exact=" ".join(words),
        words=stems,
        word_set=frozenset(stems),
        more_set=frozenset(telling((*words, *words_of(lead)), names)),
        named=proper(lead, names),
        heard=frozenset(telling((*words, *words_of(lead)), frozenset())),
        figures=figures,
        all_figures=_joined(_joined(figures, figures_in(lead.lower())), _of_terms(score.terms)),
        stage=_STAGES.get(score.terms.stage, score.terms.stage) if score.terms else "",
        is_prose=is_prose,
        turns=tables().turns_of(frozenset(words)),
        is_opinion=tables().is_opinion(codes, words),
        when_utc=item.published_utc or item.received_utc,
    )


def _of_terms(terms: OfferingTerms | None) -> Figures:
    """Return the figures of an offering's terms: those that news of it names too."""
    if terms is None:
        return {}
    found = ((MONEY, terms.gross), (PRICE, terms.price), (COUNT, terms.securities))
    return {kind: frozenset({figure_of(stated.value)}) for kind, stated in found if stated is not None}


def _names(item: Item, link: Link) -> Iterable[str]:
    yield from (symbol.name for symbol in link.symbols[:3])
    yield from (symbol.ticker for symbol in link.symbols[:3])
    yield from (party.name for party in item.parties[:3])


def _joined(a: Figures, b: Figures) -> Figures:
    nothing: frozenset[Figure] = frozenset()
    return {kind: a.get(kind, nothing) | b.get(kind, nothing) for kind in (*a, *b)}


def likeness(a: Telling, b: Telling) -> float:
    """Return how sure it is that two texts tell one story, 0 to 1; 0 where a figure or a turn tells them apart."""
    is_same_ticker = a.ticker == b.ticker
    if a.ticker and b.ticker and not is_same_ticker:
        return 0.0
    if a.exact == b.exact and (is_same_ticker or len(a.words) > _MIN_WORDS):
        return 1.0 if a.exact else 0.0
    of_titles = _overlap(a.word_set, b.word_set)
    common = max(of_titles, _overlap(a.more_set, b.more_set))
    # The cheap test first: most texts on a ticker have little in common.
    if (common < _SAME_FIGURE and a.is_prose and b.is_prose) or differ(a, b) or _name_others(a, b):
        return 0.0
    return max(_by_title(a, b, of_titles), _by_event(a, b, common))


def _name_others(a: Telling, b: Telling) -> bool:
    """Return whether each names somebody whom the other does not (two orders of two customers).

    What is surer than words joins them all the same.
    """
    if a.named <= b.heard or b.named <= a.heard:
        return False
    return not (tables().happens_once(a.events & b.events) or _share(a, b))


def differ(a: Telling, b: Telling) -> bool:
    """Return whether a figure, a turn, who speaks or the kind of text makes two texts two stories."""
    if _is_noise(a) is not _is_noise(b) or any(
        x and y and not x & y for x, y in zip(a.turns, b.turns, strict=True)
    ):
        return True
    if not _is_same_opinion(a, b):
        return True
    return any(_figures_differ(a, b, kind) for kind in {*a.all_figures, *b.all_figures})


def _is_noise(one: Telling) -> bool:
    return bool(one.noise) and not one.events


def _is_same_opinion(a: Telling, b: Telling) -> bool:
    """Return whether two brokers' opinions are one: the first word of one headline stands in the other.

    True also where there is no opinion; a company's news and an opinion on it are two stories.
    """
    if a.is_opinion and b.is_opinion:
        return _begins_with(a.words, b.words) or _begins_with(b.words, a.words)
    return a.is_opinion is b.is_opinion or not a.events or not b.events


def _begins_with(words: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Return whether the first word stands among others, shortened or not ("Citi", "Citigroup")."""
    first = words[0][:_LEAST_NAME] if words else ""
    return any(other.startswith(first) for other in others)


def _figures_differ(a: Telling, b: Telling, kind: str) -> bool:
    in_a, in_b = a.figures.get(kind), b.figures.get(kind)
    all_a, all_b = a.all_figures.get(kind), b.all_figures.get(kind)
    if not all_a or not all_b:
        return False
    if in_a and in_b:
        return not (holds(in_a, all_b) or holds(in_b, all_a)) or not shares(all_a, all_b)
    return kind in TELLING and not shares(all_a, all_b)


def resemblance(notice: Telling, told: Telling) -> float:
    """Return how likely a correction or retraction is of a text, 0 to 1: figures and turns may be what was wrong."""
    if notice.ticker and told.ticker and notice.ticker != told.ticker:
        return 0.0
    is_short = min(len(notice.words), len(told.words)) < _MIN_WORDS
    words = 0.0 if is_short else _overlap(notice.word_set, told.word_set)
    if not notice.ticker:
        return words
    return max(
        words, _overlap(notice.more_set, told.more_set), _KNOWN_EVENT if notice.events & told.events else 0.0
    )


def _by_title(a: Telling, b: Telling, common: float) -> float:
    few, many = sorted((len(a.words), len(b.words)))
    if few < _MIN_WORDS or many > 2 * few + 1 or common < (COVERED if _agree(a, b) else 1.0):
        return 0.0
    return fuzz.token_set_ratio(" ".join(a.words), " ".join(b.words)) / 100


def _agree(a: Telling, b: Telling) -> bool:
    return bool(a.ticker) and a.ticker == b.ticker and bool(a.events & b.events)


def _by_event(a: Telling, b: Telling, common: float) -> float:
    """Return a likeness from ticker, event and figures: the words need agree less, the more of these do."""
    if not a.ticker or a.ticker != b.ticker:
        return 0.0
    if not (a.is_prose and b.is_prose):
        return _FILED if a.stage and a.stage == b.stage and _share(a, b, only_precise=True) else 0.0
    return SAME + (1 - SAME) * common if common >= _needed(a, b) else min(common, _UNSURE) * SAME


def _needed(a: Telling, b: Telling) -> float:
    both = a.events & b.events
    if a.once and b.once and a.once != b.once:
        return _NEVER  # an approval tells of the trial before it, and is other news
    if both and _share(a, b, only_precise=True):
        return _SAME_FIGURE
    if both:
        sure = len(both) > 1 or tables().happens_once(both) or _share(a, b)
        return _SURER if sure else _SAME_EVENT
    if not _share(a, b, only_precise=True):
        return _NEVER
    if not a.events or not b.events:
        return _SAME_FIGURE
    return _SURER if _families(a) & _families(b) else _NEVER


def _families(one: Telling) -> frozenset[str]:
    """Return the first words of its events: ``offering_announced`` and ``offering_priced`` are of one."""
    return frozenset(code.partition("_")[0] for code in one.events)


def _share(a: Telling, b: Telling, *, only_precise: bool = False) -> bool:
    for kind in WEIGHTY & a.all_figures.keys() & b.all_figures.keys():
        of_a = a.all_figures[kind]
        if shares(precise(of_a) if only_precise else of_a, b.all_figures[kind]):
            return True
    return False


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    few = min(len(a), len(b))
    return len(a & b) / max(few, _FEW)
