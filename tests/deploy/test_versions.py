"""One version of Ray and of Python in every file, that of the lock: Ray refuses nodes of another."""

from __future__ import annotations

import re

import pytest

from tests.deploy.files import DEPLOY, ROOT, load

IMAGED = ("cluster.yaml", "deploy/cluster-rack.yaml", "deploy/Dockerfile", "deploy/compose.yaml")
KUBERAY = ("deploy/kuberay/raycluster.yaml", "deploy/kuberay/rayjob.yaml")
TAG = re.compile(r"\b(?:rayproject/ray|catalyst-ray):(\d+\.\d+\.\d+)-(py\d+)(?:-gpu)?\b")
ANY_TAG = re.compile(r"\b(?:rayproject/ray|catalyst-ray):")


def locked() -> str:
    """Return the Ray version of the lock."""
    found = re.search(r"^ray(?:\[default\])?==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert found
    return found[1]


def wanted_python() -> str:
    """Return the Python that the lock was made for, as images are tagged."""
    found = re.search(r"--python-version (\d+)\.(\d+)", (ROOT / "Makefile").read_text())
    assert found
    return f"py{found[1]}{found[2]}"


@pytest.mark.parametrize("name", [*IMAGED, *KUBERAY])
def test_images_are_of_the_locked_versions(name: str) -> None:
    """A node of another Ray or Python version would be refused: each tag and the lock agree."""
    text = (ROOT / name).read_text()
    tags = TAG.findall(text)
    assert tags
    assert set(tags) == {(locked(), wanted_python())}
    assert len(tags) == len(ANY_TAG.findall(text))


def test_kuberay_is_told_the_same() -> None:
    """The operator chooses by this what it may ask of Ray."""
    cluster, job = (load(ROOT / name) for name in KUBERAY)
    assert cluster["spec"]["rayVersion"] == job["spec"]["rayClusterSpec"]["rayVersion"] == locked()


def test_the_package_allows_that_python() -> None:
    """Nothing newer is asked for than the images have."""
    assert f'requires-python = ">=3.{wanted_python()[3:]}"' in (ROOT / "pyproject.toml").read_text()


def test_the_image_installs_the_lock_and_carries_no_secret() -> None:
    """With hashes and nothing else; and only what is named goes into the build at all."""
    text = (DEPLOY / "Dockerfile").read_text()
    assert "pip install --no-cache-dir --no-deps --require-hashes --quiet -r requirements.lock" in text
    rules = [
        line for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] not in "#"
    ]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert allowed == {"requirements.lock", "catalyst_ray", "jobs", "deploy/submit.sh"}
    copied = set(re.findall(r"^COPY --chown=ray:users (\S+) ", text, re.M))
    assert copied == allowed


def test_locks_name_no_registry() -> None:
    """The lock files hold hashes and no address."""
    for path in (ROOT / "requirements.lock", ROOT / "tests" / "requirements.lock"):
        text = path.read_text()
        assert "://" not in text
        assert text.count("--hash=sha256:") > text.count("==")
