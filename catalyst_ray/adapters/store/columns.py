"""Owns how Python values become SQL values and back, on every database alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.types import TypeDecorator

from catalyst_ray.core import codec
from catalyst_ray.core.text import canonical_url

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_URL_CHARS = 600  # PostgreSQL indexes at most 2,704 bytes


def url_key(url: str) -> str:
    """Return the form in which addresses are stored to be found: canonical where it can be, and cut."""
    return (canonical_url(url) or url)[:_URL_CHARS]


class UtcTime(TypeDecorator[datetime]):
    """An aware time as whole microseconds since 1970 UTC: exact, and it sorts everywhere alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Return microseconds; a naive time is refused (TypeError), since nobody can say what it means."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        """Return the aware time."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class PlainText(TypeDecorator[str]):
    """Text that both databases take: no NUL (PostgreSQL refuses it), no lone surrogate (no UTF-8)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Return the text with what cannot be stored replaced."""
        return None if value is None else value.encode("utf-8", "replace").decode().replace("\0", " ")


class Payload(TypeDecorator[Any]):
    """A whole model as JSON.

    Args:
        model: The dataclass that reading gives back.
    """

    impl = Text
    cache_ok = True

    def __init__(self, model: type) -> None:
        super().__init__()
        self.model = model

    def process_bind_param(self, value: object | None, _dialect: Dialect) -> str | None:
        """Return the model as JSON."""
        return None if value is None else codec.encode(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        """Return the model; ParseError when the text does not fit it."""
        return None if value is None else codec.decode(self.model, value)
