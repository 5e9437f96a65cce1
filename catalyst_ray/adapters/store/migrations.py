"""Owns the schema's version: makes the tables of a new store, brings an older one up to date.

A new store gets today's tables at once; an older one runs each step it lacks, in order. Either happens
in the caller's one transaction (both databases can roll back table changes), so a step that fails leaves
the store as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, inspect, select

from catalyst_ray.adapters.store import schema
from catalyst_ray.adapters.store.statements import upsert
from catalyst_ray.adapters.store.steps import add_cycles, add_item_tickers, add_revisions, add_stories
from catalyst_ray.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Step: TypeAlias = Callable[[Connection], None]

STEPS: Sequence[Step] = (add_item_tickers, add_revisions, add_stories, add_cycles)
"""``STEPS[n]`` brings version n + 1 to version n + 2. Never change one that was released."""

_VERSION = "schema_version"


def version(connection: Connection) -> int:
    """Return the store's schema version; 0 when it has no tables yet."""
    if not inspect(connection).has_table(schema.meta.name):
        return 0
    found = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == _VERSION))
    return int(found) if found else 0


def is_current(connection: Connection, *, steps: Sequence[Step] = STEPS) -> bool:
    """Return whether nothing is to be done.

    Raises:
        StoreError: A newer program wrote the store.
    """
    found, latest = version(connection), 1 + len(steps)
    if found > latest:
        raise StoreError(
            f"the store has schema version {found}, this program knows up to {latest}",
            hint="update catalyst-ray, or give it a database of its own",
        )
    return found == latest


def upgrade(connection: Connection, *, steps: Sequence[Step] = STEPS) -> None:
    """Make the tables, or run the steps that the store lacks.

    Raises:
        StoreError: A newer program wrote the store, or another program has tables of the same names.
    """
    if is_current(connection, steps=steps):
        return
    found = version(connection)
    if found == 0:
        _check_names_are_free(connection)
        schema.metadata.create_all(connection, checkfirst=False)
    else:
        for step in steps[found - 1 :]:
            step(connection)
    upsert(connection, schema.meta, [{"name": _VERSION, "value": str(1 + len(steps))}])


def _check_names_are_free(connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(schema.metadata.tables))
    if taken:
        raise StoreError(
            f"the database has a table of another program: {', '.join(taken)}",
            hint="give catalyst-ray a database of its own",
        )
