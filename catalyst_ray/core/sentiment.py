"""Owns the sentiment of a text: VADER on what is no name, plus the signed lexicon.

Company names, tickers and exchange tags are masked first: "H&R Block" and "Best Buy" say nothing. Finance
words are judged by the lexicon alone and are taken out of VADER's own list; words that are neutral in the
trade ("gross", "trust", "cancer") are taken out too. A summary is read sentence by sentence, since
negation, doubt and "but" end with theirs, and its mean sentence counts beside the title: so length alone
makes no text stronger. It does not know events, links or time.
"""

from __future__ import annotations

import re
from math import sqrt
from typing import TYPE_CHECKING

from catalyst_ray.core.lexicon import default_lexicon
from catalyst_ray.core.phrases import split_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalyst_ray.core.lexicon import Lexicon

MAX_SENTENCE_CHARS = 400
"""The longest wire headlines have 300 characters; what stands behind is cut off."""
MAX_SENTENCES = 8
MAX_NAMES = 12
MAX_NAME_WORDS = 6
_SUMMARY_WEIGHT = 0.4
"""A summary's mean sentence against the title: the title is what moves the price."""
_VADER_WEIGHT = 0.25
"""VADER's compound against the lexicon, which is right far more often (docs/quality.md)."""
_HALF = 0.8
"""The reading that gives 0.7 of full strength."""

_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+(?=[\"'“(]?[A-Z0-9])")
_TAGS = re.compile(
    r"\((?:[A-Z][\w .&-]{0,24}: ?[A-Z0-9.: -]{1,16}(?:[;,] ?[A-Z][\w .&-]{0,24}: ?[A-Z0-9.: -]{1,16}){0,4}"
    r"|\d{10})\)"  # (NASDAQ: ABC; TSX: ABC), (0000012659)
    r"|\$[A-Z]{1,5}(?:[.-][A-Z]{1,2})?\b"  # $ABC
    r"|https?://\S{1,200}"
)
_MOVE = re.compile(r"(?<![\w.%)])[+−-](?=\d{1,4}(?:[.,]\d{1,3})? ?%)")
_TORN = re.compile(r"(?<=\d) (?=\.\d)")
_WORD = re.compile(r"\S+")
_BARE_TICKER = re.compile(r"\(([A-Z]{1,5})\)")
_SHORT_FORM = 2
"""Words of a longer name that people use for it ("Best Win" for "Best Win Gains")."""
_MASK = "_"


class SentimentModel:
    """Scores texts; build once, then only read, so that threads may share it."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        from catalyst_ray.core.vader import Vader  # noqa: PLC0415  (a start without scoring stays light)

        self._lexicon = lexicon or default_lexicon()
        self._own_words = self._lexicon.own_words
        self._measures = self._lexicon.directions.good | self._lexicon.directions.bad
        self._vader = Vader(without=self._lexicon.neutral | self._own_words)

    def sentiment(self, title: str, summary: str = "", names: Sequence[str] = ()) -> float:
        """Return −1 (bad news) to 1 (good news); 0 when nothing was said either way.

        Time is linear in the text, and bounded: the title and the summary's first eight sentences count.
        ``names`` are companies that the text may mention, as EDGAR or the ticker list spells them.
        """
        reading = self._read(self.mask(title[:MAX_SENTENCE_CHARS], names))
        if summary:
            sentences = list(_sentences(summary))
            total = sum(self._read(self.mask(sentence, names)) for sentence in sentences)
            reading += _SUMMARY_WEIGHT * total / max(1, len(sentences))
        return reading / sqrt(reading * reading + _HALF * _HALF)

    def mask(self, text: str, names: Sequence[str] = ()) -> str:
        """Return a text with company names, tickers, exchange tags and addresses blanked out."""
        text = _TAGS.sub(f" {_MASK} ", text)
        if "(" in text:
            text = _BARE_TICKER.sub(self._unless_measure, text)
        text = self._mask_runs(text)
        for name in names[:MAX_NAMES]:
            for form in self._forms(name):
                text = _blank(text, form)
        return text

    def _unless_measure(self, match: re.Match[str]) -> str:
        # "(GAIN)" is a ticker, "(EPS)" is what was measured.
        return match.group() if match[1].lower() in self._measures else f" {_MASK} "

    def _forms(self, name: str) -> Iterator[str]:
        """Yield the ways in which a headline may write a company's name, the longest first."""
        core = self._lexicon.core_name(name)
        yield core
        words = core.split()
        if words and words[0].lower() == "the":
            words = words[1:]
            yield " ".join(words)
        if len(words) > _SHORT_FORM:
            yield " ".join(words[:_SHORT_FORM])

    def _read(self, masked: str) -> float:
        words = split_words(_with_words_for_moves(masked))
        reading = self._lexicon.read(words)
        reading += _VADER_WEIGHT * self._vader.compound(masked)
        if masked.rstrip().endswith("?") or not self._lexicon.doubts.isdisjoint(words.tokens):
            reading *= self._lexicon.doubted
        return reading

    def _mask_runs(self, text: str) -> str:
        # "Progressive Corp": the capitalised words before a suffix or a tag are a name.
        suffixes = self._lexicon.suffixes
        bare = [word.strip(".,;:()'’").lower() for word in text.split()]
        ends = [index for index, word in enumerate(bare) if index and (word == _MASK or word in suffixes)]
        if not ends:
            return text
        spans = [match.span() for match in _WORD.finditer(text)]
        first_free = 0
        pieces: list[str] = []
        done = 0
        for index in ends:
            start, end = spans[index]
            before = [text[slice(*span)] for span in spans[max(first_free, index - MAX_NAME_WORDS) : index]]
            first = self._run_start(before, text[start:end], room=index - first_free)
            if first:
                pieces += [text[done : spans[index - first][0]], _MASK]
                done = end
                first_free = index + 1
        return "".join([*pieces, text[done:]]) if pieces else text

    def _run_start(self, before: list[str], end_word: str, *, room: int) -> int:
        """Return how many of the words ``before`` belong to the name that ``end_word`` ends.

        ``room`` is the count of all words between it and the name before, or the beginning of the text.
        """
        length = 0
        for word in reversed(before):
            bare = word.rstrip(",").lower()
            first_of_text = length + 1 == room
            sentiment = end_word == _MASK and not first_of_text and bare in self._own_words
            if not (word[0].isupper() or word[0].isdigit() or word == "&") or word[-1] in ":;?!-–—":
                break
            if bare in self._lexicon.name_stops or sentiment:
                break
            length += 1
        return length


def _with_words_for_moves(text: str) -> str:
    """Return a text with a word for the sign of a percentage, and figures as others write them.

    "$-0.04" is -$0.04, "EUR4 .5" is EUR4.5.
    """
    text = text.replace("$-", "-$")
    if "%" in text:
        text = _MOVE.sub(lambda move: " uppct " if move.group() == "+" else " downpct ", text)
    return _TORN.sub("", text) if " ." in text else text


def _blank(text: str, name: str) -> str:
    # A find, not a pattern: names change with every item, and compiling one costs more than the score.
    if len(name) < 3:
        return text
    folded, wanted = text.lower(), name.lower()
    if len(folded) != len(text):  # a letter whose lower case is longer: positions would not agree
        return text
    at = folded.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        whole = not (at and folded[at - 1].isalnum()) and not (end < len(folded) and folded[end].isalnum())
        if whole:
            text, folded = f"{text[:at]}{_MASK}{text[end:]}", f"{folded[:at]}{_MASK}{folded[end:]}"
        at = folded.find(wanted, at + 1)
    return text


def _sentences(text: str) -> Iterator[str]:
    bounded = text[: MAX_SENTENCES * MAX_SENTENCE_CHARS]
    for sentence in _SENTENCE_END.split(bounded)[:MAX_SENTENCES]:
        yield sentence[:MAX_SENTENCE_CHARS]
