"""Owns items and their decisions that are no alert: claim, what a crash left undecided, decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from catalyst_ray.adapters.store import tickers
from catalyst_ray.adapters.store.claims import STANDING, Batch, Known, lacks_parties
from catalyst_ray.adapters.store.columns import url_key
from catalyst_ray.adapters.store.schema import aliases, items
from catalyst_ray.adapters.store.statements import pieces, upsert
from catalyst_ray.core.reasons import Code
from catalyst_ray.models import Action, Claim, Decision, Item, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection


def claim(
    connection: Connection, offered: Sequence[Item], *, now_utc: datetime, window: timedelta
) -> list[Claim]:
    """Judge the items of a feed against the store and write what is new of them."""
    since_utc = now_utc - window
    names = {name for item in offered for name in (item.key, *item.aliases)}
    known, owners = _stored(connection, names, since_utc=since_utc)
    owners.update(_alias_owners(connection, names, since_utc=since_utc))
    batch = Batch(known, owners, now_utc=now_utc)
    for item in offered:
        batch.offer(item)
    _write(connection, batch, now_utc=now_utc)
    return batch.claims()


def undecided(connection: Connection, *, limit: int) -> list[Item]:
    """Return items without a decision, oldest first."""
    query = (
        select(items.c.payload)
        .where(items.c.decided.is_(None))
        .order_by(items.c.claimed, items.c.key)
        .limit(limit)
    )
    return list(connection.scalars(query))


def decide(connection: Connection, decisions: Sequence[tuple[Item, Decision]], *, now_utc: datetime) -> None:
    """Write decisions, except over an alert or hold, and except stale ones.

    A decision is stale when the stored item has gained parties since: the item was extended while the
    older version was being judged, so the extended version has been or will be decided by itself, be it
    after a crash (it is stored undecided). A later decision on the same version replaces the earlier.
    """
    rows = []
    named: dict[str, set[str]] = {}
    stored = _rows(connection, [item.key for item, _ in decisions])
    for item, decision in decisions:
        if decision.action in STANDING:
            raise ValueError(f"{item.key}: {decision.action} is written with its alert, not by decide")
        row = stored.get(item.key)
        if row is not None and row.action not in STANDING and not lacks_parties(item, row.payload):
            rows.append({"at_key": item.key, **decided(decision, now_utc=now_utc)})
            named[item.key] = tickers.named(decision)
    if rows:
        connection.execute(
            items.update()
            .where(items.c.key == bindparam("at_key"))
            .values({name: bindparam(name) for name in ("action", "decision", "decided")}),
            rows,
        )
    tickers.write(connection, named)


def decided(decision: Decision, *, now_utc: datetime) -> dict[str, Any]:
    """Return the columns of an item that a decision fills."""
    return {"action": decision.action.value, "decision": decision, "decided": now_utc}


def new_row(item: Item, *, now_utc: datetime) -> dict[str, Any]:
    """Return the columns of an item that is claimed now, undecided."""
    return {
        "key": item.key,
        "payload": item,
        "kind": item.kind.value,
        "feed": item.feed,
        "title": item.title,
        "url": url_key(item.url),
        "published": item.published_utc,
        "claimed": now_utc,
        "seen": now_utc,
        "decided": None,
        "action": None,
        "decision": None,
        "duplicate_of": None,
    }


def _rows(connection: Connection, keys: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for some in pieces(dict.fromkeys(keys)):
        query = select(items.c.key, items.c.action, items.c.payload).where(items.c.key.in_(some))
        found.update((row.key, row) for row in connection.execute(query))
    return found


def _stored(
    connection: Connection, names: set[str], *, since_utc: datetime
) -> tuple[dict[str, Known], dict[str, str]]:
    known: dict[str, Known] = {}
    owners: dict[str, str] = {}
    for some in pieces(names):
        query = select(
            items.c.key, items.c.payload, items.c.action, items.c.duplicate_of, items.c.claimed, items.c.seen
        ).where(items.c.key.in_(some))
        for row in connection.execute(query):
            action = None if row.action is None else Action(row.action)
            known[row.key] = Known(row.payload, action, row.duplicate_of, row.seen)
            if row.claimed >= since_utc:
                owners[row.key] = row.duplicate_of or row.key
    return known, owners


def _alias_owners(connection: Connection, names: set[str], *, since_utc: datetime) -> dict[str, str]:
    owners: dict[str, str] = {}
    for some in pieces(names):
        query = select(aliases.c.alias, aliases.c.item_key).where(
            aliases.c.alias.in_(some), aliases.c.seen >= since_utc
        )
        owners.update((row.alias, row.item_key) for row in connection.execute(query))
    return owners


def _write(connection: Connection, batch: Batch, *, now_utc: datetime) -> None:
    fresh = []
    for key in sorted(batch.added):
        known = batch.known[key]
        row = new_row(known.item, now_utc=now_utc)
        if known.duplicate_of is not None:
            why = Decision(action=Action.DROP, reasons=(Reason(Code.DUPLICATE, known.duplicate_of),))
            row |= {**decided(why, now_utc=now_utc), "duplicate_of": known.duplicate_of}
        fresh.append(row)
    if fresh:
        connection.execute(items.insert(), fresh)
    names = [{"alias": name, "item_key": key, "seen": now_utc} for name, key in batch.aliases.items()]
    upsert(connection, aliases, names)
    for key in batch.extended:
        known = batch.known[key]
        change: dict[str, Any] = {"payload": known.item}
        if known.action is None:
            change |= {"action": None, "decision": None, "decided": None}
        connection.execute(items.update().where(items.c.key == key).values(change))
    if batch.listed:
        connection.execute(
            items.update().where(items.c.key == bindparam("at_key")).values(seen=bindparam("seen")),
            [{"at_key": key, "seen": now_utc} for key in batch.listed],
        )
