"""What a file's mode lets others do. Pure: opens nothing."""

from __future__ import annotations

import stat

_OTHERS = stat.S_IRWXO | stat.S_IWGRP


def is_open_to_others(mode: int) -> bool:
    """Return whether users beside a secret's own and its group may read it, or may change it."""
    return bool(mode & _OTHERS)
