"""``catalyst-ray metrics``: the list for people and programs, the files, and how to see them."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from catalyst_ray.cli.metrics import command
from catalyst_ray.core.metric_files import deploy_files, markdown
from catalyst_ray.core.metric_list import METRICS
from catalyst_ray.core.metric_rules import RULES
from catalyst_ray.errors import CatalystError


def say(*arguments: str) -> str:
    """Return what the command prints."""
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_every_metric_and_alarm_has_a_line() -> None:
    """One line each where a program reads: name, kind, labels, what it is."""
    lines = say().splitlines()
    for metric, line in zip(METRICS, lines, strict=False):
        assert line.startswith(f"{metric.exported}  {metric.kind}")
        assert line.endswith(metric.help)
    assert [line.split()[0] for line in lines[len(METRICS) + 1 :]] == [rule.name for rule in RULES]


def test_programs_get_json() -> None:
    """Names as exported, labels with their values, alarms with their expressions."""
    found = json.loads(say("--json"))
    assert [metric["exported"] for metric in found["metrics"]] == [metric.exported for metric in METRICS]
    (items,) = [metric for metric in found["metrics"] if metric["name"] == "catalyst_items"]
    assert items["labels"][0]["values"][0] == "alert"
    assert found["alarms"][0]["expr"] == RULES[0].expr


def test_the_files_are_written_where_asked(tmp_path: Path) -> None:
    """Folders are made; each path is said."""
    said = say("--write", str(tmp_path / "deploy"), "--docs", str(tmp_path / "docs/metrics.md"))
    for path, text in deploy_files().items():
        assert (tmp_path / "deploy" / path).read_text() == text
        assert str(Path("deploy") / path) in said
    assert (tmp_path / "docs/metrics.md").read_text() == markdown()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error says which file, and what to do."""
    (tmp_path / "grafana").write_text("a file in the way")
    with pytest.raises(CatalystError, match="grafana") as caught:
        say("--write", str(tmp_path))
    assert caught.value.hint


def test_the_set_up_names_variables_that_ray_reads() -> None:
    """Each RAY_ variable of the set-up, and of the folder's README, stands in the source of the installed Ray."""
    spec = find_spec("ray")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "dashboard/modules/metrics"
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    readme = (Path(__file__).parents[2] / "deploy/grafana/README.md").read_text()
    names = set(re.findall(r"RAY_[A-Z_]+", say("--set-up"))) | set(
        re.findall(r"`(RAY_(?:PROM|GRAF|METR)[A-Z_]+)`", readme)
    )
    assert len(names) >= 5
    assert [name for name in names if f'"{name}"' not in source] == []
    assert '"RAY_GRAFANA_{name}_DASHBOARD_UID"' in source


def test_a_terminal_gets_lines_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the words stand below the name, within its width."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    printed: list[str] = []
    monkeypatch.setattr(click, "echo", lambda text="", **_: printed.append(text))
    from catalyst_ray.cli import metrics

    monkeypatch.setattr(metrics.sys, "stdout", type("Terminal", (), {"isatty": lambda _: True})())
    metrics._show()
    words = [line for text in printed for line in text.splitlines() if line.startswith("    ")]
    assert words
    assert all(len(line) <= 60 for line in words)


def test_the_board_has_one_place() -> None:
    """Grafana refuses two boards of one uid: neither text has a copy put beside Ray's."""
    said = " ".join(say("--set-up").split())
    assert "put no copy of catalyst.json beside Ray's" in said
    assert "leave step 2 out" in said
    guide = (Path(__file__).parents[2] / "deploy" / "grafana" / "README.md").read_text()
    assert "leave step 2 above out" in guide
