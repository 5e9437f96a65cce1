"""The command ``profile``: what it prints, keeps, refuses, and the code it leaves with."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from catalyst_ray import profiler
from catalyst_ray.cli import profile as command_of
from catalyst_ray.core.codec import decode, encode
from catalyst_ray.errors import CatalystError, ConfigError
from catalyst_ray.models import Advice, CallProfile, MemoryGrowth, ProcessMemory, ProfileReport
from tests.unit.core.profile_facts import card, cycle, profile


def measured(count: int = 3, *, seconds: float = 1.0) -> ProfileReport:
    """Return a profile that has everything."""
    cycles = tuple(
        cycle(
            number,
            seconds,
            stages={"fetch": 0.4},
            elapsed={"fetch": 0.3},
            branches={"Feeds": 0.3, "Other": 0.1},
            queues={"llm": {"requests": 12, "cached": 8, "worked": 4, "seconds": 9.2, "workers": 3}},
            posted_s={"discord": (0.5,)},
            gpus=(card(utilisation_pct=10.0),),
        )
        for number in range(1, count + 1)
    )
    return profile(
        cycles,
        memory=(
            ProcessMemory(role="driver", name="driver", pid=7, rss_bytes=5_000_000, rss_max_bytes=6_000_000),
        ),
        calls=(CallProfile(where="core/x.py:3 f", calls=3, own_s=0.1, total_s=0.2),),
        growth=(MemoryGrowth(where="core/y.py:9", bytes=1500, blocks=3),),
        advice=(
            Advice(
                rule="r", evidence="8 of 12", figures={}, setting="LLM_CACHE_TTL", value="60", words="Do."
            ),
        ),
    )


@pytest.fixture
def run(monkeypatch, loggers, tmp_path):
    """Return what runs the command with a measurement that is made up, and says what was asked of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def execute(*options, report: ProfileReport | None = None, foreseen=()):
        wishes = []

        def measure(_settings, wish, _stop):
            wishes.append(wish)
            found = report or measured(wish.cycles)
            for one in found.cycles:
                wish.tell(one)
            return found

        monkeypatch.setattr(profiler, "measure", measure)
        monkeypatch.setattr(profiler, "outlook", lambda *_: foreseen)
        done = CliRunner().invoke(command_of.command, options)
        return done, wishes[0] if wishes else None

    return execute


def test_a_program_gets_a_line_a_cycle_and_the_profile(run, tmp_path) -> None:
    """JSON lines, the last without what fills the file; both files are kept, and the JSON is the whole profile."""
    done, wish = run("--cycles", "3")
    *cycles, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert [(line["type"], line["number"], line["of"]) for line in cycles] == [
        ("profile_cycle", number, 3) for number in (1, 2, 3)
    ]
    assert last["type"] == "profile"
    assert "cycles" not in last
    assert last["files"] == {"json": "out/profile.json", "html": "out/profile.html"}
    assert decode(ProfileReport, (tmp_path / "out/profile.json").read_text()) == measured(3)
    assert "Profile of 3 cycles" in (tmp_path / "out/profile.html").read_text()
    assert (wish.kind, wish.load, wish.own_model, wish.cprofile) == ("cycle", "demo", False, False)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ((), ("cycle", "demo", False, 20)),
        (("--full",), ("full", "demo", False, 20)),
        (("--gpu",), ("gpu", "demo", True, 20)),
        (("--full", "--own-model", "--cycles", "7"), ("full", "demo", True, 7)),
        (("--live",), ("cycle", "live", False, 5)),
    ],
)
def test_the_options_say_what_is_measured(run, options, asked) -> None:
    """Each flag means what its help says; the cards are measured under the user's own model."""
    _, wish = run(*options)
    assert (wish.kind, wish.load, wish.own_model, wish.cycles) == asked


def test_a_person_gets_the_tree_and_all_the_rest(run, monkeypatch) -> None:
    """Branches and stages, the queue in the guide's words, the card's judgement, memory, calls, targets, advice."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)
    done, _ = run("--full", "--cycles", "3", "--html", "p.html")
    assert done.exit_code == 0, done.output
    shown = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
    for words in (
        "Feeds",
        "└ fetch",
        "first byte to discord: p50 0.50 s",
        "LLM requests: 12 (8 cache hits, 0 joined, 0 failed)",
        "Average processing: 2.30 s",
        "underused (below 20 %)",
        "driver",
        "core/x.py:3 f",
        "core/y.py:9",
        "empty task 2.00 ms",
        "Cycle, p95",
        "kept",
        "LLM_CACHE_TTL=60: Do. (8 of 12)",
        "Kept as out/profile.json and p.html",
    ):
        assert words in shown, words


def test_a_missed_target_and_an_early_end_are_told_by_the_code(run) -> None:
    """Code 3 for cycles of six seconds, and for fewer cycles than were asked for."""
    assert run("--cycles", "3", report=measured(3, seconds=6.0))[0].exit_code == 3
    assert run("--cycles", "3", report=measured(2))[0].exit_code == 3


def test_two_files_are_compared(run, tmp_path) -> None:
    """A profile against itself shows no difference, measures nothing, and writes only what is asked for."""
    path = tmp_path / "a.json"
    path.write_text(encode(measured(12)))
    done, wish = run("--compare", str(path), str(path), "--html", "c.html")
    (line,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.exit_code, wish, line["type"], line["differ"]) == (0, None, "profile_comparison", [])
    assert {change["verdict"] for change in line["changes"]} == {"no difference", "one figure"}
    assert "Compared with" in (tmp_path / "c.html").read_text()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.json", "c.html"]


def test_unlike_profiles_are_refused_unless_told_otherwise(run, tmp_path, monkeypatch) -> None:
    """What differs is named; with --anyhow it is compared and said."""
    one, two = tmp_path / "a.json", tmp_path / "b.json"
    one.write_text(encode(measured(12)))
    two.write_text(encode(replace(measured(12), load="live")))
    refused, _ = run("--compare", str(one), str(two))
    assert isinstance(refused.exception, ConfigError)
    assert refused.exception.problems == ("load: demo, then live",)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)
    done, _ = run("--compare", str(one), str(two), "--anyhow")
    assert "not alike: load: demo, then live" in done.stdout
    assert "no difference" in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        '{"type": "cycle"}',
        encode(replace(measured(2), cycles=())),
        *(encode(replace(measured(2), cycles=(cycle(1, seconds),))) for seconds in (1e308, -1.0)),
    ],
    ids=["missing", "broken", "another line", "no cycles", "endless", "negative"],
)
def test_what_is_no_profile_is_refused(run, tmp_path, text) -> None:
    """A missing file, broken JSON, another line of ours and cycles that cannot be are told as what they are."""
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    done, _ = run("--compare", str(path), str(path))
    assert isinstance(done.exception, ConfigError)
    assert "cannot be read" in str(done.exception) or "is no profile" in str(done.exception)


def test_a_file_that_cannot_be_written_is_told(run, tmp_path) -> None:
    """The name and the mend are said; there is no traceback of ours."""
    (tmp_path / "out").touch()
    done, _ = run("--cycles", "2")
    assert isinstance(done.exception, CatalystError)
    assert "--json and --html" in str(done.exception)


def test_a_folder_that_is_not_there_is_told_before_anything_is_measured(run, tmp_path) -> None:
    """A slip of the hand makes no folders; each file is named."""
    done, wish = run("--cycles", "2", "--json", "ouf/p.json", "--html", "ouf/p.html")
    assert isinstance(done.exception, ConfigError)
    assert done.exception.problems == tuple(f"{one}: there is no folder ouf" for one in ("--json", "--html"))
    assert (wish, list(tmp_path.iterdir())) == (None, [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cycle", "--full", "--gpu"), "--cycle does not go with --full, --gpu"),
        (
            ("--live", "--own-model", "--compare", "a", "b"),
            "--compare does not go with --live, --own-model",
        ),
        (("--compare", "a", "b", "--cycles", "3"), "--compare does not go with --cycles"),
        (("--anyhow",), "--anyhow goes with --compare only"),
    ],
)
def test_options_that_contradict_one_another_are_refused(run, options, words) -> None:
    """All are named, and nothing is measured."""
    done, wish = run(*options)
    assert (done.exit_code, wish) == (2, None)
    assert words in done.stderr


def test_every_file_that_is_no_profile_is_named(run) -> None:
    """Both are told at once, not one after the other."""
    done, _ = run("--compare", "a.json", "b.json")
    assert isinstance(done.exception, ConfigError)
    assert [problem.split()[1] for problem in done.exception.problems] == ["a.json", "b.json"]


def test_a_job_s_log_ends_in_words(run, tmp_path) -> None:
    """Where page and profile lie, and whether each target is kept, on standard error beside the JSON lines."""
    done, _ = run("--cycles", "3")
    assert done.stderr.splitlines() == [
        f"page: {tmp_path}/out/profile.html, profile: {tmp_path}/out/profile.json",
        "Cycle, p95 below 5 s: 1.00 s, kept",
        "GPU, mean use of the busiest below 60 %: 10.00 %, kept",
        "Growth of the driver below 1 MB per 1,000 cycles: nothing to judge by",
    ]


def test_what_cannot_be_measured_is_said_first(run, monkeypatch) -> None:
    """Whoever sees it need not wait for the end."""
    done, _ = run("--gpu", "--cycles", "2", foreseen=("no GPU is seen",))
    assert done.stderr.startswith("warning: no GPU is seen\n")


@pytest.mark.parametrize(
    ("kind", "changes", "code"),
    [
        ("gpu", {"load_facts": {}}, 3),
        ("gpu", {"quality": {"judged": 0.0}}, 3),
        ("gpu", {"quality": {"judged": 4.0}}, 0),
        ("gpu", {"load_facts": {}, "gpus": (card(utilisation_pct=10.0),)}, 0),
        ("full", {"load_facts": {}}, 0),
    ],
)
def test_a_profile_of_cards_that_has_none_and_no_verdict_is_partial(run, kind, changes, code) -> None:
    """Code 3 says that what was asked for is not in it; either a card or a model's verdicts are something."""
    report = replace(profile((cycle(1), cycle(2)), **changes), kind=kind)
    assert run(f"--{kind}", "--cycles", "2", report=report)[0].exit_code == code


def test_a_profile_without_a_model_shows_its_other_queue_whole(run, monkeypatch) -> None:
    """What its figures are is said of the charts' queue too, not that they are like the model's."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)
    cycles = tuple(cycle(n, queues={"charts": {"requests": 3, "workers": 1}}) for n in (1, 2))
    done, _ = run("--cycles", "2", report=profile(cycles))
    shown = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
    assert "LLM queue" not in shown
    assert "Chart queue (busy, waiting, oldest: the most that was seen at a time)" in shown
