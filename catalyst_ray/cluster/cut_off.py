"""Work that may hang, done side by side in threads that are left behind when their time is out."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from catalyst_ray.adapters.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


def side_by_side(works: Mapping[str, Callable[[], T]], limit_s: float) -> dict[str, T | Exception]:
    """Do all of the work at once and return what each came to, in the order given: its result or its error.

    What is not done after ``limit_s`` comes to a ``TimeoutError``; its thread ends with the process.
    """
    done: SimpleQueue[tuple[str, T | Exception]] = SimpleQueue()

    def do(name: str, work: Callable[[], T]) -> None:
        try:
            done.put((name, work()))
        except Exception as error:  # noqa: BLE001  (it is the result: who asked for it tells of it)
            done.put((name, error))

    for name, work in works.items():
        threading.Thread(target=do, args=(name, work), name=f"check-{name}", daemon=True).start()
    clock = SystemClock()
    end_s = clock.monotonic() + limit_s
    found: dict[str, T | Exception] = {}
    while len(found) < len(works):
        try:
            name, result = done.get(timeout=max(0.0, end_s - clock.monotonic()))
        except Empty:
            break
        found[name] = result
    late = TimeoutError(f"not done in {limit_s:g} s")
    return {name: found.get(name, late) for name in works}
