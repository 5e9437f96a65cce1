"""Runs a demo server in a process of its own, for jobs and tests that must not share an event loop.

The child ends when its standard input closes, so it dies with its parent, however that ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from queue import Empty, Queue
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.request import Request, urlopen

from catalyst_ray.errors import CatalystError, ConfigError, TransportError

if TYPE_CHECKING:
    from types import TracebackType

_ROOT = Path(__file__).parents[2]
"""Where the package is found: the child is started from here."""
_STOP_S, _ANSWER_S = 3.0, 10.0
_WRONG = 2
"""The exit code of a child whose options cannot be meant."""


class DemoProcess:
    """A demo server in a child process; a context manager.

    Args:
        options: Further options of ``python -m catalyst_ray.demo`` (``--items=600``).
        ready_s: How long the child may take until it listens.
    """

    def __init__(
        self, *, seed: int = 7, port: int = 0, options: tuple[str, ...] = (), ready_s: float = 20.0
    ) -> None:
        self._command = [
            sys.executable,
            "-m",
            "catalyst_ray.demo",
            f"--port={port}",
            f"--seed={seed}",
            *options,
        ]
        self._ready_s = ready_s
        self._child: subprocess.Popen[str] | None = None
        self._said: deque[str] = deque(maxlen=1)
        self.base_url = ""
        self.webhook_url = ""

    @property
    def pid(self) -> int | None:
        """Return the child's process id while it runs."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the child and wait until it listens.

        Raises:
            ConfigError: Its options are wrong.
            TransportError: It ended or said nothing in time.
        """
        self._child = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            start_new_session=True,  # a terminal's Ctrl-C is for who runs it, and may still have work for it
        )
        listening = threading.Thread(target=self._listen, args=(self._child.stderr,), daemon=True)
        listening.start()
        try:
            ready = json.loads(self._first_line())
        except ValueError as error:
            listening.join(_STOP_S)
            raise self._ended() from error
        except Empty as error:
            self.stop()
            raise TransportError(
                f"the demo server did not start within {self._ready_s:g} s",
                key="demo",
                hint="run `python -m catalyst_ray.demo` to see why",
            ) from error
        self.base_url = ready["base_url"]
        self.webhook_url = ready["webhook_url"]

    def release(self, batch: int) -> None:
        """Let the world publish everything up to ``batch``."""
        address = f"{self.base_url}/_control/release?batch={batch}"
        with urlopen(Request(address, method="POST"), timeout=_ANSWER_S):  # noqa: S310  (our own child on loopback)
            return

    def truth(self) -> list[dict[str, Any]]:
        """Return what is true of every item that is out."""
        with urlopen(f"{self.base_url}/_control/truth", timeout=_ANSWER_S) as answer:  # noqa: S310  (as above)
            rows: list[dict[str, Any]] = json.load(answer)
        return rows

    def stop(self) -> None:
        """End the child; kills it if it does not go by itself."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()

    def _listen(self, stderr: IO[str]) -> None:
        """Keep the child's last words until it serves; then pass on what it says."""
        with stderr:
            for line in stderr:
                self._said.extend(filter(None, [line.strip()]))
                if self.base_url:
                    sys.stderr.write(line)

    def _ended(self) -> CatalystError:
        """Return why a child that never listened has ended."""
        child = self._child
        self.stop()
        why = self._said[0] if self._said else "it said nothing"
        if child is not None and child.returncode == _WRONG:
            return ConfigError(why, key="demo")
        return TransportError(f"the demo server ended at once: {why}", key="demo")

    def _first_line(self) -> str:
        """Return the child's first line; empty when it ended without one.

        Raises:
            Empty: It said nothing in time.
        """
        stdout = self._child.stdout if self._child else None
        lines: Queue[str] = Queue()

        def read() -> None:
            lines.put(stdout.readline() if stdout else "")

        # A pipe has no time limit of its own; the thread ends with the child at the latest.
        threading.Thread(target=read, daemon=True).start()
        return lines.get(timeout=self._ready_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
