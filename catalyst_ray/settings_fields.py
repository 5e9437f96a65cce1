"""How a setting is declared: its default, group, words, and the checks that several share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from catalyst_ray.core.hosts import is_host_and_port, is_http

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Share = Annotated[float, Field(ge=0, le=1)]


def setting(default: Any, group: str, text: str) -> Any:
    """Return a field of a settings class; ``text`` ends with a full stop."""
    return Field(default, description=text, json_schema_extra={"group": group})


def http_address(value: str) -> str:
    """Return an address of http or https; ``host:port``, Ollama's own form, is taken for http.

    Raises:
        ValueError: It is none. A word alone is none either: it is more likely a slip than a host on port 80.
    """
    address = value if "://" in value else f"http://{value}"
    has_shape = "://" in value or value == "localhost" or "." in value or ":" in value
    if has_shape and is_http(address):
        return address
    raise ValueError("must be an address like http://myserver:8000 or myserver:8000")


def cluster_address(value: str) -> str:
    """Return the address of a Ray cluster.

    Raises:
        ValueError: It is none.
    """
    if value in {"auto", "local"} or is_host_and_port(value):
        return value
    raise ValueError(
        "must be auto or an address like 10.0.0.5:6379; to run from outside the cluster use `ray job submit`"
    )
