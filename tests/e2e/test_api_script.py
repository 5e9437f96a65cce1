"""The script examples of docs/scale.md, alone on this machine: they end in seconds and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.process import DemoProcess

# The chart's callback prints nothing: two threads that print at once mix their words.
SCRIPT = """
import os
from queue import SimpleQueue
from catalyst_ray.api import chart_statistics, gauge_file, get_or_generate_gauge, llm_statistics
from catalyst_ray.api import submit_chart_request, submit_llm_request
future = submit_llm_request("headline: Zeta Corp wins contract", priority=2, callback=print)
answer = future.result(timeout=120)
print(llm_statistics())
told = SimpleQueue()
chart = submit_chart_request(ticker="HLVT", timeframe="1D", priority=1, callback=told.put)
assert chart.result(timeout=120).startswith(b"\\x89PNG")
print(f"chart {told.get(timeout=30)[:4]}")
print(chart_statistics())
print("same gauge", gauge_file(0.42).read_bytes() == get_or_generate_gauge(0.4))
print("group", os.getpgid(0), flush=True)
"""


def session_of(pid: str) -> str:
    """Return the session that a process belongs to; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[3]
    except FileNotFoundError:
        return ""


def test_a_script_alone_ends_and_leaves_no_process(tmp_path: Path) -> None:
    """It starts a Ray of its own, gets its answer, its chart and its gauge once, and takes its Ray with it."""
    with DemoProcess() as world:
        settings = {
            "LLM_ENGINE": "ollama",
            "OLLAMA_HOST": world.base_url,
            "LLM_MODEL_NAME": MODEL,
            "OUT_DIR": str(tmp_path / "out"),
            "PRICE_SOURCE": "http",
            "PRICE_URL": world.base_url,
            "QUICKCHART_IMAGE_DIR": str(tmp_path / "charts"),
        }
        clean = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        # Of a session of its own, so that whatever it leaves can be told from other Rays on this machine.
        script = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            cwd=tmp_path,
            env={**clean, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        out, err = script.communicate(timeout=150)
    assert script.returncode == 0, err[-2000:]
    assert "LLM requests: 1 (0 cache hits" in out
    assert "chart b'\\x89PNG'" in out
    assert "Chart requests: 1 (0 cache hits" in out
    assert "same gauge True" in out
    assert [path.name for path in (tmp_path / "charts").iterdir()] == ["gauge-dark_+0.4.png"]
    assert "timed out" not in err
    left = [entry.name for entry in Path("/proc").glob("[0-9]*") if session_of(entry.name) == str(script.pid)]
    assert left == []
