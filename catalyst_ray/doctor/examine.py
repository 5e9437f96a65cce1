"""Checks a set-up by using it: each finding is ok, a warning or a failure, and says how to mend it.

``set_up``, ``sources``, ``model``, ``cluster`` and ``sinks`` have the checks; this says which are done, in which
order. No check stops another.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.cluster.engines import choose_engine
from catalyst_ray.cluster.node_checks import CHECK_S, Order, look, versions
from catalyst_ray.cluster.session import ray_session
from catalyst_ray.core.findings import group
from catalyst_ray.core.node_health import GONE, Needs, judge_node
from catalyst_ray.doctor.cluster import CLUSTER, LLM, check_cluster
from catalyst_ray.doctor.model import MEND as MODEL_MEND
from catalyst_ray.doctor.model import NAME as MODEL
from catalyst_ray.doctor.model import TRIAL_S, check_model
from catalyst_ray.doctor.set_up import check_set_up
from catalyst_ray.doctor.sinks import check_sinks
from catalyst_ray.doctor.sources import check_sources
from catalyst_ray.doctor.steps import blocking, step, under
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import Finding, NodeReport, Seat
from catalyst_ray.settings_llm import engine_wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from catalyst_ray.cluster.engines import EngineChoice
    from catalyst_ray.settings import Settings

__all__ = ["examine"]

log = logging.getLogger(__name__)

HERE, NEWS, SINKS = "this machine", "news", "alerts go to"
NOT_TRIED = (
    "each run starts its own on this machine (RAY_ADDRESS is unset); not tried here: `catalyst-ray doctor --ray` starts one"
    " and looks from its workers"
)


async def examine(settings: Settings, *, with_ray: bool = False) -> AsyncIterator[Finding]:
    """Run every check and yield the findings as they come.

    Args:
        settings: Checked settings.
        with_ray: Where no cluster is named, start a Ray on this machine and check that.
    """
    on_cluster = settings.ray_address is not None or with_ray
    if not on_cluster:
        for finding in await _this_machine():
            yield finding
    async for finding in under(HERE, check_set_up(settings)):
        yield finding
    async for finding in under(NEWS, check_sources(settings)):
        yield finding
    choice = await choose_engine(engine_wish(settings))
    async for finding in _cluster(settings, choice) if on_cluster else under(LLM, _alone(settings, choice)):
        yield finding
    async for finding in under(SINKS, check_sinks(settings)):
        yield finding


async def _this_machine() -> list[Finding]:
    facts = await blocking(lambda: look(Order()), CHECK_S * 2)
    seat = Seat(name=HERE, is_worker=False, runs_replicas=False)
    judged = judge_node(NodeReport(seat=seat, facts=facts), Needs(versions=versions()))
    found = (replace(one, nodes=(), where="") for one in group({HERE: judged}, part=HERE))
    return [Finding("Ray", "ok", NOT_TRIED, part=HERE), *found]


async def _alone(settings: Settings, choice: EngineChoice) -> AsyncIterator[Finding]:
    limit_s = settings.llm_start_timeout_secs + TRIAL_S
    yield await step(MODEL, check_model(settings, choice), MODEL_MEND, limit_s=limit_s)


async def _cluster(settings: Settings, choice: EngineChoice) -> AsyncIterator[Finding]:
    try:
        with ray_session(settings.ray_address, dashboard=True, allow_open=None) as session:
            async for finding in check_cluster(settings, session, choice):
                yield finding
    except CatalystError as error:
        mend = error.hint or "see `ray status` on the cluster, or unset RAY_ADDRESS for a local one"
        yield Finding("Ray", "fail", error.message, mend, CLUSTER)
    except Exception as error:  # the boundary: a head that goes away must not hide what else is to be said
        log.exception("the cluster's check broke off")
        yield Finding("Ray", "fail", f"broke off: {type(error).__name__}", GONE, CLUSTER)
    else:
        return
    async for finding in under(LLM, _alone(settings, choice)):
        yield finding
