"""How many answers and tokens a second the language model gives, in all and by replica."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from catalyst_ray.bench.figures import ModelRate, ReplicaRate
from catalyst_ray.core.health import percentile
from catalyst_ray.core.prompt_uses import CLOSING, FORMS, OPENING
from catalyst_ray.models import LlmAnswer, LlmRequest, LlmUse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from catalyst_ray.models import EngineInfo, Reason
    from catalyst_ray.ports import Clock

TIMEOUT_S = 600.0
"""Of one request, waiting included: a bench asks for more at once than the program would."""
AHEAD = 2
"""Requests asked for at once, by slot: enough that none ever waits for the next."""
NEWS = """\
title: Invented Industries {number} wins a {millions} million dollar contract for its sensors
text: Invented Industries {number}, a maker of sensors, said on Tuesday that a customer whom it does not name ordered
sensors for {millions} million dollars, to be delivered within {months} months. The company had sales of 41.5 million
dollars in the last year and confirmed its outlook. Its chief executive called the order the largest so far."""


def headline(number: int) -> LlmRequest:
    """Return a question as the program asks it of a headline; no two are equal, so none is joined or cached."""
    form = FORMS[LlmUse.HEADLINE]
    news = NEWS.format(number=number, millions=3 + number % 97, months=6 + number % 31)
    return LlmRequest(
        key=f"bench:{number}",
        system=form.system,
        prompt=f"{OPENING}\n{news}\n{CLOSING}",
        schema=form.schema,
        max_tokens=form.answer_tokens,
        timeout_s=TIMEOUT_S,
    )


async def ask_all(
    ask: Callable[[LlmRequest], Awaitable[LlmAnswer | Reason]],
    requests: Sequence[LlmRequest],
    *,
    at_once: int,
) -> list[LlmAnswer | Reason]:
    """Ask everything, at most ``at_once`` at a time, and return what came, in the order of the requests."""
    free = asyncio.Semaphore(at_once)

    async def one(request: LlmRequest) -> LlmAnswer | Reason:
        async with free:
            return await ask(request)

    return await asyncio.gather(*map(one, requests))


async def model_rate(
    ask: Callable[[LlmRequest], Awaitable[LlmAnswer | Reason]],
    info: EngineInfo,
    *,
    requests: int,
    slots: int,
    replicas: int,
    clock: Clock,
) -> ModelRate:
    """Return how fast replicas that serve already answer; each is asked once first, which is not counted."""
    await ask_all(ask, [headline(-1 - n) for n in range(replicas * slots)], at_once=replicas * slots)
    begun_s = clock.monotonic()
    found = await ask_all(ask, [headline(n) for n in range(requests)], at_once=AHEAD * replicas * slots)
    seconds = clock.monotonic() - begun_s
    answers = [answer for answer in found if isinstance(answer, LlmAnswer)]
    taken = [answer.seconds for answer in answers]
    return ModelRate(
        engine=info.engine,
        model=info.model,
        device=info.device,
        requests=requests,
        failed=requests - len(answers),
        slots=slots,
        per_s=len(answers) / seconds,
        prompt_tokens_per_s=sum(answer.prompt_tokens for answer in answers) / seconds,
        output_tokens_per_s=sum(answer.output_tokens for answer in answers) / seconds,
        p50_s=percentile(taken, 0.5),
        p95_s=percentile(taken, 0.95),
        replicas=_by_replica(answers, seconds),
    )


def _by_replica(answers: Sequence[LlmAnswer], seconds: float) -> tuple[ReplicaRate, ...]:
    mine = defaultdict(list)
    for answer in answers:
        mine[answer.replica].append(answer.output_tokens)
    return tuple(
        ReplicaRate(
            replica=name,
            answers=len(tokens),
            per_s=len(tokens) / seconds,
            output_tokens_per_s=sum(tokens) / seconds,
        )
        for name, tokens in sorted(mine.items())
    )
