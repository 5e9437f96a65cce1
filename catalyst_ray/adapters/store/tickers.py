"""Owns which tickers an item is found by: those that its decision, and its alert, name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.adapters.store.schema import item_tickers
from catalyst_ray.adapters.store.statements import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from catalyst_ray.models import Decision


def named(decision: Decision) -> set[str]:
    """Return the tickers of a decision's reasons: the first word of each ``ticker`` reason."""
    words = (reason.detail.split(maxsplit=1) for reason in decision.reasons if reason.code == "ticker")
    return {found[0] for found in words if found}


def write(connection: Connection, tickers: Mapping[str, Iterable[str]]) -> None:
    """Replace the tickers of some stored items, given by item key."""
    for keys in pieces(tickers):
        connection.execute(item_tickers.delete().where(item_tickers.c.item_key.in_(keys)))
    rows = [{"item_key": key, "ticker": ticker} for key, names in tickers.items() for ticker in sorted(names)]
    if rows:
        connection.execute(item_tickers.insert(), rows)
