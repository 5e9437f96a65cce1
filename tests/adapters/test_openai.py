"""The OpenAI-compatible adapter against a loopback server that answers as vLLM, SGLang, llama.cpp and OpenAI do."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.adapters.openai import OpenAiModel, api_base, place, probe
from catalyst_ray.adapters.openai_wire import Stream, error_words
from catalyst_ray.errors import ConfigError, ParseError, RateLimited, TransportError
from catalyst_ray.models import LlmRequest

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret-0123456789"
REQUEST = LlmRequest(
    key="k", system="be brief", prompt="news", schema='{"type":"object"}', max_tokens=50, timeout_s=5.0
)
DONE = b"data: [DONE]\n\n"


def event(value):
    """Return one event of a stream."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def piece(content=None, finish=None, **delta):
    """Return an event with a piece of the answer."""
    said = {"content": content, **delta} if content is not None else delta
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    return event({"object": "chat.completion.chunk", "choices": [choice], "usage": None})


USAGE = event({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}})
STOP = piece(finish="stop")
WHOLE = [piece("", role="assistant"), piece('{"a"'), piece(":1}"), STOP, USAGE, DONE]


@dataclass
class Server:
    """Hands out canned answers to chat completions: (status, headers, body parts)."""

    answers: deque = field(default_factory=deque)
    warm: deque = field(default_factory=deque)
    asked: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    models: tuple = ("zeta",)
    list_status: int = 200
    key: str | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def chat(self, request):
        body = await request.json()
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        default = (200, {}, [piece("Yes"), STOP, DONE])
        if body["messages"][1]["content"] == "Ready?":
            status, headers, parts = self.warm.popleft() if self.warm else default
        else:
            status, headers, parts = self.answers.popleft()
        if parts == "hang":
            self.arrived.set()
            try:
                await asyncio.sleep(60)
            finally:
                self.gone.set()
        kind = {"Content-Type": "text/event-stream" if status == 200 else "application/json"}
        response = web.StreamResponse(status=status, headers=kind | headers)
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    async def redirect(self, request):
        raise web.HTTPFound("http://127.0.0.1:9/")

    async def list_models(self, request):
        self.headers.append(dict(request.headers))
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            said = f"Incorrect API key: {request.headers.get('Authorization')}"
            return web.json_response({"error": {"message": said, "code": "invalid_api_key"}}, status=401)
        rows = [{"id": name, "object": "model"} for name in self.models]
        return web.json_response({"object": "list", "data": rows}, status=self.list_status)


@pytest.fixture
async def server():
    """Serve on a free port; requests that the client left are cancelled, as real servers do."""
    made = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", made.chat)
    app.router.add_get("/v1/models", made.list_models)
    app.router.add_get("/elsewhere/v1/models", made.redirect)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def model(server):
    """Return a started model on the server."""
    model = OpenAiModel(server.url, "zeta")
    await model.start()
    server.asked.clear()
    yield model
    await model.stop()


async def refused(server, model, status, body, **headers):
    """Return the error that an answer causes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    server.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, [raw]))
    with pytest.raises(TransportError) as caught:
        await model.generate(REQUEST)
    return caught.value


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://box:8000", "http://box:8000/v1"),
        ("http://box:8000/", "http://box:8000/v1"),
        ("http://box:8000/v1", "http://box:8000/v1"),
        ("http://box:8000/v1/", "http://box:8000/v1"),
        ("box:8000", "http://box:8000/v1"),
        ("https://box/openai/v1/chat/completions", "https://box/openai/v1"),
        ("https://box/api/v3", "https://box/api/v3"),
    ],
)
def test_an_address_is_taken_with_or_without_its_version(given, base):
    """Every form that people paste leads to the same place."""
    assert api_base(given) == base


def test_an_address_is_shown_without_its_password():
    """Whatever characters it has, and without a query."""
    assert place("http://ann:p@w/x@box/v1") == "http://***@box/v1"


async def test_the_request_is_locked_to_the_schema(server, model):
    """Schema, seed, temperature and limits are sent, and nothing that a strict server would refuse."""
    server.answers.append((200, {}, WHOLE))
    await model.generate(REQUEST)
    (asked,) = server.asked
    assert asked == {
        "model": "zeta",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "news"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
        "temperature": 0,
        "seed": 7,
        "max_tokens": 50,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert "Authorization" not in server.headers[-1]


async def test_a_grammar_takes_the_schemas_place(server):
    """llama.cpp is sent the grammar made of the schema; it is made off the event loop."""
    threads = []

    def grammar(schema):
        threads.append(threading.current_thread())
        return f"root ::= {schema}"

    model = OpenAiModel(
        server.url, "zeta", grammar=grammar, engine="embedded", has_weight=False, device=lambda: "cpu"
    )
    info = await model.start()
    assert (info.engine, info.device, info.has_weight) == ("embedded", "cpu", False)
    server.answers.append((200, {}, WHOLE))
    assert (await model.generate(REQUEST)).engine == "embedded"
    assert server.asked[-1]["grammar"] == 'root ::= {"type":"object"}'
    assert "response_format" not in server.asked[-1]
    assert threads[0] is not threading.main_thread()
    await model.stop()


async def test_an_answer_is_put_together_from_its_stream(server, model):
    """Text, token counts, model and engine arrive; the thoughts of a model that thinks are no part of it."""
    server.answers.append((200, {}, [b": ping\n\n", piece(reasoning_content="hm"), *WHOLE]))
    answer = await model.generate(REQUEST)
    assert (answer.text, answer.prompt_tokens, answer.output_tokens) == ('{"a":1}', 11, 4)
    assert (answer.model, answer.engine) == ("zeta", "openai")


@pytest.mark.parametrize(
    "parts",
    [
        [piece("{}"), STOP],  # some servers end without [DONE]
        [piece("{}"), DONE],  # and some give no reason
        [b"\xef\xbb\xbf" + piece("{}").replace(b"\n\n", b"\r\n\r\n"), STOP, DONE],
        [b"event: message\nid: 1\n", piece("{}"), STOP, DONE, b"data: rubbish after the end"],
        [json.dumps({"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]}).encode()],
    ],
)
async def test_every_form_of_a_whole_answer_is_read(server, model, parts):
    """Servers differ in how a stream ends, in line ends, and some do not stream at all."""
    server.answers.append((200, {}, parts))
    assert (await model.generate(REQUEST)).text == "{}"


@given(st.lists(st.integers(1, 40), min_size=1))
def test_a_stream_may_be_cut_into_packets_anywhere(sizes):
    """However the network cuts the bytes, the text is the same."""
    data = b"".join([piece("{}" + "é" * 9), *WHOLE])
    stream = Stream()
    at = 0
    for size in sizes * len(data):
        if at >= len(data):
            break
        stream.feed(data[at : at + size])
        at += size
    stream.close()
    assert (stream.text, stream.ended, stream.output_tokens) == ("{}ééééééééé" + '{"a":1}', True, 4)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([piece('{"a":1}')], "cut off in mid-stream"),
        ([piece('{"a":1'), b'data: {"choices":[{"de'], "half of one"),
        ([], "cut off in mid-stream"),
        ([piece("{}"), piece(finish="abort"), DONE], "cut off in mid-stream"),
        (
            [piece("{"), event({"error": {"message": "engine died", "type": "x", "code": 500}}), DONE],
            "engine died",
        ),
        ([event({"object": "error", "message": "engine died", "code": 500}), DONE], "engine died"),
        (
            [b'error: {"code":500,"message":"engine died","type":"server_error"}\n\n'],
            "half of one|engine died",
        ),
        ([b'{"error":"engine died"}'], "engine died"),
        ([b"<html>busy</html>"], "half of one"),
        ([b"data: []\n\n"], "half of one"),
        ([b'data: {"choices":[7]}\n\n'], "half of one"),
        ([b'data: {"choices":[{"delta":{"content":7}}]}\n\n'], "half of one"),
        ([b"data: " + b"[" * 90_000 + b"\n\n"], "half of one"),
        ([b"data: " + b"x" * 1_100_000], "half of one"),
    ],
)
async def test_a_broken_stream_is_a_transport_error(server, model, parts, words):
    """A cut, an error in mid-stream and garbage give no answer, whatever came before."""
    server.answers.append((200, {}, parts))
    with pytest.raises(TransportError, match=words):
        await model.generate(REQUEST)


@pytest.mark.parametrize(
    "parts",
    [
        [piece('{"a":'), piece(finish="length"), DONE],
        [piece("sorry"), STOP, DONE],
        [STOP, DONE],
        [piece("[" * 90_000), STOP, DONE],
        [piece('"' + "x" * 60_000), piece("x" * 60_000 + '"'), STOP, DONE],
        [*[piece(reasoning_content="x" * 900_000)] * 20, piece("{}"), STOP, DONE],
    ],
)
async def test_an_answer_that_is_cut_endless_or_no_json_is_a_parse_error(server, model, parts):
    """The engine works, the text is of no use."""
    server.answers.append((200, {}, parts))
    with pytest.raises(ParseError):
        await model.generate(REQUEST)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no more memory", "type": "server_error", "param": None, "code": 500}},
        {"object": "error", "message": "no more memory", "type": "InternalServerError", "code": 500},
        {"error": {"code": 500, "message": "no more memory", "type": "server_error"}},
        {"error": "no more memory"},
        {"error": "no more memory", "error_type": "overloaded"},
        {"detail": "no more memory"},
        {"detail": [{"loc": ["body"], "msg": "no more memory"}]},
        {"message": "no more memory"},
        b"no more\n memory",
    ],
)
async def test_the_words_of_a_refusal_are_found_in_every_shape(server, model, body):
    """OpenAI, vLLM of two ages, llama.cpp, Ollama, TGI, FastAPI and a proxy's page."""
    error = await refused(server, model, 500, body)
    assert "no more memory" in error.message
    assert error.status == 500


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b'"text"', b'{"error":7}', b"[" * 90_000, b"x" * 900_000, b"\xff"]
)
async def test_a_refusal_in_any_form_is_a_transport_error(server, model, body):
    """An odd body is still a refusal, and its words are bounded."""
    error = await refused(server, model, 502, body)
    assert len(error.message) < 500


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "This model's maximum context length is 4096 tokens.", "code": 400}},
        {"error": {"code": 400, "message": "request too large", "type": "exceed_context_size_error"}},
        {
            "object": "error",
            "message": "The input is longer than the model's context length (512)",
            "code": 400,
        },
    ],
)
async def test_a_prompt_that_does_not_fit_names_the_setting(server, model, body):
    """Every server's words for it lead to the same hint."""
    error = await refused(server, model, 400, body)
    assert error.status == 400
    assert "LLM_CONTEXT_TOKENS" in error.hint


async def test_a_wrong_key_names_its_setting_and_is_never_repeated(server):
    """Neither the error nor the model's repr holds the key, although the server repeats it."""
    server.key = "another"
    model = OpenAiModel(server.url, "zeta", KEY)
    with pytest.raises(TransportError) as caught:
        await model.start()
    assert caught.value.status == 401
    assert "LLM_API_KEY" in caught.value.hint
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}{model!r}{vars(caught.value)}"
    await model.stop()


async def test_an_answer_that_is_no_http_costs_no_key():
    """What aiohttp raises then carries the request's headers: it goes no further than the words of ours."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"this is no HTTP\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        model = OpenAiModel(f"http://127.0.0.1:{port}/v1", "zeta", KEY)
        with pytest.raises(TransportError, match="no answer of HTTP") as caught:
            await model.start()
        await model.stop()
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error!r}{error.args!r}"
        error = error.__cause__


async def test_the_key_is_sent_with_every_request(server):
    """As a bearer token."""
    server.key = KEY
    model = OpenAiModel(server.url, "zeta", KEY)
    await model.start()
    server.answers.append((200, {}, WHOLE))
    await model.generate(REQUEST)
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    assert await model.ready()
    assert await probe(server.url)  # without the key: it is there
    await model.stop()


@pytest.mark.parametrize("key", ["two\nlines", "smörgås", ""])
async def test_a_key_that_cannot_be_sent_is_a_configuration_error(server, key):
    """It is named, not shown."""
    with pytest.raises(ConfigError, match="LLM_API_KEY") as caught:
        await OpenAiModel(server.url, "zeta", key).start()
    assert not key or key not in str(caught.value)


async def test_two_credentials_are_a_configuration_error():
    """A password in the address and a key cannot both be sent."""
    with pytest.raises(ConfigError, match="LLM_ENDPOINT_URL") as caught:
        await OpenAiModel("http://ann:s3cret@127.0.0.1:9", "zeta", KEY).start()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://ann:s3cret@127.0.0.1:9", "http://ann:s3cret@127.0.0.1:port", "http://"]
)
async def test_a_password_in_the_address_is_never_repeated(url):
    """Errors travel into logs."""
    model = OpenAiModel(url, "zeta")
    with pytest.raises(TransportError) as caught:
        await model.start()
    assert "s3cret" not in f"{caught.value}{caught.value.url}{caught.value.__cause__!r}"
    await model.stop()


@pytest.mark.parametrize(
    ("answer", "kind", "wait_s"),
    [
        ((429, {"Retry_After": "7"}), RateLimited, 7.0),
        ((429, {}), RateLimited, None),
        ((503, {"Retry_After": "99999"}), RateLimited, 3_600.0),
        ((503, {"Retry_After": "soon"}), TransportError, None),
        ((503, {}), TransportError, None),
    ],
)
async def test_a_busy_server_is_given_its_time(server, model, answer, kind, wait_s):
    """Retry-After is handed on, within bounds."""
    status, headers = answer
    error = await refused(server, model, status, {"error": {"message": "busy"}}, **headers)
    assert type(error) is kind
    assert error.retry_after_s == wait_s
    assert error.hint


async def test_a_missing_model_lists_what_there_is(server):
    """The operator is told what to write, in bounds."""
    server.models = tuple(f"model-{number}" for number in range(30))
    model = OpenAiModel(server.url, "nope", is_default=True)
    with pytest.raises(TransportError) as caught:
        await model.start()
    assert caught.value.status == 404
    assert "LLM_MODEL_NAME" in caught.value.hint
    assert "model-9 and 20 more" in caught.value.hint
    await model.stop()


@pytest.mark.parametrize(
    ("wanted", "is_default", "models", "taken"),
    [
        ("", False, ("org/zeta",), "org/zeta"),
        ("mistral", True, ("org/zeta",), "org/zeta"),
        ("mistral", True, ("org/zeta", "mistral"), "mistral"),
        ("mistral", False, ("mistral:latest", "x"), "mistral"),
        ("mistral", False, ("org/zeta",), None),
        ("mistral", True, ("a", "b"), None),
        ("", False, ("a", "b"), None),
        ("mistral", True, (), None),
    ],
)
async def test_the_only_model_is_taken_where_none_was_chosen(server, wanted, is_default, models, taken):
    """A name left at its default gives way to the server's only model; a chosen one does not."""
    server.models = models
    model = OpenAiModel(server.url, wanted, is_default=is_default)
    if taken is None:
        with pytest.raises(TransportError, match="LLM_MODEL_NAME"):
            await model.start()
    else:
        assert (await model.start()).model == taken
        assert server.asked[-1]["model"] == taken
    await model.stop()


async def test_a_server_without_a_list_is_believed(server):
    """Some proxies serve completions only: the warm-up tells whether the model is there."""
    server.list_status = 404
    model = OpenAiModel(server.url, "zeta")
    assert (await model.start()).model == "zeta"
    server.warm.append((404, {}, [b'{"error":{"message":"The model does not exist."}}']))
    with pytest.raises(TransportError, match="name of its model"):
        await model.start()
    await model.stop()


async def test_a_model_that_thinks_is_told_not_to_where_that_is_understood(server):
    """The field is sent only after thoughts were seen, and dropped where the server refuses it."""
    thinking = (200, {}, [piece(reasoning_content="hm"), piece(finish="length"), DONE])
    model = OpenAiModel(server.url, "zeta")
    server.warm.append(thinking)
    await model.start()
    server.answers.append((200, {}, WHOLE))
    await model.generate(REQUEST)
    assert server.asked[-1]["chat_template_kwargs"] == {"enable_thinking": False}
    server.warm.extend([thinking, (400, {}, [b'{"error":"unknown field"}'])])
    await model.start()
    server.answers.append((200, {}, WHOLE))
    await model.generate(REQUEST)
    assert "chat_template_kwargs" not in server.asked[-1]
    await model.stop()


async def test_a_redirect_is_not_followed(server, model):
    """The key and the news would go elsewhere."""
    error = await refused(server, model, 307, b"", Location="http://127.0.0.1:9/")
    assert error.status == 307
    model = OpenAiModel(f"{server.url}/elsewhere", "zeta")
    with pytest.raises(TransportError, match="sends elsewhere"):
        await model.start()
    await model.stop()


async def test_a_server_that_is_not_there_is_a_transport_error(server):
    """Nobody listens, or it is no such server: start fails with a hint, probing says no."""
    model = OpenAiModel("http://127.0.0.1:9", "zeta")
    with pytest.raises(TransportError, match="is the server running"):
        await model.start()
    assert await model.ready() is False
    await model.stop()
    assert await probe(server.url) is True
    assert await probe("http://127.0.0.1:9") is False
    assert await probe(f"{server.url}/nothing/v1") is False
    assert await probe("http://[broken") is False


async def test_ready_may_be_asked_from_another_loop(server, model):
    """It uses a connection of its own."""
    ready = asyncio.to_thread(lambda: asyncio.run(model.ready()))
    assert await ready is True


async def test_the_state_is_known_from_the_beginning_to_the_end(server):
    """Not started, ready, stopped; a request outside is an error."""
    model = OpenAiModel(server.url, "zeta")
    assert model.info().state == "not started"
    with pytest.raises(TransportError, match="not started"):
        await model.generate(REQUEST)
    await model.start()
    assert (model.info().state, model.info().device) == ("ready", "server")
    await model.stop()
    assert model.info().state == "stopped"


async def test_a_hang_ends_at_the_deadline_and_the_server_is_let_go(server, model):
    """The client closes the connection, so that the server stops generating for nobody."""
    server.answers.append((200, {}, "hang"))
    hurried = LlmRequest(key="k", system="s", prompt="p", schema="{}", timeout_s=0.1)
    with pytest.raises(TransportError, match=r"within 0\.1 s"):
        await model.generate(hurried)
    async with asyncio.timeout(5):
        await server.gone.wait()


async def test_a_request_that_is_cancelled_lets_the_server_go(server, model):
    """A caller that gives up frees the server too."""
    server.answers.append((200, {}, "hang"))
    asking = asyncio.create_task(model.generate(REQUEST))
    await server.arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(5):
        await server.gone.wait()


async def test_loading_is_bounded(server):
    """A server that never warms up is given up."""
    server.warm.append((200, {}, "hang"))
    model = OpenAiModel(server.url, "zeta", load_timeout_s=0.1)
    with pytest.raises(TransportError, match=r"within 0\.1 s"):
        await model.start()
    await model.stop()


def test_an_event_without_end_is_given_up():
    """A line is not collected for ever."""
    stream = Stream()
    stream.feed(b"data: " + b"x" * 900_000)
    with pytest.raises(ValueError, match="over 1000000 bytes"):
        stream.feed(b"x" * 200_000)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data):
    """Whatever comes, it is an answer, an expected error, or text that is checked later."""
    stream = Stream()
    try:
        stream.feed(data)
        stream.close()
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    assert len(error_words(data.decode(errors="replace"))) <= 300
