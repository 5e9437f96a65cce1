"""Who sells an offering and what its money is for, as a text says it.

Owns the words that name underwriters and placement agents, and the sentence on the use of proceeds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalyst_ray.models import Quote

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_AGENTS = 8
_MAX_USE_CHARS, _MAX_NAME_CHARS = 240, 70
_BEFORE_CHARS = 260

_ROLE = (
    r"(?:(?:sole|lead|joint|active|passive|exclusive|co-?|global|the|an?|our|its|senior|and|financial|placement|left|independent)[\s-]{0,2}){0,8}"
    r"(?:book-?\s?running managers?|bookrunners?|book-?runners?|underwriters?|placement agents?|managers?|sales agents?|lead managers?)"
)
_ACTING = re.compile(rf"\s(?:is|are|was|were)?\s?(?:acting|acted|serving|served) as {_ROLE}\b", re.IGNORECASE)
_ENGAGED = re.compile(
    rf"\b(?:engaged|retained|appointed|through)\s(?P<names>[^.;\n]{{3,200}}?),?\s(?:\([^()\n]{{1,60}}\),?\s)?(?:to act )?as {_ROLE}\b",
    re.IGNORECASE,
)
_ROLE_LINE = re.compile(rf"\W{{0,3}}{_ROLE}\W{{0,3}}", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<!Inc)(?<!Co)(?<!L\.P)(?<!\b[A-Z])[.;]\s+(?=[A-Z])|\n")
_BETWEEN = re.compile(r",\s(?:and\s)?|\sand\s|\s\|\s")
_FORM = r"(?:LLC|L\.L\.C\.|Inc\.?|Ltd\.?|L\.?P\.?|LLP|N\.A\.|PLC|Corp\.?|Limited)"
_LEGAL = re.compile(_FORM, re.IGNORECASE)
_NAME = re.compile(
    rf"(?P<name>[A-Z][\w.&’'/-]*(?:\s(?:[A-Z&][\w.&’'/-]*|of|de)){{0,7}}(?:,\s{_FORM})?)(?:\s\([^()]{{0,60}}\))?"
)
_USE = re.compile(
    r"\b(?:intends?|expects?|plans?|anticipates?) (?:currently )?to use (?:the |all of the |any |substantially all of the )*(?:aggregate )?(?:net )?proceeds\b"
    r"(?P<use>[^\n]{3,400})",
    re.IGNORECASE,
)
_FROM_OFFERING = re.compile(
    r"^\s*(?:,?\s?(?:if any|together with[^,.]{0,120}))?,?\s?(?:(?:that )?(?:we|it|the company) (?:will )?receives?\s)?(?:from|of) (?:this|the|its|these|any|such)[^,.]{0,80}?"
    r"(?=\s(?:for|to|primarily|\(i\)|as|towards?|in)\b|,)",
    re.IGNORECASE,
)
_USE_END = re.compile(r"(?<!Inc)(?<!U\.S)(?<!\s[A-Z])\.(?:\s|$)")


def stated_agents(text: str, part: str = "") -> tuple[Quote, ...]:
    """Return the names of underwriters or placement agents, in order, each once."""
    found: dict[str, Quote] = {}
    for quote in _agents(text, part):
        found.setdefault(quote.words.lower(), quote)
        if len(found) >= MAX_AGENTS:
            break
    return tuple(found.values())


def stated_use(text: str, part: str = "") -> Quote | None:
    """Return what the money is for, in the text's own words, at most 240 characters."""
    match = _USE.search(text)
    if match is None:
        return None
    words = match["use"]
    begin = _FROM_OFFERING.match(words)
    start = begin.end() if begin else 0
    stop = _USE_END.search(words, start)
    said = words[start : stop.start() if stop else len(words)]
    lead = len(said) - len(said.lstrip(" ,"))
    kept = said.strip(" ,")[:_MAX_USE_CHARS].rstrip()
    at = match.start("use") + start + lead
    return Quote(words=kept, start=at, end=at + len(kept), part=part) if kept else None


def _agents(text: str, part: str) -> Iterator[Quote]:
    for match in _ENGAGED.finditer(text):
        yield from _names(text, match.start("names"), match.end("names"), part)
    for match in _ACTING.finditer(text):
        begin = max(0, match.start() - _BEFORE_CHARS)
        ends = [end.end() for end in _SENTENCE.finditer(text, begin, match.start())]
        yield from _names(text, ends[-1] if ends else begin, match.start(), part)
    yield from _below_role_lines(text, part)


def _below_role_lines(text: str, part: str) -> Iterator[Quote]:
    """Yield the names that stand alone under "Sole Placement Agent" at the foot of a cover."""
    at, is_role = 0, False
    for line in text.split("\n"):
        if is_role and len(line) < 90 and not _ROLE_LINE.fullmatch(line):
            yield from _names(text, at, at + len(line), part)
        is_role = _ROLE_LINE.fullmatch(line) is not None
        at += len(line) + 1


def _names(text: str, start: int, end: int, part: str) -> Iterator[Quote]:
    at = start
    pieces: list[tuple[int, int]] = []
    for joint in [*_BETWEEN.finditer(text, start, end), None]:
        stop = joint.start() if joint else end
        if pieces and _LEGAL.fullmatch(text[at:stop].strip()):
            pieces[-1] = (pieces[-1][0], stop)  # "Invented Markets, Inc."
        else:
            pieces.append((at, stop))
        at = joint.end() if joint else end
    for first, last in pieces:
        begin = last - len(text[first:last].lstrip())
        name = _NAME.fullmatch(text, begin, begin + len(text[begin:last].rstrip()))
        if name and len(name["name"]) <= _MAX_NAME_CHARS:
            yield Quote(words=name["name"], start=begin, end=name.end("name"), part=part)
