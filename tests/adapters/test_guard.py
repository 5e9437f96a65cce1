"""The guard: whatever ends, and however, no model server and no child of one is left."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from catalyst_ray.adapters import guard

SERVER = Path(__file__).with_name("fake_model_server.py")
LIMIT_S = 60
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")


def gone(pid):
    """Return whether a process ends, waiting for it through a descriptor of the kernel's."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], LIMIT_S)[0])
    finally:
        os.close(watched)


def command(folder, *words, grace_s=30.0, parent=None):
    """Return the command line of a guarded fake server."""
    return [
        *(sys.executable, "-I", "-S", guard.__file__, "--parent", str(parent or os.getpid())),
        # It looks for its parent once an hour: what is seen sooner, the kernel told it.
        *("--look", "3600", "--grace", str(grace_s), "--record", str(folder / "record.json"), "--"),
        *(sys.executable, str(SERVER), "0", str(folder), *words),
    ]


def pids(folder, process):
    """Return the process numbers of server and runner, once both are there."""
    for line in process.stdout:
        if b"variable" in line:
            break
    while not (folder / "pids").exists():
        assert process.poll() is None
        select.select([], [], [], 0.01)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


@pytest.fixture
def guarded(tmp_path):
    """Start guarded servers; end what a failing test leaves."""
    made = []

    def start(*words, **options):
        process = subprocess.Popen(command(tmp_path, *words, **options), stdout=subprocess.PIPE)
        made.append(process)
        return process

    yield start
    for process in made:
        guard.send([*guard.descendants(process.pid)], signal.SIGKILL)
        if process.poll() is None:
            process.kill()
        process.wait(LIMIT_S)
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_server_and_runner(guarded, tmp_path, number):
    """The guard hands the signal on, ends what the server leaves behind, and exits with its code."""
    process = guarded()
    server, runner = pids(tmp_path, process)
    process.send_signal(number)
    assert process.wait(LIMIT_S) == 128 + number
    assert gone(server)
    assert gone(runner)


def test_a_deaf_server_is_killed_after_its_grace(guarded, tmp_path):
    """A server and a runner that ignore SIGTERM are gone all the same."""
    process = guarded("deaf", grace_s=0.1)
    server, runner = pids(tmp_path, process)
    process.terminate()
    assert process.wait(LIMIT_S) == 128 + signal.SIGKILL
    assert gone(server)
    assert gone(runner)


def test_a_server_that_ends_gives_its_code_and_leaves_no_runner(guarded, tmp_path):
    """The runner of a server that was killed is ended; the code says which signal it was."""
    process = guarded()
    server, runner = pids(tmp_path, process)
    os.kill(server, signal.SIGKILL)
    assert process.wait(LIMIT_S) == 128 + signal.SIGKILL
    assert gone(runner)


def test_exit_codes_come_through(guarded, tmp_path):
    """A server's own code is the guard's; a command that is not there is 127, with words."""
    assert guarded("ends").wait(LIMIT_S) == 3
    asked = [*command(tmp_path)[:10], "--", "no-such-program-here"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == guard.NOT_STARTED
    assert "no-such-program-here" in done.stderr


@linux
@pytest.mark.parametrize("words", [(), ("deaf",)])
def test_a_guard_that_is_killed_still_leaves_nothing(guarded, tmp_path, words):
    """Ray kills a worker's children outright when its node dies: server and runner end, deaf ones too."""
    process = guarded(*words, grace_s=0.1)
    server, runner = pids(tmp_path, process)
    process.kill()
    assert gone(server)
    assert gone(runner)


def test_the_processes_are_noted_while_they_run(guarded, tmp_path):
    """The record names owner, guard and server with their start times, and goes with them."""
    process = guarded()
    server, _ = pids(tmp_path, process)
    record = json.loads((tmp_path / "record.json").read_text())
    assert {role: row["pid"] for role, row in record.items()} == {
        "owner": os.getpid(),
        "guard": guard.descendants(process.pid)[0],
        "server": server,
    }
    assert record["server"]["started_ticks"] == guard.started_ticks(server)
    process.terminate()
    process.wait(LIMIT_S)
    assert not (tmp_path / "record.json").exists()


PARENT = """
import subprocess, sys
guarded = subprocess.Popen(sys.argv[1:], stdout=None)
print(guarded.pid, flush=True)
sys.stdin.read()
"""


@linux
@pytest.mark.parametrize("words", [[], ["deaf"]])
def test_the_death_of_the_parent_ends_everything(tmp_path, words):
    """SIGKILL of the process that started the guard leaves no guard, no server and no runner."""
    code = PARENT.replace(
        "sys.argv[1:]", "[str(__import__('os').getpid()) if x == '@' else x for x in sys.argv[1:]]"
    )
    asked = command(tmp_path, *words, grace_s=0.5, parent="@")
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *asked], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    guarding = int(parent.stdout.readline())
    server, runner = pids(tmp_path, parent)
    parent.kill()
    parent.wait(LIMIT_S)
    assert gone(server)
    assert gone(runner)
    assert gone(guarding)
    parent.stdin.close()
    parent.stdout.close()


@linux
def test_the_death_of_both_guards_ends_the_server(guarded, tmp_path):
    """With nobody left to end it, the kernel tells the server."""
    process = guarded()
    server, runner = pids(tmp_path, process)
    inner = guard.descendants(process.pid)[0]
    process.send_signal(signal.SIGSTOP)
    os.kill(inner, signal.SIGKILL)
    assert gone(server)
    os.kill(runner, signal.SIGKILL)  # the fake server's; a real one takes its runners with it


@linux
def test_a_guard_without_its_parent_starts_nothing(guarded, tmp_path):
    """A parent that ended before the guard could ask the kernel is noticed."""
    process = guarded(parent=os.getppid())
    assert process.wait(LIMIT_S) == 128 + signal.SIGTERM
    assert not (tmp_path / "pids").exists()


@linux
def test_the_end_of_the_thread_that_started_it_is_no_death(guarded, tmp_path):
    """The kernel sends the parent's death signal when that thread ends: the guard sees its parent and stays."""
    started = []
    thread = threading.Thread(target=lambda: started.append(guarded()))
    thread.start()
    thread.join(LIMIT_S)
    (process,) = started
    server, _ = pids(tmp_path, process)
    other = threading.Thread(target=os.kill, args=(process.pid, guard.DEATH_SIGNAL))
    other.start()
    other.join(LIMIT_S)
    process.send_signal(signal.SIGINT)
    # Had it taken the other signals for the end, it would have sent the server SIGTERM.
    assert process.wait(LIMIT_S) == 128 + signal.SIGINT
    assert gone(server)


def test_a_process_is_known_by_its_start_time():
    """One that is gone, or waits to be collected, has none."""
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    with child:
        child.stdout.read()
        assert gone(child.pid)
        assert guard.started_ticks(child.pid) is None
    assert guard.started_ticks(os.getpid()) > 0
