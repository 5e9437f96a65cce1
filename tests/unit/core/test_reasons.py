"""Every reason has a listed code, and people can read it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import catalyst_ray
from catalyst_ray.core.reasons import Code, duration, said, title
from catalyst_ray.models import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(catalyst_ray.__file__).parent
LISTED = {code.value for code in Code}
COMPUTED = {
    ("core/assemble.py", "code"): (),  # those of ``notes.add``, which are looked at here too
    ("core/assemble.py", "problem"): ("date_before_1990", "date_in_future"),
    ("core/bar_repair.py", "code"): (
        "bars_dropped",
        "bars_repeated",
        "days_utc",
        "unit_error",
        "bars_repaired",
    ),
    ("core/policy.py", "hit.code"): (),  # the taxonomy's
    ("core/policy.py", "verdict.reason.code"): (),  # made elsewhere
    ("core/tickers.py", "code"): ("exchange_tag", "category"),
    ("core/tickers.py", "symbol.kind"): (
        "adr",
        "fund",
        "preferred",
        "warrant",
        "unit",
        "right",
        "note",
    ),
}
"""Where a code is a variable, and what it can be."""


def codes_of(source: str) -> Iterator[ast.expr]:
    """Yield the code of every reason, and of every note of a feed, that a module makes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _makes_reason(node.func):
            first = node.args[0] if node.args else node.keywords[0].value
            yield from (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)


def _makes_reason(function: ast.expr) -> bool:
    return ast.unparse(function) in {"Reason", "notes.add"}


def is_listed(code: ast.expr) -> bool:
    """Return whether a code in the source is a constant that is listed."""
    if isinstance(code, ast.Constant):
        return code.value in LISTED
    return (
        isinstance(code, ast.Attribute)
        and ast.unparse(code.value) == "Code"
        and code.attr in Code.__members__
    )


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_reason_is_made_with_a_code_that_is_not_listed(path: Path) -> None:
    """A code is a listed constant, or computed at a place that is named here with what it can be."""
    name = path.relative_to(PACKAGE).as_posix()
    strange = [
        ast.unparse(code) for code in codes_of(path.read_text(encoding="utf-8")) if not is_listed(code)
    ]
    assert [code for code in strange if (name, code) not in COMPUTED] == []


def test_computed_codes_are_listed() -> None:
    """What a variable can hold is listed like a constant."""
    assert {code for codes in COMPUTED.values() for code in codes} <= LISTED


def test_an_unlisted_code_is_found() -> None:
    """The check sees positional and named codes, both branches of a choice, and notes of a feed."""
    source = (
        'Reason("odd"); Reason(code="odder"); Reason(Code.WEAK if x else "oddest"); notes.add("odd_note", t)'
    )
    strange = [ast.unparse(code) for code in codes_of(source) if not is_listed(code)]
    assert strange == ["'odd'", "'odder'", "'oddest'", "'odd_note'"]


@pytest.mark.parametrize("code", Code, ids=str)
@pytest.mark.parametrize("value", [None, 0.25], ids=["bare", "figure"])
def test_every_code_has_words(code: Code, value: float | None) -> None:
    """Each reads well with and without detail and figure: no gap, no brace, no underscore of a code."""
    for detail in ("", "what it rests on"):
        words = said(Reason(code, detail, value))
        assert words.startswith(code.words)
        assert not set("{}_") & set(words)
        assert words == words.strip(" :;,(")
    assert len(code.words) <= 36, "a column of the statistics"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            Reason(Code.WEAK, "below ALERT_THRESHOLD 0.35", 0.21),
            "too weak: value +0.21 is below ALERT_THRESHOLD 0.35",
        ),
        (
            Reason(Code.PRICE_ABOVE, "PRICE_CEILING 50", 812.1),
            "price too high: $812.10 is above PRICE_CEILING 50",
        ),
        (Reason(Code.PRICE_BELOW, "PRICE_FLOOR 1", 0.4321), "price too low: $0.4321 is below PRICE_FLOOR 1"),
        (
            Reason(Code.THIN, "MIN_AVG_VOLUME 100,000", 12345.6),
            "too little traded: 12,346 shares a day are below MIN_AVG_VOLUME 100,000",
        ),
        (Reason(Code.NO_TICKER), "no US-listed company found"),
        (
            Reason("offering_priced", "pricing of {public} offering", -0.7),
            "offering priced: pricing of {public} offering (−0.70)",
        ),
    ],
)
def test_what_a_reason_says(reason: Reason, words: str) -> None:
    """The rule, its figure and its limit stand in one line; an event's code is spoken as it is written."""
    assert said(reason) == words


def test_titles() -> None:
    """A code has the same words in a table; an unknown one loses its underscores only."""
    assert (title("thin"), title("fda_approval")) == ("too little traded", "fda approval")


@pytest.mark.parametrize(
    ("seconds", "words"), [(42, "42 s"), (600, "10 min"), (21_600, "6 h"), (259_200, "3 days")]
)
def test_spans_of_time(seconds: float, words: str) -> None:
    """A span is told in a unit that people would take."""
    assert duration(seconds) == words
