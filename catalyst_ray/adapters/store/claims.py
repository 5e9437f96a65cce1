"""Owns the verdict on items that feeds offer: new, seen, extended or duplicate. Pure: no SQL, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.models import Action, Claim, ClaimOutcome, Item

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_SEEN_AGAIN_AFTER = timedelta(days=1)
"""How stale an item's ``seen`` may get: writing it at every poll would cost a row an item."""

STANDING = frozenset({Action.ALERT, Action.HOLD})
"""Decisions that nothing overwrites: something was, or will be, posted."""


@dataclass(slots=True)
class Known:
    """An item as the store has it, changed in place as a batch is judged."""

    item: Item
    action: Action | None
    duplicate_of: str | None
    seen_utc: datetime


def lacks_parties(item: Item, of: Item) -> bool:
    """Return whether ``of`` names a party, by CIK and role, that ``item`` does not."""
    return not _roles(of) <= _roles(item)


def _roles(item: Item) -> set[tuple[int, str]]:
    return {(party.cik, party.role) for party in item.parties}


class Batch:
    """Judges the items of one claim, in order, each against the store and those before it.

    Args:
        known: Stored items by key; belongs to the batch from here on.
        owners: Key of the item that each identity (key or alias) stands for, as far as it counts.
    """

    def __init__(self, known: dict[str, Known], owners: Mapping[str, str], *, now_utc: datetime) -> None:
        self.known = known
        self.added: set[str] = set()
        """Keys to insert."""
        self.extended: set[str] = set()
        """Stored keys whose item changed, to update."""
        self.listed: set[str] = set()
        """Stored keys that a feed still lists and whose ``seen`` is stale."""
        self.aliases: dict[str, str] = {}
        """Identities to remember, with the key of the item they stand for."""
        self._owners = dict(owners)
        self._now_utc = now_utc
        self._outcomes: list[tuple[str, ClaimOutcome]] = []
        self._returned: set[str] = set()

    def offer(self, item: Item) -> None:
        """Judge one item."""
        known = self.known.get(item.key)
        outcome = self._admit(item) if known is None else self._meet_again(known, item)
        self._outcomes.append((item.key, outcome))

    def claims(self) -> list[Claim]:
        """Return the verdicts in the order of the offers; each item with all its parties merged."""
        return [
            Claim(self.known[key].item, outcome, self.known[key].duplicate_of)
            for key, outcome in self._outcomes
        ]

    def _admit(self, item: Item) -> ClaimOutcome:
        identities = (item.key, *item.aliases)
        owner = next((self._owners[name] for name in identities if name in self._owners), None)
        for name in identities:
            if name not in self._owners:
                self._owners[name] = owner or item.key
                self.aliases[name] = owner or item.key
        self.aliases.pop(item.key, None)  # its own row says as much
        self.added.add(item.key)
        action = None if owner is None else Action.DROP
        self.known[item.key] = Known(item, action, owner, self._now_utc)
        if owner is not None:
            return ClaimOutcome.DUPLICATE
        self._returned.add(item.key)
        return ClaimOutcome.NEW

    def _meet_again(self, known: Known, item: Item) -> ClaimOutcome:
        key = item.key
        if self._now_utc - known.seen_utc > _SEEN_AGAIN_AFTER:
            known.seen_utc = self._now_utc
            self.listed.add(key)
        if not lacks_parties(known.item, item):
            return ClaimOutcome.SEEN
        have = _roles(known.item)
        more = tuple(party for party in item.parties if (party.cik, party.role) not in have)
        known.item = replace(known.item, parties=known.item.parties + more)
        if key not in self.added:
            self.extended.add(key)
        # One that this batch returns anyway is returned once, merged.
        if key in self._returned or known.action in STANDING or known.duplicate_of is not None:
            return ClaimOutcome.SEEN
        known.action = None
        self._returned.add(key)
        return ClaimOutcome.EXTENDED
