"""How a setting is declared: its default, group, words, and the checks that several share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Share = Annotated[float, Field(ge=0, le=1)]


def setting(default: Any, group: str, text: str) -> Any:
    """Return a field of a settings class; ``text`` ends with a full stop."""
    return Field(default, description=text, json_schema_extra={"group": group})


def http_address(value: str) -> str:
    """Return an address of http or https; ``host:port``, Ollama's own form, is taken for http.

    Raises:
        ValueError: It is none.
    """
    if value.startswith(("http://", "https://")):
        return value
    if re.fullmatch(r"[\w.-]+(:\d+)?", value):
        return f"http://{value}"
    raise ValueError("must be an http:// or https:// address")
