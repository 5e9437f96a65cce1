"""Changes of a ``.env`` file: only the lines that are meant, in one step, with the file as it was kept beside it."""

from __future__ import annotations

import os
import re
import tempfile
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    _Part = tuple[str | None, str | None, str]
    """Name, value and text of a setting; of comments and what is no setting the text alone."""

BACKUP = ".before-tune"
WAS_NOT_THERE = "# There was no such file before `catalyst-ray tune --write`.\n"
"""What is kept beside a file that is new: putting that back is to take the new one away."""
_VALUE = re.compile(
    r"(?P<head>\s*(?:export\s+)?'?[^\s='#]+'?[^\S\r\n]*=[^\S\r\n]*)"
    r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\r\n]*?)"
    r"(?P<tail>(?:[^\S\r\n]+(?:#[^\r\n]*)?)?[\r\n]*)",
    re.DOTALL,
)
_OFF = re.compile(r"\s*#\s*(?P<name>\w+)\s*=")


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Return the text of a ``.env`` file with other values; comments, order and all other lines stay.

    The last line that sets a name counts, so that is the one that changes. A name that none sets is put behind
    the comment that names its default, as in ``.env.example``, else at the end.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    # By the parser that reads them: a value in quotes may be of many lines, each of which looks like a setting.
    parts = [(one.key, one.value, one.original.string) for one in parse_stream(StringIO(text, newline=""))]
    for name, value in changes.items():
        at = _last(parts, name)
        found = _VALUE.fullmatch(parts[at][2]) if at is not None else None
        if at is not None and found:
            parts[at] = (name, value, f"{found['head']}{value}{found['tail']}")
            continue
        off = next((n for n, part in enumerate(parts) if _is_off(part, name)), len(parts) - 1)
        if parts and not parts[off][2].endswith(("\n", "\r")):
            parts[off] = (*parts[off][:2], parts[off][2] + end)
        parts.insert(off + 1, (name, value, f"{name}={value}{end}"))
    return "".join(string for _, _, string in parts)


def write(path: Path, changes: Mapping[str, str]) -> Path:
    """Write changes into a ``.env`` file in one step; return where the file as it was is kept.

    Raises:
        ConfigError: It cannot be read or written.
    """
    path = path.resolve()  # a link stays one
    try:
        old = path.read_bytes().decode("utf-8") if path.exists() else None
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        backup = path.with_name(path.name + BACKUP)
        _replace(backup, WAS_NOT_THERE if old is None else old, mode)
        _replace(path, changed(old or "", changes), mode)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be changed: {error}", key=str(path)) from error
    return backup


def undo(path: Path) -> None:
    """Put the file back as it was before the last ``write``.

    Raises:
        ConfigError: Nothing was written, or it cannot be put back.
    """
    path = path.resolve()
    backup = path.with_name(path.name + BACKUP)
    try:
        if backup.read_bytes() == WAS_NOT_THERE.encode():
            path.unlink(missing_ok=True)
            backup.unlink()
        else:
            backup.replace(path)
    except FileNotFoundError as error:
        raise ConfigError("there is nothing to undo", key=str(path), hint=f"{backup} is not there") from error
    except OSError as error:
        raise ConfigError(f"cannot be put back: {error}", key=str(path)) from error


def _last(parts: Sequence[_Part], name: str) -> int | None:
    found = [
        n for n, (key, value, _) in enumerate(parts) if value is not None and (key or "").upper() == name
    ]
    return found[-1] if found else None


def _is_off(part: _Part, name: str) -> bool:
    key, _, string = part
    found = None if key else _OFF.match(string)
    return bool(found and found["name"].upper() == name)


def _replace(path: Path, text: str, mode: int) -> None:
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(mode)
        Path(part).replace(path)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise
