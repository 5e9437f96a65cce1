"""Owns the parts that companies play in a story: its subject, the other party, named besides.

The title decides: who comes first in it, who stands behind "with" or "acquires", who only rates whom. Lists,
market reports and law firms' advertisements have no subject. Words are data (``data/roles.toml``).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from catalyst_ray.core.name_words import brokers
from catalyst_ray.core.securities import DERIVED
from catalyst_ray.models import Role, SecurityKind, Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_IN_TITLE = 3
"""Companies in a title from which on it is a list."""
MAX_BESIDES_TITLE = 3
"""Companies of a body or of categories from which on none of them is the subject."""
_OPENING = 100
"""Characters at a summary's beginning within which a company that is only named may be its subject."""
_REACH = 40
"""Characters in front of a name within which words say how it is meant."""
_ORDER = {Role.SUBJECT: 0, Role.COUNTERPART: 1, Role.MENTIONED: 2}


@dataclass(frozen=True, slots=True)
class Cast:
    """One linked ticker, before its role is known.

    Args:
        spot: Where the title first names its company; None where it does not.
        until: Where that name ends.
        is_tagged: An exchange tag or the publisher's category, rather than a name, says so.
        is_listed: Only a list of tickers says so.
    """

    symbol: Symbol
    spot: int | None = None
    until: int = 0
    is_tagged: bool = False
    is_listed: bool = False


@dataclass(frozen=True, slots=True)
class _Words:
    no_subject: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]
    analyst: re.Pattern[str]
    rated: re.Pattern[str]
    describes: re.Pattern[str]
    behind_with: re.Pattern[str]
    passing: re.Pattern[str]
    counterpart: re.Pattern[str]
    takes_over: re.Pattern[str]
    parts: re.Pattern[str]
    strikes: re.Pattern[str]
    official: re.Pattern[str]


def with_roles(title: str, parts: Sequence[Cast]) -> tuple[Symbol, ...]:
    """Return the symbols of a piece of news with their roles, the subject first."""
    if not parts:
        return ()
    roles: dict[str, Role] = {}
    cast = [part for part in parts if not part.is_listed]
    if not _is_about_none(title):
        _in_title(title, [part for part in cast if part.spot is not None], roles)
        if Role.SUBJECT not in roles.values():
            _elsewhere([part for part in cast if part.spot is None], roles)
        if Role.SUBJECT not in roles.values():
            _struck(title, cast, roles)
    subjects = {part.symbol.cik for part in parts if roles.get(part.symbol.ticker) is Role.SUBJECT} - {None}
    symbols = [_cast(part.symbol, roles, is_subject=part.symbol.cik in subjects) for part in parts]
    return tuple(sorted(symbols, key=lambda symbol: (_ORDER[symbol.role], symbol.kind in DERIVED)))


def _is_about_none(title: str) -> bool:
    """Return whether a title is that of a list, a market report or a law firm's advertisement."""
    small = title.casefold()
    for has, pattern in _words().no_subject:
        for word in has:
            if word in small:
                if pattern.search(small):
                    return True
                break
    return False


def _cast(symbol: Symbol, roles: dict[str, Role], *, is_subject: bool) -> Symbol:
    role = Role.SUBJECT if is_subject else roles.get(symbol.ticker, Role.MENTIONED)
    return symbol if role is symbol.role else replace(symbol, role=role)


def _in_title(title: str, cast: Sequence[Cast], roles: dict[str, Role]) -> None:
    """Give the companies of a title their roles; those left out are only mentioned."""
    if len(_companies(cast)) > MAX_IN_TITLE:
        return
    cast = [part for part in cast if part.symbol.kind is not SecurityKind.FUND] or cast
    raters = _raters(title, cast)
    subject: Cast | None = None
    for part in sorted(cast, key=lambda part: part.spot or 0):
        spot = part.spot or 0
        if part.symbol.ticker in raters or _words().describes.match(title, part.until):
            continue
        if subject is not None:
            between = title[subject.until : spot]
            if _words().takes_over.search(between) and not _words().parts.match(title, part.until):
                roles[subject.symbol.ticker] = Role.COUNTERPART
                roles[part.symbol.ticker] = Role.SUBJECT
                subject = part
                continue
            is_party = _words().counterpart.search(between) and not _words().passing.search(between)
            roles[part.symbol.ticker] = Role.COUNTERPART if is_party else Role.MENTIONED
        elif spot and _words().behind_with.search(title[max(0, spot - _REACH) : spot]):
            roles[part.symbol.ticker] = Role.COUNTERPART
        elif not spot or not _words().passing.search(title[max(0, spot - _REACH) : spot]):
            subject = part
            roles[part.symbol.ticker] = Role.SUBJECT


def _struck(title: str, cast: Sequence[Cast], roles: dict[str, Role]) -> None:
    """Make the only known party of a deal, a suit or a ruling its subject: it is the one that this moves."""
    for part in cast:
        if roles.get(part.symbol.ticker) is not Role.COUNTERPART or not part.spot:
            continue
        before = title[max(0, part.spot - _REACH) : part.spot]
        if _words().strikes.search(before) or _words().official.match(title):
            roles[part.symbol.ticker] = Role.SUBJECT
            return


def _raters(title: str, cast: Sequence[Cast]) -> set[str]:
    """Return the houses of a title that only speak of another company."""
    houses = [part for part in cast if part.symbol.cik in brokers()]
    if not houses:
        return set()
    says, rated = _words().analyst.search(title), _words().rated.search(title)
    return {
        part.symbol.ticker
        for part in houses
        if part.spot is not None
        and ((says and part.spot < says.start()) or (rated and part.spot > rated.start()))
    }


def _elsewhere(cast: Sequence[Cast], roles: dict[str, Role]) -> None:
    """Find the subject among those that the title does not name: the publisher's tag, else who opens the text."""
    tagged = [part for part in cast if part.is_tagged]
    if tagged and len(_companies(tagged)) <= MAX_BESIDES_TITLE:
        roles[tagged[0].symbol.ticker] = Role.SUBJECT
    elif not tagged and cast and len(_companies(cast)) < MAX_BESIDES_TITLE:
        place = cast[0].symbol.place
        if place and place.start < _OPENING:
            roles[cast[0].symbol.ticker] = Role.SUBJECT


def _companies(cast: Sequence[Cast]) -> set[int | str]:
    """Return one mark a company; funds, which a title names as places to look, count like companies."""
    return {part.symbol.cik or part.symbol.ticker for part in cast}


@cache
def _words() -> _Words:
    table = tomllib.loads(files("catalyst_ray.core").joinpath("data/roles.toml").read_text("utf-8"))

    def read(name: str) -> re.Pattern[str]:
        return re.compile(table[name], re.IGNORECASE)

    no_subject = (
        (tuple(word.replace("_", " ") for word in row["has"].split()), re.compile(row["match"]))
        for row in (*table["lists"], *table["law"])
    )
    return _Words(
        no_subject=tuple(no_subject),
        analyst=read("analyst"),
        rated=read("rated"),
        describes=read("describes"),
        behind_with=read("with"),
        passing=read("passing"),
        counterpart=read("counterpart"),
        takes_over=read("takes_over"),
        parts=read("parts"),
        strikes=read("strikes"),
        official=read("official"),
    )
