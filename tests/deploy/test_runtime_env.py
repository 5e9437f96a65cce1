"""jobs/runtime_env.yaml: Ray's own parser takes it, and what Ray packs by it holds the program and no secret."""

from __future__ import annotations

import re
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.cluster.driver import GRACE_S
from catalyst_ray.settings import NAMES
from tests.deploy.files import ROOT, runtime_env

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret-of-the-owner"
PLANTED = (
    *(
        ".env",
        ".env.local",
        "sub/.env",
        ".env.before-tune",
        "deploy/settings.env.before-tune",
        "secrets/discord_webhook_url",
        "deploy/secrets/ray_auth_token",
        "settings.env",
    ),
    *(
        "deploy/settings.env",
        "out/catalyst.db",
        "out/report.json",
        "catalyst.db",
        "catalyst.db-wal",
        "auth_token",
    ),
    *("tls.key", "catalyst_ray/tls.pem", ".git/config", ".venv/pyvenv.cfg", "tests/x.py", "docs/x.md"),
)


def packed(folder: Path, *, gitignore: bool) -> dict[str, bytes]:
    """Return what Ray's own code packs of a folder by our rules, by name."""
    from ray._private.ray_constants import get_runtime_env_default_excludes
    from ray._private.runtime_env.packaging import create_package

    target = folder.parent / "package.zip"
    excludes = [*get_runtime_env_default_excludes(), *runtime_env()["excludes"]]
    create_package(str(folder), target, include_gitignore=gitignore, excludes=excludes)
    with zipfile.ZipFile(target) as package:
        return {name: package.read(name) for name in package.namelist() if not name.endswith("/")}


def test_ray_accepts_it() -> None:
    """Ray's parser takes all of it and finds nothing unknown."""
    from ray.runtime_env import RuntimeEnv

    given = runtime_env()
    parsed = RuntimeEnv(**given)
    assert parsed.env_vars() == given["env_vars"]
    assert set(given) == {"working_dir", "excludes", "env_vars"}


def test_variables_are_names() -> None:
    """Each is one of ours or of Ray's, none is a secret, and its value is filled in on the node."""
    given = dict(runtime_env()["env_vars"])
    assert int(given.pop("RAY_JOB_STOP_WAIT_TIME_S")) > GRACE_S + 10
    for name, value in given.items():
        assert name in NAMES
        assert value == f"${{{name}}}"
    assert not re.search(r"https?://|password|postgresql", (ROOT / "jobs" / "runtime_env.yaml").read_text())


@pytest.mark.parametrize("gitignore", [True, False])
def test_no_secret_is_packed(tmp_path: Path, gitignore: bool) -> None:
    """Whatever lies about in the folder stays behind, with .gitignore and without; what a job needs goes along."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copytree(
        ROOT / "catalyst_ray", folder / "catalyst_ray", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / "jobs", folder / "jobs", ignore=shutil.ignore_patterns("__pycache__"))
    if gitignore:
        shutil.copy(ROOT / ".gitignore", folder)
    shutil.copy(ROOT / ".env.example", folder)
    for name in PLANTED:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
    package = packed(folder, gitignore=gitignore)
    assert [name for name, content in package.items() if SECRET.encode() in content] == []
    assert not set(PLANTED) & set(package)
    assert {
        "jobs/run.py",
        "catalyst_ray/app.py",
        "catalyst_ray/core/data/policy.toml",
        ".env.example",
    } <= set(package)
