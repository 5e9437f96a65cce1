"""Settings as mounted files: one file a setting, its name the setting's, its content the value.

That is the form in which Kubernetes and Compose mount secrets and systemd hands over credentials. Reads the files of
one folder; which folder, and what beats what, is ``settings``' to say.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, NamedTuple

from catalyst_ray.core.file_modes import is_open_to_others

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

MAX_BYTES = 65_536
"""More is no setting: somebody mounted the wrong file."""
PREFIX = "catalyst_"
"""May stand before a name, for folders that several programs share; systemd puts it before the files of a
``LoadCredential=catalyst:FOLDER``."""


class Mounted(NamedTuple):
    """What a folder of secrets holds.

    Args:
        values: By the setting's name; empty files are left out.
        files: The file of each, of those too that are empty or cannot be read.
        strangers: Files that are no setting.
        problems: A line for each file that cannot be used.
    """

    values: dict[str, str]
    files: dict[str, Path]
    strangers: list[Path]
    problems: list[str]


def read_mounted(folder: Path, names: Collection[str]) -> Mounted:
    """Return the settings among ``names`` (in capitals) that the files of a folder give; upper or lower case."""
    found = Mounted({}, {}, [], [])
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        found.problems.append(f"SECRETS_DIR: {folder} cannot be read: {error.strerror}")
        return found
    for path in paths:
        if not path.name.startswith("."):  # Kubernetes keeps the files of a mount in folders named so
            _take(path, names, found)
    return found


def too_open(folder: Path | None, names: Collection[str]) -> list[str]:
    """Return a line for each file of a setting that users beside its own and its group may read, or may change."""
    if folder is None:
        return []
    found = read_mounted(folder, names)
    return [
        f"{path} is open to others (mode {mode:04o}): chmod 0400, or defaultMode: 0440 in Kubernetes"
        for name, path in found.files.items()
        if name in found.values and is_open_to_others(mode := _mode(path))
    ]


def _take(path: Path, names: Collection[str], found: Mounted) -> None:
    name = path.name.upper().removeprefix(PREFIX.upper())
    if name not in names:
        found.strangers.append(path)
        return
    if name in found.files:
        found.problems.append(f"{name}: given twice, by {found.files[name]} and {path}")
        return
    found.files[name] = path
    try:
        value = _read(path)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        found.problems.append(f"{name}: {path} cannot be read: {words}")
        return
    if value:
        found.values[name] = value


def _read(path: Path) -> str:
    """Return a file's text without the line end that editors and ``echo`` put there.

    Raises:
        ValueError: It holds no text; the words repeat nothing of what it holds.
    """
    if not path.is_file():  # a pipe would be waited for without end
        raise ValueError("it is no file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if "\0" in text:
        raise ValueError("it is no text")
    return text.strip()


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:  # gone a moment ago
        return 0
