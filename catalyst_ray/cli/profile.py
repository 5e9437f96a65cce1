"""``catalyst-ray profile``: where a cycle's time goes, what the GPUs and the memory do, and two profiles side by side."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.logs import secrets_of, set_up_logs
from catalyst_ray.cli.options import env_file_option, given, refuse_together
from catalyst_ray.cli.report import write_json
from catalyst_ray.core.codec import decode, encode
from catalyst_ray.core.profile_targets import shows_nothing
from catalyst_ray.errors import CatalystError, ConfigError, ParseError
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from catalyst_ray.models import Comparison, CycleReport, ProfileReport
    from catalyst_ray.profiler.wish import Kind, ProfileWish
    from catalyst_ray.settings import Settings

DEMO_CYCLES, LIVE_CYCLES = 20, 5
LONG = frozenset({"cycles", "moments", "rss_by_cycle"})
"""What stands in the file only: a line for programs would be as long as the profile took."""
KINDS: tuple[Kind, ...] = ("cycle", "full", "gpu")
COMPARE = frozenset({"pair", "anyhow", "json_file", "html_file"})
"""What may be said with --compare."""
MOST_BYTES = 64 * 1024 * 1024
LONGEST_S = 86_400.0
"""No cycle of a profile is longer: the file was not written by one."""
EXAMPLES = """\b
Examples:
  catalyst-ray profile                               where a cycle's time goes, over the demo's news
  catalyst-ray profile --full --cycles 60            memory by process and Ray's own cost too
  catalyst-ray profile --gpu                         the cards while your own model judges the demo's news
  catalyst-ray profile --json a.json                 … then change a setting, and
  catalyst-ray profile --json b.json
  catalyst-ray profile --compare a.json b.json       what the change did
"""

File = click.Path(path_type=Path, dir_okay=False)


@click.command("profile", epilog=EXAMPLES)
@click.option("--cycle", is_flag=True, help="Where a cycle's time goes (the default).")
@click.option("--full", is_flag=True, help="Memory by process, its growth and Ray's own cost too.")
@click.option("--gpu", is_flag=True, help="As --full with --own-model: what the cards do under it.")
@click.option(
    "--cycles", type=click.IntRange(1, 5_000), help=f"Cycles: {DEMO_CYCLES}, with --live {LIVE_CYCLES}."
)
@click.option("--live", is_flag=True, help="Over your feeds and prices, dry, instead of the demo's news.")
@click.option(
    "--own-model", is_flag=True, help="Let your engine judge the demo's news, not the scripted one."
)
@click.option(
    "--cprofile", is_flag=True, help="Functions of the driver's event loop, in cycles of their own."
)
@click.option("--tracemalloc", is_flag=True, help="Lines of the driver that grow, in cycles of their own.")
@click.option("--json", "json_file", type=File, help="File of the profile instead of OUT_DIR/profile.json.")
@click.option("--html", "html_file", type=File, help="Page of the profile instead of OUT_DIR/profile.html.")
@click.option("--compare", "pair", type=File, nargs=2, help="Compare two profiles' files; measures nothing.")
@click.option("--anyhow", is_flag=True, help="Compare even where versions, machine or load differ.")
@env_file_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    pair: tuple[Path, Path] | None,
    anyhow: bool,
    env_file: Path | None,
    **asked: Any,
) -> None:
    """Profile whole cycles of the program with your settings.

    Runs them in a folder and with a store of their own: your store, sinks and files are left alone. The news is the
    demo's, a batch of 100 items a cycle, judged by a scripted model; --live takes your feeds and engine. Joins the
    cluster at RAY_ADDRESS, or starts Ray on this machine.

    A terminal gets tables; everything else a JSON line a cycle and one at the end, and on standard error in words where
    the files lie and whether the targets are kept. The whole profile is kept as JSON and as a page.

    Exits with 0, with 2 for wrong settings, and with 3 if a target is missed, it was stopped early, or --gpu saw no card
    while no model judged.
    """
    _refuse(given(context), asked)
    if pair:
        _compare(*pair, anyhow=anyhow, json_file=asked["json_file"], html_file=asked["html_file"])
        return
    settings = load_settings(env_file=env_file)
    report, is_whole = _measure(settings, asked)
    files = {
        "json": asked["json_file"] or settings.out_dir / "profile.json",
        "html": asked["html_file"] or settings.out_dir / "profile.html",
    }
    _write(report, None, files["json"], files["html"])
    _tell(report, files)
    missed = any(target.passed is False for target in report.targets)
    if not is_whole or missed or shows_nothing(report):
        sys.exit(PARTIAL)


def _refuse(typed: Mapping[str, str], asked: Mapping[str, Any]) -> None:
    """Refuse what contradicts itself, or could not be written, before anything is measured.

    Raises:
        click.UsageError: Two options do not go together.
        ConfigError: A file is named in a folder that is not there.
    """
    if "pair" in typed:
        others = [called for name, called in typed.items() if name not in COMPARE]
        refuse_together("--compare", others, "it measures nothing")
    elif "anyhow" in typed:
        raise click.UsageError("--anyhow goes with --compare only")
    first, *others = [typed[name] for name in KINDS if name in typed] or [""]
    refuse_together(first, others, "a profile is of one kind")
    named = {"--json": asked["json_file"], "--html": asked["html_file"]}
    lost = [f"{called}: there is no folder {path.parent}" for called, path in named.items() if _is_lost(path)]
    if lost:
        raise ConfigError(
            "files cannot be written", problems=tuple(lost), hint="make it, or name another file"
        )


def _is_lost(path: Path | None) -> bool:
    return path is not None and not path.parent.is_dir()


def _measure(settings: Settings, asked: dict[str, Any]) -> tuple[ProfileReport, bool]:
    """Return the report, and whether all cycles ran."""
    from catalyst_ray.profiler import ProfileWish, outlook  # noqa: PLC0415  (loads Ray: not for --help)

    is_person = sys.stdout.isatty()
    set_up_logs("WARNING" if is_person else settings.log_level, secrets=secrets_of(settings))
    live = asked["live"]
    kind: Kind = next((name for name in KINDS if asked[name]), "cycle")
    cycles = asked["cycles"] or (LIVE_CYCLES if live else DEMO_CYCLES)
    wish = ProfileWish(
        kind=kind,
        cycles=cycles,
        load="live" if live else "demo",
        own_model=asked["own_model"] or kind == "gpu",
        cprofile=asked["cprofile"],
        tracemalloc=asked["tracemalloc"],
    )
    for words in outlook(settings, wish):
        click.echo(f"warning: {words}", err=True)
    with _progress(cycles, is_person=is_person) as tell:
        report = _stoppable(settings, replace(wish, tell=tell))
    return report, len(report.cycles) == cycles


def _stoppable(settings: Settings, wish: ProfileWish) -> ProfileReport:
    """Return the report, of fewer cycles where Ctrl-C ended it.

    Raises:
        click.Abort: It was stopped before a cycle had ended.
    """
    from catalyst_ray.cluster.stop import StopSignal  # noqa: PLC0415  (loads Ray: not for --help)
    from catalyst_ray.profiler import measure  # noqa: PLC0415  (as above)

    stop = StopSignal()
    try:
        with stop.noted():
            return measure(settings, wish, stop)
    except CatalystError as error:
        if stop.is_set:
            click.echo("Stopped before a cycle had ended: there is nothing to tell.", err=True)
            raise click.Abort from error
        raise


@contextmanager
def _progress(cycles: int, *, is_person: bool) -> Iterator[Callable[[CycleReport], None]]:
    """Give what is told of every cycle: a bar on a terminal, JSON lines elsewhere."""
    if not is_person:
        out = sys.stdout  # what libraries print goes to standard error meanwhile
        yield lambda report: _line({"type": "profile_cycle", "of": cycles, **_short(report)}, out)
        return
    from rich.console import Console  # noqa: PLC0415  (only a terminal needs it)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("starting Ray and the load", total=cycles)
        yield lambda report: progress.update(
            bar, completed=report.number, description=f"cycle {report.number}: {report.seconds:.2f} s"
        )


def _short(report: CycleReport) -> dict[str, Any]:
    return {"number": report.number, "seconds": round(report.seconds, 4), "new": report.counts.get("new", 0)}


def _line(value: dict[str, Any], out: IO[str]) -> None:
    click.echo(json.dumps(value), file=out)
    out.flush()


def _tell(report: ProfileReport, files: dict[str, Path]) -> None:
    if not sys.stdout.isatty():
        whole = json.loads(encode(report))
        told = {name: value for name, value in whole.items() if name not in LONG}
        _line(
            {"type": "profile", **told, "files": {name: str(path) for name, path in files.items()}},
            sys.stdout,
        )
        _tell_in_words(report, files)
        return
    from rich.console import Console  # noqa: PLC0415  (only a terminal needs it)

    from catalyst_ray.cli.profile_text import show_profile  # noqa: PLC0415  (loads Ray)

    show_profile(report, Console())
    click.echo(f"\nKept as {files['json']} and {files['html']}")


def _tell_in_words(report: ProfileReport, files: dict[str, Path]) -> None:
    """Say on standard error what somebody looks for in a job's log: where the files lie, and how it went."""
    from catalyst_ray.core.profile_words import target_words  # noqa: PLC0415  (not for --help)

    click.echo(f"page: {files['html'].resolve()}, profile: {files['json'].resolve()}", err=True)
    for target in report.targets:
        value = "" if target.value is None else f"{target.value:,.2f} {target.unit}, "
        limit = f"{target.name} below {target.limit:g} {target.unit}"
        click.echo(f"{limit}: {value}{target_words(target)}", err=True)


def _compare(
    before: Path, after: Path, *, anyhow: bool, json_file: Path | None, html_file: Path | None
) -> None:
    from catalyst_ray.core.profile_compare import compare  # noqa: PLC0415  (not for --help)

    one, two = _read_both(before, after)
    comparison = compare(one, two)
    if comparison.differ and not anyhow:
        raise ConfigError(
            "the two profiles differ in more than what was tried",
            problems=comparison.differ,
            hint="take both alike, or say --anyhow to compare them all the same",
        )
    _write(two, comparison, json_file, html_file)
    if not sys.stdout.isatty():
        _line({"type": "profile_comparison", **json.loads(encode(comparison))}, sys.stdout)
        return
    from rich.console import Console  # noqa: PLC0415  (only a terminal needs it)

    from catalyst_ray.cli.profile_text import show_comparison  # noqa: PLC0415

    show_comparison(comparison, Console())


def _read_both(*paths: Path) -> list[ProfileReport]:
    """Return the profiles of two files; what is wrong with either is told of both."""
    found, problems = [], []
    for path in dict.fromkeys(paths):
        try:
            found.append(_read(path))
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("no two profiles to compare", problems=tuple(problems))
    return [found[0], found[-1]]


def _read(path: Path) -> ProfileReport:
    from catalyst_ray.models import ProfileReport  # noqa: PLC0415  (not for --help)

    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} is too large for a profile", key="--compare")
        report = decode(ProfileReport, path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", key="--compare") from error
    except ParseError as error:
        hint = "name files that `catalyst-ray profile --json` wrote"
        raise ConfigError(f"{path} is no profile: {error.message}", key="--compare", hint=hint) from error
    if not report.cycles or not all(0 <= cycle.seconds <= LONGEST_S for cycle in report.cycles):
        raise ConfigError(f"{path} is no profile: it has no cycles, or none that can be", key="--compare")
    return report


def _write(
    report: ProfileReport, comparison: Comparison | None, json_file: Path | None, html_file: Path | None
) -> None:
    """Write what is asked for.

    Raises:
        CatalystError: A file cannot be written.
    """
    try:
        if json_file:
            json_file.parent.mkdir(parents=True, exist_ok=True)
            write_json(json_file, json.loads(encode(comparison or report)))
        if html_file:
            from catalyst_ray.profiler.page import write_profile_page  # noqa: PLC0415  (loads jinja2)

            html_file.parent.mkdir(parents=True, exist_ok=True)
            write_profile_page(html_file, report, comparison)
    except OSError as error:
        raise CatalystError(
            f"cannot write {error.filename or json_file or html_file}: {error.strerror}",
            key="profile",
            hint="name other files with --json and --html",
        ) from error
