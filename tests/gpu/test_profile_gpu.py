"""A profile on a real card against nvidia-smi, and an engine's memory in it named after its replica."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalyst_ray.adapters.gpu_processes import FIRST_NAMESPACE
from catalyst_ray.core.codec import decode
from catalyst_ray.models import ProfileReport

MIB = 2**20
PROGRAM = Path(sys.executable).with_name("catalyst-ray")
LIMIT_S = 420.0


def profiled(folder: Path, *options: object, **settings: object):
    """Run a profile, and return its report and what nvidia-smi said of the first card while its cycles ran."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        pytest.skip("nvidia-smi is not installed")
    query = [smi, "-i", "0", "--query-gpu=uuid,memory.used,utilization.gpu", "--format=csv,noheader,nounits"]
    command = [str(PROGRAM), "profile", *map(str, options), "--json", "p.json", "--html", "p.html"]
    env = {
        **os.environ,
        "OUT_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
        **{k: str(v) for k, v in settings.items()},
    }
    said: list[list[str]] = []
    with (folder / "lines").open("w+") as lines:
        child = subprocess.Popen(command, cwd=folder, env=env, stdout=lines, start_new_session=True)
        deadline = time.monotonic() + LIMIT_S
        try:
            while child.poll() is None and time.monotonic() < deadline:
                if "profile_cycle" in (folder / "lines").read_text():  # warm: from the first cycle's end on
                    done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=60)
                    said.append([word.strip() for word in done.stdout.split(",")])
                time.sleep(0.3)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            child.wait(60)
    assert child.returncode in {0, 3}, (folder / "lines").read_text()[-2000:]
    return decode(ProfileReport, (folder / "p.json").read_text()), said


@pytest.fixture
def load(cards):
    """Keep the first card busy; return whether it works, or only holds memory."""
    command = [sys.executable, str(Path(__file__).with_name("gpu_load.py")), "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        word = process.stdout.readline().strip()
        if word not in {"works", "holds"}:
            pytest.skip("neither torch nor libcuda gives memory of the card here")
        yield word
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        process.stdout.close()


def test_a_profile_tells_of_the_card_what_nvidia_smi_tells(load, tmp_path) -> None:
    """Over several cycles: the same card, its memory within 16 MiB, its use within 20 points, and the verdict on it."""
    report, said = profiled(tmp_path, "--full", "--cycles", 6, LLM_ENGINE="off")
    card = next(one for one in report.gpus if one.uuid == said[0][0])
    used = [float(row[1]) for row in said]
    use = sum(float(row[2]) for row in said) / len(said)
    print(card, f"nvidia-smi: {max(used):.0f} MiB, {use:.0f} %, {len(said)} readings")
    assert abs(card.memory_max_bytes / MIB - max(used)) <= 16
    assert abs(card.utilisation_pct - use) <= 20
    assert card.energy_j is None or card.energy_j > 0
    gpu = report.targets[1]
    assert gpu.value is not None
    if load == "works":
        assert gpu.passed is False  # over 60 %
        assert "saturated" in (tmp_path / "p.html").read_text().lower()


def test_the_engine_s_memory_is_its_replica_s(cards, server, tmp_path) -> None:
    """Under its own load the model's server holds the card's memory, and the profile names its replica."""
    command, model = server
    report, _ = profiled(
        tmp_path,
        *("--gpu", "--cycles", 6),
        LLM_ENGINE="openai",
        LLM_SERVER_COMMAND=command,
        LLM_MODEL_NAME=model,
        LLM_MAX_REPLICAS=1,
        LLM_TIMEOUT_SECS=60,
    )
    print(report.gpus, report.queues["llm"], report.memory)
    assert report.queues["llm"]["answer_tokens_per_s"] > 0
    engines = [one for one in report.memory if one.role == "engine"]
    assert engines
    held = [one for card in report.gpus for one in card.processes or ()]
    is_first = str(Path("/proc/self/ns/pid").readlink()) == FIRST_NAMESPACE
    if not is_first and not any(one.replica for one in held):
        pytest.skip("NVML tells no process numbers of this machine: a container with numbers of its own")
    assert [one.replica for one in held if one.replica] == ["llm-0"]
