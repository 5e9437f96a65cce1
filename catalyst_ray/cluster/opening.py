"""Opens the judge: a service of replicas and what stands before it. Owns no rule of either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.cluster.judge import LlmJudge, NoJudge
from catalyst_ray.cluster.llm_pool import why
from catalyst_ray.cluster.service import Service, open_service
from catalyst_ray.errors import CatalystError

if TYPE_CHECKING:
    from catalyst_ray.cluster.engines import EngineChoice
    from catalyst_ray.cluster.service import Opening
    from catalyst_ray.ports import DocumentSource, Store


async def open_judge(
    choice: EngineChoice, opening: Opening, *, store: Store, documents: DocumentSource | None = None
) -> LlmJudge | NoJudge:
    """Return a judge whose first replica serves; ``words`` of it say what runs.

    An engine that does not start gives a judge that says why: alerts go out without it.
    """
    if choice.spec is None:
        return NoJudge(choice.lack, choice.words, is_final=choice.is_final)
    try:
        service = await open_service(choice.spec, opening)
    except CatalystError as error:
        return NoJudge(why(error), str(error))
    if not isinstance(service, Service):
        return NoJudge("no GPU for the model", service.words)
    engine = service.info.engine
    return LlmJudge(
        service.pool,
        store=store,
        clock=opening.clock,
        info=engine,
        documents=documents,
        cache_ttl_s=opening.limits.cache_ttl_s,
        timeout_s=opening.limits.timeout_s,
        fleet=service.fleet,
        words=f"{choice.words}; {service.plan.words}; {engine.engine} runs {engine.model} on {engine.device}",
    )
