"""An engine's stand-in: ``gpu_load.py DEPTH`` starts itself DEPTH deep; the last one takes a card's memory and works.

It multiplies matrices where torch is installed, else it only holds memory, by the driver's own library. Prints
``works`` or ``holds`` once it has the memory, and goes on until it is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import subprocess
import sys
import time

HELD_BYTES = 2**30


def hold() -> None:
    """Take memory by libcuda and keep it."""
    cuda = ctypes.CDLL("libcuda.so.1")
    device, context, address = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    for done in (
        cuda.cuInit(0),
        cuda.cuDeviceGet(ctypes.byref(device), 0),
        cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device),
        cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(HELD_BYTES)),
    ):
        if done:
            raise SystemExit(f"libcuda: error {done}")
    print("holds", flush=True)
    while True:
        time.sleep(60)


def work() -> None:
    """Take memory by torch and multiply."""
    import torch

    kept = torch.zeros(HELD_BYTES // 4, device="cuda")
    matrix = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    torch.cuda.synchronize()
    print("works", flush=True)
    while True:
        for _ in range(20):
            matrix @ matrix
        torch.cuda.synchronize()
        kept += 1


def main() -> None:
    """Go down, then hold or work."""
    depth = int(sys.argv[1])
    if depth:
        sys.exit(subprocess.call([sys.executable, __file__, str(depth - 1)]))
    with contextlib.suppress(ImportError):
        work()
    hold()


if __name__ == "__main__":
    main()
