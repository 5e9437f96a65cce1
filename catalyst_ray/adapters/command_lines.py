"""The command lines of this machine's processes, by psutil."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator


def command_lines() -> Iterator[list[str]]:
    """Yield the words of every command line that may be read; processes may come and go meanwhile."""
    for process in psutil.process_iter(["cmdline"]):
        words: list[str] = process.info["cmdline"] or []
        if words:
            yield words
