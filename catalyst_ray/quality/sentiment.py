"""How well the sentiment's sign and size agree with people, and whether the confidence is what it says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.score import score
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.core.vader import Vader
from catalyst_ray.models import Link
from catalyst_ray.quality import sentiment_texts as texts
from catalyst_ray.quality.figure import Figure, confusion_rows, estimate, macro_f1
from catalyst_ray.quality.texts import NOW_UTC, news

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from catalyst_ray.models import Score
    from catalyst_ray.quality.folder import DataFolder
    from catalyst_ray.quality.sentiment_texts import Labelled

_VADER_CLEAR = 0.05
"""The thresholds that VADER's authors give."""
_SIGNS = (-1, 0, 1)
_NAMES = ("negative", "neutral", "positive")
_BINS = 10


@dataclass(frozen=True, slots=True)
class _Set:
    key: str
    title: str
    read: Callable[[DataFolder], list[Labelled]]
    aim: float | None = None
    is_two_way: bool = False
    """No text is labelled neutral: any reading but 0 is a guess, and only two classes are averaged."""


_SETS = (
    _Set("phrasebank_macro_f1", "PhraseBank, all sentences: macro-F1", texts.phrasebank, 0.65),
    _Set(
        "phrasebank_agreed_macro_f1",
        "PhraseBank, where all annotators agree: macro-F1",
        partial(texts.phrasebank, which="AllAgree"),
    ),
    _Set("twitter_macro_f1", "Twitter financial news: macro-F1", texts.twitter, 0.6),
    _Set("sentivent_macro_f1", "SENTiVENT polarity: macro-F1", texts.sentivent),
    _Set("stockemotions_macro_f1", "StockTwits posts: macro-F1 of two", texts.stockemotions, is_two_way=True),
)


@cache
def _model() -> SentimentModel:
    return SentimentModel()


@cache
def _vader() -> Vader:
    return Vader()


def sentiment(folder: DataFolder) -> tuple[Figure, ...]:
    """Return macro-F1 of the sign, the cosine of the size, and the error of the confidence."""
    return (*(_signs(which, folder) for which in _SETS), _cosine(folder), _calibration(folder))


def _signs(which: _Set, folder: DataFolder) -> Figure:
    labelled = which.read(folder)
    figure = Figure(key=which.key, title=which.title, aim=which.aim)
    if not labelled:
        return figure
    clear = 0.0 if which.is_two_way else default_policy().clear_sentiment
    pairs = [(int(one.label), _sign(_ours(one), clear)) for one in labelled]
    alone = [(int(one.label), _sign(_vader().compound(one.text), _VADER_CLEAR)) for one in labelled]
    statistic = _two_way_f1 if which.is_two_way else partial(macro_f1, classes=3)
    found = estimate(_rows(pairs), statistic)
    halves = [
        [pair for pair, one in zip(pairs, labelled, strict=True) if one.is_in_sight is seen]
        for seen in (True, False)
    ]
    return figure.measured(
        found,
        n=len(pairs),
        baselines={"VADER alone": _of(alone, statistic)},
        details=(
            f"Sign of the sentiment where it is beyond ±{clear:g}; VADER's beyond ±{_VADER_CLEAR}.",
            _halves([_of(half, statistic) for half in halves]),
            *_confusion(pairs),
        ),
    )


def _cosine(folder: DataFolder) -> Figure:
    title = "SemEval-2017 task 5 headlines: cosine with the label"
    figure = Figure(key="semeval_cosine", title=title, aim=0.55)
    labelled = texts.semeval(folder)
    if not labelled:
        return figure
    products = [_products(one.label, _ours(one)) for one in labelled]
    found = estimate(products, _cosine_of)
    halves = [
        [row for row, one in zip(products, labelled, strict=True) if one.is_in_sight is seen]
        for seen in (True, False)
    ]
    alone = [_products(one.label, _vader().compound(one.text)) for one in labelled]
    return figure.measured(
        found,
        n=len(products),
        baselines={"VADER alone": _value(alone, _cosine_of)},
        details=(
            "The task's own measure: cosine between the labels and our values, over all headlines.",
            "The company that a headline was judged for is given as a name, as a link would give it.",
            _halves([_value(half, _cosine_of) for half in halves]),
        ),
    )


def _calibration(folder: DataFolder) -> Figure:
    title = "Confidence against how often the sign is right: calibration error"
    figure = Figure(key="sentiment_ece", title=title, smaller_is_better=True)
    held = [one for one in (*texts.phrasebank(folder), *texts.twitter(folder)) if not one.is_in_sight]
    judged = [(one, scored) for one in held if (scored := fast_score(one)) and not is_noise(scored)]
    if not judged:
        return figure
    rows = np.zeros((len(judged), 3 * _BINS))
    for row, (one, scored) in zip(rows, judged, strict=True):
        cell = 3 * min(_BINS - 1, int(scored.confidence * _BINS))
        row[cell : cell + 3] = (1, scored.confidence, sign_of(scored) == one.label)
    found = estimate(rows, _calibration_error)
    return figure.measured(
        found,
        n=len(judged),
        details=(
            "PhraseBank and Twitter, the half that the curves of data/confidence.toml did not see; no noise.",
            "confidence   texts   mean   right",
            *_reliability(rows.sum(axis=0)),
        ),
    )


def fast_score(one: Labelled) -> Score:
    """Return the fast tier's judgement of a labelled text, without a link: its names stay unknown."""
    return score(news(one.text), Link(), _model(), now_utc=NOW_UTC, policy=default_policy())


def sign_of(scored: Score) -> int:
    """Return the sign that the fast tier's confidence is about: its events', or else its sentiment's."""
    signed = [hit.weight for hit in scored.events if hit.weight and not hit.noise]
    return _sign(signed[0], 0.0) if signed else _sign(scored.sentiment, default_policy().clear_sentiment)


def is_noise(scored: Score) -> bool:
    """Return whether the text is told to be no catalyst, which no label speaks of."""
    return any(hit.noise for hit in scored.events)


def _ours(one: Labelled) -> float:
    return _model().sentiment(one.text, names=one.names)


def _sign(value: float, clear: float) -> int:
    return (value > clear) - (value < -clear)


def _rows(pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    return confusion_rows([(truth + 1, guess + 1) for truth, guess in pairs], 3)


def _of(
    pairs: Sequence[tuple[int, int]], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> float:
    return _value(_rows(pairs), statistic)


def _value(
    rows: Sequence[Sequence[float]] | NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> float:
    return float(statistic(np.asarray(rows, dtype=float).sum(axis=0)[None, :])[0]) if len(rows) else 0.0


def _two_way_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    cells = sums.reshape(len(sums), 3, 3)
    right = np.diagonal(cells, axis1=1, axis2=2)
    both = np.maximum(cells.sum(axis=1) + cells.sum(axis=2), 1e-9)
    return np.asarray((2 * right / both)[:, [0, 2]].mean(axis=1))


def _products(label: float, value: float) -> tuple[float, float, float]:
    return label * value, label * label, value * value


def _cosine_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sums[:, 0] / np.sqrt(np.maximum(sums[:, 1] * sums[:, 2], 1e-12)))


def _calibration_error(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    cells = sums.reshape(len(sums), _BINS, 3)
    return np.asarray(np.abs(cells[:, :, 1] - cells[:, :, 2]).sum(axis=1) / cells[:, :, 0].sum(axis=1))


def _halves(values: Sequence[float]) -> str:
    return (
        f"The half (by hash) from which rules were last written {values[0]:.3f}, the other {values[1]:.3f}."
    )


def _confusion(pairs: Sequence[tuple[int, int]]) -> list[str]:
    head = f"{'label / guess':14}" + "".join(f"{name:>10}" for name in _NAMES)
    return [
        head,
        *(
            f"{name:14}" + "".join(f"{pairs.count((truth, guess)):10,}" for guess in _SIGNS)
            for name, truth in zip(_NAMES, _SIGNS, strict=True)
        ),
    ]


def _reliability(sums: NDArray[np.float64]) -> list[str]:
    return [
        f"{index / _BINS:.1f} – {(index + 1) / _BINS:.1f} {count:9.0f} {sure / count:6.2f} {right / count:7.2f}"
        for index, (count, sure, right) in enumerate(sums.reshape(_BINS, 3))
        if count
    ]
