"""A head with a real autoscaler, older or newer, whose nodes are processes of this machine.

Ray's own way to start such a cluster ends every Ray of the machine, and needs a file that its wheel lacks. Nodes look
for the head at one fixed port and have the machine's process numbers: run this within ``alone()`` only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ALONE = ("unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child")
ADDRESS = "127.0.0.1:6379"
HEAD_ID = f"{'f' * 51}00000"
HEAD_KIND = "ray.head.default"  # the provider knows no other name
BIN = Path(sys.executable).parent
KINDS = {
    HEAD_KIND: {"resources": {"CPU": 2}, "node_config": {}, "max_workers": 0},
    "gpu": {
        "resources": {"CPU": 1, "GPU": 1, "object_store_memory": 100 * 1024 * 1024},
        "node_config": {},
        "min_workers": 0,
        "max_workers": 2,
        "labels": {"pool": "llm"},
    },
}
PROVIDER = {
    # As an external one: for its own name Ray looks for defaults that the wheel lacks.
    "type": "external",
    "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
    "use_node_id_as_ip": True,
    "disable_node_updaters": True,
    "disable_launch_config_check": True,
    "gcs_address": ADDRESS,
    "head_node_id": HEAD_ID,
    "launch_multiple": True,
}
LISTS = (
    "cluster_synced_files",
    "rsync_exclude",
    "rsync_filter",
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
)


def why_not_alone():
    """Return why this machine gives a test no networks and process numbers of its own; nothing where it does."""
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            return f"there is no `{program}` here"
    tried = subprocess.run(
        [*ALONE, "sh", "-c", "ip link set lo up && mount -t tmpfs none /mnt"],
        capture_output=True,
        check=False,
        text=True,
    )
    return "" if tried.returncode == 0 else f"no namespaces of its own: {tried.stderr.strip()[:200]}"


def config(idle_s):
    """Return the autoscaler's configuration: a head and at most two nodes with a GPU."""
    return {
        "cluster_name": "tried",
        "max_workers": 2,
        "upscaling_speed": 100.0,
        "idle_timeout_minutes": idle_s / 60,
        "provider": PROVIDER,
        "auth": {},
        "docker": {},
        "available_node_types": KINDS,
        "head_node_type": HEAD_KIND,
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        **{name: [] for name in LISTS},
    }


def environment(folder):
    """Return what every process of the cluster needs from the start: Ray reads the token's place when it is loaded."""
    token = Path(folder) / "token"
    token.write_text("0123456789abcdef" * 4)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    return {
        **clean,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "120",  # beside other tests a node takes its time
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }


def as_environment(settings):
    """Return settings as the program reads them from its environment."""
    return {
        name.upper(): str(int(value) if isinstance(value, bool) else value)
        for name, value in settings.items()
        if value is not None
    }


@contextmanager
def scaling_head(folder, *, newer, idle_s=2):
    """Start the head, and end it."""
    folder = Path(folder)
    (folder / "cluster.json").write_text(json.dumps(config(idle_s)))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    ours = {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    ours["RAY_OVERRIDE_NODE_ID_FOR_TESTING"] = HEAD_ID
    if newer:
        ours |= {
            "RAY_enable_autoscaler_v2": "1",
            "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
            "RAY_NODE_TYPE_NAME": HEAD_KIND,
        }
    command = [BIN / "ray", "start", "--head", "--block", "--port=6379", "--node-ip-address=127.0.0.1"]
    command += ["--num-cpus=2", "--num-gpus=0", "--include-dashboard=false", "--disable-usage-stats"]
    command += [f"--temp-dir={folder}/r", f"--autoscaling-config={folder}/cluster.json"]
    with (folder / "head.log").open("w") as log:
        head = subprocess.Popen(command, env={**os.environ, **ours}, stdout=log, stderr=log)
        try:
            _wait(head, folder)
            yield
        finally:
            head.terminate()
            head.wait(30)


def _wait(head, folder):
    """Wait until the head runs, and its autoscaler with it."""
    deadline_s = time.monotonic() + 60
    while "Ray runtime started" not in (folder / "head.log").read_text():
        if head.poll() is not None or time.monotonic() > deadline_s:
            raise SystemExit((folder / "head.log").read_text()[-2000:])
        time.sleep(0.1)
