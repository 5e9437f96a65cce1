"""Tells a release again as other desks do: the same facts in the words of a wire, an agency or a post.

Also the corrections and retractions of one. Draws from the generator it is given and from nothing else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from catalyst_ray.demo.companies import read_toml
from catalyst_ray.demo.facts import fill, fill_headline, millions

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from catalyst_ray.demo.writer import Draft

_AMOUNT = re.compile(r"\$([\d.]+) (million|billion)")
_SHORTER = (
    (re.compile(r"\$([\d,.]+?)(?:\.0)? Million\b"), r"$\1 mln"),
    (re.compile(r"\$([\d,.]+?)(?:\.0)? Billion\b"), r"$\1 bln"),
    (re.compile(r"\bAnnounces Pricing of\b"), "prices"),
    (re.compile(r"\bAnnounces Closing of\b"), "closes"),
    (re.compile(r"\b(?:Announces|Reports|Provides)\b"), "reports"),
    (re.compile(r"\bReceives\b"), "gets"),
    (re.compile(r"\bUnderwritten Public Offering\b"), "public offering"),
    (re.compile(r" of Common Stock\b"), ""),
)
_POSTED = (
    (re.compile(r"\$([\d,.]+?)(?:\.0)? Million\b"), r"$\1M"),
    (re.compile(r"\$([\d,.]+?)(?:\.0)? Billion\b"), r"$\1B"),
    (re.compile(r"\bUnderwritten \b"), ""),
)
_FREELY = 0.7
"""Part of the rewritten copies whose words are those of ``retold.toml``."""
_FIRST_SENTENCE = re.compile(r".{20,}?[.!?](?=\s|$)")


def retell(draft: Draft, rng: random.Random) -> Draft:
    """Return a release as another desk has it; half of the copies are word for word, or nearly so."""
    if draft.company is None or rng.random() < 0.25:
        return draft
    tell = rng.choice(_STYLES)
    return tell(draft, rng)


def correct(draft: Draft, rng: random.Random) -> Draft | None:
    """Return the correction of a release's amount, or None where its headline names none."""
    facts = draft.facts
    if "amount" not in facts or facts["amount"].replace(" million", " Million") not in draft.title:
        return None
    was = _AMOUNT.fullmatch(facts["amount"])
    if was is None:
        return None
    right = millions(round(float(was[1]) * rng.uniform(1.2, 1.9), 1)).replace("million", was[2])
    spoken = (facts["amount"].replace(" million", " Million"), right.replace(" million", " Million"))
    head = rng.choice(("CORRECTING and REPLACING ", "CORRECTION: ", "Correction - "))
    note = f"In a release issued earlier, the amount should read {right} instead of {facts['amount']}."
    text = draft.paragraphs[0].replace(facts["amount"], right)
    return replace(
        draft,
        title=head + draft.title.replace(*spoken),
        paragraphs=(f"{facts['co']} {facts['tag']}: {note} The corrected release reads: {text}",),
    )


def retract(draft: Draft, rng: random.Random) -> Draft:
    """Return the retraction of a release."""
    facts = draft.facts
    head = rng.choice(("RETRACTION: ", "RETRACTION - ", "/KILL/ "))
    reason = rng.choice(("was issued in error", "was sent without the company's approval"))
    text = f'Please disregard the release "{draft.title}" of {facts["co"]} {facts["tag"]}, which {reason}.'
    return replace(draft, title=head + draft.title, paragraphs=(text,))


def _retitled(draft: Draft, rng: random.Random) -> Draft:
    """Return it as another wire prints it: the same text, the title slightly changed."""
    title, company = draft.title, draft.company
    assert company is not None  # noqa: S101  (retell sees to it)
    changed = (
        title.replace(company.short, company.name, 1),
        f"{title} ({company.exchange}: {company.ticker})",
        title.replace(" Announces ", " announces ").replace(" Reports ", " reports ") + ".",
        f"{company.ticker}: {title}",
        f"{company.ticker} - {title}",
        f"Press Release: {title}",
    )
    return replace(draft, title=rng.choice(changed))


def _reworded(draft: Draft, rng: random.Random) -> Draft:
    """Return it as a publisher writes it up: other headline, other text, the same figures."""
    words = _texts().get(draft.template.code) if rng.random() < _FREELY else None
    headlines, leads = words or (draft.template.headlines, draft.template.leads)
    return replace(
        draft,
        title=fill_headline(rng.choice(headlines), draft.facts),
        paragraphs=(fill(rng.choice(leads), draft.facts),),
    )


@cache
def _texts() -> dict[str, tuple[list[str], list[str]]]:
    return {row["code"]: (row["headlines"], row["leads"]) for row in read_toml("retold.toml")["retold"]}


def _agency(draft: Draft, rng: random.Random) -> Draft:
    """Return it as an agency puts it: terse, with its own marks before it."""
    told = _reworded(draft, rng)
    title = _rewritten(told.title, _SHORTER)
    sentence = _FIRST_SENTENCE.match(told.paragraphs[0])
    text = sentence[0] if sentence and draft.facts["tag"] in sentence[0] else told.paragraphs[0]
    return replace(told, title=rng.choice(("BRIEF-", "UPDATE 1-", "")) + title, paragraphs=(text,))


def _posted(draft: Draft, rng: random.Random) -> Draft:
    """Return it as a post: the cashtag first, amounts in letters."""
    told = _reworded(draft, rng)
    return replace(told, title=f"${draft.facts['ticker']} {_rewritten(told.title, _POSTED)}")


def _rewritten(title: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, words in rules:
        title = pattern.sub(words, title)
    return title[0].upper() + title[1:]


_STYLES: tuple[Callable[[Draft, random.Random], Draft], ...] = (_retitled, _reworded, _agency, _posted)
