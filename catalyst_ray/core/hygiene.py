"""What strangers wrote, made safe to show to a language model: visible, Latin where it looks Latin, without orders.

Owns the order of the steps: characters, markup, look-alikes, orders, brackets. Each hides the next (an order behind
look-alikes, behind entities, behind zero-width marks), so the outermost goes first and again until nothing
changes. Does not judge, and knows neither prompt nor model.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from catalyst_ray.core.lookalikes import fold_lookalikes
from catalyst_ray.core.orders import without_orders, without_tags
from catalyst_ray.core.text import html_to_text

# Brackets make markers, roles and control tokens ("<|im_end|>", "[INST]") in every chat format.
BRACKETS = str.maketrans("<>[]", "‹›()")
# Marks that show nothing and are no control characters: variation selectors, fillers, joiners, blank Braille.
INVISIBLE = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)))
) | frozenset(map(chr, range(0xE0100, 0xE01F0)))
# In NFKC every accent of a real language is part of its letter; what still lies on a Latin one, or on one of the scripts
# that pass for Latin, disguises it.
_LAID_OVER = re.compile(
    r"(?<=[A-Za-z\u0370-\u058f\u13a0-\u13ff\ua4d0-\ua4ff])[\u0300-\u036f\u0488\u0489\u20d0-\u20ff]+"
)
_MAY_HIDE = re.compile(r"&[#A-Za-z]|<[!/A-Za-z]")
_ESCAPED_SPACE = re.compile(r"%20|%0[aAdD]|\\n(?=[A-Z\W]|$)|\\[rt](?=\W|$)")
_MOST_LAYERS = 4
_LONGEST_GROWTH = 4
"""Folding may lengthen a character eighteen-fold, markup may be many times its text: bound the work before."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text that may stand in a prompt, and how many orders were cut from it."""

    text: str
    removed: int = 0


def fold(text: str) -> str:
    """Return text as one line of visible characters: NFKC, no controls, no invisible or bidi marks."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(filter(_shows, unicodedata.normalize("NFKC", text)))
    return " ".join(text.split())


def as_shown(text: str) -> str:
    """Return text folded, its look-alikes Latin, without brackets that could close a marker: nothing is cut."""
    return fold_lookalikes(_LAID_OVER.sub("", fold(text))).translate(BRACKETS)


def clean(text: str, limit: int) -> Cleaned:
    """Return at most ``limit`` characters of a text that a model may read, cut at a word.

    Names, figures and sentences stay as they are. Text that was all orders becomes empty.
    """
    shown, tags = _unwrapped(text[: _LONGEST_GROWTH * limit])
    kept, orders = without_orders(fold_lookalikes(_LAID_OVER.sub("", shown)))
    return Cleaned(cut_at_word(kept.translate(BRACKETS), limit), tags + orders)


def cut_at_word(text: str, limit: int) -> str:
    """Return at most ``limit`` characters; half a word, or half a figure, is left out."""
    if len(text) <= limit:
        return text
    space = text.rfind(" ", 0, limit + 1)
    return text[: space if space > limit // 2 else limit].rstrip()


def _unwrapped(text: str) -> tuple[str, int]:
    """Return what a reader would see of it, whatever was wrapped in what, and how many tags of chat formats went."""
    text, removed = without_tags(fold(text))
    for _ in range(_MOST_LAYERS):
        if not _MAY_HIDE.search(text):
            break
        seen, tags = without_tags(fold(html_to_text(text)))
        removed += tags
        if seen == text:
            break
        text = seen
    return " ".join(_ESCAPED_SPACE.sub(" ", text).split()), removed


def _shows(character: str) -> bool:
    if character.isspace():
        return True
    return character not in INVISIBLE and not unicodedata.category(character).startswith("C")
