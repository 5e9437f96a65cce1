"""What installs an optional part."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from catalyst_ray.core.extras import extra, pip_install

if TYPE_CHECKING:
    import pytest


def test_the_command_is_for_the_python_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell takes it as it stands, a blank in the path or not, and no other Python gets the packages."""
    assert extra("market") == f"{sys.executable} -m pip install 'catalyst-ray[market]'"
    monkeypatch.setattr(sys, "executable", "/srv/my venv/bin/python")
    assert pip_install("--no-deps", "x") == "'/srv/my venv/bin/python' -m pip install --no-deps x"
