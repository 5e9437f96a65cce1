"""Every alarm fires on planted series that show its trouble, and stays silent on those that do not."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.core.metric_files import deploy_files
from catalyst_ray.core.metric_rules import RULES

if TYPE_CHECKING:
    from pathlib import Path

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")

WHO = 'SessionName="s", WorkerId="w"'
MINUTES = 240


def series(name: str, values: str, labels: str = "") -> dict[str, str]:
    """Return a planted series of a metric, a value a minute."""
    return {"series": f"ray_catalyst_{name}{{{', '.join(filter(None, (WHO, labels)))}}}", "values": values}


def still(name: str, value: float, labels: str = "") -> dict[str, str]:
    """Return a series that stands."""
    return series(name, f"{value}x{MINUTES}", labels)


UP = still("driver_up", 1)
PERIOD = still("cycle_period_seconds", 60)
ENDS = series("cycle_last_end_timestamp_seconds", f"0+60x{MINUTES}")
LLM = 'queue="llm"'
COMPLETED, TIMED_OUT, CACHED = (
    f'{LLM}, outcome="{outcome}"' for outcome in ("completed", "timed_out", "cached")
)

CASES = {
    "CatalystDriverGone": ([still("cycle_period_seconds", 60)], [UP]),
    "CatalystCycleOverdue": (
        [PERIOD, series("cycle_last_end_timestamp_seconds", f"0+60x120 7200x{MINUTES}")],
        [PERIOD, ENDS],
    ),
    "CatalystNoAlertInMarketHours": (
        [still("alert_last_timestamp_seconds", 0), still("market_open", 1)],
        # Open, but not for two hours.
        [still("alert_last_timestamp_seconds", 0), series("market_open", f"0x150 1x{MINUTES}")],
    ),
    "CatalystFeedSilent": (
        [PERIOD, series("feed_age_seconds", f"0+60x{MINUTES}", 'feed="wire"')],
        [PERIOD, still("feed_age_seconds", 1000, 'feed="wire"')],
    ),
    "CatalystQueueOld": (
        [still("queue_oldest_seconds", 11, LLM), still("queue_deadline_seconds", 20, LLM)],
        # Old, but not for two minutes at a time.
        [series("queue_oldest_seconds", "11 11 0 " * 80, LLM), still("queue_deadline_seconds", 20, LLM)],
    ),
    "CatalystModelFails": (
        [
            series("queue_requests_total", f"0+3x{MINUTES}", TIMED_OUT),
            series("queue_requests_total", f"0+1x{MINUTES}", COMPLETED),
            series("queue_requests_total", f"0+90x{MINUTES}", CACHED),
        ],
        [
            series("queue_requests_total", f"0+1x{MINUTES}", TIMED_OUT),
            series("queue_requests_total", f"0+3x{MINUTES}", COMPLETED),
        ],
    ),
    "CatalystOutboxStuck": (
        [series("outbox_oldest_seconds", f"0+60x{MINUTES}", 'sink="discord"')],
        [still("outbox_oldest_seconds", 590, 'sink="discord"')],
    ),
    "CatalystDeliveryGivenUp": (
        [series("deliveries_total", f"0x235 1x{MINUTES}", 'sink="discord", outcome="given_up"')],
        [
            still("deliveries_total", 4, 'sink="discord", outcome="given_up"'),
            series("deliveries_total", f"0+1x{MINUTES}", 'sink="discord", outcome="sent"'),
        ],
    ),
    "CatalystGpuGone": ([still("gpus_missing", 1)], [still("gpus_missing", 0), still("gpus", 1)]),
    "CatalystMetricsFail": (
        [series("metric_errors_total", f"0+1x{MINUTES}")],
        [series("metric_errors_total", f"0x100 1x{MINUTES}")],
    ),
}
"""By alarm: series under which it fires in the end, and series under which it does not."""


def test_every_alarm_has_its_case() -> None:
    """No alarm is untried."""
    assert set(CASES) == {rule.name for rule in RULES}


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool in a folder that holds the rules."""
    (folder / "rules.yml").write_text(deploy_files()["prometheus/rules.yml"], encoding="utf-8")
    assert PROMTOOL is not None
    return subprocess.run(
        [PROMTOOL, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_prometheus_takes_the_files(tmp_path: Path) -> None:
    """Its own checker finds no fault in settings and alarms."""
    (tmp_path / "prometheus.yml").write_text(deploy_files()["prometheus/prometheus.yml"], encoding="utf-8")
    done = promtool(tmp_path, "check", "config", "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


def test_alarms_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    """Judged by Prometheus' own engine, minute by minute, over four hours of planted series."""
    tests = [
        _case(name, planted, fires=fires)
        for name, pair in CASES.items()
        for planted, fires in zip(pair, (True, False), strict=True)
    ]
    # JSON is YAML too.
    (tmp_path / "tests.yml").write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests})
    )
    done = promtool(tmp_path, "test", "rules", "tests.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def _case(name: str, planted: list[dict[str, str]], *, fires: bool) -> dict:
    """Return a test in promtool's form: whether an alarm fires, told by ALERTS, which leaves the words aside."""
    count = f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) or vector(0)'
    return {
        "name": f"{name} {'fires' if fires else 'is silent'}",
        "interval": "1m",
        "input_series": planted,
        "promql_expr_test": [
            {
                "expr": count,
                "eval_time": f"{MINUTES}m",
                "exp_samples": [{"labels": "{}", "value": int(fires)}],
            }
        ],
    }
