"""Ollama's double speaks Ollama's language, to the program's own adapter and to a plain client."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import aiohttp
import pytest

from catalyst_ray.adapters.ollama import OllamaModel, probe
from catalyst_ray.core.prompt import SCHEMA, SYSTEM, HeadlineAnswer
from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World
from catalyst_ray.errors import TransportError
from catalyst_ray.models import LlmRequest

pytestmark = pytest.mark.anyio
WORLD = World(7, datetime(2026, 11, 23, 14, tzinfo=UTC))
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
