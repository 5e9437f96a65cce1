"""What a person types first answers at once: no heavy library is loaded for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from catalyst_ray.cli import COMMANDS

HEAVY = ("ray", "matplotlib", "ollama", "sqlalchemy", "aiohttp", "vaderSentiment", "feedparser", "xllamacpp")
CALL = """
import sys
from catalyst_ray.cli import main
sys.argv[1:] = {arguments!r}
try:
    main()
finally:
    loaded = [m for m in {heavy!r} if m in sys.modules]
    print("LOADED", loaded, file=sys.stderr)
"""


def loaded_by(code: str) -> tuple[str, str]:
    """Run code in a new Python; return its output and its last line on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd="/"
    )
    return done.stdout, done.stderr.splitlines()[-1]


def test_importing_the_package_is_light() -> None:
    """``import catalyst_ray`` loads none of the heavy libraries."""
    code = f"import sys, catalyst_ray\nprint([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    assert loaded_by(code) == ("", "[]")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--help", "doctor"),
        ("--version", "catalyst-ray"),
        *((f"{name} --help", "--json") for name in COMMANDS),
        ("settings", "LLM_MODEL_NAME"),
    ],
)
def test_help_and_settings_are_light(line: str, words: str) -> None:
    """Help, the version and the settings are shown, and none of the heavy libraries is loaded for it."""
    out, loaded = loaded_by(CALL.format(arguments=line.split(), heavy=HEAVY))
    assert words in out
    assert loaded == "LOADED []"
