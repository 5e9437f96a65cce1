"""Owns the answers of language models: kept until they expire, and never more than so many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from catalyst_ray.adapters.store.schema import llm_cache
from catalyst_ray.adapters.store.statements import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def get(connection: Connection, key: str, *, now_utc: datetime) -> str | None:
    """Return an answer that has not expired."""
    return connection.scalar(
        select(llm_cache.c.text).where(llm_cache.c.key == key, llm_cache.c.expires > now_utc)
    )


def put(connection: Connection, key: str, text: str, *, expires_utc: datetime) -> None:
    """Keep an answer."""
    upsert(connection, llm_cache, [{"key": key, "text": text, "expires": expires_utc}])


def trim(connection: Connection, *, keep_rows: int) -> int:
    """Delete the answers that expire first until ``keep_rows`` are left; return how many went."""
    surplus = (connection.scalar(select(func.count()).select_from(llm_cache)) or 0) - keep_rows
    if surplus <= 0:
        return 0
    first = select(llm_cache.c.key).order_by(llm_cache.c.expires, llm_cache.c.key).limit(surplus)
    return connection.execute(llm_cache.delete().where(llm_cache.c.key.in_(first))).rowcount
