"""An OpenAI-compatible model server for the tests, with a runner process of its own as real ones have.

Run as a script: ``chaos_server.py PORT FOLDER``. Answers each prompt with itself after 0.3 s, and writes the
process numbers of itself and of its runner into FOLDER.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._send("application/json", json.dumps({"object": "list", "data": [{"id": "echo"}]}))

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(0.3)
        content = json.dumps({"echo": asked["messages"][-1]["content"]})
        chunks = [{"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}]}]
        chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self._send("text/event-stream", "".join([*lines, "data: [DONE]\n\n"]))

    def _send(self, kind, text):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def main():
    """Be the server."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    runner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "chaos-runner"])
    (folder / f"{os.getpid()}.pids").write_text(f"{os.getpid()} {runner.pid}")
    ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()


if __name__ == "__main__":
    main()
