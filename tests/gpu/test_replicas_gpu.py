"""Replicas on a real card: what Ray and NVML say of them, real tokens, and what a killed one leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.engines import OpenAiSpec
from catalyst_ray.cluster.placement import ReplicaWish
from catalyst_ray.cluster.service import LlmLimits, Opening, Service, open_service
from catalyst_ray.core.prompt import SCHEMA, ask_about, read_answer
from catalyst_ray.errors import ParseError
from catalyst_ray.models import Item, Link, LlmAnswer, LlmUse, Reason, Score, Symbol

pytestmark = pytest.mark.anyio

START_S = 240.0
LINK = Link(symbols=(Symbol(ticker="ZETA", name="Zeta Corp", reason=Reason("exchange_tag")),))
SCORE = Score(value=-0.4, sentiment=-0.2, confidence=0.5)


def question(number):
    """Return a question about an invented headline, another for each number."""
    item = Item(
        key=f"url:{number}",
        feed="wire",
        title=f"Zeta Corp prices ${number + 10} million public offering of common stock",
        received_utc=SystemClock().now_utc(),
    )
    return ask_about(
        item, LINK, SCORE, use=LlmUse.HEADLINE, document=None, model="gpu", timeout_s=120.0, priority=5
    )


def short_question(number):
    """Return a request whose answer even a model that runs on ends within its limit."""
    schema = {"type": "object", "properties": {"up": {"type": "boolean"}}, "required": ["up"]}
    asked = question(number).request
    return replace(asked, key=f"{asked.key}:up", schema=json.dumps(schema | {"additionalProperties": False}))


@pytest.fixture
async def service(ray_session, server):
    """Open one replica on one card, with a server of its own."""
    command, model = server
    limits = LlmLimits(
        wish=ReplicaWish(least=1, most=1),
        workers=4,
        queue_size=100,
        cache_ttl_s=0.0,
        timeout_s=120.0,
        start_timeout_s=START_S,
    )
    spec = OpenAiSpec(command=command, model=model, load_timeout_s=START_S)
    opened = await open_service(spec, Opening(clock=SystemClock(), limits=limits, label="gpu"))
    assert isinstance(opened, Service)
    yield opened
    await opened.close()


def used_bytes():
    """Return the memory in use on all cards."""
    with NvmlProbe() as probe:
        return sum(card.memory_used_bytes or 0 for card in probe.sample(full=False))


def parents(pid):
    """Return a process's ancestors."""
    found = []
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])
        found.append(pid)
    return found


def compute_pids():
    """Return the processes that hold memory on a card, those that can be seen from here."""
    import pynvml

    pynvml.nvmlInit()
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        found = {p.pid for handle in handles for p in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)}
        return {pid for pid in found if Path(f"/proc/{pid}").exists()}
    finally:
        pynvml.nvmlShutdown()


async def test_a_replica_sees_its_card_and_its_server_runs_there(service, cards):
    """Ray gives one device; the process on the card, where NVML can tell, descends from the replica."""
    info = service.info
    assert len(info.gpu_ids) == 1
    assert info.visible_devices == info.gpu_ids[0]
    seen = compute_pids()
    if not seen:
        pytest.skip("NVML does not tell processes here: a container without the host's process numbers")
    assert any(info.pid in parents(pid) for pid in seen)


async def test_real_answers_keep_the_schema(service):
    """Eight headlines at once: each answer is one that the prompt's schema allows, grounded or refused."""
    asked = [question(number) for number in range(8)]
    begun_s = time.monotonic()
    answers = await asyncio.gather(*(service.pool.ask(one.request) for one in asked))
    print(f"8 headlines, 4 at a time: {time.monotonic() - begun_s:.2f} s")
    assert all(isinstance(answer, LlmAnswer) for answer in answers)
    grounded = 0
    for one, answer in zip(asked, answers, strict=True):
        assert answer.output_tokens > 0
        jsonschema.validate(json.loads(answer.text), json.loads(SCHEMA))
        with contextlib.suppress(ParseError):  # a small model invents: nothing of it stands in the news
            judgement = read_answer(answer, one, service.info.engine).judgement
            assert judgement.evidence or judgement.summary
            grounded += 1
    print(f"{grounded} of {len(asked)} grounded, the others refused")


async def test_a_killed_replica_frees_its_card_and_comes_back(service, cards):
    """SIGKILL of the actor ends its server: the memory is free again before the new one takes it."""
    idle = sum(card.memory_used_bytes or 0 for card in cards)  # the driver's own part is never free
    before = used_bytes()
    assert before > idle
    os.kill(service.info.pid, signal.SIGKILL)
    begun_s = time.monotonic()
    async with asyncio.timeout(60):
        while used_bytes() > (idle + before) / 2:  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.05)
    freed_s = time.monotonic() - begun_s
    answer = await service.pool.ask(short_question(99))
    print(f"memory freed after {freed_s:.1f} s, next answer after {time.monotonic() - begun_s:.1f} s")
    assert isinstance(answer, LlmAnswer) or service.fleet.restarts == 0
    async with asyncio.timeout(START_S):
        while not service.fleet.restarts:  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.1)
    assert isinstance(await service.pool.ask(short_question(100)), LlmAnswer)
