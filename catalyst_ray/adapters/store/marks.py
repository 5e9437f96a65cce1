"""Owns the mark that readers watch: a count of the writes to alerts, deliveries and cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, cast, select
from sqlalchemy.dialects import postgresql, sqlite

from catalyst_ray.adapters.store.columns import PlainText
from catalyst_ray.adapters.store.schema import meta

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MARK = "mark"


def read(connection: Connection) -> str:
    """Return the mark."""
    return connection.scalar(select(meta.c.value).where(meta.c.name == _MARK)) or "0"


def move(connection: Connection) -> None:
    """Change the mark, in the transaction of the write that it tells of."""
    insert = sqlite.insert(meta) if connection.dialect.name == "sqlite" else postgresql.insert(meta)
    count = cast(cast(meta.c.value, BigInteger) + 1, PlainText)
    connection.execute(
        insert.values(name=_MARK, value="1").on_conflict_do_update(
            index_elements=["name"], set_={"value": count}
        )
    )
