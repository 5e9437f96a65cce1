"""The C library's allocator: few arenas, free memory given back; without glibc nothing happens."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import pytest

from catalyst_ray.adapters import allocator

THREADS = 12
ARENAS = f"""
import ctypes, sys, threading
from catalyst_ray.adapters.allocator import keep_little
if sys.argv[2] == "few":
    keep_little()
meeting = threading.Barrier({THREADS})
def work():
    held = []
    meeting.wait()
    for _ in range(50):
        held.append(bytes(20_000))
    meeting.wait()
threads = [threading.Thread(target=work) for _ in range({THREADS})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
library.fopen.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
library.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
library.fclose.argtypes = [ctypes.c_void_p]
file = library.fopen(sys.argv[1].encode(), b"w")
library.malloc_info(0, file)
library.fclose(file)
"""
BLOCKS = """
import ctypes, sys
from catalyst_ray.adapters.allocator import keep_little
if sys.argv[1] == "little":
    keep_little()
def own_pages():
    class Info(ctypes.Structure):
        _fields_ = [(f"n{number}", ctypes.c_size_t) for number in range(10)]
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Info
    return library.mallinfo2().n3
before = own_pages()
blocks = [bytes(40_000) for _ in range(300)]
print(own_pages() - before)
"""
needs_glibc = pytest.mark.skipif(allocator._library() is None, reason="the C library is not glibc")


def arenas(folder: Path, how: str) -> int:
    """Return how many arenas a process has in which many threads allocated at once."""
    told = folder / how
    subprocess.run([sys.executable, "-c", ARENAS, str(told), how], check=True, timeout=60)
    return len(re.findall(r"<heap nr=", told.read_text()))


@needs_glibc
def test_threads_share_few_arenas(tmp_path: Path) -> None:
    """However many threads there are, there are two arenas; without the call there are more."""
    assert arenas(tmp_path, "few") <= allocator.ARENAS < arenas(tmp_path, "many")


@needs_glibc
def test_large_blocks_stand_outside_the_arenas() -> None:
    """A picture has pages of its own, so that its place goes back to the system at once; without the call it has none."""
    found = {
        how: subprocess.run([sys.executable, "-c", BLOCKS, how], check=True, timeout=60, capture_output=True)
        for how in ("little", "much")
    }
    assert {how: int(done.stdout) > 250 for how, done in found.items()} == {"little": True, "much": False}


@needs_glibc
def test_free_memory_goes_back() -> None:
    """What was freed between things that stay leaves the process."""
    blocks = [bytes(20_000) for _ in range(4_000)]
    before = resident_mb()
    kept = blocks[::100]
    del blocks
    allocator.give_back_memory()
    assert before - resident_mb() > 50
    assert len(kept) == 40


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another C library has no such calls: the memory is its own affair, and nothing fails."""
    allocator._library.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    try:
        allocator.keep_little()
        assert allocator.give_back_memory() is False
    finally:
        allocator._library.cache_clear()


def resident_mb() -> float:
    """Return the memory of this process that nothing else has."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"RssAnon:\s+(\d+) kB", status)[0]) / 1e3
