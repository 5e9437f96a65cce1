"""Texts whose sentiment people labelled, out of the folder's ``03_sentiment/``, and their two halves."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from catalyst_ray.quality.folder import DataFolder

_TEXTS = ("news", "sentence", "text", "title", "headline", "original", "processed")
_LABELS = ("label", "polarity", "senti_label", "sentiment")
_SIGNS = {"negative": -1, "bearish": -1, "neutral": 0, "positive": 1, "bullish": 1}
_PHRASEBANK = _SIGNS | {"0": -1, "1": 0, "2": 1}
_TWITTER = _SIGNS | {"0": -1, "1": 1, "2": 0}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with what people said of it: −1, 0 or 1, or anything between."""

    text: str
    label: float
    names: tuple[str, ...] = ()

    @property
    def is_in_sight(self) -> bool:
        """Return whether the text is of the half that rules were last written from and curves fitted to."""
        return sha256(self.text.encode()).digest()[0] % 2 == 0


def phrasebank(folder: DataFolder, which: str = "all-data") -> list[Labelled]:
    """Return the PhraseBank's sentences: ``all-data``, or ``AllAgree`` where all annotators agreed."""
    return list(_signed(folder.table(f"03_sentiment/*phrasebank*{which}*.csv"), _PHRASEBANK))


def twitter(folder: DataFolder) -> list[Labelled]:
    """Return the Twitter financial news (0 bearish, 1 bullish, 2 neutral)."""
    return list(_signed(folder.table("03_sentiment/*twitter*.csv"), _TWITTER))


def stockemotions(folder: DataFolder) -> list[Labelled]:
    """Return the StockTwits posts, bearish or bullish; none is neutral."""
    return list(_signed(folder.table("03_sentiment/*stockemotions*.csv"), _SIGNS))


def sentivent(folder: DataFolder) -> list[Labelled]:
    """Return the SENTiVENT sentences with the polarity that their readers saw in them."""
    return list(_signed(folder.table("03_sentiment/*sentivent*.tsv", delimiter="\t"), _SIGNS))


def semeval(folder: DataFolder) -> list[Labelled]:
    """Return the headlines of SemEval-2017 task 5, −1 to 1, each with the company that it was judged for."""
    rows = [row for rows in folder.documents("03_sentiment/*semeval*headline*.json") for row in rows]
    return list(_scored(row for row in rows if isinstance(row, dict)))


def _signed(rows: Iterable[Mapping[str, str]], signs: Mapping[str, int]) -> Iterator[Labelled]:
    for row in rows:
        text, label = _first(row, _TEXTS), _first(row, _LABELS)
        sign = signs.get(label.strip().lower())
        if text and sign is not None:
            yield Labelled(text, sign)


def _scored(rows: Iterable[Mapping[str, object]]) -> Iterator[Labelled]:
    for row in rows:
        text, company, label = _first(row, _TEXTS), row.get("company"), row.get("sentiment")
        try:
            score = float(str(label))
        except ValueError:
            continue
        if text and -1 <= score <= 1:
            yield Labelled(text, score, (company,) if isinstance(company, str) and company else ())


def _first(row: Mapping[str, object], names: Iterable[str]) -> str:
    return next((value for name in names if isinstance(value := row.get(name), str) and value), "")
