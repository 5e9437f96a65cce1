"""``catalyst-ray metrics``: what is exported, and the files that Grafana and Prometheus read it by."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalyst_ray.cli.options import json_option
from catalyst_ray.core.metric_files import deploy_files, markdown
from catalyst_ray.core.metric_list import METRICS
from catalyst_ray.core.metric_rules import RULES
from catalyst_ray.errors import CatalystError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.core.metric_list import Metric

SET_UP = """\
1. Prometheus scrapes Ray. With the files of `catalyst-ray metrics --write deploy`, on the head's machine:

     prometheus --config.file=deploy/prometheus/prometheus.yml --web.listen-address=127.0.0.1:9090

   It finds every node by the file that Ray keeps in /tmp/ray; rules.yml beside it has the alarms.

2. Grafana shows it. Import deploy/grafana/catalyst.json (Dashboards, New, Import) and choose that Prometheus as
   its source; or let Grafana read the folder: deploy/grafana/README.md.

3. Ray's own dashboard shows Grafana's panels, and links to Grafana, when the head knows both. Before `ray start`,
   or before `catalyst-ray run` where it starts Ray itself:

     export RAY_PROMETHEUS_HOST=http://127.0.0.1:9090     # Prometheus, as the head reaches it
     export RAY_PROMETHEUS_NAME=Prometheus                # the name of that source in Grafana
     export RAY_GRAFANA_HOST=http://127.0.0.1:3000        # Grafana, as the head reaches it
     export RAY_GRAFANA_IFRAME_HOST=http://127.0.0.1:3000 # Grafana, as your browser reaches it
     export RAY_METRICS_GRAFANA_DASHBOARD_OUTPUT_DIR=/var/lib/grafana/dashboards
                                                          # Ray writes its own dashboards there, for Grafana to read

   Ours is in Grafana's list by step 2: put no copy of catalyst.json beside Ray's, since Grafana refuses two boards of
   one uid. To have it in Ray's dashboard, in the place of Ray's board "Data", leave step 2 out: deploy/grafana/README.md.

   Grafana must allow embedding and reading without a login: GF_SECURITY_ALLOW_EMBEDDING=true and
   GF_AUTH_ANONYMOUS_ENABLED=true, so keep its port on loopback or behind a proxy with a login.
"""
EXAMPLES = """\b
Examples:
  catalyst-ray metrics                      every metric, with its labels
  catalyst-ray metrics --set-up             how to see them in Grafana and in Ray's dashboard
  catalyst-ray metrics --write deploy       dashboard, alarms and settings of Prometheus
"""


@click.command("metrics", epilog=EXAMPLES)
@click.option(
    "--set-up", "is_set_up", is_flag=True, help="Say how to see them in Grafana and Ray's dashboard."
)
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the files for Grafana and Prometheus into this folder.",
)
@click.option(
    "--docs", type=click.Path(path_type=Path, dir_okay=False), help="Write the list as a page of Markdown."
)
@json_option
def command(*, is_set_up: bool, folder: Path | None, docs: Path | None, as_json: bool) -> None:
    """Show every metric that a driver exports, and the alarms made of them.

    A driver exports them through Ray's agents (METRICS=0: none), under the names shown: counts of a driver's life
    end in _total. Dashboard, alarms and docs follow the same list.
    """
    if is_set_up:
        click.echo(SET_UP, nl=False)
    elif folder or docs:
        for path, text in _files(folder, docs).items():
            _write(path, text)
            click.echo(path)
    elif as_json:
        found = {
            "metrics": [_plain(metric) for metric in METRICS],
            "alarms": [dataclasses.asdict(r) for r in RULES],
        }
        click.echo(json.dumps(found, indent=2))
    else:
        _show()


def _files(folder: Path | None, docs: Path | None) -> Mapping[Path, str]:
    wanted = {folder / path: text for path, text in deploy_files().items()} if folder else {}
    return wanted | ({docs: markdown()} if docs else {})


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CatalystError(
            f"cannot write {path}: {error.strerror}", hint="name a folder that this user may write to"
        ) from error


def _plain(metric: Metric) -> dict[str, object]:
    return dataclasses.asdict(metric) | {"exported": metric.exported}


def _show() -> None:
    for metric in METRICS:
        labels = " ".join(label.key for label in metric.labels)
        _tell(f"{metric.exported}  {' '.join(filter(None, (metric.kind, labels)))}", metric.help)
    click.echo()
    for rule in RULES:
        _tell(f"{rule.name}  {rule.severity}", rule.summary)


def _tell(head: str, words: str) -> None:
    """Say a thing and below it what it is; on one line where a program reads."""
    if not sys.stdout.isatty():
        click.echo(f"{head}  {words}")
        return
    name, _, rest = head.partition("  ")
    width = shutil.get_terminal_size().columns
    click.echo(f"{click.style(name, bold=True)}  {rest}")
    click.echo(textwrap.indent(textwrap.fill(words, width - 4), "    "))
