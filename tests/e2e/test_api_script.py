"""The script example of docs/scale.md, alone on this machine: it ends in seconds and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.process import DemoProcess

SCRIPT = """
import os
from catalyst_ray.api import llm_statistics, submit_llm_request
future = submit_llm_request("headline: Zeta Corp wins contract", priority=2, callback=print)
answer = future.result(timeout=120)
print(llm_statistics())
print("group", os.getpgid(0), flush=True)
"""


def session_of(pid: str) -> str:
    """Return the session that a process belongs to; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[3]
    except FileNotFoundError:
        return ""


def test_a_script_alone_ends_and_leaves_no_process(tmp_path: Path) -> None:
    """It starts a Ray of its own, is answered once, and takes its Ray with it."""
    with DemoProcess() as world:
        settings = {
            "LLM_ENGINE": "ollama",
            "OLLAMA_HOST": world.base_url,
            "LLM_MODEL_NAME": MODEL,
            "OUT_DIR": str(tmp_path / "out"),
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
    assert "timed out" not in err
    left = [entry.name for entry in Path("/proc").glob("[0-9]*") if session_of(entry.name) == str(script.pid)]
    assert left == []
