"""The doctor's check of the language model: what runs, where, and how fast it answers a test prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.engine_trial import NoFreeGpu, gpus_here, try_engine, try_engine_there
from catalyst_ray.models import Finding

if TYPE_CHECKING:
    from catalyst_ray.cluster.engine_trial import Trial
    from catalyst_ray.cluster.engines import EngineChoice
    from catalyst_ray.cluster.placement import ReplicaPlan
    from catalyst_ray.settings import Settings

NAME = "language model"
TRIAL_S = 120.0
"""Beyond what the engine may take to start: the prompt itself has a limit of a minute."""
MEND = (
    "check what the engine needs: OLLAMA_HOST, LLM_ENDPOINT_URL, LLM_SERVER_COMMAND, LLM_GGUF_PATH or"
    " LLM_MODELS_DIR; LLM_ENGINE=off does without"
)
MISSING = {
    "off": ("ok", ""),
    "auto": ("warn", "alerts go out with the fast tier alone"),
    "openai": ("fail", "start the server that LLM_ENDPOINT_URL names, or correct it"),
    "ollama": ("fail", "alerts go out with the fast tier alone; LLM_ENGINE=off says that this is meant"),
}
"""Status and mend where there is no engine, by LLM_ENGINE."""


async def check_model(settings: Settings, choice: EngineChoice) -> Finding:
    """Try the engine from this process, with the cards that a replica would get.

    Raises:
        CatalystError: It does not start, or does not answer.
    """
    if choice.spec is None:
        return missing(settings, choice)
    with NvmlProbe() as probe:
        has_cards = bool(probe.sample(full=False))
    gpus = gpus_here(settings.llm_gpus_per_replica, has_cards=has_cards)
    limit_s = settings.llm_start_timeout_secs
    try:
        trial = await try_engine(choice.spec, gpus=gpus, limit_s=limit_s)
    except TimeoutError:
        return _late(choice, limit_s)
    return said_of(trial, from_where="", has_cards=has_cards)


async def check_model_there(
    settings: Settings, choice: EngineChoice, plan: ReplicaPlan, *, node: str | None, names: dict[str, str]
) -> Finding:
    """Try the engine from a node that replicas would run on; ``names`` are the nodes' by id.

    Raises:
        CatalystError: It does not start, or does not answer.
    """
    if choice.spec is None:
        return missing(settings, choice)
    limit_s = settings.llm_start_timeout_secs
    try:
        trial, where = await try_engine_there(choice.spec, plan, node=node, limit_s=limit_s)
    except NoFreeGpu as error:
        return Finding(NAME, "warn", error.message, error.hint or "")
    except TimeoutError:
        return _late(choice, limit_s)
    has_cards = plan.num_gpus > 0
    return said_of(trial, from_where=f" from {names.get(where, where)}", has_cards=has_cards)


def missing(settings: Settings, choice: EngineChoice) -> Finding:
    """Return what is to be said where there is no engine."""
    status, mend = MISSING.get(settings.llm_engine, ("fail", MEND))
    return Finding(NAME, status, choice.words, mend)


def said_of(trial: Trial, *, from_where: str, has_cards: bool) -> Finding:
    """Return what is to be said of an engine that answered."""
    info = trial.info
    speed = f", {trial.tokens_per_s:.0f} tokens/s" if trial.tokens else ""
    words = f"{info.engine} runs {info.model} on {info.device}, test prompt{from_where} {trial.seconds:.2f} s{speed}"
    if not info.has_weight:
        mend = "for verdicts that count run Ollama with a real model: OLLAMA_HOST, LLM_MODEL_NAME"
        return Finding(NAME, "warn", f"{words}; its verdict is shown, without weight", mend)
    if has_cards and info.device == "cpu":
        mend = "a GPU is there: `ollama ps` must name it; restart the engine after its driver was installed"
        return Finding(NAME, "warn", words, mend)
    if info.device == "gpu+cpu":
        mend = "the card's memory does not hold it whole: a smaller LLM_MODEL_NAME, or a lower LLM_CONTEXT_TOKENS"
        return Finding(NAME, "warn", words, mend)
    return Finding(NAME, "ok", words)


def _late(choice: EngineChoice, limit_s: float) -> Finding:
    mend = "name a smaller model in LLM_MODEL_NAME, or raise LLM_START_TIMEOUT_SECS"
    return Finding(NAME, "fail", f"{choice.words}: not loaded in {limit_s:g} s", mend)
