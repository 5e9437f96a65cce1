"""What the settings say of the language model: its engine, its replicas, and what is wrong with either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.cluster.engine_wish import EngineWish, check_engine
from catalyst_ray.cluster.placement import ReplicaWish, node_selector
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalyst_ray.cluster.service import LlmLimits
    from catalyst_ray.settings import Settings


def llm_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for everything about the model that cannot work, whatever runs where."""
    checks = (
        lambda: check_engine(engine_wish(settings)),
        lambda: _replicas(settings, {}),
        lambda: _selector(settings),
    )
    for check in checks:
        try:
            check()
        except ConfigError as error:
            listed = error.problems != (error.message,)
            yield from error.problems if listed else (f"{error.key}: {error.message}",)


def engine_wish(settings: Settings) -> EngineWish:
    """Return which language model engine the settings ask for."""
    key, command = settings.llm_api_key, settings.llm_server_command
    return EngineWish(
        wanted=settings.llm_engine,
        ollama_host=settings.ollama_host,
        model=settings.llm_model_name,
        own_server=settings.llm_own_server,
        endpoint_url=settings.llm_endpoint_url,
        api_key=key.get_secret_value() if key else None,
        server_command=command.get_secret_value() if command else None,
        gguf_path=str(settings.llm_gguf_path) if settings.llm_gguf_path else None,
        models_dir=str(settings.llm_models_dir) if settings.llm_models_dir else None,
        pull=settings.llm_pull,
        keep_alive=settings.llm_keep_alive,
        context_tokens=settings.llm_context_tokens,
        load_timeout_s=settings.llm_start_timeout_secs,
    )


def replica_wish(settings: Settings) -> ReplicaWish:
    """Return the replicas that the settings ask for.

    Raises:
        ConfigError: The limits contradict each other, or Ray would refuse them.
    """
    return _replicas(settings, _selector(settings))


def _replicas(settings: Settings, selector: Mapping[str, str]) -> ReplicaWish:
    return ReplicaWish(
        least=settings.llm_min_replicas,
        most=settings.llm_max_replicas,
        gpus_each=settings.llm_gpus_per_replica,
        selector=selector,
    )


def _selector(settings: Settings) -> Mapping[str, str]:
    return node_selector(settings.llm_accelerator_type, settings.llm_label_selector)


def llm_limits(settings: Settings) -> LlmLimits:
    """Return how much the slow tier may take.

    Raises:
        ConfigError: As from ``replica_wish``.
    """
    from catalyst_ray.cluster.service import LlmLimits as Limits  # noqa: PLC0415  (loads Ray: not for checking settings)

    return Limits(
        wish=replica_wish(settings),
        workers=settings.llm_batch_workers,
        queue_size=settings.llm_queue_size,
        cache_ttl_s=settings.llm_cache_ttl,
        timeout_s=settings.llm_timeout_secs,
        start_timeout_s=settings.llm_start_timeout_secs,
        target_s=settings.llm_scale_up_secs,
        idle_s=settings.llm_scale_down_secs,
    )
