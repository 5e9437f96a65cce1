"""Owns the two shapes of statement that several concerns need: upsert, and lists cut into pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Table

Value = TypeVar("Value")

_PIECE = 500
"""Values in one IN list: SQLite may be built with room for 999 parameters."""


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one whose primary key exists takes the new values of the columns given."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def pieces(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Cut values into lists short enough for an IN."""
    held = list(values)
    for start in range(0, len(held), _PIECE):
        yield held[start : start + _PIECE]
