"""A Ray dashboard asked without a token: open, guarded, silent, or none."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from catalyst_ray.adapters.dashboard import Door, knock, own_addresses
from catalyst_ray.core.hosts import is_loopback


@contextmanager
def answering(status: int, body: bytes):
    """Serve one answer to whoever asks for the jobs, and give the address and what was sent along."""
    sent = []

    class Dashboard(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append(dict(self.headers))
            self.send_response(status if self.path == "/api/jobs/" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Dashboard)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "door"),
    [
        (200, b"[]", Door.OPEN),
        (401, b"Unauthorized", Door.GUARDED),
        (403, b"Forbidden", Door.GUARDED),
        (200, b"<html>another program</html>", Door.NONE),
        (404, b"", Door.NONE),
        (500, b"[]", Door.NONE),
    ],
)
def test_what_a_stranger_meets(status: int, body: bytes, door: Door) -> None:
    """Only a list of jobs is an open door, and a refusal a guarded one; no token is sent to find out."""
    with answering(status, body) as (url, sent):
        assert knock(url, timeout_s=5) is door
    assert [name for headers in sent for name in headers if "auth" in name.lower() or name == "Cookie"] == []


def test_nobody_and_somebody_who_says_nothing() -> None:
    """A closed port is no dashboard; one that does not answer is silent, which is not the same as guarded."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert knock(url, timeout_s=5) is Door.NONE
        listener.listen()
        assert knock(url, timeout_s=0.2) is Door.SILENT


def test_own_addresses_are_those_that_others_reach() -> None:
    """Loopback and link-local addresses are left out."""
    found = own_addresses()
    assert [one for one in found if is_loopback(one) or one.startswith(("fe80", "169.254"))] == []
