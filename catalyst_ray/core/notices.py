"""Owns telling news from a sender's notice that mends or takes back what it sent. Pure; the words are data.

"Company withdraws its offering" is news; "RETRACTION: …" and "please disregard the release" are notices.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from catalyst_ray.core.story_figures import figures_in
from catalyst_ray.core.story_words import bare, raw_tables
from catalyst_ray.core.text import fold, one_line

if TYPE_CHECKING:
    from catalyst_ray.models import Item

_TITLE_CHARS = 500
_LEAD_CHARS = 700
_DETAIL_CHARS = 160
_SHOWN = re.compile(
    r"[$€£]?\d[\d,]*(?:\.\d+)?(?:\s?(?:million|billion|thousand|mln|bln|percent|[mbk])\b|\s?%)?",
    re.IGNORECASE,
)


class Notice(StrEnum):
    """What a sender does to a story; the values are codes of reasons."""

    CORRECTED = "corrected"
    RETRACTED = "retracted"


def notice_in(item: Item) -> Notice | None:
    """Return what an item does to an earlier one, if it is a notice; a filing never is."""
    if item.form:
        return None
    title, lead = (fold(text).lower() for text in (item.title[:_TITLE_CHARS], item.summary[:_LEAD_CHARS]))
    for notice, in_title, in_lead in _patterns():
        if in_title.search(title) or in_lead.search(lead):
            return notice
    return None


@cache
def _patterns() -> tuple[tuple[Notice, re.Pattern[str], re.Pattern[str]], ...]:
    rows = raw_tables()["notices"]
    # A retraction that also says what was wrong is a retraction.
    return tuple(
        (notice, re.compile("|".join(rows[notice]["title"])), re.compile("|".join(rows[notice]["lead"])))
        for notice in (Notice.RETRACTED, Notice.CORRECTED)
    )


def what_changed(before: str, after: str) -> str:
    """Return what a corrected headline has in place of another ("$52 million, was $25 million"); it whole otherwise."""
    old, new = (list(dict.fromkeys(_SHOWN.findall(text[:_TITLE_CHARS]))) for text in (before, after))
    gone, come = _without(old, new), _without(new, old)
    if not come:
        return one_line(bare(after), limit=_DETAIL_CHARS)
    now = ", ".join(come)
    return one_line(f"{now}, was {', '.join(gone)}" if gone else now, limit=_DETAIL_CHARS)


def _without(figures: list[str], others: list[str]) -> list[str]:
    known = [figures_in(other.lower()) for other in others]
    return [figure for figure in figures if figures_in(figure.lower()) not in known]
