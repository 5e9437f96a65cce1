"""Filings' documents as plain text: the parts that matter, bounded."""

from __future__ import annotations

from dataclasses import dataclass

from catalyst_ray.models.judgement import EventHit, Reason  # noqa: TC001  (pydantic reads the annotations at run time)
from catalyst_ray.models.offerings import OfferingTerms  # noqa: TC001  (as above)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingFacts:
    """What a filing's document says, for the fast tier.

    Args:
        events: The catalysts and the noise that it tells.
        terms: Of the offering that it is about.
        title: Its headline: the release's, else the first sentence of the most telling item; empty where it tells no
            event, as is ``lead``.
        lead: What comes after it, bounded.
        reasons: What was read, and what the figures in it make.
    """

    events: tuple[EventHit, ...] = ()
    terms: OfferingTerms | None = None
    title: str = ""
    lead: str = ""
    reasons: tuple[Reason, ...] = ()
