"""``catalyst-ray tune`` on planted bottlenecks, and on a tuned system: does it find and mend each, and leave the last alone?

``python -m tests.bench.tune_planted [NAME …]`` prints a JSON line each; all of them take about 20 minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CYCLES = 4
LIMIT_S = 1_800


@dataclass(frozen=True)
class Plant:
    """A set-up with one thing wrong, and the setting that should mend it.

    Args:
        env: Lines of the ``.env`` file.
        world: Options of the demo.
        rounds: Changes to try.
    """

    env: dict[str, str]
    world: tuple[str, ...] = ()
    mends: str | None = None
    rounds: int = 1


# The slow feed of the small world alone tells 3 of the 48 stories, so that giving it up costs alerts.
PLANTS = {
    "slow_feed": Plant({"LLM_ENGINE": "off"}, ("--slow-feed=demo_citydesk", "--slow-s=12"), "FEEDS_TIMEOUT"),
    "slow_feed_with_news": Plant({"LLM_ENGINE": "off"}, ("--batches=5", "--items=500", "--slow-s=12")),
    "slow_charts": Plant(
        {
            "LLM_ENGINE": "off",
            "CHART_QUEUE_WORKERS": "1",
            "CHART_WIDTH_PX": "3000",
            "CHART_HEIGHT_PX": "2000",
        },
        mends="CHART_QUEUE_WORKERS",
    ),
    "serial_model": Plant(
        {"LLM_BATCH_WORKERS": "1"}, ("--llm-latency-s=0.3", "--llm-parallel=16"), "LLM_BATCH_WORKERS"
    ),
    "tiny_cache": Plant(
        {"LLM_CACHE_TTL": "0", "LLM_ALERT_WAIT_SECS": "20", "LLM_BATCH_WORKERS": "16"},
        ("--refile", "--llm-latency-s=0.4", "--llm-parallel=3"),
        "LLM_CACHE_TTL",
    ),
    "tuned": Plant({"LLM_BATCH_WORKERS": "4"}, rounds=3),
}


def run(name: str, plant: Plant) -> dict[str, object]:
    """Tune one set-up and return what was tried and what was written."""
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        env = Path(folder) / "planted.env"
        env.write_text(
            "".join(f"{key}={value}\n" for key, value in {"LOG_LEVEL": "ERROR", **plant.env}.items())
        )
        options = [f"--demo-option={one}" for one in plant.world]
        limits = ["--rounds", str(plant.rounds), "--cycles", str(CYCLES)]
        done = subprocess.run(
            [sys.executable, "-m", "catalyst_ray", "tune", "--write", "--env-file", env, *limits, *options],
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        written = env.read_text().splitlines()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    trials = [line for line in lines if line["type"] == "tune_trial"]
    end = next((line for line in lines if line["type"] == "tune"), {})
    changed = sorted(end.get("changes", {}))
    return {
        "plant": name,
        "as_meant": changed == ([plant.mends] if plant.mends else []),
        "exit": done.returncode,
        "minutes": round((time.monotonic() - begun_s) / 60, 1),
        "trials": trials,
        "env": written,
        "turns": [line["words"] for line in lines if line["type"] == "tune_step"],
    }


def main() -> None:
    """Run the plants that are named, or all."""
    for name in sys.argv[1:] or PLANTS:
        print(json.dumps(run(name, PLANTS[name])), flush=True)


if __name__ == "__main__":
    main()
