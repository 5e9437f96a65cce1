"""What real Ollama servers sent, byte for byte, through both clients: recorded streams and error bodies.

The bytes are read in place and served again on loopback. Nothing of them is copied here.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

import pytest
import yaml
from aiohttp import web

from catalyst_ray.adapters.ollama import OllamaModel
from catalyst_ray.adapters.openai import OpenAiModel
from catalyst_ray.errors import CatalystError, ParseError, RateLimited, TransportError
from catalyst_ray.models import LlmRequest

pytestmark = [pytest.mark.anyio, pytest.mark.real_data]

REQUEST = LlmRequest(key="k", system="be brief", prompt="news", schema='{"type":"object"}', timeout_s=10.0)
NDJSON = "application/x-ndjson"


@dataclass
class Player:
    """Serves one answer, the same bytes again and again; loads whatever model it is asked for."""

    status: int = 200
    kind: str = NDJSON
    body: bytes = b""
    is_loading: bool = field(default=True)
    url: str = ""

    async def chat(self, request):
        if self.is_loading:
            loaded = {"model": "zeta", "message": {"role": "assistant", "content": ""}, "done": True}
            return web.json_response(loaded)
        return self.answer()

    async def completions(self, request):
        if self.is_loading:
            said = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
            return web.json_response(said)
        return self.answer()

    def answer(self):
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.kind})

    async def show(self, request):
        return web.json_response({"details": {"family": "llama"}, "capabilities": ["completion"]})

    async def ps(self, request):
        return web.json_response({"models": []})

    async def models(self, request):
        return web.json_response({"object": "list", "data": [{"id": "zeta"}]})


@pytest.fixture
async def player():
    """Serve on a free port."""
    made = Player()
    app = web.Application()
    app.router.add_post("/api/chat", made.chat)
    app.router.add_post("/api/show", made.show)
    app.router.add_get("/api/ps", made.ps)
    app.router.add_get("/v1/models", made.models)
    app.router.add_post("/v1/chat/completions", made.completions)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def native(player):
    """Return a started Ollama client."""
    model = OllamaModel(host=player.url, model="zeta")
    await model.start()
    player.is_loading = False
    yield model
    await model.stop()


@pytest.fixture
async def compatible(player):
    """Return a started client of the OpenAI-compatible interface."""
    model = OpenAiModel(player.url, "zeta")
    await model.start()
    player.is_loading = False
    yield model
    await model.stop()


async def outcome(model):
    """Return the answer, or the expected error that came instead."""
    try:
        return await model.generate(REQUEST)
    except CatalystError as error:
        return error


def errors(data_dir):
    """Yield (name, status, content type, bytes, words) of every recorded failure."""
    for name, case in json.loads((data_dir / "08_ollama/error_responses.json").read_text()).items():
        if "lines" in case:
            yield name, case["status"], case["content_type"], "\n".join(case["lines"]).encode(), None
        else:
            body = json.dumps(case["body"]).encode()
            yield name, case["status"], "application/json", body, case["body"]["error"]


async def test_every_recorded_error_is_understood_by_the_native_client(player, native, data_dir):
    """Status and words come through, the hints name what to do, nothing is taken for an answer."""
    seen = {}
    for name, player.status, player.kind, player.body, words in errors(data_dir):
        error = await outcome(native)
        assert type(error) is TransportError, name
        assert error.status in {player.status, None}, name
        assert words is None or " ".join(words.split())[:200] in error.message, name
        seen[name.partition("_")[0]] = error
    assert "ollama pull zeta" in seen["404"].hint
    assert "OLLAMA_MAX_QUEUE" in seen["503"].hint
    assert seen["401"].hint
    assert {"499", "500", "400", "200"} <= seen.keys()


async def test_every_recorded_error_is_understood_by_the_compatible_client(player, compatible, data_dir):
    """Ollama's own bodies, which a proxy before it lets through, are refusals there too."""
    for name, player.status, player.kind, player.body, words in errors(data_dir):
        error = await outcome(compatible)
        assert isinstance(error, TransportError), name
        assert not isinstance(error, RateLimited), name
        assert error.status in {player.status, None}, name
        assert words is None or " ".join(words.split())[:200] in error.message, name


def as_chat(line):
    """Turn a line of /api/generate into one of /api/chat, which is what the client asks for."""
    value = json.loads(line)
    if "response" not in value:
        return line
    return json.dumps({**value, "message": {"role": "assistant", "content": value["response"]}})


def native_recordings(data_dir):
    """Yield (name, body lines) of every recorded stream and of every sample that is a whole answer."""
    for file in sorted((data_dir / "08_ollama/recordings_native").glob("*.yaml")):
        for interaction in yaml.safe_load(file.read_text())["interactions"]:
            text = interaction["response"]["body"]["string"]
            yield file.name, [as_chat(line) for line in text.splitlines() if line.strip()]
    for sample in json.loads((data_dir / "08_ollama/api_md_samples.json").read_text()):
        if sample["lang"] != "json":
            continue
        try:
            answer = json.loads(sample["text"])
        except ValueError:
            continue
        if isinstance(answer, dict) and answer.get("done") and {"response", "message"} & answer.keys():
            yield sample["section"], [as_chat(json.dumps(answer))]


def judged(name, found, text, reason):
    """Check an outcome against what the stream said: an answer where it is whole JSON, else a parse error."""
    try:
        json.loads(text)
    except ValueError:
        assert type(found) is ParseError, name
        return False
    if reason == "length":
        assert type(found) is ParseError, name
        return False
    assert found.text == text, name
    return True


async def test_every_recorded_native_stream_is_read_whole(player, native, data_dir):
    """The text is the recording's; it is an answer if it is JSON that was not cut, else a parse error."""
    seen = []
    for name, lines in native_recordings(data_dir):
        player.body = "\n".join(lines).encode()
        parts = [json.loads(line) for line in lines]
        text = "".join(part.get("message", {}).get("content") or "" for part in parts)
        assert (await native._read(REQUEST))[0] == text, name
        seen.append(judged(name, await outcome(native), text, parts[-1].get("done_reason")))
    assert len(seen) > 20
    assert any(seen)


async def test_no_cut_of_a_recorded_native_stream_is_an_answer(player, native, data_dir):
    """Wherever the connection ends before the last line, there is no answer."""
    _, lines = max(native_recordings(data_dir), key=lambda recording: len(recording[1]))
    whole = "\n".join(lines).encode()
    for end in range(0, whole.rindex(b"\n") + 1, max(1, len(whole) // 25)):
        player.body = whole[:end]
        assert type(await outcome(native)) is TransportError, end


class Recorded(yaml.SafeLoader):
    """Reads recordings written by Ruby's YAML too."""


Recorded.add_constructor("!binary", lambda _, node: base64.b64decode(node.value).decode())


def compatible_recordings(data_dir):
    """Yield (name, content type, bytes) of every recorded answer of the OpenAI-compatible interface."""
    for file in sorted((data_dir / "08_ollama/recordings_openai_compat").iterdir()):
        recording = yaml.load(file.read_text(), Loader=Recorded)
        for interaction in recording.get("interactions", []):
            body = json.dumps(interaction["response"]["parsed_body"]).encode()
            yield file.name, "application/json", body
        for interaction in recording.get("http_interactions", []):
            answer = interaction["response"]
            kind = answer["headers"].get("Content-Type", ["application/json"])[0]
            yield file.name, kind, answer["body"]["string"].encode()


def said(body):
    """Return (text, finish reason) of an answer, read in the plainest way."""
    lines = [line.removeprefix("data: ") for line in body.decode().splitlines() if line.strip()]
    values = (
        [json.loads(line) for line in lines if line != "[DONE]"] if len(lines) > 1 else [json.loads(body)]
    )
    choices = [choice for value in values for choice in value["choices"]]
    parts = [choice.get("delta") or choice.get("message") or {} for choice in choices]
    reasons = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    return "".join(part.get("content") or "" for part in parts), reasons[-1]


async def test_every_recorded_compatible_answer_is_read_whole(player, compatible, data_dir):
    """Streams with thoughts, tool calls and usage, and whole answers: the text is the recording's."""
    seen = []
    for name, player.kind, player.body in compatible_recordings(data_dir):
        text, reason = said(player.body)
        stream = await compatible._read(compatible._body("s", "p", 5))
        assert (stream.text, stream.finish_reason) == (text, reason), name
        assert stream.output_tokens > 0, name
        seen.append(judged(name, await outcome(compatible), text, reason))
    assert len(seen) >= 4
    assert any(seen)


async def test_no_cut_of_a_recorded_compatible_stream_is_an_answer(player, compatible, data_dir):
    """Wherever the connection ends before the reason, there is no answer."""
    streams = [row for row in compatible_recordings(data_dir) if row[1].startswith("text/event-stream")]
    _, player.kind, whole = max(streams, key=lambda row: len(row[2]))
    last = whole.rindex(b'"finish_reason":"')
    for end in range(0, last, max(1, last // 25)):
        player.body = whole[:end]
        assert type(await outcome(compatible)) is TransportError, end
