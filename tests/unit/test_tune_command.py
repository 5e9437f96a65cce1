"""``catalyst-ray tune`` around a session: what is printed and written, and how it ends. Nothing is measured."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from rich.console import Console

from catalyst_ray.cli import tune
from catalyst_ray.cli.tune_text import told_lines, trial_lines, trial_table
from catalyst_ray.core.advice import advise
from catalyst_ray.errors import ConfigError, TransportError
from tests.unit.core.test_advice import HEAVY
from tests.unit.tuner.test_tuner import Machine
from tests.unit.tuner.test_tuner import tune as session

SCRIPTED = "LLM_BATCH_WORKERS was tried with the demo's scripted model: try it with --own-model too"
ENV = "# mine\nLLM_BATCH_WORKERS=1\n"


def planted(*, fails: bool = False):
    """Return what a session on a planted machine came to."""
    machine = Machine(LLM_BATCH_WORKERS="1", slow_feed_s=6.0, slow_feed_stories=2)
    if fails:
        machine.fails_with["FEEDS_TIMEOUT"] = TransportError("no demo")
    return session(machine)[0]


@pytest.fixture
def called(tmp_path, monkeypatch, loggers):
    """Give what runs the command in a folder with a .env file, with a session that came to a given result."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(ENV)

    def call(result, *arguments):
        monkeypatch.setattr(tune, "_tune", lambda *_, **__: result)
        done = CliRunner().invoke(tune.command, arguments)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return done, lines, (tmp_path / ".env").read_text()

    return call


def test_without_being_asked_nothing_is_written(called):
    """What helped is shown as the lines to change."""
    done, lines, env = called(planted())
    assert (done.exit_code, env) == (0, ENV)
    notes = [line["words"] for line in lines if line["type"] == "tune_note"]
    assert notes == [
        SCRIPTED,
        "What helped, for `--write` or by hand:",
        "@@ -2 +2 @@",
        "-LLM_BATCH_WORKERS=1",
        "+LLM_BATCH_WORKERS=4",
    ]


def test_your_own_engine_needs_no_caution(called):
    """What was tried with it counts for it."""
    _, lines, _ = called(planted(), "--own-model")
    assert SCRIPTED not in [line.get("words") for line in lines]


def test_asked_to_it_writes_what_helped_and_says_how_to_undo(called):
    """The file has the new value, and the kept one is named."""
    done, lines, env = called(planted(), "--write")
    assert (done.exit_code, env) == (0, ENV.replace("=1", "=4"))
    assert ".env.before-tune (`catalyst-ray tune --undo` puts it back)" in lines[-1]["words"]


def test_the_way_back_names_the_file_that_was_written(called, tmp_path):
    """A plain --undo would look at ./.env."""
    (tmp_path / "my own.env").write_text(ENV)
    _, lines, _ = called(planted(), "--write", "--env-file", "my own.env")
    assert "(`catalyst-ray tune --undo --env-file 'my own.env'` puts it back)" in lines[-1]["words"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--write", "--undo"), "--undo does not go with --write"),
        (("--undo", "--cycles=3", "--live"), "--undo does not go with --live, --cycles"),
        (("--live", "--demo-option=--seed=3"), "--demo-option does not go with --live"),
    ],
)
def test_options_that_contradict_one_another_are_refused(called, options, words):
    """Both are named, nothing is written and nothing measured."""
    done, _, env = called(planted(), *options)
    assert (done.exit_code, env) == (2, ENV)
    assert words in done.stderr


def test_an_option_that_the_demo_does_not_know_is_told_before_anything_starts(called):
    """It is a wrong argument like any other, and named."""
    done, lines, _ = called(planted(), "--demo-option=--bogus")
    assert lines == []
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception).startswith("--demo-option: unrecognized arguments: --bogus")


def test_programs_get_a_line_a_trial_and_one_at_the_end(called):
    """Each trial with its figures, evidence and decision; then the changes."""
    _, lines, _ = called(planted())
    trials = {line["setting"]: line for line in lines if line["type"] == "tune_trial"}
    kept, rolled = trials["LLM_BATCH_WORKERS"], trials["FEEDS_TIMEOUT"]
    assert (kept["was"], kept["tried"], kept["kept"], kept["better"], kept["pairs"]) == ("1", "4", True, 4, 4)
    assert (kept["before"], kept["after"]) == (4.8, 1.425)
    assert kept["others"] == {
        "cycle_p95_s": [6.0, 6.0],
        "post_p95_s": [0.25, 0.25],
        "late_share": [0.0, 0.0],
    }
    assert (rolled["kept"], rolled["why"]) == (False, "fewer alerts found: 58 before, 56 after")
    (end,) = [line for line in lines if line["type"] == "tune"]
    assert end["changes"] == {"LLM_BATCH_WORKERS": "4"}


def test_a_tuned_system_ends_well(called):
    """Nothing to change is no failure."""
    done, lines, env = called(session(Machine())[0], "--write")
    assert (done.exit_code, env) == (0, ENV)
    assert lines[-1]["words"] == "Nothing is to be changed."


def test_a_change_that_could_not_be_tried_is_exit_code_3(called):
    """What helped is written nevertheless."""
    done, _, env = called(planted(fails=True), "--write")
    assert (done.exit_code, env) == (3, ENV.replace("=1", "=4"))


def test_a_stop_writes_nothing_even_of_what_was_kept(called):
    """Ctrl-C leaves everything as it was."""
    result = planted()
    result.stopped = True
    done, _, env = called(result, "--write")
    assert (done.exit_code, env) == (1, ENV)
    assert isinstance(done.exception, SystemExit)


def test_a_setting_of_the_environment_is_told(called, monkeypatch):
    """A .env file would not count for it."""
    monkeypatch.setenv("LLM_BATCH_WORKERS", "1")
    _, lines, _ = called(planted())
    assert any("is set in the environment, which wins over .env" in line.get("words", "") for line in lines)


def test_a_setting_of_a_mounted_file_is_told(called, monkeypatch, tmp_path):
    """That too wins over a .env file."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "llm_batch_workers").write_text("1")
    monkeypatch.setenv("SECRETS_DIR", str(folder))
    _, lines, _ = called(planted())
    words = f"LLM_BATCH_WORKERS is set in {folder}/llm_batch_workers, which wins over .env: change it there"
    assert words in [line.get("words") for line in lines]


def test_a_terminal_of_80_columns_shows_all(called):
    """No setting, figure or decision is cut; the evidence before and after and the reason stand below."""
    result = planted()
    console = Console(width=80, file=io.StringIO(), color_system=None)
    console.print(trial_table(result))
    for text in (*trial_lines(result), *told_lines(advise(HEAVY))):
        console.print(text)
    shown = console.file.getvalue()
    assert "…" not in shown
    assert "p95 of a cycle 6.00 s → 6.00 s" in shown
    assert "p95 to post 0.25 s → 0.25 s" in shown
    assert "LLM_BATCH_WORKERS 1 → 4  p95 to verdict 4.80 s → 1.43 s  4 of 4  kept" in " ".join(
        shown.replace("   ", "  ").splitlines()
    )
    words = " ".join(shown.split())
    assert (
        "FEEDS_TIMEOUT=2 rolled back, fewer alerts found: 58 before, 56 after. tortoise takes 6.00 s" in words
    )
    assert "With it: no such shortage any more." in words
    assert "Lowering MAX_ALERTS_PER_CYCLE would shorten the cycle too, but only" in words
    failed = replace(result.trials[0], decision=None, error="could not be tried: x")
    result.trials = [failed]
    console.print(trial_table(result))
    assert "not measured" in console.file.getvalue()
