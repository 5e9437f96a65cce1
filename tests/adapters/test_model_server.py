"""A model server of our own: started, watched and ended with everything that it started."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import aiohttp
import pytest

from catalyst_ray.adapters import guard, server_records
from catalyst_ray.adapters.model_server import ModelServer, OwnedModel
from catalyst_ray.errors import ConfigError, ParseError, TransportError
from catalyst_ray.models import EngineInfo, LlmAnswer, LlmRequest

pytestmark = pytest.mark.anyio

FAKE = Path(__file__).with_name("fake_model_server.py")
LIMIT_S = 60
REQUEST = LlmRequest(key="k", system="s", prompt="p", schema="{}")
INFO = EngineInfo(engine="fake", model="zeta", device="gpu", has_weight=False, state="not started")
linux = pytest.mark.skipif(sys.platform != "linux", reason="start times of processes are read from /proc")


@pytest.fixture(autouse=True)
def records(tmp_path, monkeypatch):
    """Keep the records of these servers away from those of real ones."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
async def make(tmp_path):
    """Make servers, and end them."""
    made = []

    def server(*words, **options):
        options = {"start_timeout_s": LIMIT_S, "grace_s": 5.0, **options}
        one = ModelServer(
            "fake server",
            lambda port: [sys.executable, str(FAKE), str(port), str(tmp_path), *words],
            **options,
        )
        made.append(one)
        return one

    yield server
    for one in made:
        await one.stop()


def pids(folder):
    """Return the process numbers of server and runner."""
    return [int(pid) for pid in (folder / "pids").read_text().split()]


async def gone(pid):
    """Return whether a process ends."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool((await asyncio.to_thread(select.select, [watched], [], [], LIMIT_S))[0])
    finally:
        os.close(watched)


async def status(address):
    """Return the status of the server's page."""
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status


async def test_it_serves_with_its_variables_and_ends_with_its_runner(make, tmp_path):
    """After start it answers on loopback; after stop neither it nor what it started is left."""
    server = make(environment=lambda port: {"FAKE_VARIABLE": f"port {port}"})
    address = await server.start()
    assert await status(address) == 200
    assert server.alive()
    assert f"variable port {address.rpartition(':')[2]}" in server.tail()
    serving, runner = pids(tmp_path)
    assert os.getpgid(serving) == os.getpgid(0), "a group of its own would hide it from Ray's reaping"
    await server.stop()
    assert not server.alive()
    assert await gone(serving)
    assert await gone(runner)
    with pytest.raises(aiohttp.ClientError):
        await status(address)


async def test_a_deaf_server_is_ended_too(make, tmp_path):
    """It ignores SIGTERM, and so does its runner: both are killed after the grace."""
    server = make("deaf", grace_s=0.1)
    await server.start()
    await server.stop()
    for pid in pids(tmp_path):
        assert await gone(pid)


async def test_a_stop_that_is_cancelled_kills_at_once(make, tmp_path):
    """The caller has no time for the grace: a server and a runner that ignore SIGTERM are gone all the same."""
    server = make("deaf", grace_s=600.0)
    await server.start()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)  # it has sent SIGTERM and waits
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    for pid in pids(tmp_path):
        assert await gone(pid)


async def test_starting_again_leaves_one_server(make, tmp_path):
    """A second start ends the first process."""
    server = make()
    await server.start()
    first = pids(tmp_path)
    await server.start()
    for pid in first:
        assert await gone(pid)
    assert server.alive()


async def test_one_that_ends_at_once_says_why(make):
    """The error holds the code and the last lines of the log."""
    with pytest.raises(TransportError, match=r"ended with code 3.*no such model: zeta"):
        await make("ends").start()


async def test_one_that_never_serves_is_given_up_and_ended(make, tmp_path):
    """The deadline of the start holds, and nothing is left."""
    server = make("mute", start_timeout_s=2.0)
    with pytest.raises(TransportError, match=r"does not serve within 2 s.*a model server") as caught:
        await server.start()
    assert "LLM_START_TIMEOUT_SECS" in caught.value.hint
    assert not server.alive()
    if (tmp_path / "pids").exists():
        for pid in pids(tmp_path):
            assert await gone(pid)


async def test_a_start_that_is_cancelled_leaves_nothing(make, tmp_path):
    """The caller gave up: so does the process."""
    server = make("mute")
    starting = asyncio.create_task(server.start())
    while not (tmp_path / "pids").exists():
        await asyncio.to_thread(select.select, [], [], [], 0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    for pid in pids(tmp_path):
        assert await gone(pid)


async def test_a_port_lost_to_another_is_tried_again(make, tmp_path):
    """A server that finds its port taken is started on another one."""
    server = make("taken")
    address = await server.start()
    assert await status(address) == 200
    assert (tmp_path / "tried").read_text()


async def test_a_command_that_is_not_installed_is_a_configuration_error():
    """The setting and what to do are named."""
    server = ModelServer(
        "zeta serve", lambda _: ["no-such-program"], key="LLM_OWN_SERVER", hint="install zeta"
    )
    with pytest.raises(ConfigError, match="no-such-program") as caught:
        await server.start()
    assert (caught.value.key, caught.value.hint) == ("LLM_OWN_SERVER", "install zeta")


async def test_a_log_longer_than_a_pipe_holds_does_not_stop_it(make):
    """The log is read all the time, and its last lines are kept."""
    server = make("chatty")
    await server.start()
    assert "number 19999" in server.tail()
    assert len(server.tail().splitlines()) < 100


async def test_a_secret_in_its_log_is_not_repeated(make):
    """Servers write down what they were started with; logs and errors of ours do not hold it."""
    server = make("ends", environment=lambda _: {"FAKE_VARIABLE": "sk-secret"}, secret="sk-secret")
    with pytest.raises(TransportError) as caught:
        await server.start()
    assert "variable ***" in caught.value.message
    assert "sk-secret" not in f"{caught.value!r}{server.tail()}"


async def test_it_can_be_started_on_a_thread_that_ends(make):
    """The server lives on when the thread that started it is gone: its process is there."""
    server = make()
    addresses = []
    thread = threading.Thread(target=lambda: addresses.append(asyncio.run(server.start())))
    thread.start()
    await asyncio.to_thread(thread.join, LIMIT_S)
    assert await status(addresses[0]) == 200
    assert server.alive()


OWNER = """
import asyncio, sys, tempfile
from catalyst_ray.adapters.model_server import ModelServer
tempfile.tempdir = sys.argv[2]
server = ModelServer("fake server", lambda port: [sys.executable, sys.argv[1], str(port), *sys.argv[2:]], grace_s=0.5)
asyncio.run(server.start())
print("serves", flush=True)
sys.stdin.read()
"""


def owner(tmp_path, *words):
    """Start a process that owns a server, and wait until it serves."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(FAKE), str(tmp_path), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"serves\n"
    return process


def close(process):
    """Kill a process."""
    process.kill()
    process.wait(LIMIT_S)
    process.stdin.close()
    process.stdout.close()


@linux
@pytest.mark.parametrize("words", [[], ["deaf"]])
async def test_the_death_of_its_owner_leaves_nothing(tmp_path, words):
    """SIGKILL of the process that started the server leaves no guard, no server and no runner."""
    process = await asyncio.to_thread(owner, tmp_path, *words)
    guards = guard.descendants(process.pid)[:2]
    await asyncio.to_thread(close, process)
    for pid in (*pids(tmp_path), *guards):
        assert await gone(pid)


@linux
async def test_a_leftover_is_ended_by_the_next_start(make, tmp_path):
    """Owner and guards were killed, the server is deaf: the record finds it, and its runner."""
    process = await asyncio.to_thread(owner, tmp_path, "deaf")
    left = pids(tmp_path)
    guards = guard.descendants(process.pid)[:2]
    for pid in guards:
        os.kill(pid, signal.SIGSTOP)  # else they would end the server when their parent is gone
    await asyncio.to_thread(close, process)
    for pid in guards:
        os.kill(pid, signal.SIGKILL)
        assert await gone(pid)
    for pid in left:
        os.kill(pid, 0)
    await make().start()
    for pid in left:
        assert await gone(pid)


@linux
def test_only_a_process_with_the_recorded_start_time_is_ended(records):
    """A process that got the number of a server of old is left alone, and so is one whose owner runs."""
    innocent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        started = guard.started_ticks(innocent.pid)
        mine = {"pid": os.getpid(), "started_ticks": guard.started_ticks(os.getpid())}
        dead = {"pid": innocent.pid, "started_ticks": 1}
        for owns, server in [
            (dead, {"pid": innocent.pid, "started_ticks": started - 1}),
            (dead, {"pid": "x"}),
            (mine, {"pid": innocent.pid, "started_ticks": started}),
        ]:
            server_records.record_file("zeta").write_text(json.dumps({"owner": owns, "server": server}))
        server_records.record_file("zeta").write_text("half a rec")
        assert server_records.end_leftovers() == []
        assert innocent.poll() is None
        assert len(list(records.glob("catalyst-ray-*/*.json"))) == 2
    finally:
        innocent.kill()
        innocent.wait(LIMIT_S)
        innocent.stdin.close()


def test_a_folder_that_others_may_write_to_is_not_used(records):
    """Records in it could name any process."""
    server_records.record_file("zeta")
    (folder,) = records.glob("catalyst-ray-*")
    folder.chmod(0o777)
    assert server_records.record_file("zeta") is None
    assert server_records.end_leftovers() == []


class Client:
    """A client that does as told."""

    def __init__(self, address):
        self.address = address
        self.failure = None
        self.is_ready = True
        self.stopped = False
        self.before = lambda: None

    async def start(self):
        if self.failure is not None:
            raise self.failure
        return self.info()

    async def ready(self):
        return self.is_ready

    def info(self):
        return EngineInfo(engine="fake", model="zeta", state="ready")

    async def generate(self, request):
        self.before()
        if self.failure is not None:
            raise self.failure
        return LlmAnswer(text="{}", model="zeta", engine="fake")

    async def stop(self):
        self.stopped = True


@pytest.fixture
def clients():
    """Collect the clients that are made."""
    return []


@pytest.fixture
def owned(make, clients):
    """Make a model on a fake server."""

    def model(*words):
        def client(address):
            clients.append(Client(address))
            return clients[-1]

        return OwnedModel(make(*words), client, info=INFO)

    return model


async def test_server_and_client_are_one_model(owned, clients, tmp_path):
    """It is started, ready, answers and stops as one; ready may be asked from another loop."""
    model = owned()
    assert model.info().state == "not started"
    assert await model.ready() is False
    starting = asyncio.create_task(model.start())
    while not (tmp_path / "pids").exists():
        assert model.info().state in {"not started", "stopped", "starting fake server"}
        await asyncio.to_thread(select.select, [], [], [], 0.01)
    assert (await starting).state == "ready"
    assert await asyncio.to_thread(lambda: asyncio.run(model.ready())) is True
    assert (await model.generate(REQUEST)).text == "{}"
    clients[0].is_ready = False
    assert await model.ready() is False
    await model.stop()
    assert clients[0].stopped
    assert await model.ready() is False
    for pid in pids(tmp_path):
        assert await gone(pid)


async def test_the_state_says_that_it_starts(owned, tmp_path):
    """While the server loads, people are told so; what is known of the model stays known."""
    model = owned("mute")
    starting = asyncio.create_task(model.start())
    while not (tmp_path / "pids").exists():
        await asyncio.to_thread(select.select, [], [], [], 0.01)
    info = model.info()
    assert (info.state, info.device, info.has_weight) == ("starting fake server", "gpu", False)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_a_dead_server_is_an_error_at_once(owned, tmp_path):
    """No request waits for a process that has ended; the error holds its last lines."""
    model = owned()
    with pytest.raises(TransportError, match="not started"):
        await model.generate(REQUEST)
    await model.start()
    serving, _ = pids(tmp_path)
    os.kill(serving, signal.SIGKILL)
    await gone(serving)
    await asyncio.to_thread(model._server._process.wait, LIMIT_S)
    with pytest.raises(TransportError, match=r"ended with code 137.*a model server"):
        await model.generate(REQUEST)
    assert await model.ready() is False
    assert "has ended" in model.info().state


async def test_a_server_that_dies_under_a_request_is_named(owned, clients):
    """The client only sees its connection break; the error says what broke it. Other errors stay as they are."""
    model = owned()
    await model.start()
    clients[0].failure = ParseError("no JSON")
    with pytest.raises(ParseError):
        await model.generate(REQUEST)
    process = model._server._process
    clients[0].failure = TransportError("connection reset")
    clients[0].before = lambda: (process.kill(), process.wait(LIMIT_S))
    with pytest.raises(TransportError, match="fake server ended") as caught:
        await model.generate(REQUEST)
    assert "connection reset" in str(caught.value.__cause__)


async def test_a_client_that_does_not_start_ends_the_server(make, tmp_path):
    """The model is not there: nothing is left running."""

    def client(address):
        made = Client(address)
        made.failure = TransportError("no such model")
        return made

    model = OwnedModel(make(), client, info=INFO)
    with pytest.raises(TransportError, match="no such model"):
        await model.start()
    assert "does not start" in model.info().state
    for pid in pids(tmp_path):
        assert await gone(pid)
