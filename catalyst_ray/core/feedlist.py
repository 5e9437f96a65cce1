"""The list of feeds: reads its TOML into ``FeedSpec`` and names every mistake. Fetches nothing."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from catalyst_ray.errors import ConfigError
from catalyst_ray.models import FeedKind, FeedSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class _Feed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+", max_length=2_000)]
    kind: FeedKind = FeedKind.RSS
    source: str = ""
    weight: Annotated[float, Field(ge=0, le=1)] = 1.0
    requires: Literal["sec_contact", "finnhub_token"] | None = None
    allow_private: bool = False

    @field_validator("url")
    @classmethod
    def _has_host_and_port(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.port == 0 or "@" in parts.netloc:  # a port out of range raises
            raise ValueError("must name a host, with a sound port and without a user")
        return value


class _FeedFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: Annotated[list[_Feed], Field(min_length=1, max_length=1_000)]


def built_in_feeds() -> tuple[FeedSpec, ...]:
    """Return the list that ships."""
    text = resources.files("catalyst_ray.core").joinpath("data/feeds.toml").read_text(encoding="utf-8")
    return read_feeds(text, origin="the built-in list")


def read_feeds(text: str, *, origin: str) -> tuple[FeedSpec, ...]:
    """Read a TOML list of ``[[feed]]`` tables.

    Raises:
        ConfigError: Bad TOML, unknown or wrong fields, or a name that stands twice; all are named.
    """
    try:
        feeds = _FeedFile.model_validate(tomllib.loads(text)).feed
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is no TOML: {error}", key="FEEDS_FILE") from error
    except ValidationError as error:
        lines = tuple(f"{origin}: {_where(e['loc'])}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{origin} is not a list of feeds", problems=lines, key="FEEDS_FILE") from error
    names = [feed.name for feed in feeds]
    twice = tuple(
        f"{origin}: the name {n!r} stands twice" for n in sorted({n for n in names if names.count(n) > 1})
    )
    if twice:
        raise ConfigError(f"{origin} repeats names", problems=twice, key="FEEDS_FILE")
    return tuple(FeedSpec(**{**feed.model_dump(), "source": feed.source or feed.name}) for feed in feeds)


def feeds_toml(rows: Iterable[Mapping[str, object]]) -> str:
    """Return the TOML that ``read_feeds`` reads, from feeds as plain values; unset ones are left out."""
    lines = []
    for row in rows:
        lines += ["[[feed]]", *(f"{k} = {json.dumps(v)}" for k, v in row.items() if v not in (None, "")), ""]
    return "\n".join(lines)


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
