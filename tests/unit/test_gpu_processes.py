"""Lines of parents, read from a made-up /proc: races, numbers given out again, containers, other users."""

from __future__ import annotations

import os
import subprocess
import sys

from catalyst_ray.adapters.gpu_processes import FIRST_NAMESPACE, LONGEST, ProcessTree


class Proc:
    """A folder like /proc."""

    def __init__(self, folder, namespace=FIRST_NAMESPACE):
        self.root = folder
        (folder / "self/ns").mkdir(parents=True)
        (folder / "self/ns/pid").symlink_to(namespace)

    def add(self, pid, parent, started, *, name="python", files=()):
        """Add a process, or make one anew."""
        folder = self.root / str(pid)
        (folder / "fd").mkdir(parents=True, exist_ok=True)
        rest = " ".join(["0"] * 17)
        (folder / "stat").write_text(f"{pid} ({name}) S {parent} {rest} {started} 0 0\n")
        for number, file in enumerate(files):
            (folder / "fd" / str(number)).symlink_to(file)

    def end(self, pid):
        """End a process."""
        (self.root / str(pid) / "stat").unlink()


def test_a_line_goes_up_to_the_first_process(tmp_path):
    """From the engine over its server and guards to the worker and beyond; odd names do not mislead."""
    proc = Proc(tmp_path)
    proc.add(1, 0, 1)
    proc.add(50, 1, 10, name="raylet")
    proc.add(60, 50, 20, name="ray::IDLE (x) S 1")
    proc.add(70, 60, 30)
    proc.add(80, 70, 30, name="llama server)")
    tree = ProcessTree(tmp_path)
    assert tree.lines([80, 70]) == {80: (80, 70, 60, 50, 1), 70: (70, 60, 50, 1)}


def test_what_is_not_there_is_left_out(tmp_path):
    """A process that ended between the driver's list and the look has no line, and no error."""
    proc = Proc(tmp_path)
    proc.add(70, 1, 30)
    (tmp_path / "71").mkdir()
    (tmp_path / "71" / "stat").write_text("71 (half")
    assert ProcessTree(tmp_path).lines([70, 71, 72]) == {70: (70,)}
    assert ProcessTree(tmp_path / "nowhere").lines([70]) == {}


def test_a_parent_younger_than_its_child_is_another_process(tmp_path):
    """A number that was given out again in the middle of the walk ends the line."""
    proc = Proc(tmp_path)
    proc.add(60, 1, 999)
    proc.add(70, 60, 30)
    assert ProcessTree(tmp_path).lines([70]) == {70: (70,)}


def test_a_ring_of_parents_ends(tmp_path):
    """A walk over numbers that changed under it is bounded."""
    proc = Proc(tmp_path)
    proc.add(60, 70, 30)
    proc.add(70, 60, 30)
    assert len(ProcessTree(tmp_path).lines([70])[70]) == LONGEST


def test_a_line_is_kept_while_its_process_lives(tmp_path):
    """A server whose guard has ended is still its replica's; a new process with the old number is not."""
    proc = Proc(tmp_path)
    proc.add(60, 1, 20)
    proc.add(70, 60, 30)
    tree = ProcessTree(tmp_path)
    assert tree.lines([70]) == {70: (70, 60)}
    proc.end(60)
    proc.add(70, 1, 30)
    assert tree.lines([70]) == {70: (70, 60)}
    proc.add(70, 1, 31)
    assert tree.lines([70]) == {70: (70,)}


def test_a_line_is_forgotten_when_nobody_asks_for_it(tmp_path):
    """What is kept is bounded by what was asked for last."""
    proc = Proc(tmp_path)
    proc.add(60, 1, 20)
    proc.add(70, 60, 30)
    tree = ProcessTree(tmp_path)
    tree.lines([70])
    tree.lines([])
    proc.end(60)
    assert tree.lines([70]) == {70: (70,)}


def test_in_a_container_only_who_holds_a_card_open_is_believed(tmp_path):
    """The host's number may be an innocent process's here: a device file tells them apart."""
    proc = Proc(tmp_path, "pid:[4026532000]")
    proc.add(60, 1, 20)
    proc.add(70, 60, 30, files=["/dev/null", "/dev/nvidia0"])
    proc.add(71, 60, 30, files=["/dev/null", "pipe:[1]"])
    proc.add(72, 60, 30)
    (tmp_path / "72" / "fd").rmdir()
    assert ProcessTree(tmp_path).lines([70, 71, 72]) == {70: (70, 60)}


def test_the_real_proc_knows_this_process_and_its_child():
    """On this machine a child's line holds the child and, after it, this process."""
    tree = ProcessTree()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        line = tree.lines([child.pid]).get(child.pid)
        # In a container the child holds no card and is not believed.
        assert line is None or line[:2] == (child.pid, os.getpid())
    finally:
        child.communicate(b"\n")
