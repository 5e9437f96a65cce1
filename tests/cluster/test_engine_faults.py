"""A model server that fails in every way it can, behind real replicas: who asked is answered or told in time."""

from __future__ import annotations

import asyncio
import json
import time
from urllib.request import Request, urlopen

import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster.engines import OllamaSpec, OpenAiSpec
from catalyst_ray.cluster.placement import ReplicaWish
from catalyst_ray.cluster.service import LlmLimits, Opening, Service, open_service
from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.demo.scripted import Fault
from catalyst_ray.models import LlmAnswer, LlmRequest

pytestmark = pytest.mark.anyio

SCHEMA = '{"type":"object","properties":{"direction":{"type":"number"}},"required":["direction"]}'


@pytest.fixture(scope="module")
def world():
    """Run a demo world, whose model server can be told to fail."""
    with DemoProcess(options=("--llm-parallel=8",)) as process:
        yield process


def fail(world, fault, times=None):
    """Let the next answers fail."""
    body = json.dumps({"fault": fault, "times": times}).encode()
    with urlopen(Request(f"{world.base_url}/_control/llm", data=body, method="POST"), timeout=10):
        return


def fault_of(world):
    """Return the fault that the next answer would meet."""
    with urlopen(Request(f"{world.base_url}/_control/llm", data=b"{}", method="POST"), timeout=10) as answer:
        return json.loads(answer.read())["fault"]


@pytest.fixture(params=["ollama", "openai"])
async def service(request, ray_session, world):
    """Open two replicas on the server, by each of the two protocols."""
    fail(world, Fault.NONE)
    specs = {
        "ollama": OllamaSpec(host=world.base_url, model=MODEL),
        "openai": OpenAiSpec(url=world.base_url, model=MODEL),
    }
    limits = LlmLimits(
        wish=ReplicaWish(least=2, most=2), workers=2, queue_size=50, cache_ttl_s=0.0, timeout_s=20.0
    )
    opening = Opening(clock=SystemClock(), limits=limits, label=f"faults-{request.param}")
    opened = await open_service(specs[request.param], opening)
    assert isinstance(opened, Service)
    while opened.fleet.serving < 2:  # noqa: ASYNC110  (no event tells of it)
        await asyncio.sleep(0.02)
    yield opened
    await opened.close()


def ask(service, key, timeout_s=20.0):
    """Ask for one answer."""
    text = f"headline: Zeta Corp {key}"
    return service.pool.ask(LlmRequest(key=text, system="s", prompt=text, schema=SCHEMA, timeout_s=timeout_s))


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.ERROR_LINE, Fault.GARBAGE, Fault.BUSY])
async def test_one_bad_answer_is_made_good_by_another_replica(service, world, fault):
    """Half a stream, an error inside it, a web page, a 503: the request goes elsewhere once, and is answered."""
    fail(world, fault, times=1)
    answer = await ask(service, f"{fault} once")
    assert isinstance(answer, LlmAnswer)
    assert service.pool.stats().failed == 0


async def test_a_server_that_is_busy_for_a_while_is_asked_again_later(service, world):
    """Until it is well every caller is told by its deadline; after the replicas' rest the next is answered."""
    fail(world, Fault.BUSY)
    told = await asyncio.gather(*(ask(service, f"busy {n}", timeout_s=2.0) for n in range(12)))
    assert {got.code for got in told} <= {"llm_failed", "llm_refused", "llm_deadline"}
    assert (await ask(service, "while they rest")).code == "llm_refused"
    fail(world, Fault.NONE)
    async with asyncio.timeout(40):
        while not isinstance(await ask(service, f"well {time.monotonic()}"), LlmAnswer):  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.5)
    stats = service.pool.stats()
    assert stats.requests == stats.completed + stats.failed + stats.refused + stats.expired


async def test_a_request_that_hangs_costs_itself_only(service, world):
    """Its caller is told at the deadline; those beside it are answered meanwhile."""
    fail(world, Fault.HANG, times=1)
    hung = asyncio.create_task(ask(service, "hangs", timeout_s=8.0))
    async with asyncio.timeout(30):
        while fault_of(world) != "none":  # noqa: ASYNC110  (no event tells that the one fault is taken)
            await asyncio.sleep(0.05)
    others = await asyncio.gather(*(ask(service, f"beside {n}") for n in range(6)))
    assert all(isinstance(got, LlmAnswer) for got in others)
    assert not hung.done()
    assert (await hung).code == "llm_deadline"
    fail(world, Fault.NONE)
