"""How often the items of a Form 8-K are read exactly, and whether main text and release come out of submissions."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from catalyst_ray.core.filings import read_submission
from catalyst_ray.errors import ParseError
from catalyst_ray.quality.figure import Figure, estimate, mean_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.quality.folder import DataFolder

TITLE = "Items of a Form 8-K, exact set"
_COVER = "FORM 8-K\nCURRENT REPORT\nCheck the appropriate box below if the Form 8-K filing is intended\n"
_SIGNED = "\nSIGNATURES\nPursuant to the requirements of the Act this report was signed\n"
"""The data holds the text of the items only: cover page, form and signature are put around it here."""


class _Report(NamedTuple):
    """The text of a Form 8-K and the items that others labelled in it."""

    text: str
    items: frozenset[str]


def filings(folder: DataFolder) -> tuple[Figure, ...]:
    """Return the share of labelled 8-Ks whose set of items is read exactly."""
    reports = list(_reports(folder))
    figure = Figure(key="items_8k_exact", title=TITLE, aim=0.98)
    if not reports:
        return (figure,)
    right = [_items(report.text) == report.items for report in reports]
    found = estimate([(float(one), 1.0) for one in right], mean_of)
    details = (*_by_setting(reports), *_mistakes(reports), *_submissions(folder))
    return (figure.measured(found, n=len(reports), details=details),)


def _reports(folder: DataFolder) -> Iterator[_Report]:
    for path in folder.paths("07_filings/*8k_items*.jsonl"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if not isinstance(row, dict):
                continue
            items = {
                name[5:]: text
                for name, text in row.items()
                if name.startswith("item_") and isinstance(text, str) and text
            }
            if items:
                yield _Report(_COVER + "\n".join(items.values()) + _SIGNED, frozenset(items))


def _items(text: str) -> frozenset[str]:
    try:
        filing = read_submission(text.encode(), form="8-K")
    except ParseError:
        return frozenset()
    names = (part.name.split(" ", 1)[1] for part in filing.parts if part.name.startswith("Item"))
    return frozenset(number for name in names for number in name.split(", "))


def _wrapped(text: str) -> str:
    return "\n\n".join("\n".join(textwrap.wrap(line, 72)) for line in text.split("\n"))


def _paragraphs(text: str) -> str:
    lines = (escape(line).replace("Item ", "Item&nbsp;") for line in text.split("\n"))
    return f"<html><body>{''.join(f'<p>{line}</p>' for line in lines)}</body></html>"


def _by_setting(reports: list[_Report]) -> Iterator[str]:
    yield "set as lines as they lie in the data, and for comparison:"
    for name, shape in (("wrapped at 72 columns", _wrapped), ("HTML paragraphs", _paragraphs)):
        right = sum(_items(shape(report.text)) == report.items for report in reports)
        yield f"  {name}: {right} of {len(reports)}"


def _mistakes(reports: list[_Report]) -> Iterator[str]:
    missed: Counter[str] = Counter()
    invented: Counter[str] = Counter()
    for report in reports:
        found = _items(report.text)
        missed.update(report.items - found)
        invented.update(found - report.items)
    for name, counts in (("missed", missed), ("invented", invented)):
        if counts:
            yield f"items {name}: {', '.join(f'{number} ({count})' for number, count in counts.most_common())}"


def _submissions(folder: DataFolder) -> Iterator[str]:
    """Yield whether full submissions give their main text, and a release exactly where they have one."""
    seen: Counter[str] = Counter()
    for path in folder.paths("07_filings/full_8-K*"):
        body = path.read_bytes()
        try:
            names = [part.name for part in read_submission(body).parts]
        except ParseError:
            names = []
        seen["n"] += 1
        seen["main"] += any(name.startswith("Item") for name in names)
        seen["release"] += (b"<TYPE>EX-99.1" in body) == ("EX-99.1" in names)
    if seen:
        yield f"full 8-K submissions: items of the main text in {seen['main']}, EX-99.1 as filed in {seen['release']} of {seen['n']}"
