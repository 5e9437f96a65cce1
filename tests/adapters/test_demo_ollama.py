"""The doubles of model servers speak their language, to the program's own adapters and to a plain client."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import aiohttp
import pytest

from catalyst_ray.adapters.ollama import OllamaModel, probe
from catalyst_ray.adapters.openai import OpenAiModel
from catalyst_ray.core.prompt import SCHEMA, SYSTEM, HeadlineAnswer
from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.scripted import Fault
from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World
from catalyst_ray.errors import TransportError
from catalyst_ray.models import LlmRequest

pytestmark = pytest.mark.anyio
WORLD = World(7, datetime(2026, 11, 23, 14, tzinfo=UTC))
REQUEST = LlmRequest(
    key="k", system=SYSTEM, prompt="headline: Zeta to be acquired", schema=SCHEMA, timeout_s=5.0
)
HEADLINE = "headline: FDA Approves Halvorsen Therapeutics's Velmotrigine"


@pytest.fixture
async def server():
    """Serve a quick Ollama."""
    async with DemoServer(WORLD, llm_latency_s=0.01) as running:
        yield running


@pytest.fixture
async def session():
    """Give a client session."""
    async with aiohttp.ClientSession() as made:
        yield made


async def ask(session, server, path, **body):
    """Return status, content type and lines of an answer."""
    async with session.post(server.base_url + path, json=body) as answer:
        text = await answer.text()
        return answer.status, answer.content_type, [json.loads(line) for line in text.splitlines()]


async def test_the_programs_adapter_takes_it_for_an_ollama(server):
    """It loads, answers by the program's schema, and is known as scripted: its verdict has no weight."""
    assert await probe(server.base_url)
    model = OllamaModel(host=server.base_url, model=MODEL)
    try:
        info = await model.start()
        request = LlmRequest(key="k", system=SYSTEM, prompt=f"<<<NEWS\n{HEADLINE}\nNEWS>>>", schema=SCHEMA)
        answer = await model.generate(request)
    finally:
        await model.stop()
    assert (info.model, info.has_weight, info.device) == (MODEL, False, "cpu")
    assert HeadlineAnswer.model_validate_json(answer.text).direction > 0
    assert answer.output_tokens > 0


async def test_a_missing_model_is_ollamas_404(server, session):
    """Another model gives Ollama's exact words, on every path that names one."""
    for path in ("/api/chat", "/api/generate", "/api/show"):
        status, _, (body,) = await ask(session, server, path, model="llama9", messages=[], prompt="x")
        assert (status, body) == (404, {"error": "model 'llama9' not found"})
    model = OllamaModel(host=server.base_url, model="llama9")
    try:
        with pytest.raises(TransportError):
            await model.start()
    finally:
        await model.stop()


async def test_a_stream_ends_with_done_and_figures(server, session):
    """Without stream=false lines come one by one; the last says done, why, and how long in nanoseconds."""
    status, kind, lines = await ask(
        session, server, "/api/chat", model=MODEL, messages=[{"role": "user", "content": HEADLINE}]
    )
    assert (status, kind) == (200, "application/x-ndjson")
    assert len(lines) > 2
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert "Velmotrigine" in "".join(line["message"]["content"] for line in lines)
    assert lines[-1]["done_reason"] == "stop"
    assert lines[-1]["total_duration"] == 10_000_000
    assert lines[-1]["eval_count"] > 0


async def test_generate_answers_whole(server, session):
    """stream=false gives one object whose response is JSON when the format asks for it."""
    _, kind, (body,) = await ask(
        session,
        server,
        "/api/generate",
        model=f"{MODEL}:latest",
        prompt=HEADLINE,
        stream=False,
        format="json",
    )
    assert kind == "application/json"
    assert json.loads(body["response"])["direction"] > 0


async def test_an_answer_is_cut_at_its_limit(server, session):
    """num_predict cuts the text, and done_reason says so."""
    _, _, (body,) = await ask(
        session,
        server,
        "/api/generate",
        model=MODEL,
        prompt=HEADLINE,
        stream=False,
        options={"num_predict": 2},
    )
    assert (body["done_reason"], body["eval_count"]) == ("length", 2)


async def test_a_request_without_prompt_loads_and_unloads(server, session):
    """Empty messages load the model, keep_alive 0 unloads it, and /api/ps shows which."""

    async def running():
        async with session.get(server.base_url + "/api/ps") as answer:
            return [row["name"] for row in (await answer.json())["models"]]

    assert await running() == []
    _, _, (loaded,) = await ask(session, server, "/api/chat", model=MODEL, messages=[])
    assert (loaded["done_reason"], loaded["message"]["content"]) == ("load", "")
    assert await running() == [f"{MODEL}:latest"]
    _, _, (gone,) = await ask(session, server, "/api/generate", model=MODEL, keep_alive=0)
    assert gone["done_reason"] == "unload"
    assert await running() == []


async def test_bad_requests_are_refused_as_there(server, session):
    """An empty body and a wrong format give Ollama's own status and words."""
    async with session.post(server.base_url + "/api/chat") as answer:
        assert (answer.status, await answer.json()) == (400, {"error": "missing request body"})
    status, _, (body,) = await ask(
        session, server, "/api/chat", model=MODEL, messages=[{"role": "user", "content": "x"}], format="xml"
    )
    assert status == 500
    assert body["error"] == 'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object'


async def test_it_owns_up_to_being_scripted(server, session):
    """The list of models and their details say what it is."""
    async with session.get(server.base_url + "/api/tags") as answer:
        (row,) = (await answer.json())["models"]
    assert row["details"]["family"] == "scripted"
    _, _, (shown,) = await ask(session, server, "/api/show", model=MODEL)
    assert "no language model" in shown["modelfile"]


async def test_answers_are_made_a_few_at_a_time(session):
    """More requests than slots wait, and all are answered."""
    async with DemoServer(WORLD, llm_latency_s=0.02, llm_parallel=2) as server:
        asked = (
            ask(session, server, "/api/generate", model=MODEL, prompt=f"title: {n}", stream=False)
            for n in range(8)
        )
        answers = await asyncio.gather(*asked)
    assert [status for status, _, _ in answers] == [200] * 8
    assert server.ollama.most_in_flight > 2
    assert server.ollama.in_flight == 0


@pytest.fixture(params=["ollama", "openai"])
async def model(request, server):
    """Give each of the program's adapters, started."""
    made = (
        OllamaModel(host=server.base_url, model=MODEL)
        if request.param == "ollama"
        else OpenAiModel(server.base_url, "mistral", is_default=True)
    )
    await made.start()
    yield made
    await made.stop()


async def test_both_adapters_get_the_same_answer(server, model):
    """The OpenAI-compatible interface answers with the same reading, and its verdict has no weight either."""
    answer = await model.generate(REQUEST)
    assert HeadlineAnswer.model_validate_json(answer.text).direction > 0
    assert (answer.model, model.info().has_weight) == (MODEL, False)
    assert answer.output_tokens > 0
    assert answer.prompt_tokens > 0


async def test_a_missing_model_can_be_pulled(server, session):
    """Progress comes line by line, and the model is there afterwards; another one does not exist."""
    server.ollama.models.clear()
    model = OllamaModel(host=server.base_url, model=MODEL, pull=True)
    assert (await model.start()).state == "ready"
    await model.stop()
    server.ollama.models.clear()
    _, kind, lines = await ask(session, server, "/api/pull", model=MODEL)
    assert kind == "application/x-ndjson"
    assert [line["completed"] for line in lines if "completed" in line] == [0, 1024, 2048, 3072, 4096]
    assert lines[-1] == {"status": "success"}
    assert (await ask(session, server, "/api/show", model=MODEL))[0] == 200
    _, _, lines = await ask(session, server, "/api/pull", model="llama9")
    assert lines[-1] == {"error": "pull model manifest: file does not exist"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.BUSY, "maximum pending requests"),
        (Fault.CUT, "cut off|cannot be reached|half of one"),
        (Fault.GARBAGE, "half of one"),
        (Fault.ERROR_LINE, "while running the model"),
    ],
)
async def test_a_fault_is_an_expected_error_and_passes(server, model, fault, words):
    """Each way of failing is understood by each adapter, as often as was asked for; then it works again."""
    server.ollama.fail(fault, times=2)
    for _ in range(2):
        with pytest.raises(TransportError, match=words):
            await model.generate(REQUEST)
    assert (await model.generate(REQUEST)).text


async def test_a_hang_is_ended_by_the_clients_deadline(server, model):
    """The server never answers; the adapter does not wait for ever."""
    server.ollama.fail(Fault.HANG)
    with pytest.raises(TransportError, match=r"within 0\.2 s"):
        await model.generate(LlmRequest(key="k", system="s", prompt="p", schema=SCHEMA, timeout_s=0.2))


async def test_hung_requests_go_on_when_the_fault_is_lifted(server, model):
    """A server that comes back answers what it was asked."""
    server.ollama.fail(Fault.HANG)
    asking = asyncio.create_task(model.generate(REQUEST))
    async with asyncio.timeout(5):
        while not server.ollama.in_flight:  # noqa: ASYNC110  (the double gives no signal)
            await asyncio.sleep(0)
    server.ollama.fail(Fault.NONE)
    assert (await asking).text


@pytest.mark.parametrize(("fault", "status"), [(Fault.ERROR_LINE, 500), (Fault.BUSY, 503), (Fault.NONE, 200)])
async def test_faults_can_be_switched_from_another_process(server, session, fault, status):
    """The control page takes fault, number and pace, and refuses what it does not know."""
    answer = await ask(session, server, "/_control/llm", fault=fault, times=1, latency_s=0.02)
    left = None if fault is Fault.NONE else 1
    assert answer[2] == [{"fault": fault, "times": left or 1, "latency_s": 0.02}]
    assert server.ollama.latency_s == 0.02
    asked = {"model": MODEL, "messages": [{"role": "user", "content": HEADLINE}], "stream": False}
    for path in ("/api/chat", "/v1/chat/completions"):
        await ask(session, server, "/_control/llm", fault=fault, times=1)
        assert (await ask(session, server, path, **asked))[0] == status
    for wrong in ({"fault": "odd"}, {"latency_s": "slow"}):
        assert (await ask(session, server, "/_control/llm", **wrong))[0] == 400


async def test_half_an_answer_in_one_piece_is_a_broken_connection(server, session):
    """A client that does not stream sees the fault as well."""
    server.ollama.fail(Fault.CUT)
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(session, server, "/api/generate", model=MODEL, prompt=HEADLINE, stream=False)


async def test_the_openai_double_refuses_as_servers_do(server, session):
    """A wrong model and a wrong request have the status and the shape of vLLM's errors."""
    asked = {"model": "llama9", "messages": [{"role": "user", "content": "x"}]}
    status, _, (body,) = await ask(session, server, "/v1/chat/completions", **asked)
    assert (status, body["error"]["type"]) == (404, "NotFoundError")
    for wrong in ({"model": MODEL}, {"model": MODEL, "messages": [7]}, {"model": MODEL, "messages": []}):
        status, _, (body,) = await ask(session, server, "/v1/chat/completions", **wrong)
        assert (status, body["error"]["code"]) == (400, 400)


async def test_the_openai_double_streams_events(server, session):
    """Pieces, the reason, usage where it was asked for, and the end."""
    asked = {"model": MODEL, "messages": [{"role": "user", "content": HEADLINE}], "stream": True}
    for options, has_usage in (({}, False), ({"stream_options": {"include_usage": True}}, True)):
        async with session.post(server.base_url + "/v1/chat/completions", json=asked | options) as answer:
            assert answer.content_type == "text/event-stream"
            events = (await answer.text()).strip().split("\n\n")
        assert events[-1] == "data: [DONE]"
        values = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
        assert ("usage" in values[-1]) is has_usage
        text = "".join(c["delta"].get("content", "") for value in values for c in value["choices"])
        assert "Velmotrigine" in text
    body = {**asked, "stream": False, "max_tokens": 2, "response_format": {"type": "json_object"}}
    _, _, (whole,) = await ask(session, server, "/v1/chat/completions", **body)
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 2
