"""The choice of an engine: what the settings ask for, what answers, and what a replica makes of it."""

from __future__ import annotations

import pickle
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalyst_ray.adapters import embedded
from catalyst_ray.adapters.model_server import OwnedModel
from catalyst_ray.adapters.ollama import OllamaModel
from catalyst_ray.adapters.openai import OpenAiModel
from catalyst_ray.cluster.engine_specs import DEFAULT_MODEL
from catalyst_ray.cluster.engines import (
    EmbeddedSpec,
    EngineWish,
    OllamaSpec,
    OpenAiSpec,
    check_engine,
    choose_engine,
)
from catalyst_ray.core.prompt import SCHEMA, SYSTEM, HeadlineAnswer
from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World
from catalyst_ray.errors import ConfigError, TransportError
from catalyst_ray.models import LlmRequest
from catalyst_ray.settings import Settings

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9"
KEY = "sk-very-secret"
FAKE = Path(__file__).with_name("fake_model_server.py")
REQUEST = LlmRequest(
    key="k", system=SYSTEM, prompt="headline: Zeta to be acquired", schema=SCHEMA, timeout_s=30.0
)
needs_engine = pytest.mark.skipif(not embedded.available(), reason="the extra `embedded` is not installed")


def wish(wanted="auto", **fields):
    """Return a wish with nobody at Ollama's address."""
    return EngineWish(**{"wanted": wanted, "ollama_host": NOBODY, "model": DEFAULT_MODEL, **fields})


@pytest.fixture
async def server():
    """Serve quick doubles of model servers."""
    async with DemoServer(World(7, datetime(2026, 11, 23, 14, tzinfo=UTC)), llm_latency_s=0.01) as running:
        yield running


def test_the_default_model_is_the_settings():
    """A name left at its default is known as such."""
    assert Settings.model_fields["llm_model_name"].default == DEFAULT_MODEL


@pytest.mark.parametrize(
    ("asked", "key", "words"),
    [
        (wish("olama"), "LLM_ENGINE", "must be one of"),
        (wish("openai"), "LLM_ENGINE", "LLM_ENDPOINT_URL"),
        (wish("embedded", gguf_path="/nowhere/a.gguf"), "LLM_GGUF_PATH", "no file"),
        (wish(gguf_path="/nowhere/a.gguf"), "LLM_GGUF_PATH", "no file"),
        (wish(server_command="vllm serve --port 8000"), "LLM_SERVER_COMMAND", "{port}"),
        (wish(server_command="vllm 'serve {port}"), "LLM_SERVER_COMMAND", "split"),
        (wish(server_command="  "), "LLM_SERVER_COMMAND", "No command"),
        (wish(server_command="vllm --port {port} --tp {gpu}"), "LLM_SERVER_COMMAND", "{gpu}"),
        (wish(server_command="vllm {port}", endpoint_url=NOBODY), "LLM_SERVER_COMMAND", "LLM_ENDPOINT_URL"),
        (wish(server_command="vllm {port}", own_server=True), "LLM_SERVER_COMMAND", "LLM_OWN_SERVER"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(asked, key, words):
    """The error names the setting and what is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        check_engine(asked)
    assert caught.value.key == key
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "asked",
    [
        wish("off"),
        wish("ollama", own_server=True),
        wish("ollama", server_command="nonsense"),
        wish("openai", server_command='no-such-program --port {port} --json \'{"a": {"b": 1}}\''),
        wish(endpoint_url=NOBODY),
    ],
)
def test_what_may_work_elsewhere_is_let_through(asked):
    """A program missing here may be on the replicas' machines; settings of another engine do not count."""
    check_engine(asked)


def test_a_wish_shows_no_secret():
    """Neither the key, nor addresses and commands that may hold one."""
    asked = wish(endpoint_url=f"http://a:{KEY}@box", api_key=KEY, server_command=f"x --key {KEY}")
    asked_there = OpenAiSpec(url=f"http://a:{KEY}@box", model="m", api_key=KEY, command=f"x --key {KEY}")
    assert KEY not in f"{asked!r}{asked_there!r}{OllamaSpec(host=KEY, model='m')!r}"


async def test_off_is_final():
    """Nobody looks again."""
    choice = await choose_engine(wish("off"))
    assert (choice.spec, choice.is_final) == (None, True)


@pytest.mark.parametrize(("wanted", "field"), [("ollama", "ollama_host"), ("openai", "endpoint_url")])
async def test_a_server_that_does_not_answer_is_looked_for_again(wanted, field):
    """The words name it without its password, the card's words name no host."""
    choice = await choose_engine(wish(wanted, **{field: f"http://ann:{KEY}@127.0.0.1:9"}))
    assert (choice.spec, choice.is_final) == (None, False)
    assert "***@127.0.0.1:9" in choice.words
    assert KEY not in choice.words
    assert "127" not in choice.lack


async def test_an_endpoint_that_is_named_is_not_passed_over(server):
    """Auto does not take Ollama when the named server is down for a moment."""
    choice = await choose_engine(wish(endpoint_url=NOBODY, ollama_host=server.base_url))
    assert choice.spec is None


async def test_auto_prefers_the_endpoint_then_ollama(server):
    """A named OpenAI-compatible server comes before an Ollama that answers."""
    both = wish(endpoint_url=f"{server.base_url}/v1", ollama_host=server.base_url, api_key=KEY)
    spec = (await choose_engine(both)).spec
    assert spec == OpenAiSpec(url=f"{server.base_url}/v1", model=DEFAULT_MODEL, api_key=KEY)
    assert spec.shares_server
    asked = wish(
        ollama_host=server.base_url, pull=True, keep_alive="5m", context_tokens=2048, load_timeout_s=9.0
    )
    spec = (await choose_engine(asked)).spec
    assert spec == OllamaSpec(
        host=server.base_url,
        model=DEFAULT_MODEL,
        pull=True,
        keep_alive="5m",
        context_tokens=2048,
        load_timeout_s=9.0,
    )
    assert spec.shares_server


async def test_an_ollama_of_our_own_is_asked_for_only(server):
    """LLM_OWN_SERVER starts one although another answers; each replica has its own."""
    choice = await choose_engine(
        wish(own_server=True, ollama_host=server.base_url, models_dir="/models", model="zeta")
    )
    assert choice.spec.own
    assert choice.spec.models_dir == "/models"
    assert not choice.spec.shares_server
    assert "ollama serve" in choice.words


async def test_a_command_is_taken_and_missing_programs_are_said():
    """The words warn of a program that is not on this machine, and do not repeat the command."""
    choice = await choose_engine(wish(server_command=f"no-such-program --port {{port}} --key {KEY}"))
    assert "no-such-program is not on this machine" in choice.words
    assert KEY not in choice.words
    assert not choice.spec.shares_server
    present = await choose_engine(wish(server_command=f"{sys.executable} {{port}}"))
    assert "not on this machine" not in present.words


@needs_engine
async def test_embedded_is_taken_where_nothing_answers(tmp_path):
    """With the operator's file where there is one."""
    assert (await choose_engine(wish())).spec == EmbeddedSpec()
    file = tmp_path / "a.gguf"
    file.touch()
    asked = wish("embedded", gguf_path=str(file), context_tokens=2048)
    choice = await choose_engine(asked)
    assert choice.spec == EmbeddedSpec(path=str(file), context_tokens=2048)
    assert "without weight" not in choice.words
    assert not choice.spec.shares_server


async def test_what_a_replica_makes():
    """Recipes travel; a shared server gets a client, an own one a process and a client."""
    for spec, kind in [
        (OllamaSpec(host=NOBODY, model="m"), OllamaModel),
        (OllamaSpec(model="m", own=True), OwnedModel),
        (OpenAiSpec(url=NOBODY, model="m"), OpenAiModel),
        (OpenAiSpec(command="x {port}", model="m"), OwnedModel),
        (EmbeddedSpec(), OwnedModel),
    ]:
        made = pickle.loads(pickle.dumps(spec)).make(name="llm-0", workers=2, gpus=1)
        assert isinstance(made, kind)
        assert made.info().state == "not started"
        await made.stop()


async def test_the_doubles_are_reached_by_both_recipes(server):
    """From settings to an answer, with the server's only model in place of the default name."""
    for asked in (wish(endpoint_url=server.base_url), wish(ollama_host=server.base_url, model=MODEL)):
        model = (await choose_engine(asked)).spec.make(name="llm-0", workers=1, gpus=0)
        try:
            assert (await model.start()).model == MODEL
            answer = await model.generate(REQUEST)
        finally:
            await model.stop()
        assert HeadlineAnswer.model_validate_json(answer.text).direction > 0


@needs_engine
async def test_a_command_of_the_operators_is_started_and_asked():
    """A real server by LLM_SERVER_COMMAND: port and GPUs are filled in, its only model answers to the schema."""
    words = [sys.executable, "-m", "catalyst_ray.adapters.embedded", "--model", embedded.packaged_model()]
    words += ["--port", "{port}", "--parallel", "{gpus}", "--threads", "1", "--context", "2048"]
    asked = wish("openai", server_command=" ".join(f"'{word}'" for word in words))
    model = (await choose_engine(asked)).spec.make(name="llm-0", workers=2, gpus=0)
    try:
        info = await model.start()
        assert (info.engine, info.device, info.state) == ("openai", "cpu", "ready")
        assert info.model == embedded.packaged_model().stem
        short = LlmRequest(key="k", system="s", prompt="p", schema='{"enum":["yes"]}', timeout_s=60.0)
        assert (await model.generate(short)).text == '"yes"'
    finally:
        await model.stop()


async def test_an_ollama_that_is_not_installed_is_a_configuration_error(monkeypatch, tmp_path):
    """The replica says what is missing and what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    model = OllamaSpec(model="m", own=True).make(name="llm-0", workers=1, gpus=0)
    with pytest.raises(ConfigError, match="ollama") as caught:
        await model.start()
    assert caught.value.key == "LLM_OWN_SERVER"
    assert "install Ollama" in caught.value.hint


async def test_an_ollama_of_our_own_gets_its_settings(monkeypatch, tmp_path):
    """It is started as `ollama serve`, on a port of its own, with slots, model folder and context."""
    program = tmp_path / "ollama"
    program.write_text('#!/bin/sh\necho "$1 $OLLAMA_HOST $OLLAMA_NUM_PARALLEL $OLLAMA_MODELS"\nexit 4\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    model = OllamaSpec(model="m", own=True, models_dir="/m").make(name="llm-0", workers=3, gpus=1)
    assert model.info().device == "gpu"
    with pytest.raises(TransportError, match=r"ended with code 4.*serve 127\.0\.0\.1:\d+ 3 /m"):
        await model.start()
