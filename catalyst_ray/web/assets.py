"""The page's own files, named by their content: a browser keeps them for ever, and a new version is a new name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_STATIC = files("catalyst_ray.web") / "static"
_PARTS: Mapping[str, tuple[str, ...]] = {
    "page.css": ("tokens.css", "page.css", "status.css"),
    "page.js": ("page.js",),
    "icon.svg": ("icon.svg",),
}
"""What is served, and of which files it is put together; the colours are shared with the static page."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    body: bytes
    content_type: str


class Assets:
    """All of them, read once."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._served: dict[str, Asset] = {}
        for name, parts in _PARTS.items():
            body = b"\n".join(_read(part) for part in parts)
            stem, dot, kind = name.rpartition(".")
            served = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}{dot}{kind}"
            self._names[name] = served
            self._served[served] = Asset(body, _TYPES[dot + kind])

    def address(self, name: str) -> str:
        """Return the path under which a file is served, without a slash before it."""
        return f"static/{self._names[name]}"

    def get(self, served: str) -> Asset | None:
        """Return a file by its served name; None where there is none, or no longer."""
        return self._served.get(served)


def _read(name: str) -> bytes:
    if name == "tokens.css":
        return (files("catalyst_ray.adapters") / "templates" / name).read_bytes()
    return (_STATIC / name).read_bytes()
