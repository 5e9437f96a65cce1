"""Prospectuses (424B, S-1, S-3): the cover, the offering, what the money is for, dilution.

Owns where these begin and end in the lines of a prospectus, and telling a heading from its entry in the
table of contents.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalyst_ray.models import FilingPart

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_COVER_LINES = 150
MIN_COVER_LINES = 8
MAX_FACING_LINES = 250
MAX_SECTION_LINES = 200
_MIN_SECTION_CHARS = 200

_CONTENTS = re.compile(r"\W*(?:table\s+of\s+contents|index\s+to\s+prospectus|contents)\W*", re.IGNORECASE)
_WANTED = {"the offering": "The Offering", "use of proceeds": "Use of Proceeds", "dilution": "Dilution"}
_HEADING = re.compile(r"\W{0,4}([a-z][a-z ’',/-]{3,80}?)\W{0,4}", re.IGNORECASE)
_OTHER_HEADING = re.compile(
    r"(?:risk factors|capitalization|dividend policy|determination of offering price|underwriting|plan of distribution"
    r"|description of .{1,60}|selling (?:stock|share|security)holders?|legal matters|experts|price range of .{1,40}"
    r"|market for our .{1,40}|(?:special|cautionary) (?:note|statement).{0,80}|forward[- ]looking statements"
    r"|where you can find .{1,40}|incorporation .{1,60}|material .{0,40}tax .{1,60}|about this prospectus.{0,20}"
    r"|prospectus(?: supplement)? summary|summary|recent developments|management|business|the company|our company"
    r"|corporate information|summary .{0,40}financial .{1,40})",
    re.IGNORECASE,
)
# A registration statement has a facing page of its own before the prospectus.
_FACING = re.compile(
    r"\W*(?:prospectus|(?:preliminary )?prospectus supplement|subject to completion.{0,80})\W*", re.IGNORECASE
)
_REGISTRATION = re.compile(r"[SF]-[13]", re.IGNORECASE)
_PAGE_NUMBER = re.compile(r"\W*(?:[SFA]-)?[\divx]{1,4}\W*", re.IGNORECASE)


def prospectus_parts(lines: Sequence[str], form: str) -> list[FilingPart]:
    """Return the parts of a prospectus that tell its terms, the cover first."""
    if _REGISTRATION.match(form):
        facing = (at for at, line in enumerate(lines[:MAX_FACING_LINES]) if _FACING.fullmatch(line))
        lines = lines[next(facing, 0) :]
    parts = [FilingPart("Cover", "\n".join(lines[: _cover_end(lines)]))]
    found: dict[str, str] = {}
    for at, line in enumerate(lines):
        name = _WANTED.get(_heading(line))
        if name and name not in found:
            text = _section(lines, at)
            if len(text) >= _MIN_SECTION_CHARS:
                found[name] = text
    return parts + [FilingPart(name, found[name]) for name in _WANTED.values() if name in found]


def _cover_end(lines: Sequence[str]) -> int:
    for at in range(min(MIN_COVER_LINES, len(lines)), min(MAX_COVER_LINES, len(lines))):
        if _CONTENTS.fullmatch(lines[at]) or _heading(lines[at]) in _WANTED:
            return at
    return min(MAX_COVER_LINES, len(lines))


def _heading(line: str) -> str:
    """Return a line that may be a heading in lower case, else ""."""
    if len(line) > 90:
        return ""
    match = _HEADING.fullmatch(line)
    return " ".join(match[1].lower().split()) if match else ""


def _section(lines: Sequence[str], at: int) -> str:
    """Return the text under the heading at ``at``; of an entry in a table of contents next to nothing."""
    if at + 1 < len(lines) and _PAGE_NUMBER.fullmatch(lines[at + 1]):
        return ""
    end = at + 1
    while end < min(at + MAX_SECTION_LINES, len(lines)):
        heading = _heading(lines[end])
        if heading and (heading in _WANTED or _OTHER_HEADING.fullmatch(heading)):
            break
        end += 1
    return "\n".join(lines[at:end])
