"""The command line's edges: what each kind of error says, and the exit code it leaves with."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

import click
import pytest

from catalyst_ray import cli
from catalyst_ray.cli import demo
from catalyst_ray.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from pathlib import Path


def leave(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> int:
    """Return the exit code of a command line whose command ends in ``error``."""

    @click.command("broken")
    def command() -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: command)
    monkeypatch.setattr(sys, "argv", ["catalyst-ray", "broken"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (None, 0, ""),
        (ConfigError("bad", key="OUT_DIR", hint="mend it"), 2, "error: OUT_DIR: bad (mend it)\n"),
        (ConfigError("2 wrong", problems=("A: x", "B: y"), hint="see"), 2, "error: A: x\nerror: B: y\nsee\n"),
        (StoreError("full", hint="free some space"), 1, "error: full (free some space)\n"),
        (click.UsageError("no such folder"), 2, "no such folder"),
        (KeyboardInterrupt(), 130, ""),
        (OSError(errno.ENOSPC, "full"), 1, "error: no space left on the disk"),
        (SystemExit(3), 3, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_codes(monkeypatch, capsys, error, code, words) -> None:
    """Expected errors end in their words and their code, without a traceback."""
    assert leave(monkeypatch, error) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_an_unexpected_error_is_not_hidden(monkeypatch) -> None:
    """A fault of the program keeps its traceback."""
    with pytest.raises(ZeroDivisionError):
        leave(monkeypatch, ZeroDivisionError())


def test_an_unknown_command_is_a_usage_error(monkeypatch, capsys) -> None:
    """A mistyped command ends with code 2 and the place to look."""
    monkeypatch.setattr(sys, "argv", ["catalyst-ray", "rum"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert "No such command 'rum'" in capsys.readouterr().err


def test_only_a_folder_that_a_demo_made_is_emptied(tmp_path: Path) -> None:
    """An empty or earlier demo's folder is taken; another's is refused and keeps its files."""
    out = tmp_path / "demo"
    demo.empty(out)
    (out / "alerts.ndjson").touch()
    demo.empty(out)
    assert [path.name for path in out.iterdir()] == [demo.MARK]
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(click.UsageError, match="--out"):
        demo.empty(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
