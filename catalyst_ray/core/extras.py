"""The words that install an optional part of this program, for the Python that runs it."""

from __future__ import annotations

import shlex
import sys


def pip_install(*what: str) -> str:
    """Return the command; a bare ``pip`` would often be that of another Python than the virtual environment's."""
    return shlex.join([sys.executable, "-m", "pip", "install", *what])


def extra(name: str) -> str:
    """Return the command that installs what an extra of ours needs."""
    return pip_install(f"catalyst-ray[{name}]")
