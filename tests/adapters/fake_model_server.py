"""A model server for the tests: serves HTTP, starts a runner of its own, and misbehaves as told.

Run as a script: ``fake_model_server.py PORT FOLDER [words…]``. Writes the process numbers of itself and of its
runner into FOLDER. Words: ``ends`` (at once, code 3), ``deaf`` (both ignore SIGTERM), ``mute`` (never
listens), ``taken`` (says that its port is taken, the first time), ``chatty`` (writes more than a pipe holds).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RUNNER = (
    "import signal, sys, time\nif sys.argv[1] == 'deaf':\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
)
RUNNER += "print('runner ready', flush=True)\ntime.sleep(600)"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def main():
    """Be the server."""
    port, folder, *words = sys.argv[1:]
    folder = Path(folder)
    print("a model server, variable", os.environ.get("FAKE_VARIABLE"), flush=True)
    if "ends" in words:
        print("no such model: zeta", flush=True)
        sys.exit(3)
    if "taken" in words and not (folder / "tried").exists():
        (folder / "tried").write_text(port)
        print("bind: address already in use", flush=True)
        sys.exit(1)
    deaf = "deaf" if "deaf" in words else "mild"
    if deaf == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, deaf], stdout=subprocess.PIPE)
    runner.stdout.readline()
    (folder / "pids.part").write_text(f"{os.getpid()} {runner.pid}")
    (folder / "pids.part").rename(folder / "pids")
    if "chatty" in words:
        for number in range(20_000):
            print("a line of the log, number", number, flush=True)
    if "mute" in words:
        signal.pause()
    ThreadingHTTPServer(("127.0.0.1", int(port)), Answer).serve_forever()


if __name__ == "__main__":
    main()
