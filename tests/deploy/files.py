"""The files that start the program elsewhere, read once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CLUSTERS = {"cloud": ROOT / "cluster.yaml", "rack": DEPLOY / "cluster-rack.yaml"}


def load(path: Path) -> Any:
    """Return a YAML file's content."""
    return yaml.safe_load(path.read_text())


def runtime_env() -> dict[str, Any]:
    """Return what a submitted job takes with it."""
    return dict(load(ROOT / "jobs" / "runtime_env.yaml"))
