"""The bench on a real Ray: replicas as the program starts them, charts as it draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import ray  # noqa: TID253  (asked what is left)

from catalyst_ray.bench.run import BenchWish, _charts, _model
from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.errors import CatalystError
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from catalyst_ray.cluster.session import Session

pytestmark = pytest.mark.anyio


async def test_each_replica_is_measured(ray_session: Session) -> None:
    """As many as are asked for start on the GPUs, serve before the clock runs, and are gone after."""
    with DemoProcess(options=("--llm-latency-s=0.02", "--llm-parallel=16")) as world:
        settings = load_settings(
            {"llm_engine": "ollama", "ollama_host": world.base_url, "llm_model_name": MODEL}
        )
        rate = await _model(settings, BenchWish(replicas=2, requests=24))
    assert (rate.requests, rate.failed) == (24, 0)
    assert [one.replica for one in rate.replicas] == ["bench-0", "bench-1"]
    assert all(one.answers for one in rate.replicas)
    assert rate.output_tokens_per_s > 0
    assert ray.cluster_resources()["GPU"] == 2


async def test_no_engine_is_told(ray_session: Session) -> None:
    """In words, as an error that the bench notes."""
    with pytest.raises(CatalystError, match="switched off"):
        await _model(load_settings({"llm_engine": "off"}), BenchWish())


async def test_charts_are_drawn_by_workers(ray_session: Session) -> None:
    """None comes from the cache."""
    rate = await _charts(load_settings({"chart_queue_workers": 2}), BenchWish(charts=6))
    assert (rate.charts, rate.workers) == (6, 2)
    assert rate.per_s > 0
    assert rate.draw_s > 0
