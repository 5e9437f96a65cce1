"""The Ollama adapter against a loopback server that answers as Ollama does, well and badly."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web

from catalyst_ray.adapters.ollama import (
    SCRIPTED,
    OllamaModel,
    place,
    probe,
    serve_command,
    serve_environment,
)
from catalyst_ray.errors import ParseError, TransportError
from catalyst_ray.models import EngineInfo, LlmRequest

pytestmark = pytest.mark.anyio

REQUEST = LlmRequest(
    key="k", system="be brief", prompt="news", schema='{"type":"object"}', max_tokens=50, timeout_s=5.0
)
LOADED = {
    "model": "zeta",
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "load",
}


def line(content="", **fields):
    """Return one line of a chat stream."""
    return {"model": "zeta", "message": {"role": "assistant", "content": content}, "done": False, **fields}


def last(**fields):
    """Return the line that ends a chat stream."""
    counts = {"prompt_eval_count": 11, "eval_count": 4}
    return line(done=True, **{"done_reason": "stop", **counts, **fields})


@dataclass
class Ollama:
    """A server that hands out canned answers to /api/chat: (status, body lines as bytes or values)."""

    answers: deque = field(default_factory=deque)
    asked: list = field(default_factory=list)
    details: dict = field(default_factory=lambda: {"family": "llama"})
    capabilities: list = field(default_factory=lambda: ["completion"])
    loaded: list = field(default_factory=list)
    models: tuple = ("zeta",)
    pulls: deque = field(default_factory=deque)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    host: str = ""

    async def chat(self, request):
        body = await request.json()
        self.asked.append(body)
        if not body["messages"]:
            return web.json_response(LOADED)
        status, lines = self.answers.popleft()
        if lines == "hang":
            try:
                await asyncio.sleep(60)
            finally:
                self.gone.set()
        response = web.StreamResponse(status=status, headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines))
        return response

    async def show(self, request):
        model = (await request.json())["model"]
        if model not in self.models:
            return web.json_response({"error": f"model '{model}' not found"}, status=404)
        return web.json_response(
            {"details": self.details, "model_info": {}, "capabilities": self.capabilities}
        )

    async def pull(self, request):
        body = await request.json()
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for part in self.pulls:
            if part == "wait":
                self.reached.set()
                await self.go_on.wait()
                continue
            await response.write(json.dumps(part).encode() + b"\n")
            if part.get("status") == "success":
                self.models = (*self.models, body["model"])
        return response

    async def ps(self, request):
        return web.json_response({"models": self.loaded})

    async def version(self, request):
        return web.json_response({"version": "0.5.1"})


@pytest.fixture
async def server():
    """Serve on a free port; requests that the client left are cancelled, as Go's server does."""
    ollama = Ollama()
    app = web.Application()
    app.router.add_post("/api/chat", ollama.chat)
    app.router.add_post("/api/show", ollama.show)
    app.router.add_post("/api/pull", ollama.pull)
    app.router.add_get("/api/ps", ollama.ps)
    app.router.add_get("/api/version", ollama.version)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ollama.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield ollama
    await runner.cleanup()


@pytest.fixture
async def model(server):
    """Return a started model on the server."""
    model = OllamaModel(host=server.host, model="zeta")
    await model.start()
    server.asked.clear()
    yield model
    await model.stop()


async def test_start_loads_the_model_and_says_where_it_runs(server):
    """The warm load has the options of every later request, else Ollama would load the model anew."""
    server.loaded.append({"model": "zeta:latest", "size": 100, "size_vram": 100})
    model = OllamaModel(host=server.host.removeprefix("http://"), model="zeta")
    info = EngineInfo(engine="ollama", model="zeta", device="gpu", has_weight=True, state="ready")
    assert await model.start() == info
    warm = server.asked[0]
    assert warm["keep_alive"] == -1
    server.answers.append((200, [line("{}"), last()]))
    await model.generate(REQUEST)
    options = server.asked[1]["options"]
    assert {key: options[key] for key in warm["options"]} == warm["options"]
    assert options["num_predict"] == 50
    assert server.asked[1]["format"] == {"type": "object"}
    assert server.asked[1]["keep_alive"] == -1
    assert [message["role"] for message in server.asked[1]["messages"]] == ["system", "user"]
    await model.stop()


@pytest.mark.parametrize(("size_vram", "device"), [(0, "cpu"), (40, "gpu+cpu"), (100, "gpu")])
async def test_the_device_is_what_ollama_says(server, size_vram, device):
    """A model that does not fit the card is shown as such."""
    server.loaded.append({"model": "zeta:latest", "size": 100, "size_vram": size_vram})
    model = OllamaModel(host=server.host, model="zeta")
    assert (await model.start()).device == device
    await model.stop()


async def test_a_scripted_model_has_no_weight(server):
    """The demo's double recites: its verdict is shown and does not count."""
    server.details = {"family": SCRIPTED}
    model = OllamaModel(host=server.host, model="zeta")
    assert (await model.start()).has_weight is False
    await model.stop()


async def test_a_thinking_model_is_told_not_to(server):
    """Thoughts would use up the tokens of the answer; other models must not be told, they refuse it."""
    server.capabilities = ["completion", "thinking"]
    model = OllamaModel(host=server.host, model="zeta")
    await model.start()
    server.answers.append((200, [line("{}"), last()]))
    await model.generate(REQUEST)
    assert server.asked[-1]["think"] is False
    await model.stop()


async def test_a_missing_model_names_the_command_that_pulls_it(server):
    """The operator is told what to type."""
    model = OllamaModel(host=server.host, model="nope")
    with pytest.raises(TransportError) as caught:
        await model.start()
    assert "ollama pull nope" in str(caught.value)
    assert caught.value.status == 404
    await model.stop()


async def test_a_server_that_is_not_there_is_a_transport_error(server):
    """Nobody listens: the hint says what to start, and probing says no."""
    model = OllamaModel(host="http://127.0.0.1:9", model="zeta")
    with pytest.raises(TransportError, match="ollama serve"):
        await model.start()
    await model.stop()
    assert await probe(server.host) is True
    assert await probe("127.0.0.1:9") is False
    assert await probe(f"{server.host}/nothing-here") is False
    assert await probe("http://[broken") is False


@pytest.mark.parametrize("host", ["http://ann:s3cret@127.0.0.1:9", "http://ann:s3cret@127.0.0.1:port"])
async def test_a_password_in_the_address_is_never_repeated(host):
    """Errors travel into logs: neither their words nor their address hold it, whatever is wrong."""
    model = OllamaModel(host=host, model="zeta")
    with pytest.raises(TransportError) as caught:
        await model.start()
    assert "***@127.0.0.1" in caught.value.message
    assert "s3cret" not in f"{caught.value}{caught.value.url}{caught.value.__cause__!r}"
    await model.stop()


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("https://box/ollama/", "https://box/ollama"),
        ("ann:pw@box:1", "http://***@box:1"),
        ("http://ann:p@w/x@box", "http://***@box"),
    ],
)
def test_an_address_is_shown_without_its_password(host, shown):
    """Whatever characters the password has."""
    assert place(host) == shown


async def test_an_answer_is_put_together_from_its_stream(server, model):
    """Text, token counts, model and engine arrive."""
    server.answers.append((200, [line('{"a"'), line(":1}"), last()]))
    answer = await model.generate(REQUEST)
    assert (answer.text, answer.prompt_tokens, answer.output_tokens) == ('{"a":1}', 11, 4)
    assert (answer.model, answer.engine) == ("zeta", "ollama")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([line('{"a":1}')], "cut off in mid-stream"),
        ([line('{"a":1'), b'{"model":"zeta","mess'], "half of one"),
        ([], "cut off in mid-stream"),
        ([line("{"), {"error": "an error was encountered while running the model"}], "encountered"),
        ([b"[]"], "half of one"),
        ([b"<html>busy</html>"], "half of one"),
        ([{"error": {"odd": 1}}], "half of one"),
        ([line("{}", message="no object")], "half of one"),
    ],
)
async def test_a_broken_stream_is_a_transport_error(server, model, lines, words):
    """A cut, an error in mid-stream and garbage give no answer, whatever came before."""
    server.answers.append((200, lines))
    with pytest.raises(TransportError, match=words):
        await model.generate(REQUEST)


@pytest.mark.parametrize("body", [b"not json", b"[1]", b'"text"', b"", b'{"error":{"a":1}}'])
async def test_a_refusal_in_any_form_is_a_transport_error(server, model, body):
    """A proxy's page or an odd body is still a refusal."""
    server.answers.append((502, [body]))
    with pytest.raises(TransportError):
        await model.generate(REQUEST)


@pytest.mark.parametrize(
    "lines",
    [
        [line('{"a":'), last(done_reason="length")],
        [line("sorry"), last()],
        [last()],
        [line("[" * 90_000), last()],
    ],
)
async def test_an_answer_that_is_cut_or_no_json_is_a_parse_error(server, model, lines):
    """The engine works, the text is of no use."""
    server.answers.append((200, lines))
    with pytest.raises(ParseError):
        await model.generate(REQUEST)


async def test_a_model_that_runs_on_is_stopped(server, model):
    """The text kept of one answer is bounded."""
    server.answers.append((200, [line("x" * 60_000), line("x" * 60_000), last()]))
    with pytest.raises(ParseError, match="ran on"):
        await model.generate(REQUEST)


async def test_an_error_inside_an_error_is_told_by_its_own_words(server, model):
    """What Ollama passes on of its runner's JSON reads as a sentence."""
    inner = json.dumps({"error": {"code": 400, "message": "unrecognized type banana", "type": "x"}})
    server.answers.append((400, [{"error": inner}]))
    with pytest.raises(
        TransportError, match=r": unrecognized type banana \(?|: unrecognized type banana$"
    ) as caught:
        await model.generate(REQUEST)
    assert caught.value.status == 400
    assert "{" not in caught.value.message


@pytest.mark.parametrize(("tokens", "is_cut"), [(2_050, True), (4_000, False), (None, False)])
async def test_a_prompt_that_was_cut_in_silence_is_refused(server, model, tokens, is_cut):
    """Ollama keeps half a context of a longer prompt and answers all the same, without its instructions."""
    asked = replace(REQUEST, prompt="news " * 3_000)
    server.answers.append((200, [line("{}"), last(prompt_eval_count=tokens)]))
    if is_cut:
        with pytest.raises(TransportError, match="LLM_CONTEXT_TOKENS"):
            await model.generate(asked)
    else:
        assert (await model.generate(asked)).text == "{}"


async def test_a_hang_ends_at_the_deadline_and_the_server_is_let_go(server, model):
    """The client closes the connection, so that the server stops generating for nobody."""
    server.answers.append((200, "hang"))
    hurried = LlmRequest(key="k", system="s", prompt="p", schema="{}", timeout_s=0.1)
    with pytest.raises(TransportError, match=r"within 0\.1 s"):
        await model.generate(hurried)
    async with asyncio.timeout(5):
        await server.gone.wait()


def layer(completed, digest="sha256:a", total=200):
    """Return a line of a pull."""
    return {"status": f"pulling {digest[-1]}", "digest": digest, "total": total, "completed": completed}


async def test_a_missing_model_is_pulled_where_that_is_allowed(server):
    """Progress over all layers is shown while it comes; then the model is loaded."""
    begun = [{"status": "pulling manifest"}, layer(86), layer(0, digest="sha256:b", total=0), "wait"]
    server.pulls.extend([*begun, layer(200), {"status": "success"}])
    model = OllamaModel(host=server.host, model="big", pull=True)
    starting = asyncio.create_task(model.start())
    await server.reached.wait()
    async with asyncio.timeout(5):
        while model.info().state != "pulling big, 43 %":  # noqa: ASYNC110  (the adapter gives no signal)
            await asyncio.sleep(0)
    assert model.info().model == "big"
    server.go_on.set()
    assert (await starting).state == "ready"
    await model.stop()
    assert model.info().state == "stopped"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}],
            "LLM_MODEL_NAME",
        ),
        ([{"status": "pulling manifest"}, layer(5)], "cut off"),
        ([{"error": "no space left on device"}], "no space left"),
        ([layer(5), layer(5), "wait"], r"no answer within 0\.2 s"),
        ([], "cut off"),
    ],
)
async def test_a_pull_that_fails_or_stands_still_is_an_error(server, lines, words):
    """The server's words come through, and only progress gives it more time."""
    server.pulls.extend(lines)
    model = OllamaModel(host=server.host, model="big", pull=True, load_timeout_s=0.2)
    with pytest.raises(TransportError, match=words):
        await model.start()
    server.go_on.set()
    await model.stop()


async def test_progress_gives_a_pull_more_time(server):
    """A download takes as long as it takes, while it gets on."""
    clock = asyncio.get_running_loop()
    model = OllamaModel(host=server.host, model="big", pull=True, load_timeout_s=30.0)
    limits = []
    original = clock.call_at

    def call_at(when, callback, *args, **kwargs):
        limits.append(when)
        return original(when, callback, *args, **kwargs)

    clock.call_at = call_at
    try:
        server.pulls.extend([layer(5), layer(5), layer(6), {"status": "success"}])
        await model.start()
    finally:
        del clock.call_at
    # Look-up, download, three steps of it (the repeated line is none), look-up again, load.
    assert len([when for when in limits if 20 < when - clock.time() < 40]) == 7
    await model.stop()


@pytest.mark.parametrize(("given", "sent"), [("-1", -1), ("300", 300), ("5m", "5m"), ("-1h", "-1h")])
async def test_how_long_the_model_stays_loaded_is_sent_as_ollama_wants_it(server, given, sent):
    """A number without a unit is no text there."""
    model = OllamaModel(host=server.host, model="zeta", keep_alive=given)
    await model.start()
    server.answers.append((200, [line("{}"), last()]))
    await model.generate(REQUEST)
    assert [asked["keep_alive"] for asked in server.asked] == [sent, sent]
    await model.stop()


async def test_ready_is_asked_over_its_own_connection(server, model):
    """From another loop and thread than start; False when nobody answers."""
    assert await asyncio.to_thread(lambda: asyncio.run(model.ready())) is True
    assert await OllamaModel(host="127.0.0.1:9", model="zeta").ready() is False


async def test_a_model_that_is_not_started_says_so():
    """In its state and in its error."""
    model = OllamaModel(host="127.0.0.1:9", model="zeta")
    assert model.info().state == "not started"
    with pytest.raises(TransportError, match="not started"):
        await model.generate(REQUEST)


def test_a_server_of_our_own_serves_one_model_to_all_workers():
    """Loopback only, one model, as many slots as requests in flight, kept loaded."""
    made = serve_environment(4711, workers=3, context_tokens=2048, keep_alive="-1", models_dir="/models")
    assert serve_command() == ["ollama", "serve"]
    assert made == {
        "OLLAMA_HOST": "127.0.0.1:4711",
        "OLLAMA_NUM_PARALLEL": "3",
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_CONTEXT_LENGTH": "2048",
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_NOPRUNE": "1",
        "OLLAMA_NO_CLOUD": "1",
        "OLLAMA_MODELS": "/models",
    }
    assert "OLLAMA_MODELS" not in serve_environment(1, workers=1, context_tokens=1, keep_alive="5m")
