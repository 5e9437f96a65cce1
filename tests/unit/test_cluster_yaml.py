"""cluster.yaml: Ray itself accepts it, and its image is of the locked Ray version."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_image_is_of_the_locked_version() -> None:
    """A node of another Ray version would be refused: the image's tag and the lock agree."""
    locked = re.search(r"^ray(?:\[default\])?==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    image = yaml.safe_load((ROOT / "cluster.yaml").read_text())["docker"]["image"]
    assert locked
    assert image.split(":")[1].startswith(f"{locked[1]}-py311")


def test_locks_name_no_registry() -> None:
    """The lock files hold hashes and no address."""
    for path in (ROOT / "requirements.lock", ROOT / "tests" / "requirements.lock"):
        text = path.read_text()
        assert "://" not in text
        assert text.count("--hash=sha256:") > text.count("==")
