"""Writes dashboard, rules and docs as text, from what ``metric_list``, ``metric_board`` and ``metric_rules`` say."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.metric_board import ROWS
from catalyst_ray.core.metric_list import DRIVER_UP, METRICS, Label, Metric
from catalyst_ray.core.metric_rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalyst_ray.core.metric_panels import Panel, Row

MADE_BY = "Made by `catalyst-ray metrics --write deploy`: change core/metric_*.py instead."
DASHBOARD_UID = "catalyst-ray"
COLUMNS, PANEL_HEIGHT, NUMBER_HEIGHT = 24, 8, 4
LEAST_STEP = "2m"
"""Over less, a cycle a minute would be a spike and a gap in turn."""
DISCOVERY = "/tmp/ray/prom_metrics_service_discovery.json"  # noqa: S108  (where Ray writes it)
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def deploy_files() -> Mapping[str, str]:
    """Return what belongs into the folder ``deploy``, by path in it."""
    return {
        "grafana/catalyst.json": dashboard(),
        "prometheus/rules.yml": rules(),
        "prometheus/prometheus.yml": prometheus(),
    }


def dashboard() -> str:
    """Return the dashboard as Grafana reads it."""
    board = {
        "uid": DASHBOARD_UID,
        "title": "Catalyst",
        "description": f"News to alerts: cycles, feeds, language model, charts, sinks, GPUs. {MADE_BY}",
        "tags": ["catalyst-ray", "ray"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "links": [],
        "annotations": {"list": []},
        "templating": {"list": [_source_variable(), _session_variable()]},
        "panels": list(_placed()),
    }
    return json.dumps(board, indent=1, ensure_ascii=False) + "\n"


def _source_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "multi": False,
        "includeAll": False,
        "options": [],
        "current": {"selected": False, "text": "default", "value": "default"},
        "regex": "",
    }


def _session_variable() -> dict[str, Any]:
    question = f"label_values({DRIVER_UP.exported}, SessionName)"
    return {
        "name": "SessionName",
        "label": "Ray session",
        "type": "query",
        "datasource": _SOURCE,
        "definition": question,
        "query": {"query": question, "refId": "SessionName"},
        "refresh": 2,
        "sort": 2,
        "hide": 0,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "options": [],
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "regex": "",
    }


def _placed() -> Iterator[dict[str, Any]]:
    """Yield rows and panels, each at its place from left to right and downwards."""
    numbers = count(1)
    top = 0
    for row in ROWS:
        yield _row(row, next(numbers), top)
        top += 1
        left = 0
        height = NUMBER_HEIGHT if all(panel.shape == "number" for panel in row.panels) else PANEL_HEIGHT
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top = 0, top + height
            place = {"x": left, "y": top, "w": panel.width, "h": height}
            yield _panel(panel, next(numbers), place)
            left += panel.width
        top += height


def _row(row: Row, number: int, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": row.title,
        "collapsed": False,
        "gridPos": place,
        "panels": [],
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    is_number = panel.shape == "number"
    needs = f" Needs {panel.needs}." if panel.needs else ""
    return {
        "id": number,
        "type": "stat" if is_number else "timeseries",
        "title": panel.title,
        "description": panel.words + needs,
        "datasource": _SOURCE,
        "gridPos": place,
        "interval": LEAST_STEP,
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _number_options() if is_number else _line_options(),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "editorMode": "code",
                "instant": is_number,
                "range": not is_number,
            }
            for index, query in enumerate(panel.queries)
        ],
    }


def _field(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.warn is not None:
        steps.append({"color": "yellow", "value": panel.warn})
    if panel.alarm is not None:
        steps.append({"color": "red", "value": panel.alarm})
    field: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.shape == "number":
        return {**field, "color": {"mode": "thresholds"}, "mappings": [], "noValue": "none"}
    is_stack = panel.shape == "stack"
    drawn = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 40 if is_stack else 5,
        "showPoints": "never",
        "spanNulls": 300_000,
        "stacking": {"mode": "normal" if is_stack else "none", "group": "A"},
    }
    return {**field, "color": {"mode": "palette-classic"}, "custom": drawn}


def _number_options() -> dict[str, Any]:
    return {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "value",
    }


def _line_options() -> dict[str, Any]:
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def rules() -> str:
    """Return the alarms as Prometheus reads them."""
    lines = [f"# {MADE_BY}", "groups:", "  - name: catalyst", "    rules:"]
    for rule in RULES:
        lines += [
            f"      - alert: {rule.name}",
            f"        expr: {_quoted(rule.expr)}",
            f"        for: {rule.hold}",
            "        labels:",
            f"          severity: {rule.severity}",
            "        annotations:",
            f"          summary: {_quoted(rule.summary)}",
            f"          description: {_quoted(rule.mend)}",
        ]
    return "\n".join(lines) + "\n"


def prometheus(discovery: str = DISCOVERY) -> str:
    """Return Prometheus' own settings: whom it asks, and how often."""
    return f"""# {MADE_BY}
global:
  scrape_interval: 10s      # as often as Ray's processes report
  evaluation_interval: 10s

rule_files:
  - rules.yml

scrape_configs:
  # Ray writes here, on the head, which ports serve metrics; it follows nodes that come and go.
  - job_name: ray
    file_sd_configs:
      - files: [{_quoted(discovery)}]
        # A change of the file is not always told; Prometheus' own default is to look every five minutes.
        refresh_interval: 10s
  # Where Prometheus does not share the head's disk, take this instead; the token is the cluster's:
  #   http_sd_configs:
  #     - url: http://HEAD:8265/api/prometheus/sd
  #       authorization: {{credentials_file: /etc/prometheus/ray_token}}
  # or name the ports, with `ray start --metrics-export-port=8080` on every node:
  #   static_configs: [{{targets: ["HEAD:8080", "WORKER:8080"]}}]
"""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def markdown() -> str:
    """Return the page of the docs."""
    lines = [
        f"<!-- {MADE_BY} -->",
        "# Metrics",
        "",
        "The driver exports these through Ray's agents, so a Prometheus that scrapes Ray has them; how to look at them:",
        "[deploy/grafana](../deploy/grafana/README.md). Ray adds the labels `SessionName`, `WorkerId` (the driver),",
        "`NodeAddress` and some more. Labels are bounded; a value over the bound is told as `other`. Ray makes a histogram's",
        "`_sum` from the middles of its buckets; where exact seconds matter there is a counter. `METRICS=0` exports none.",
        "",
        "| in Prometheus | kind | unit | labels | what |",
        "|---|---|---|---|---|",
        *(_metric_line(metric) for metric in METRICS),
        "",
        "## Alarms",
        "",
        "| alarm | when | for | what to do |",
        "|---|---|---|---|",
        *(
            f"| {rule.name} ({rule.severity}) | `{_cell(rule.expr)}` | {rule.hold} | {_cell(rule.mend)} |"
            for rule in RULES
        ),
    ]
    return "\n".join(lines) + "\n"


def _metric_line(metric: Metric) -> str:
    labels = "; ".join(f"`{label.key}`: {_values(label)}" for label in metric.labels)
    unit = "" if metric.unit == "1" else metric.unit
    needs = f" (needs {metric.needs})" if metric.needs else ""
    return f"| `{metric.exported}` | {metric.kind} | {unit} | {labels} | {_cell(metric.help)}{needs} |"


def _values(label: Label) -> str:
    return ", ".join(label.values) if label.values else f"at most {label.most}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
