"""Machines of a kind: processes with a network, process numbers and a temporary folder of their own, on one bridge.

For a process that is alone itself (``ALONE`` of ``tests.cluster.scaling_head``): the bridge is in its network, and all of it
is gone when it ends.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.scaling_head import ALONE

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTSIDE = "10.77.0.1"
"""Where whoever started the machines is: a fourth one beside them."""
BIN = Path(sys.executable).parent
PORTS = (
    # Of ports that its agents choose themselves a node hears within 15 s, or ends: on a busy machine that is too short.
    "--dashboard-agent-listen-port=52365",
    "--dashboard-agent-grpc-port=52366",
    "--metrics-export-port=52367",
    "--runtime-env-agent-port=52368",
)
SET_UP = """
set -e
echo up
read go
mount -t tmpfs none {temp}
mount -t tmpfs none /dev/shm
ip link set lo up
ip address add {address}/24 dev eth0
ip link set eth0 up
"$@"
"""
"""The shell stays: as the first process of its machine it takes in what others leave behind, which Ray waits for."""


def bridge() -> None:
    """Make the bridge."""
    for words in (
        "link set lo up",
        "link add bridge type bridge",
        f"address add {OUTSIDE}/24 dev bridge",
        "link set bridge up",
    ):
        subprocess.run(["ip", *words.split()], check=True)


class Machine:
    """One machine and the one command that runs on it, which ends with it.

    Args:
        name: At most eight letters.
        temp: Folder that holds its own files where the others have theirs.
    """

    def __init__(self, name: str, address: str, *, temp: Path, log: Path) -> None:
        self.name = name
        self.address = address
        self._temp = temp
        self._log = log
        self._child: subprocess.Popen[str] | None = None
        self._carrier: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str | Path]) -> None:
        """Connect it to the bridge and run the command."""
        script = SET_UP.format(temp=self._temp, address=self.address)
        with self._log.open("a") as log:
            self._child = subprocess.Popen(
                [*ALONE, "sh", "-c", script, self.name, *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._child.stdin
        assert self._child.stdout
        assert self._child.stdout.readline() == "up\n", self._log.read_text()
        near = f"to-{self.name}"
        peer = f"link add {near} type veth peer name eth0 netns {self._child.pid}"
        for words in (peer, f"link set {near} master bridge", f"link set {near} up"):
            subprocess.run(["ip", *words.split()], check=True)
        self._child.stdin.write("go\n")
        self._child.stdin.flush()

    def carry(self, port: int) -> None:
        """Carry what it sends to a port of its own loopback to the same port outside, until it ends.

        The program takes webhooks and prices without TLS from loopback only, and rightly so.
        """
        assert self._child
        here = ["nsenter", f"--net=/proc/{self._child.pid}/ns/net", sys.executable, "-m", __name__, str(port)]
        self._carrier = subprocess.Popen(here, stdin=subprocess.DEVNULL)

    def hold(self) -> None:
        """Let what is carried wait, until it is released."""
        assert self._carrier
        self._carrier.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        """Carry again."""
        assert self._carrier
        self._carrier.send_signal(signal.SIGCONT)

    def fail(self) -> None:
        """End every process of it at once, as a power cut does."""
        for child in filter(None, (self._child, self._carrier)):
            child.kill()
            child.wait()

    @property
    def is_up(self) -> bool:
        """Return whether its command runs."""
        return self._child is not None and self._child.poll() is None


def ray_start(machine: Machine, *, head: str | None, temp: Path, cpus: int, gpus: int) -> None:
    """Start a Ray node on a machine; the head where ``head`` is None."""
    command: list[str | Path] = [BIN / "ray", "start", "--block", f"--node-ip-address={machine.address}"]
    command += [f"--num-cpus={cpus}", f"--num-gpus={gpus}", "--disable-usage-stats", *PORTS]
    if head is None:
        # Whoever submits is on another machine; the token is what keeps others out.
        command += ["--head", "--port=6379", f"--temp-dir={temp}", f"--dashboard-host={machine.address}"]
    else:
        command += [f"--address={head}:6379"]
    machine.start(command)


async def _carry(port: int) -> None:
    """Listen on loopback and pass every connection on."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(OUTSIDE, port)
        except OSError:  # nobody is there any more
            writer.close()
            return
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(both, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_carry(int(sys.argv[1])))
