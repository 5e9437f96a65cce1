"""The command line: one file a command, loaded only when it is called; errors become exit codes here.

Exit codes: 0 done; 1 unexpected failure, or the cluster does not answer; 2 wrong settings or arguments; 3 done in
part (a feed, sink or item failed; the report names it), or a check found something wrong; 130 ended by Ctrl-C before
it could stop cleanly.
"""

from __future__ import annotations

import errno
import sys
from importlib import import_module

import click

from catalyst_ray import __version__
from catalyst_ray.errors import CatalystError, ConfigError

COMMANDS = {
    "demo": "Run three cycles against an invented market on this machine.",
    "run": "Watch the feeds and send alerts, until stopped.",
    "doctor": "Check the set-up and say how to mend what is wrong.",
    "notify-test": "Send one invented alert to every sink that is set.",
    "status": "Say whether the driver does its work, and what waits or failed.",
    "alerts": "List the latest alerts, and where each stands with each sink.",
    "web": "Show alerts, reasons and status as a page, until stopped.",
    "gpu": "Show what every GPU does, live.",
    "metrics": "List the metrics for Prometheus and Grafana, and write their files.",
    "tune": "Find faster settings by measuring, and keep what helps.",
    "explain": "Say what became of an item, and why.",
    "export": "Write alerts, items, decisions, deliveries or cycles for other programs.",
    "profile": "Measure where the time of a cycle goes, what GPUs and memory do.",
    "bench": "Measure what this machine or cluster can do: charts, answers, cycles.",
    "quality": "Measure the judgement on labelled data.",
    "settings": "Show every setting and its value.",
}
WRONG, PARTIAL = 2, 3


class LazyGroup(click.Group):
    """Loads a command's module when it is called: ``--help`` stays fast and imports no Ray."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of first use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command's module and return it; None for an unknown name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"catalyst_ray.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview without loading any command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="catalyst-ray")
def root() -> None:
    """Turn live financial news and SEC filings into stock-catalyst alerts.

    First steps:  `catalyst-ray demo` shows it at work with no key, GPU or server;
    `catalyst-ray doctor` checks your set-up;  `catalyst-ray run --once --dry-run` takes the live feeds once
    and posts nothing. Settings come from the environment and .env: see `catalyst-ray settings`.
    """


def main(*before: str) -> None:
    """Run the command line and leave with its exit code; ``before`` are arguments put in front."""
    try:
        root.main([*before, *sys.argv[1:]], standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except CatalystError as error:
        code = _tell(error)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        click.echo("error: no space left on the disk that is written to", err=True)
        code = 1
    else:
        code = 0
    sys.exit(code)


def _tell(error: CatalystError) -> int:
    """Say an expected error, or each of its problems; return the exit code."""
    if not isinstance(error, ConfigError):
        click.echo(f"error: {error}", err=True)
        return 1
    listed = error.problems != (error.message,)
    for problem in error.problems if listed else (str(error),):
        click.echo(f"error: {problem}", err=True)
    if listed and error.hint:
        click.echo(error.hint, err=True)
    return WRONG
