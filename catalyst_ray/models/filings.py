"""Filings' documents as plain text: the parts that matter, bounded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilingPart:
    """A part of a filing that is worth reading.

    Args:
        name: What it is ("Item 1.01", "EX-99.1", "Cover").
        text: Plain text.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingText:
    """What a filing says, its most telling parts first.

    Args:
        form: EDGAR form type of the main document.
        cut: The filing was longer than what is kept or fetched of it.
    """

    form: str
    parts: tuple[FilingPart, ...] = ()
    cut: bool = False
