"""The news as it stands in a prompt: named lines, cleaned, within a budget of characters that the parts share fairly.

Owns the lines between the marks. Knows no system text and no schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.hygiene import Cleaned, as_shown, clean, cut_at_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.models import FilingText, Item, Link, Score

HEAD_CHARS = 600
"""Company, form and headline of a filing; the budget of its text begins after them."""
MOST_PARTS = 6
PART_NAME_CHARS = 40
_TRAILING = " .,;:|-–—。"


@dataclass(frozen=True, slots=True)
class NewsText:
    """Lines for a prompt, the source that they make up, and how many orders were cut from it.

    Args:
        source: The news' own words as the model sees them; the company line is ours.
    """

    lines: tuple[str, ...]
    source: str
    removed: int


def news_text(item: Item, link: Link, document: FilingText | None, limit: int) -> NewsText:
    """Return an item's lines: company, filing, headline, then its text or its document's parts."""
    parts = document.parts[:MOST_PARTS] if document else ()
    is_read = any(part.text.strip() for part in parts)
    company, form = as_shown(_company(link))[:HEAD_CHARS], clean(_filing(item), HEAD_CHARS)
    room = (HEAD_CHARS if is_read else limit) - len(company) - len(form.text)
    title = clean(item.title, max(0, room))
    # A headline ends without a full stop, and what stood behind one may have been cut.
    headline = Cleaned(title.text.rstrip(_TRAILING), title.removed)
    named = [("filing", form), ("headline", headline)]
    if is_read:
        names = [as_shown(part.name)[:PART_NAME_CHARS] for part in parts]
        named += zip(names, _shared([clean(part.text, limit) for part in parts], limit), strict=True)
    else:
        named.append(("text", clean(item.summary, max(0, room - len(headline.text)))))
    lines = [("company", company), *((name, cleaned.text) for name, cleaned in named)]
    return NewsText(
        lines=tuple(f"{name}: {text}" for name, text in lines if text),
        source=" . ".join(cleaned.text for _, cleaned in named if cleaned.text),
        removed=sum(cleaned.removed for _, cleaned in named),
    )


def first_look(score: Score) -> str:
    """Return the fast tier's findings in words of ours: codes, lean and confidence, no word of the news.

    Tenths, and freshness taken out: the same words must be asked the same question an hour later.
    """
    lean = score.value / score.freshness if score.freshness > 0 else score.value
    lean = round(min(1.0, max(-1.0, lean)), 1) + 0.0  # no minus zero
    codes = ", ".join(dict.fromkeys(hit.code for hit in score.events)) or "no event"
    return f"{codes}; direction {lean:+.1f}, confidence {score.confidence:.1f}"


def known_names(link: Link) -> tuple[str, ...]:
    """Return the names and tickers of the companies that an item is about."""
    return tuple(name for symbol in link.symbols for name in (symbol.name, symbol.ticker) if name)


def _company(link: Link) -> str:
    subject = link.symbols[0] if link.symbols else None
    return f"{subject.name} ({subject.ticker})" if subject else ""


def _filing(item: Item) -> str:
    if not item.form:
        return ""
    return f"{item.form}, items {', '.join(item.filing_items)}" if item.filing_items else item.form


def _shared(parts: Sequence[Cleaned], room: int) -> list[Cleaned]:
    """Cut parts to a room in common: short ones stay whole, the longer ones get equal shares of what is left."""
    shares = [0] * len(parts)
    for done, index in enumerate(sorted(range(len(parts)), key=lambda at: len(parts[at].text))):
        shares[index] = min(len(parts[index].text), room // (len(parts) - done))
        room -= shares[index]
    return [
        Cleaned(cut_at_word(part.text, share), part.removed)
        for part, share in zip(parts, shares, strict=True)
    ]
