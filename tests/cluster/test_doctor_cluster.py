"""The doctor on a whole cluster: each node is looked at from itself, what differs is named, nothing holds up the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.cluster.test_chaos import QUICK


def test_every_planted_fault_is_named_with_its_node(tmp_path):
    """A clock ahead, a lost card, an engine out of reach, a check that hangs, a node that dies; the others are ok."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.doctor_scene", str(tmp_path)],
        env={**clean, **QUICK},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    scene = json.loads(done.stdout.splitlines()[-1])
    head, faulty, hung, doomed = (scene["names"][name] for name in ("head", "faulty", "hung", "doomed"))
    by_check = {}
    for one in scene["found"]:
        by_check.setdefault(one["name"], {})[one["status"]] = one

    assert by_check["node"]["fail"]["nodes"] == [doomed]
    assert "went away" in by_check["node"]["fail"]["words"]
    assert by_check["clock"]["fail"]["nodes"] == [faulty]
    assert "ahead of" in by_check["clock"]["fail"]["words"]
    assert by_check["clock"]["ok"]["nodes"] == sorted([head, hung])
    assert by_check["GPUs"]["fail"]["nodes"] == [faulty]
    assert "Ray counts 2" in by_check["GPUs"]["fail"]["words"]
    assert by_check["engine"]["ok"]["nodes"] == [head]  # no replica goes to nodes without GPUs
    assert by_check["engine"]["fail"]["nodes"] == [faulty]
    assert "means that node itself" in by_check["engine"]["fail"]["words"]
    assert "OLLAMA_HOST" in by_check["engine"]["fail"]["mend"]
    assert by_check["disk"]["fail"]["nodes"] == [hung]
    assert "cut off" in by_check["disk"]["fail"]["words"]
    assert by_check["disk"]["ok"]["nodes"] == sorted([head, faulty])

    assert by_check["versions"].keys() == by_check["charts"].keys() == {"ok"}
    assert by_check["versions"]["ok"]["nodes"] == sorted([head, faulty, hung])
    assert by_check["tokens"].keys() == by_check["GPUs hidden"].keys() == {"warn"}
    # Replicas may go to either node with cards; the one with the lesser id is tried.
    tried = by_check["language model"]["warn"]["words"]
    assert any(f"test prompt from {name}" in tried for name in (head, faulty))
    assert "Ray was started without" in by_check["environment"]["warn"]["words"]
    assert "tokens/s" in by_check["language model"]["warn"]["words"]
    assert [one for one in scene["found"] if one["status"] != "ok" and not one["mend"]] == []
