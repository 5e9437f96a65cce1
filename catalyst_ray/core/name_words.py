"""Owns how company names are compared: words folded, legal forms cut off, and which words tell companies apart.

The words are data (``data/company_words.toml``, ``data/companies.toml``). It finds nothing in texts
(``company_names``).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORD = re.compile(r"(?:[^\W_]\.){2,8}|[^\W_]+(?:['’&][^\W_]+)*")
"""A word of a name or text; initials ("D.R.") are one, what a hyphen or slash joins is several."""
_STATE = re.compile(r"\s*[/\\]\s?[\w ]{0,10}[/\\]?\s*$")
"""EDGAR's marks behind a name ("/DE/", "/NEW", "\\\\DE\\\\")."""
_FORM_IN_PARTS = re.compile(
    r"(?i)\b(?:A[/ ]S|N\.? ?V\.?|S\.? ?A\.?|A\. ?G\.?|S\.? ?P\.? ?A\.?|P\.? ?L\.? ?C\.?)(?=[\s,.]*(?:[/(]|$))"
)
_SKIPPED = frozenset({"and"})
MAX_CHARS = 200
"""EDGAR's longest names have 150; what stands behind is not compared."""
MAX_WORDS = 8
"""Words of a name that are compared."""


@dataclass(frozen=True, slots=True)
class NameWords:
    """The word lists, folded.

    Args:
        ordinary: Words of everyday language, places, persons: alone they need evidence.
        never: Alone never a company.
        kinds: Kinds of business: one behind a short form makes another name of it.
        untelling: Words that tell no companies apart: kinds of business, places, adjectives.
        joints: Words of a sentence that stand beside a name and do not belong to it.
        first_names: The word behind one is a person's name.
        forms: Legal forms that end a registered name.
        after: Behind a name that is also a word, these say that a company is meant.
        before: The same in front of it; ``before_pairs`` for two words.
    """

    legal: frozenset[str]
    soft: frozenset[str]
    same: Mapping[str, str]
    kinds: frozenset[str]
    never: frozenset[str]
    after: frozenset[str]
    before: frozenset[str]
    before_pairs: frozenset[tuple[str, str]]
    untelling: frozenset[str]
    joints: frozenset[str]
    first_names: frozenset[str]
    forms: frozenset[str]
    ordinary: frozenset[str]


def fold(word: str) -> str:
    """Return a word in the form in which names are compared: no case, accents, dots or apostrophes."""
    if not word.isascii():
        word = word.replace("’", "'")
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    plain = word.lower().replace("'", "").replace(".", "")
    return name_words().same.get(plain, plain)


def name_key(name: str) -> tuple[str, ...]:
    """Return the words by which a registered name is compared, without its legal form and a leading "The".

    ``HORTON D R INC /DE/`` → ``dr horton``; ``Acme Widget Holdings, Inc.`` → ``acme widget``.
    """
    line = " ".join(name[:MAX_CHARS].split())
    cut = _FORM_IN_PARTS.sub(" ", _STATE.sub("", _FORM_IN_PARTS.sub(" ", line)))
    found = [fold(hit.group()) for hit in WORD.finditer(cut)]
    words = _joined([word for word in found if word not in _SKIPPED])
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    lists = name_words()
    while len(words) > 1 and words[-1] in lists.legal:
        words.pop()
    if len(words) > 1 and len(words[1]) == 2 and _is_initials(cut, words[1]):
        words[:2] = [words[1], words[0]]  # "HORTON D R INC" is a person's name, turned round
    while len(words) > 1 and words[-1] in lists.soft and _is_telling(words[:-1]):
        words.pop()
    return tuple(words[:MAX_WORDS])


def is_plain(words: Sequence[str]) -> bool:
    """Return whether words are all of everyday language, so that they need not mean a company."""
    lists = name_words()
    return all(word in lists.ordinary or word in lists.kinds or word in lists.soft for word in words)


def _is_telling(words: Sequence[str]) -> bool:
    """Return whether words tell a company apart without what stands behind them."""
    if len(words) > 1:
        return not name_words().untelling.issuperset(words)
    return len(words[0]) > 2 and words[0] not in name_words().never and not is_plain(words)


def _joined(words: list[str]) -> list[str]:
    """Return the words with runs of single letters made one ("j p morgan" → "jp morgan")."""
    joined: list[str] = []
    single = False
    for word in words:
        alone = len(word) == 1 and word.isalpha()
        if alone and single:
            joined[-1] += word
        else:
            joined.append(word)
        single = alone
    return joined


def _is_initials(name: str, letters: str) -> bool:
    """Return whether letters stand apart in a name, as a person's do ("HORTON D R")."""
    return re.search(rf"\b{r'[ .]+'.join(letters)}\b", name, re.IGNORECASE) is not None


@cache
def name_words() -> NameWords:
    """Return the lists that ship with the program."""
    table = _table("company_words.toml")
    words: Mapping[str, str] = table["words"]
    same = {part.replace("'", ""): kept for kept, row in table["same"].items() for part in row.split()}

    def read(text: str) -> frozenset[str]:
        return frozenset(same.get(word, word) for word in text.split())

    pairs = (pair.partition("_") for pair in words["before_pairs"].split())
    return NameWords(
        legal=read(table["legal"]),
        soft=read(table["soft"]),
        same=same,
        kinds=read(words["kinds"]),
        never=read(words["never"]),
        after=read(words["after"]),
        before=read(words["before"]),
        before_pairs=frozenset((first, second) for first, _, second in pairs),
        untelling=read(words["generic"]) | read(words["kinds"]),
        joints=read(words["joints"]),
        first_names=read(words["first_names"]),
        forms=read(table["forms"]),
        ordinary=read(words["ordinary"]),
    )


@cache
def known_names() -> Mapping[int, tuple[str, ...]]:
    """Return the short forms and former names that people use, by CIK."""
    return {int(cik): tuple(names) for cik, names in _table("companies.toml")["names"].items()}


@cache
def strangers() -> tuple[tuple[str, ...], ...]:
    """Return names, as they are compared, whose longer forms name other companies."""
    return tuple(name_key(name) for name in _table("companies.toml")["strangers"])


@cache
def brokers() -> frozenset[int]:
    """Return the CIKs of houses whose analysts rate other companies."""
    return frozenset(_table("companies.toml")["brokers"])


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("catalyst_ray.core").joinpath(f"data/{name}").read_text("utf-8"))
