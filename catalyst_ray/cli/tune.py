"""``catalyst-ray tune``: tries the advice of a profile in turns, and keeps what helps."""

from __future__ import annotations

import json
import shlex
import sys
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.logs import secrets_of, set_up_logs
from catalyst_ray.cli.options import env_file_option, given, json_option, refuse_together
from catalyst_ray.errors import ConfigError
from catalyst_ray.settings import load_settings, settings_and_origins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalyst_ray.settings import Origins, Settings
    from catalyst_ray.tuner import TuneResult

DEMO_CYCLES, LIVE_CYCLES = 5, 1
STOPPED = "Stopped: nothing was changed."
UNDO = frozenset({"undo", "as_json", "env_file"})
"""What may be said with --undo."""
EXAMPLES = """\b
Examples:
  catalyst-ray tune                     try on the demo's news, change nothing
  catalyst-ray tune --write             … and write what helped into .env
  catalyst-ray tune --undo              put .env back as it was before
  catalyst-ray tune --live --minutes 60 try on what your feeds say now, with your engine
"""


@click.command("tune", epilog=EXAMPLES)
@click.option("--live", is_flag=True, help="On what your feeds answer now, dry, with your prices and engine.")
@click.option(
    "--own-model", is_flag=True, help="Let your engine judge the demo's news, not the scripted one."
)
@click.option(
    "--cycles",
    type=click.IntRange(1, 200),
    help=f"Cycles of a turn: {DEMO_CYCLES}, with --live {LIVE_CYCLES}.",
)
@click.option(
    "--pairs", type=click.IntRange(4, 10), default=4, show_default=True, help="Pairs of turns of one trial."
)
@click.option("--rounds", type=click.IntRange(1, 50), default=6, show_default=True, help="Changes to try.")
@click.option(
    "--minutes", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Time for all of it."
)
@click.option(
    "--demo-option",
    "world",
    multiple=True,
    metavar="OPTION",
    help="Of `python -m catalyst_ray.demo`, to make its load more like yours (--llm-latency-s=0.8).",
)
@click.option(
    "--write", is_flag=True, help="Write what helped into the .env file; the old one is kept beside it."
)
@click.option("--undo", is_flag=True, help="Put the .env file back as it was before the last --write.")
@json_option
@env_file_option
@click.pass_context
def command(
    context: click.Context, /, *, write: bool, undo: bool, as_json: bool, env_file: Path | None, **asked: Any
) -> None:
    """Find settings that make the program faster, by measuring.

    Profiles the demo's load with your settings, takes the advice that promises most, and runs the same load in turns
    without and with that change (ABAB…), each in a fresh Ray, folder and store. A change stays only where the pairs
    agree that it helps the p95 it aims at (chance at most 1 in 16), by 5 % or more, and where no alert is lost, none is
    wrong that was not, no verdict is missed and no other p95 gets worse, with two exceptions: a cycle may grow while it
    stays under 5 s, and posts may come later, by LLM_ALERT_WAIT_SECS at most, where that brings verdicts. The result
    tells every figure before and after. Then it takes the next advice. A turn takes some 20 seconds, a trial two to
    four minutes.

    The demo's news is judged by a scripted model: what that shows of LLM_ settings counts for your engine only with
    --own-model or --live.

    Nothing is changed unless --write is given. Your store, sinks and files are left alone. Ctrl-C stops within
    seconds and leaves everything as it was.

    Exits with 0, also when there is nothing to change; with 2 for wrong settings; with 3 if a change could not be
    tried.
    """
    _refuse(given(context), asked["world"])
    path = env_file or Path(".env")
    if undo:
        from catalyst_ray.tuner import env_file as files  # noqa: PLC0415  (loads Ray: not for --help)

        files.undo(path)
        click.echo(f"{path} is as it was before", err=True)
        return
    settings, origins = settings_and_origins(env_file=env_file)
    is_person = sys.stdout.isatty() and not as_json
    set_up_logs("ERROR" if is_person else settings.log_level, secrets=secrets_of(settings))
    result = _tune(asked, env_file, settings, tell=_teller(is_person=is_person))
    _show(result, is_person=is_person)
    if result.stopped:
        _say(STOPPED, is_person=is_person)
        raise click.Abort
    scripted = not (asked["live"] or asked["own_model"])
    _caution(result, path, origins, scripted=scripted, is_person=is_person)
    _finish(result, path, env_file, write=write, is_person=is_person)
    if any(trial.decision is None for trial in result.trials):
        sys.exit(PARTIAL)


def _refuse(typed: Mapping[str, str], world: tuple[str, ...]) -> None:
    """Refuse options that contradict one another, or that the demo does not know, before anything starts.

    Raises:
        click.UsageError: Two do not go together.
        ConfigError: The demo has no such option.
    """
    if "undo" in typed:
        others = [called for name, called in typed.items() if name not in UNDO]
        refuse_together("--undo", others, "it only puts the .env file back")
    if not world:
        return
    if "live" in typed:
        refuse_together("--demo-option", ["--live"], "your feeds take the place of the demo's")
    from catalyst_ray.demo.options import demo_options  # noqa: PLC0415  (loads aiohttp: not for --help)

    try:
        demo_options(world)
    except ConfigError as error:
        raise ConfigError(error.message, key="--demo-option", hint=error.hint) from error


def _tune(
    asked: dict[str, Any], env_file: Path | None, settings: Settings, *, tell: Callable[[str], None]
) -> TuneResult:
    from catalyst_ray.adapters.clock import SystemClock  # noqa: PLC0415  (loads Ray: not for --help)
    from catalyst_ray.profiler import ProfileWish  # noqa: PLC0415  (as above)
    from catalyst_ray.tuner import Limits, Tuner  # noqa: PLC0415  (as above)
    from catalyst_ray.tuner.measuring import measuring, pretended_gpus  # noqa: PLC0415  (as above)
    from catalyst_ray.tuner.session import Stopped  # noqa: PLC0415  (as above)

    live, own_model = asked["live"], asked["own_model"]
    is_scripted = not (live or own_model or settings.ray_address)
    wish = ProfileWish(
        cycles=asked["cycles"] or (LIVE_CYCLES if live else DEMO_CYCLES),
        load="live" if live else "demo",
        own_model=own_model,
        world=asked["world"],
        fake_gpus=pretended_gpus() if is_scripted else None,
    )
    limits = Limits(rounds=asked["rounds"], pairs=asked["pairs"], minutes=asked["minutes"])

    def load(overrides: Mapping[str, Any]) -> Settings:
        return load_settings(overrides, env_file=env_file)

    clock = SystemClock()
    try:
        with measuring(load, wish, clock=clock) as measure:
            return Tuner(measure, limits=limits, clock=clock, tell=tell).run()
    except Stopped as error:
        tell(STOPPED)
        raise click.Abort from error


def _teller(*, is_person: bool) -> Callable[[str], None]:
    if is_person:
        return lambda words: click.echo(words, err=True)
    return lambda words: _line({"type": "tune_step", "words": words})


def _line(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value))
    sys.stdout.flush()


def _show(result: TuneResult, *, is_person: bool) -> None:
    from catalyst_ray.cli.tune_text import (  # noqa: PLC0415  (loads rich)
        as_lines,
        told_lines,
        trial_lines,
        trial_table,
    )

    if not is_person:
        for value in as_lines(result):
            _line(value)
        return
    from rich.console import Console  # noqa: PLC0415  (only a terminal needs it)

    console = Console()
    console.print()
    if result.trials:
        console.print(trial_table(result))
        console.print()
    else:
        console.print("Nothing to try: no advice that a trial could judge follows from the profile.")
    for text in (*trial_lines(result), *told_lines(result.told)):
        console.print(text)
    if result.ended:
        console.print(result.ended)


def _caution(result: TuneResult, path: Path, origins: Origins, *, scripted: bool, is_person: bool) -> None:
    """Say of each change why it may not do for the user what it did here."""
    for name in result.changes:
        if place := origins.beats_file(name.lower()):
            words = f"{name} is set in {place}, which wins over {path}: change it there"
            _say(words, is_person=is_person)
        if scripted and name.startswith("LLM_"):
            words = f"{name} was tried with the demo's scripted model: try it with --own-model too"
            _say(words, is_person=is_person)


def _finish(result: TuneResult, path: Path, env_file: Path | None, *, write: bool, is_person: bool) -> None:
    """Write what helped, or show what would be written."""
    from catalyst_ray.tuner import env_file as files  # noqa: PLC0415  (loads Ray: not for --help)

    if not result.changes:
        _say("Nothing is to be changed.", is_person=is_person)
        return
    if write:
        backup = files.write(path, result.changes)
        back = f"catalyst-ray tune --undo{f' --env-file {shlex.quote(str(env_file))}' if env_file else ''}"
        _say(
            f"{path} is written; the old one is {backup.name} (`{back}` puts it back)",
            is_person=is_person,
        )
        return
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    new = files.changed(old, result.changes)
    diff = unified_diff(old.splitlines(), new.splitlines(), str(path), str(path), n=0, lineterm="")
    _say("What helped, for `--write` or by hand:", is_person=is_person)
    for words in list(diff)[2:]:
        _say(words, is_person=is_person)


def _say(words: str, *, is_person: bool) -> None:
    if is_person:
        click.echo(words)
    else:
        _line({"type": "tune_note", "words": words})
