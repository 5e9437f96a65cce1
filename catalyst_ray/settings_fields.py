"""How a setting is declared: its default, group, words, and the checks that several share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Share = Annotated[float, Field(ge=0, le=1)]


def setting(default: Any, group: str, text: str) -> Any:
    """Return a field of a settings class; ``text`` ends with a full stop."""
    return Field(default, description=text, json_schema_extra={"group": group})
