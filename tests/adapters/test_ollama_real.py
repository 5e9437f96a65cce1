"""A real Ollama, with whatever small model it has: the external and the owned path, both clients.

Uses the server at OLLAMA_HOST if one answers, else starts ``ollama`` from PATH; skipped without both. Takes the
smallest model that is there (OLLAMA_MODELS, or Ollama's own folder) and downloads none.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import signal

import aiohttp
import pytest

from catalyst_ray.adapters import guard
from catalyst_ray.adapters.model_server import ModelServer
from catalyst_ray.adapters.ollama import OllamaModel, probe, serve_command, serve_environment
from catalyst_ray.adapters.openai import OpenAiModel
from catalyst_ray.cluster.engine_specs import OllamaSpec
from catalyst_ray.errors import ParseError, TransportError
from catalyst_ray.models import LlmRequest

pytestmark = pytest.mark.anyio

LIMIT_S = 120.0
CONTEXT_TOKENS = 2_048
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"direction": {"enum": ["up", "down", "flat"]}, "sure": {"type": "boolean"}},
        "required": ["direction", "sure"],
        "additionalProperties": False,
    }
)
LIST = json.dumps({"type": "array", "items": {"enum": ["offering"]}, "minItems": 400, "maxItems": 400})


def request(*, schema=SCHEMA, max_tokens=60, timeout_s=LIMIT_S):
    """Return a short request."""
    return LlmRequest(
        key="k",
        system="Answer with JSON.",
        prompt="Zeta Corporation sells new shares at a discount.",
        schema=schema,
        max_tokens=max_tokens,
        timeout_s=timeout_s,
    )


def serve():
    """Return a server of our own, without a client."""
    environment = functools.partial(
        serve_environment, workers=2, context_tokens=CONTEXT_TOKENS, keep_alive="-1"
    )
    return ModelServer(
        "ollama serve of tests", lambda _: serve_command(), environment=environment, ready_path="/api/version"
    )


async def smallest(address):
    """Return the name of the smallest model on a server, or skip."""
    async with aiohttp.ClientSession() as session, session.get(f"{address}/api/tags") as answer:
        models = (await answer.json())["models"]
    if not models:
        pytest.skip("the Ollama here has no model: ollama pull smollm2:135m")
    return min(models, key=lambda model: model["size"])["name"]


@pytest.fixture(scope="module")
async def address():
    """Give the address of a real Ollama that is somebody else's."""
    host = os.environ.get("OLLAMA_HOST", "127.0.0.1:11434")
    host = host if "://" in host else f"http://{host}"
    if await probe(host):
        yield host
        return
    if shutil.which("ollama") is None:
        pytest.skip("no Ollama: none answers at OLLAMA_HOST, none on PATH")
    server = serve()
    yield await server.start()
    await server.stop()


@pytest.fixture(scope="module")
async def name(address):
    """Give the name of the model to use."""
    return await smallest(address)


@pytest.fixture(params=["ollama", "openai"])
async def model(request, address, name):
    """Give each client, started."""
    made = (
        OllamaModel(host=address, model=name, context_tokens=CONTEXT_TOKENS, keep_alive="5m")
        if request.param == "ollama"
        else OpenAiModel(address, name)
    )
    await made.start()
    yield made
    await made.stop()


async def test_answers_keep_to_the_schema(model, name):
    """Real tokens, held by the grammar that Ollama makes of the schema, counted, several at once."""
    answers = await asyncio.gather(*(model.generate(request()) for _ in range(3)))
    for answer in answers:
        parsed = json.loads(answer.text)
        assert set(parsed) == {"direction", "sure"}
        assert parsed["direction"] in {"up", "down", "flat"}
        assert answer.model == name
        assert answer.output_tokens > 0
        assert answer.prompt_tokens > 0
    assert model.info().state == "ready"
    assert await model.ready() is True


async def test_an_answer_cut_at_its_limit_is_a_parse_error(model):
    """The real done_reason and finish_reason say so."""
    with pytest.raises(ParseError, match="token limit"):
        await model.generate(request(max_tokens=2))


async def test_a_request_that_is_given_up_leaves_the_server_free(model):
    """Long generations end with their connections; the next request is served."""
    long = [model.generate(request(schema=LIST, max_tokens=1_500, timeout_s=0.5)) for _ in range(4)]
    given_up = await asyncio.gather(*long, return_exceptions=True)
    assert {type(error) for error in given_up} == {TransportError}
    async with asyncio.timeout(60):
        assert json.loads((await model.generate(request())).text)


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_a_missing_model_is_named(address, kind):
    """The real 404 leads to the hint."""
    made = (
        OllamaModel(host=address, model="no-such-model")
        if kind == "ollama"
        else OpenAiModel(address, "no-such-model")
    )
    with pytest.raises(TransportError) as caught:
        await made.start()
    assert caught.value.status == 404
    assert ("ollama pull no-such-model" if kind == "ollama" else "LLM_MODEL_NAME") in caught.value.hint
    await made.stop()


async def test_a_schema_that_is_none_is_a_refusal(model):
    """What Ollama cannot make a grammar of comes back in its own words."""
    with pytest.raises(TransportError):
        await model.generate(request(schema='{"type":"no-such-type"}'))


@pytest.fixture
async def owned():
    """Make models on a server of our own; end them."""
    if shutil.which("ollama") is None:
        pytest.skip("no `ollama` on PATH")
    made = []

    def make(model):
        spec = OllamaSpec(model=model, own=True, context_tokens=CONTEXT_TOKENS, load_timeout_s=LIMIT_S)
        made.append(spec.make(name="llm-test", workers=2, gpus=0))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


@pytest.fixture
async def own_name():
    """Give the name of a model that a server of our own finds."""
    if shutil.which("ollama") is None:
        pytest.skip("no `ollama` on PATH")
    server = serve()
    try:
        return await smallest(await server.start())
    finally:
        await server.stop()


def processes(model):
    """Return both guards, server and runners of a model."""
    guarding = model._server._process.pid
    return [guarding, *guard.descendants(guarding)]


async def test_a_server_of_our_own_serves_and_leaves_nothing(owned, own_name):
    """Started on its own port, asked, stopped: server and runner are gone."""
    model = owned(own_name)
    info = await model.start()
    assert (info.engine, info.model, info.state) == ("ollama", own_name, "ready")
    assert set(json.loads((await model.generate(request())).text)) == {"direction", "sure"}
    assert await asyncio.to_thread(lambda: asyncio.run(model.ready())) is True
    running = processes(model)
    assert len(running) >= 4, "two guards, ollama serve, its runner"
    await model.stop()
    assert [pid for pid in running if guard.started_ticks(pid)] == []


async def test_a_server_of_our_own_that_is_killed_is_said_and_leaves_nothing(owned, own_name):
    """SIGKILL orphans Ollama's runner: the guard ends it. A new start serves again."""
    model = owned(own_name)
    await model.start()
    running = processes(model)
    os.kill(running[2], signal.SIGKILL)
    await asyncio.to_thread(model._server._process.wait, LIMIT_S)
    assert [pid for pid in running if guard.started_ticks(pid)] == []
    with pytest.raises(TransportError, match="ended with code 137"):
        await model.generate(request())
    assert await model.ready() is False
    await model.start()
    assert json.loads((await model.generate(request())).text)


async def test_a_model_that_our_own_server_lacks_ends_it(owned):
    """The hint says what to do, and no server stays."""
    model = owned("no-such-model")
    with pytest.raises(TransportError, match="ollama pull no-such-model"):
        await model.start()
    assert not model._server.alive()
