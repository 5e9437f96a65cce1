"""How often the kind and the amount of a financing are read exactly, from headlines and from prospectuses."""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.filings import read_submission
from catalyst_ray.core.offering_terms import terms_of_filing, terms_of_news
from catalyst_ray.errors import ParseError
from catalyst_ray.quality.figure import Figure, estimate, mean_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from catalyst_ray.models import OfferingTerms
    from catalyst_ray.quality.folder import DataFolder

TITLE = "Kind and amount of a financing, both exact"
_BY_NAME = {
    "private-placement": "private_placement",
    "registered-direct": "registered_direct",
    "rd": "registered_direct",
    "warrant-inducement": "warrant_inducement",
    "warrant-exercise": "warrant_exercise",
    "selling-stockholder": "secondary",
    "preferred-stock": "preferred",
    "debt-offering": "debt",
    "convertible": "convertible",
    "ipo": "ipo",
    "public-offering": "public_offering",
}
"""Kinds as the names of the articles' files give them, the more special first: labels that others made."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of the folder: of which group, by which id, what was made of it, and its kind by the file's name."""

    group: str
    id: str
    terms: OfferingTerms | None
    named: str | None = None

    @property
    def kind(self) -> str | None:
        return self.terms.kind.value if self.terms else None

    @property
    def amount(self) -> float | None:
        return self.terms.gross.value if self.terms and self.terms.gross else None


def offerings(folder: DataFolder) -> tuple[Figure, ...]:
    """Return the share of labelled headlines and prospectuses of which kind and amount are exact."""
    texts = [*_headlines(folder), *_articles(folder), *_filings(folder)]
    labelled = [(text, label) for text in texts if (label := _labels()[text.group].get(text.id))]
    counted = [(text, label) for text, label in labelled if text.group != "articles"]
    details = tuple(_details(texts, labelled))
    figure = Figure(key="offering_exact", title=TITLE, aim=0.95, details=details if texts else ())
    if not counted:
        return (figure,)
    found = estimate([(_is_exact(text, label), 1.0) for text, label in counted], mean_of)
    return (figure.measured(found, n=len(counted), details=details),)


@cache
def _labels() -> dict[str, dict[str, Mapping[str, Any]]]:
    path = files("catalyst_ray.quality").joinpath("data/offerings.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _id(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def _headlines(folder: DataFolder) -> Iterator[_Text]:
    for document in folder.documents("04_events/*financing*.json"):
        rows = document if isinstance(document, list) else []
        for row in rows:
            text = row.get("rawText") if isinstance(row, dict) else None
            if isinstance(text, str) and text:
                yield _Text("headlines", _id(text.encode()), terms_of_news(text))


def _articles(folder: DataFolder) -> Iterator[_Text]:
    for path in folder.paths("04_events/offerings_articles/*.md"):
        text = path.read_text(encoding="utf-8", errors="replace")
        title = next((line[9:].strip() for line in text.splitlines() if line.startswith("Headline:")), "")
        if not title:
            continue
        named = next(
            (kind for words, kind in _BY_NAME.items() if f"-{words}-" in f"-{path.stem.lower()}-"), None
        )
        yield _Text("headlines", _id(title.encode()), terms_of_news(title), named)
        body = text.partition("## Article")[2].strip()
        yield _Text("articles", _id(text.encode()), terms_of_news(title, body), named)


def _filings(folder: DataFolder) -> Iterator[_Text]:
    for path in folder.paths("07_filings/full_*.txt"):
        if "424B" not in path.name:
            continue
        body = path.read_bytes()
        try:
            yield _Text("filings", _id(body), terms_of_filing(read_submission(body)))
        except ParseError:
            yield _Text("filings", _id(body), None)


def _is_exact(text: _Text, label: Mapping[str, Any]) -> bool:
    return text.kind == label["kind"] and text.amount == label.get("amount_usd")


def _details(texts: Iterable[_Text], labelled: Iterable[tuple[_Text, Mapping[str, Any]]]) -> Iterator[str]:
    yield "counted: headlines of *financing*.json and offerings_articles/*.md, full 424B submissions, each labelled by hand"
    yield "the labels were made before the code, by its author: for its author these texts are not unseen"
    by_group: dict[str, Counter[str]] = {}
    for text, label in labelled:
        seen = by_group.setdefault(text.group, Counter())
        seen["n"] += 1
        seen["kind"] += text.kind == label["kind"]
        seen["amount"] += text.amount == label.get("amount_usd")
        seen["stage"] += text.terms is not None and text.terms.stage.value == label["stage"]
        seen["exact"] += _is_exact(text, label)
    for group, seen in by_group.items():
        shares = ", ".join(f"{what} {seen[what]}" for what in ("exact", "kind", "amount", "stage"))
        yield f"{group}, of {seen['n']} labelled: {shares}{' (not counted: in part comments)' if group == 'articles' else ''}"
    wrong = Counter(
        f"{label['kind']} read as {text.kind}" for text, label in labelled if text.kind != label["kind"]
    )
    yield from (f"wrong kind: {words} ({count})" for words, count in wrong.most_common())
    yield from _unlabelled(texts)


def _unlabelled(texts: Iterable[_Text]) -> Iterator[str]:
    """Yield what can be said of texts without a label of ours: coverage, and agreement with files' names."""
    others = [text for text in texts if text.id not in _labels()[text.group]]
    if others:
        kinds = sum(text.kind is not None for text in others)
        sums = sum(text.amount is not None for text in others)
        yield f"without a label of ours: {len(others)} texts, a kind found in {kinds}, an amount in {sums}"
    named = [text for text in texts if text.named and text.group == "headlines"]
    if named:
        same = sum(text.kind == text.named for text in named)
        yield f"kind as in the name of the article's file, headline alone: {same} of {len(named)}"
