"""Letters of other scripts that pass for Latin ones, and which of them a text may keep.

Owns the folding of look-alike letters (``data/lookalikes.toml``). A genuine word of another script stays as it
is. Does no Unicode normalisation and removes nothing: that is ``hygiene``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files

from catalyst_ray.errors import ConfigError

_WORD = re.compile(r"[^\W\d_]+(?:[\d'’][^\W\d_]+)*")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_SHORTEST_DISGUISE = 2
"""Letters of a word that is folded though none of it is Latin: a lone alpha is an alpha."""


def fold_lookalikes(text: str) -> str:
    """Return text with look-alike letters made Latin wherever they pass for such.

    A letter is folded in a word that is Latin otherwise, or in a word of look-alikes alone that stands in
    a Latin text. "Москва" and "α-synuclein" stay. The length does not change.
    """
    if text.isascii():
        return text
    alike = _tables()[0]
    if not any(ord(letter) in alike for letter in text):
        return text
    latin = len(_LATIN.findall(text))
    foreign = sum(
        letter.isalpha() and not _LATIN.match(letter) and ord(letter) not in alike for letter in text
    )
    return _WORD.sub(lambda word: _folded(word[0], in_latin=latin > foreign), text)


def caseless(text: str) -> str:
    """Return text in lower case without accents, every letter that resembles a Latin one made that: for comparing.

    The length may change.
    """
    text = text.casefold() if text.isascii() else text.translate(_tables()[1]).casefold()
    if text.isascii():
        return text
    bare = "".join(mark for mark in unicodedata.normalize("NFD", text) if not unicodedata.combining(mark))
    return unicodedata.normalize("NFC", bare).translate(_tables()[1]).casefold()


def _folded(word: str, *, in_latin: bool) -> str:
    alike = _tables()[0]
    foreign = [letter for letter in word if letter.isalpha() and not _LATIN.match(letter)]
    if not foreign:
        return word
    if len(foreign) < sum(letter.isalpha() for letter in word):
        # Half a word in another script is no word of it: what resembles Latin was meant to.
        return word.translate(alike)
    is_disguise = (
        in_latin and len(foreign) >= _SHORTEST_DISGUISE and all(ord(one) in alike for one in foreign)
    )
    return word.translate(alike) if is_disguise else word


@cache
def _tables() -> tuple[dict[int, str], dict[int, str]]:
    source = files("catalyst_ray.core") / "data" / "lookalikes.toml"
    data = tomllib.loads(source.read_text("utf-8"))
    alike = _pairs(data["alike"])
    return alike, _pairs(data["loose"]) | alike


def _pairs(scripts: dict[str, dict[str, str]]) -> dict[int, str]:
    table: dict[int, str] = {}
    for script, row in scripts.items():
        if len(row["letters"]) != len(row["latin"]):
            raise ConfigError("a row of letters and its Latin ones differ in length", key=script)
        table.update(zip(map(ord, row["letters"]), row["latin"], strict=True))
    return table
