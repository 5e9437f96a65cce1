"""What was asked and what is answered, free of any server: the pages are plain functions between the two."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HTML = "text/html; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request.

    Args:
        query: Parameters by name.
        name: What stands in the path (an alert's id).
        root: The way from the asked page to the first one, relative: the page may be served under a prefix.
        mark: The store's mark before the page was made.
    """

    query: Mapping[str, str]
    name: str = ""
    root: str = "./"
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response; ``cache`` is its Cache-Control."""

    body: bytes
    content_type: str = HTML
    status: int = 200
    cache: str = "no-store"


def json_answer(value: object, *, status: int = 200) -> Answer:
    """Return a value as JSON."""
    body = json.dumps(value, allow_nan=False, indent=1, ensure_ascii=True).encode()
    return Answer(body=body + b"\n", content_type=JSON, status=status)
