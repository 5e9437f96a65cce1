"""A text as words that can be compared with the table of orders, whatever disguise they wear.

Owns the table (``data/orders.toml``) and the seeing through: look-alike letters, digits for letters, letters swapped,
spaced out, run together. Only words of the table are looked for behind a disguise, so no other word is ever misread.
Cuts nothing: that is ``orders``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from catalyst_ray.core.lookalikes import caseless
from catalyst_ray.core.phrases import PhraseIndex, Words

_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(
    r"(?P<end>[.!?]++(?=[\s\"'”’)»\]]|$)|[;。！？…]|[.!?](?=[A-Z][a-z]))"
    r"|(?P<soft>:(?=\D|$)|[|()\[\]{}—–‹›]|(?<=\s)-++(?=\s))"
    r"|(?P<number>[+-]?\d+(?:[.,]\d+)*%?(?![^\W_]))"
    rf"|(?P<wide>[{_WIDE}])"
    rf"|(?P<word>[!@$]?(?:(?![{_WIDE}])[^\W_])+(?:['’@$!](?:(?![{_WIDE}])[^\W_])+)*\$?)"
)
_IS_WIDE = re.compile(f"[{_WIDE}]")
_WIDE_PAIR = re.compile(rf"(?<=[{_WIDE}])(?=[{_WIDE}])")
_LEET = [str.maketrans("013457@$!8", f"o{one}easta{'s'}ib") for one in "il"]
_CURLY = str.maketrans("’", "'")
_SPACED_OUT = 3
"""Single letters in a row that make a word."""
_LONGEST_WORD = 20
_SHORTEST_JOINED = 12
_SHORTEST_TYPO = 6


class Token(NamedTuple):
    """A word as it is compared, and the characters of the text that it stands for."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What no sentence of news holds; ``to_end`` if the rest of its sentence belongs to it."""

    pattern: re.Pattern[str]
    to_end: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The phrases of orders, every word of them, the same by their shapes, and marks."""

    phrases: PhraseIndex[str]
    words: frozenset[str]
    typos: dict[tuple[str, str, str], str]
    marks: tuple[Mark, ...]


def words_of(text: str) -> list[Token]:
    """Return a text's words with where they stand; "." ends a sentence and begins the text, ":" a clause."""
    return [Token(".", 0, 0), *_merged(_split(text)), Token(".", len(text), len(text))]


def sentence_end(text: str, start: int) -> int:
    """Return where the sentence that goes on at ``start`` ends."""
    return next((match.start() for match in _TOKEN.finditer(text, start) if match["end"]), len(text))


def joined_words(tokens: list[Token]) -> Words:
    """Return tokens in the form that phrases are found in."""
    words = tuple(token.word for token in tokens)
    return Words(words, f" {' '.join(words)} ")


def _split(text: str) -> list[Token]:
    return [Token(_word(match), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def _word(match: re.Match[str]) -> str:
    if match["end"]:
        return "."
    if match["soft"]:
        return ":"
    if match["number"]:
        return match["number"].lstrip("+")
    return _undisguised(caseless(match[0]).translate(_CURLY))


def _undisguised(word: str) -> str:
    """Return the word of the table that this one stands for: by digits for letters or by letters swapped."""
    table = orders_table()
    if word in table.words or len(word) < _SPACED_OUT:
        return word
    if not word.isalpha():
        for leet in _LEET:
            plain = word.translate(leet)
            if plain in table.words:
                return plain
        word = word.translate(_LEET[0]) if any(letter.isalpha() for letter in word) else word
    return table.typos.get(_shape(word), word)


def _shape(word: str) -> tuple[str, str, str]:
    return word[0], word[-1], "".join(sorted(word[1:-1]))


def _merged(tokens: list[Token]) -> list[Token]:
    """Join what was spaced out or cut in two, and split what was run together, where that gives words of the table."""
    words = orders_table().words
    merged: list[Token] = []
    index = 0
    while index < len(tokens):
        run = index
        while run < len(tokens) and _is_lone_letter(tokens[run].word):
            run += 1
        token = tokens[index]
        if run - index >= _SPACED_OUT:
            merged += _unspaced(tokens[index:run])
            index = run
            continue
        pair = token.word + tokens[index + 1].word if index + 1 < len(tokens) else ""
        if len(pair) >= _SHORTEST_TYPO and pair in words and tokens[index + 1].start - token.end <= 1:
            merged.append(Token(pair, token.start, tokens[index + 1].end))
            index += 2
            continue
        merged += (
            _apart(token) if len(token.word) >= _SHORTEST_JOINED and token.word not in words else [token]
        )
        index += 1
    return merged


def _is_lone_letter(word: str) -> bool:
    return len(word) == 1 and word.isalnum() and not _IS_WIDE.match(word)


def _unspaced(run: list[Token]) -> list[Token]:
    letters = "".join(token.word for token in run).translate(_LEET[0])
    parts: list[Token] = []
    for start, end in _cut_into_words(letters):
        whole = Token(letters[start:end], run[start].start, run[end - 1].end)
        parts.append(whole if end - start > 1 else run[start])
    return parts


def _apart(token: Token) -> list[Token]:
    cuts = _cut_into_words(token.word)
    if any(end - start == 1 for start, end in cuts):
        return [token]
    return [Token(token.word[start:end], token.start, token.end) for start, end in cuts]


def _cut_into_words(letters: str) -> list[tuple[int, int]]:
    """Cut letters into the longest words of the table, from the left; what is none is cut into letters."""
    words = orders_table().words
    cuts, start = [], 0
    while start < len(letters):
        longest = min(len(letters), start + _LONGEST_WORD)
        end = next((end for end in range(longest, start + 1, -1) if letters[start:end] in words), start + 1)
        cuts.append((start, end))
        start = end
    return cuts


@cache
def orders_table() -> Table:
    """Return the table of orders, read once."""
    data = tomllib.loads((files("catalyst_ray.core") / "data" / "orders.toml").read_text("utf-8"))
    sets = {name: caseless(words) for name, words in data["words"].items()}
    phrases = [
        _WIDE_PAIR.sub("_", caseless(phrase))
        for table in data.values()
        if isinstance(table, dict) and "phrases" in table
        for phrase in table["phrases"]
    ]
    words = _vocabulary([*phrases, *sets.values()])
    marks = tuple(
        Mark(re.compile(row["match"], re.IGNORECASE), bool(row.get("to_end"))) for row in data["marks"]
    )
    typos = {_shape(word): word for word in words if len(word) >= _SHORTEST_TYPO and word.isascii()}
    return Table(PhraseIndex.build([(one, "order") for one in phrases], sets), words, typos, marks)


def _vocabulary(phrases: list[str]) -> frozenset[str]:
    parts = (part for phrase in phrases for part in re.split(r"[\s|_?]+", phrase))
    return frozenset(part for part in parts if len(part) > 1 and not re.search(r"[<>~#]", part))
