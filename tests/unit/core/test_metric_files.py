"""Dashboard, alarms and docs name exported metrics, all of them, and are as the committed files say."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from catalyst_ray.core import metric_list as m
from catalyst_ray.core.metric_board import ROWS
from catalyst_ray.core.metric_files import COLUMNS, dashboard, deploy_files, markdown, rules
from catalyst_ray.core.metric_rules import RULES

ROOT = Path(__file__).parents[3]
RAY = find_spec("ray")
assert RAY is not None
assert RAY.origin is not None
RAYS = Path(RAY.origin).parent / "dashboard/modules/metrics/dashboards"
SERIES = {name: metric for metric in m.METRICS for name in metric.series}
QUERIES = [query.expr for row in ROWS for panel in row.panels for query in panel.queries]
EXPRESSIONS = [*QUERIES, *(rule.expr for rule in RULES)]
NAME = re.compile(r"\bray_\w+")
LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
OF_RAY = {"SessionName", "WorkerId", "le"}


@pytest.mark.parametrize(("path", "text"), [*deploy_files().items()], ids=[*deploy_files()])
def test_the_committed_files_are_up_to_date(path: str, text: str) -> None:
    """The files under deploy are what `make docs` writes today."""
    assert (ROOT / "deploy" / path).read_text(encoding="utf-8") == text, "run `make docs`"


def test_the_docs_are_up_to_date() -> None:
    """So is the page of the docs, and it has every metric and alarm once."""
    assert (ROOT / "docs/metrics.md").read_text(encoding="utf-8") == markdown(), "run `make docs`"
    for metric in m.METRICS:
        assert markdown().count(f"| `{metric.exported}` |") == 1
    for rule in RULES:
        assert markdown().count(f"| {rule.name} (") == 1


def test_names_say_what_they_are_in_full_words_with_their_unit() -> None:
    """Seconds, bytes and the like stand at the end of the name; no name is given twice, none ends in _total."""
    assert len({metric.name for metric in m.METRICS}) == len(m.METRICS)
    for metric in m.METRICS:
        assert re.fullmatch(r"catalyst(_[a-z]+)+", metric.name)
        assert not metric.name.endswith("_total")
        assert metric.unit == "1" or metric.name.endswith(f"_{metric.unit}")
        assert metric.help[0].isupper() or metric.help[0].isdigit()


def test_every_label_is_bounded() -> None:
    """A label has a list of values or a number; nothing is told by ticker, address or cycle."""
    for metric in m.METRICS:
        for label in metric.labels:
            assert bool(label.values) != bool(label.most), (metric.name, label.key)
            assert label.key in {
                "stage",
                "kind",
                "decision",
                "effect",
                "feed",
                "queue",
                "outcome",
                "sink",
                "state",
                "node",
                "gpu",
            }


def test_histograms_have_rising_bounds_above_nought() -> None:
    """Ray refuses a bound of 0, and counters and gauges have none."""
    for metric in m.METRICS:
        assert bool(metric.buckets) == (metric.kind is m.MetricKind.HISTOGRAM)
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert all(bound > 0 for bound in metric.buckets)


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_every_expression_names_exported_series_and_their_labels(expr: str) -> None:
    """No panel or alarm asks for a series, label or value that there is not."""
    names = NAME.findall(expr)
    assert names
    assert set(names) <= SERIES.keys()
    for name in names:
        keys = {label.key: label for label in SERIES[name].labels}
        for selector in re.findall(re.escape(name) + r"\{([^}]*)\}", expr):
            for key, value in LABEL.findall(selector):
                assert key in keys or key in OF_RAY
                if key in keys:
                    assert set(value.split("|")) <= set(keys[key].values)


def test_every_metric_is_shown() -> None:
    """No metric is exported that no panel shows."""
    shown = {SERIES[name] for expr in QUERIES for name in NAME.findall(expr)}
    assert [metric.name for metric in m.METRICS if metric not in shown] == []


def test_panels_group_by_labels_that_their_metrics_have() -> None:
    """What a panel sums by, and what its legend names, are labels of what it shows."""
    for row in ROWS:
        for panel in row.panels:
            for query in panel.queries:
                keys = {
                    label.key for name in NAME.findall(query.expr) for label in SERIES[name].labels
                } | OF_RAY
                for group in re.findall(r"by \(([^)]*)\)", query.expr):
                    assert set(group.split(", ")) <= keys
                assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= keys


def test_panels_lie_side_by_side_within_the_width() -> None:
    """None lies over another, none sticks out, and each has a number and a title of its own."""
    panels = json.loads(dashboard())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= COLUMNS
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)


def test_the_dashboard_is_built_as_those_that_ray_ships() -> None:
    """Its keys and its variables' keys are those of Ray's dashboards, which Grafana loads; every variable is there."""
    board = json.loads(dashboard())
    rays = json.loads((RAYS / "default_grafana_dashboard_base.json").read_text(encoding="utf-8"))
    assert board.keys() - rays.keys() == {"description"}
    variable_keys = set().union(*rays["templating"]["list"])
    for variable in board["templating"]["list"]:
        assert variable.keys() <= variable_keys
    names = {variable["name"] for variable in board["templating"]["list"]}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(board))) - {"__rate_interval", "__all"} <= names
    for panel in board["panels"]:
        assert panel["type"] in {"row", "stat", "timeseries"}
        assert panel["type"] == "row" or all(target["expr"] for target in panel["targets"])


def test_alarms_say_what_to_do() -> None:
    """Each has a severity, a line for the message and a mend; a label that it names is its metric's."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.severity in {"critical", "warning"}
        assert rule.mend.endswith(".")
        keys = {label.key for name in NAME.findall(rule.expr) for label in SERIES[name].labels}
        assert set(re.findall(r"labels\.(\w+)", rule.summary)) <= keys
    assert rules().count("- alert:") == len(RULES)
