"""A model server of our own: one process behind the guard, from its free port to the last of its children.

Owns starting, watching and ending it, and the last lines that it wrote. What it serves is its client's affair:
``OwnedModel`` puts the two together.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from typing import IO, TYPE_CHECKING

import aiohttp

from catalyst_ray.adapters import guard
from catalyst_ray.adapters.server_records import end_leftovers, record_file
from catalyst_ray.errors import CatalystError, ConfigError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest
    from catalyst_ray.ports import LanguageModel

HOST = "127.0.0.1"
TRIES = 3
"""Free ports tried: between looking and listening another process may take one."""
PORT_TAKEN = ("address already in use", "couldn't bind", "could not bind", "errno 98", "errno 48")
TAIL_LINES = 40
TAIL_LINE_BYTES = 1_000
TAIL_IN_ERROR_CHARS = 600
_LOOK_S = 0.1
_ANSWER_S = 2.0
_KILL_S = 5.0
"""After its grace the guard has killed all; this much later it is itself killed."""


class ModelServer:
    """One server process on a free loopback port.

    ``start`` forks on the calling thread, which should be the event loop's: when that thread ends while the
    process lives on, the guard is woken for nothing, sees its parent and stays.

    Args:
        name: What it is, for people and for the record of its processes ("ollama serve").
        command: Makes the command line for a port.
        environment: Makes variables to add to this process's own for a port.
        ready_path: Path that answers below 500 once it serves.
        start_timeout_s: From the start to the first such answer.
        grace_s: From SIGTERM to SIGKILL.
        key: Setting that the command comes from, for the error when it is not installed.
        hint: What to do when it is not installed.
        secret: Never repeated from its log: servers write down what they were started with.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[str]],
        *,
        environment: Callable[[int], Mapping[str, str]] = lambda _: {},
        ready_path: str = "/",
        start_timeout_s: float = 300.0,
        grace_s: float = 5.0,
        key: str | None = None,
        hint: str | None = None,
        secret: str | None = None,
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._ready_path = ready_path
        self._start_timeout_s = start_timeout_s
        self._grace_s = grace_s
        self._key = key
        self._hint = hint
        self._process: subprocess.Popen[bytes] | None = None
        self._secret = secret
        self._log = _Tail()

    async def start(self) -> str:
        """End what an earlier run left behind, start the server, wait until it serves; return its address.

        Raises:
            ConfigError: The command is not installed.
            TransportError: It ended, or does not serve in time; holds the last lines that it wrote.
        """
        await self.stop()
        await asyncio.to_thread(end_leftovers)
        try:
            async with asyncio.timeout(self._start_timeout_s):
                return await self._on_some_port()
        except TimeoutError as error:
            failed = self._error(
                f"does not serve within {self._start_timeout_s:g} s", "LLM_START_TIMEOUT_SECS"
            )
            await self.stop()
            raise failed from error
        except BaseException:
            await self.stop()
            raise

    def alive(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def tail(self) -> str:
        """Return the last lines that it wrote."""
        text = self._log.text()
        return text.replace(self._secret, "***") if self._secret else text

    def death(self) -> TransportError:
        """Return the error that says how it ended, with the last lines that it wrote."""
        code = None if self._process is None else self._process.poll()
        return self._error("is not started" if code is None else f"ended with code {code}")

    async def stop(self) -> None:
        """End the server and all that it started: SIGTERM, its grace, SIGKILL."""
        process = self._process
        if process is None:
            return
        try:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    await asyncio.to_thread(process.wait, self._grace_s + _KILL_S)
        finally:
            # Also where the wait was cancelled: nothing may stay behind.
            if process.poll() is None:
                guard.send([*guard.descendants(process.pid), process.pid], signal.SIGKILL)
            self._process = None
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_KILL_S)
            self._log.close()

    async def _on_some_port(self) -> str:
        for left in reversed(range(TRIES)):
            port = _free_port()
            self._spawn(port)
            if await self._serves(port):
                return f"http://{HOST}:{port}"
            await self._drained()
            if left == 0 or not any(words in self.tail().lower() for words in PORT_TAKEN):
                break
            await self.stop()
        raise self._missing() or self.death()

    def _spawn(self, port: int) -> None:
        record = record_file(self.name)
        noted = ["--record", str(record)] if record is not None else []
        limits = ["--parent", str(os.getpid()), "--grace", str(self._grace_s)]
        # A plain child, in this process's group: in one of its own Ray's reaping would pass it over.
        self._process = subprocess.Popen(  # noqa: S603  (the operator's own command)
            [sys.executable, "-I", "-S", guard.__file__, *limits, *noted, "--", *self._command(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # What Ray set (CUDA_VISIBLE_DEVICES) is the server's too.
            env={**os.environ, **self._environment(port)},  # noqa: TID251
        )
        self._log.follow(self._process.stdout)

    async def _serves(self, port: int) -> bool:
        limit = aiohttp.ClientTimeout(total=_ANSWER_S)
        async with aiohttp.ClientSession(timeout=limit, trust_env=False) as session:
            while self.alive():
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    url = f"http://{HOST}:{port}{self._ready_path}"
                    async with session.get(url, allow_redirects=False) as answer:
                        if answer.status < 500 and self.alive():
                            return True
                await asyncio.sleep(_LOOK_S)
        return False

    async def _drained(self) -> None:
        await asyncio.to_thread(self._log.drained, _LOOK_S * 10)

    def _missing(self) -> ConfigError | None:
        if self._process is None or self._process.poll() != guard.NOT_STARTED:
            return None
        words = self.tail().splitlines()
        return ConfigError(
            f"{self.name}: {words[-1] if words else 'cannot be run'}", key=self._key, hint=self._hint
        )

    def _error(self, words: str, setting: str | None = None) -> TransportError:
        tail = " | ".join(self.tail().splitlines())[-TAIL_IN_ERROR_CHARS:]
        message = f"{self.name} {words}" + (f"; it wrote: {tail}" if tail else "")
        return TransportError(message, key=self._key, hint=f"see {setting}" if setting else None)


class OwnedModel:
    """A model on a server of our own.

    Args:
        server: Where it runs.
        client: Makes the client for the server's address.
        info: What is known before the client is there.
    """

    def __init__(
        self, server: ModelServer, client: Callable[[str], LanguageModel], *, info: EngineInfo
    ) -> None:
        self._server = server
        self._make_client = client
        self._client: LanguageModel | None = None
        self._info = info

    async def start(self) -> EngineInfo:
        """Start the server, then its client.

        Raises:
            ConfigError: The server is not installed, or was wrongly set.
            TransportError: It does not serve, or not this model; holds the last lines that it wrote.
        """
        await self.stop()
        self._say(f"starting {self._server.name}")
        try:
            address = await self._server.start()
            self._client = self._make_client(address)
            return await self._client.start()
        except BaseException as error:
            dead = None if self._client is None or self._server.alive() else self._server.death()
            await self.stop()
            self._say(f"{self._server.name} does not start")
            if dead is not None and isinstance(error, TransportError):
                raise dead from error
            raise

    async def ready(self) -> bool:
        """Ask the server whether it serves; False where its process has ended."""
        client = self._client
        return client is not None and self._server.alive() and await client.ready()

    def info(self) -> EngineInfo:
        """Return what is known of the engine now."""
        if self._client is None:
            return self._info
        if not self._server.alive():
            self._say(f"{self._server.name} has ended")
            return self._info
        return self._client.info()

    async def generate(self, request: LlmRequest) -> LlmAnswer:
        """Answer one prompt.

        Raises:
            TransportError: As from the client; also at once when the server has ended, with its last lines.
            ParseError: As from the client.
        """
        if self._client is None or not self._server.alive():
            raise self._server.death()
        try:
            return await self._client.generate(request)
        except CatalystError as error:
            if self._server.alive():
                raise
            raise self._server.death() from error

    async def stop(self) -> None:
        """Close the client and end the server."""
        client, self._client = self._client, None
        try:
            if client is not None:
                await client.stop()
        finally:
            await self._server.stop()
            self._say("stopped")

    def _say(self, state: str) -> None:
        self._info = replace(self._info, state=state)


class _Tail:
    """The last lines of a process, read as they come so that it never waits for a full pipe."""

    def __init__(self) -> None:
        self._lines: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._thread: threading.Thread | None = None

    def follow(self, stream: IO[bytes] | None) -> None:
        """Forget the lines of an earlier process and read those of this one."""
        assert stream is not None  # noqa: S101  (it was asked for; for the type checker)
        self._lines = collections.deque(maxlen=TAIL_LINES)
        self._thread = threading.Thread(
            target=_drain, args=(stream, self._lines), name="model-server-log", daemon=True
        )
        self._thread.start()

    def drained(self, timeout_s: float) -> None:
        """Wait until the process and all that write to its pipe have ended."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def text(self) -> str:
        """Return the lines."""
        return "\n".join(tuple(self._lines))

    def close(self) -> None:
        """Let the thread go; it ends with the last writer."""
        self.drained(_LOOK_S)
        self._thread = None


def _drain(stream: IO[bytes], lines: collections.deque[str]) -> None:
    with stream:
        while line := stream.readline(TAIL_LINE_BYTES):
            if words := line.decode(errors="replace").strip():
                lines.append(words)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
