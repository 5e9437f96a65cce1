"""Changes of a ``.env`` file: only the lines that are meant, in one step, with the file as it was kept beside it."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKUP = ".before-tune"
_LINE = re.compile(
    r"(?P<head>\s*(?:export\s+)?(?P<name>\w+)\s*=\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^#\r\n]*?)(?P<tail>\s*(?:#[^\r\n]*)?)(?P<end>\r?\n?)"
)
_OFF = re.compile(r"\s*#\s*(?P<name>\w+)\s*=")


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Return the text of a ``.env`` file with other values; comments, order and all other lines stay.

    The last line that sets a name counts, so that is the one that changes. A name that none sets is put behind
    the comment that names its default, as in ``.env.example``, else at the end.
    """
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    for name, value in changes.items():
        at = _last(lines, name)
        if at is not None:
            found = _LINE.fullmatch(lines[at])
            if found:
                lines[at] = f"{found['head']}{value}{found['tail']}{found['end']}"
                continue
        off = next((n for n, line in enumerate(lines) if _is_off(line, name)), len(lines) - 1)
        if lines and not lines[off].endswith("\n"):
            lines[off] += end
        lines.insert(off + 1, f"{name}={value}{end}")
    return "".join(lines)


def write(path: Path, changes: Mapping[str, str]) -> Path:
    """Write changes into a ``.env`` file in one step; return where the file as it was is kept.

    Raises:
        ConfigError: It cannot be read or written.
    """
    path = path.resolve()  # a link stays one
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else ""
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        backup = path.with_name(path.name + BACKUP)
        _replace(backup, text, mode)
        _replace(path, changed(text, changes), mode)
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
        backup.replace(path)
    except FileNotFoundError as error:
        raise ConfigError("there is nothing to undo", key=str(path), hint=f"{backup} is not there") from error
    except OSError as error:
        raise ConfigError(f"cannot be put back: {error}", key=str(path)) from error


def _last(lines: list[str], name: str) -> int | None:
    found = [n for n, line in enumerate(lines) if (m := _LINE.fullmatch(line)) and m["name"].upper() == name]
    return found[-1] if found else None


def _is_off(line: str, name: str) -> bool:
    found = _OFF.match(line)
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
