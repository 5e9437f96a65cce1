"""The judge: prompt, cache, pool and answer in one; and which engine is chosen."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from catalyst_ray.adapters import embedded
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster.engines import EmbeddedSpec, EngineChoice, OllamaSpec, check_engine, choose_engine
from catalyst_ray.cluster.judge import LlmJudge, LlmLimits, NoJudge, open_judge
from catalyst_ray.cluster.llm_pool import LlmPool
from catalyst_ray.errors import ConfigError, ParseError, TransportError
from catalyst_ray.models import EngineInfo, Item, Link, LlmAnswer, Reason, Score, Symbol, Verdict

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9"
ITEM = Item(
    key="url:1",
    feed="wire",
    title="Zeta Corp prices $10 million public offering",
    received_utc=datetime(2026, 1, 2, tzinfo=UTC),
)
LINK = Link(symbols=(Symbol(ticker="ZETA", name="Zeta Corp", reason=Reason("exchange_tag")),))
SCORE = Score(value=-0.4, sentiment=-0.2, confidence=0.5)
GOOD = {
    "evidence": ["$10 million"],
    "events": ["offering"],
    "direction": -0.6,
    "confidence": 0.9,
    "summary": "Zeta sells $10M of shares. It made $99M.",
}


class MemoryStore:
    """The store's cache alone."""

    def __init__(self):
        self.kept = {}

    def cached(self, key, *, now_utc):
        text, expires_utc = self.kept.get(key, (None, now_utc))
        return text if expires_utc > now_utc else None

    def cache(self, key, text, *, expires_utc):
        self.kept[key] = (text, expires_utc)


class Reciter:
    """A replica that gives every request the same text, or error."""

    name = "reciter"
    workers = 4

    def __init__(self, text=None, error=None):
        self.text = json.dumps(GOOD) if text is None else text
        self.error = error
        self.asked = []

    async def generate(self, requests, *, timeout_s):
        self.asked.extend(requests)
        for index, _ in enumerate(requests):
            yield index, self.error or LlmAnswer(text=self.text, model="m", engine="test", seconds=0.5)

    async def close(self):
        pass


@pytest.fixture
async def judges():
    """Return a maker of judges over a replica and a store; all are closed afterwards."""
    made = []

    def make(replica, store=None, *, cache_ttl_s=60.0):
        pool = LlmPool([replica], clock=SystemClock())
        pool.start()
        judge = LlmJudge(
            pool,
            store=store or MemoryStore(),
            clock=SystemClock(),
            info=EngineInfo(engine="test", model="m", has_weight=False),
            cache_ttl_s=cache_ttl_s,
            timeout_s=5.0,
        )
        made.append(judge)
        return judge

    yield make
    for judge in made:
        await judge.close()


def limits(**changes):
    """Return limits for one replica."""
    few = {"workers": 1, "queue_size": 8, "min_replicas": 1, "max_replicas": 1, "gpus_per_replica": 1.0}
    return LlmLimits(**{**few, "cache_ttl_s": 60.0, "timeout_s": 240.0, **changes})


def ask(judge):
    """Judge the item."""
    return judge.judge(ITEM, LINK, SCORE, priority=2)


async def test_a_verdict_carries_the_grounded_judgement(judges):
    """The answer is read, its invented sum is cut and counted, the engine's weight is kept."""
    replica = Reciter()
    judge = judges(replica)
    verdict = await ask(judge)
    assert verdict.reason == Reason("llm_judged", "m", -0.6)
    assert verdict.judgement.summary == "Zeta sells $10M of shares."
    assert (verdict.judgement.has_weight, verdict.judgement.cached) == (False, False)
    assert replica.asked[0].priority == 2
    assert judge.stats()["cut"] == 1


async def test_an_answer_is_kept_and_asked_for_once(judges):
    """The second verdict comes from the store, is marked so, also for another judge on the same store."""
    replica, store = Reciter(), MemoryStore()
    judge = judges(replica, store)
    await ask(judge)
    again = await ask(judge)
    assert again.judgement.cached
    assert (await ask(judges(replica, store))).judgement.cached
    assert len(replica.asked) == 1
    assert (judge.stats()["requests"], judge.stats()["cached"]) == (2, 1)


async def test_without_a_life_time_nothing_is_kept(judges):
    """LLM_CACHE_TTL=0 asks every time."""
    replica, store = Reciter(), MemoryStore()
    judge = judges(replica, store, cache_ttl_s=0.0)
    await ask(judge)
    await ask(judge)
    assert len(replica.asked) == 2
    assert not store.kept


@pytest.mark.parametrize("text", ["garbage", json.dumps({**GOOD, "events": [], "evidence": ["made up"]})])
async def test_an_answer_of_no_use_is_a_reason_and_is_not_kept(judges, text):
    """Garbage and baseless directions are counted, told, and asked again next time."""
    store = MemoryStore()
    judge = judges(Reciter(text), store)
    verdict = await ask(judge)
    assert verdict.judgement is None
    assert verdict.reason == Reason("llm_failed", "unreadable answer")
    assert judge.stats()["unreadable"] == 1
    assert not store.kept


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TransportError("Ollama at http://10.0.0.7:1: cannot be reached"), "the model does not answer"),
        (TransportError("model 'm' not found at 10.0.0.7", status=404), "the model is not installed"),
        (TransportError("overloaded", status=503), "the model refused (status 503)"),
        (ParseError("/home/ann/m.gguf"), "unreadable answer"),
        (ConfigError("/home/ann/m.gguf is missing"), "no engine"),
    ],
)
async def test_a_broken_engine_is_a_reason_fit_for_a_public_card(judges, error, words):
    """The judge never raises for the model's sake, and no host or path reaches a card."""
    assert await ask(judges(Reciter(error=error))) == Verdict(None, Reason("llm_failed", words))


async def test_no_judge_says_why():
    """Every verdict carries the short reason, the log the long one."""
    judge = NoJudge("Ollama does not answer", "no Ollama answers at http://10.0.0.7")
    assert (await ask(judge)).reason == Reason("llm_off", "Ollama does not answer")
    assert "10.0.0.7" in judge.words
    await judge.close()


async def test_off_and_unreachable_engines():
    """Off is off for good; an Ollama that does not answer is named with its mend, on a card without its host."""
    off = await choose_engine("off", ollama_host=NOBODY, model="m")
    assert (off.spec, off.lack, off.is_final) == (None, "switched off", True)
    choice = await choose_engine("ollama", ollama_host=NOBODY, model="m")
    assert (choice.spec, choice.lack, choice.is_final) == (None, "Ollama does not answer", False)
    assert "ollama serve" in choice.words
    judge = await open_judge(choice, limits(), store=MemoryStore(), clock=SystemClock())
    assert (judge.lack, judge.words, judge.is_final) == (choice.lack, choice.words, False)


def test_what_is_wrong_without_asking_anybody():
    """A misspelt engine and limits that contradict each other are found before anything is started."""
    with pytest.raises(ConfigError, match="LLM_ENGINE"):
        check_engine("olama")
    with pytest.raises(ConfigError, match="LLM_GPUS_PER_REPLICA"):
        limits(gpus_per_replica=1.5)
    with pytest.raises(ConfigError, match="LLM_MIN_REPLICAS"):
        limits(min_replicas=2)


async def test_a_password_in_the_address_is_never_shown():
    """Neither the words of a choice nor the recipe that travels to replicas repeat it."""
    choice = await choose_engine("ollama", ollama_host="http://ann:s3cret@127.0.0.1:9", model="m")
    assert "***@127.0.0.1:9" in choice.words
    assert "s3cret" not in choice.words
    assert "s3cret" not in repr(OllamaSpec(host="http://ann:s3cret@127.0.0.1:9", model="m"))


async def test_auto_falls_back_to_the_embedded_engine():
    """Without an Ollama the packaged model serves where it is installed; else the words say how to get one."""
    choice = await choose_engine("auto", ollama_host=NOBODY, model="m")
    if embedded.available():
        assert choice.spec == EmbeddedSpec()
    else:
        assert "pip install" in choice.words


@pytest.mark.skipif(not embedded.available(), reason="the extra `embedded` is not installed")
async def test_real_tokens_reach_a_verdict_through_ray(ray_session):
    """The whole path: prompt, queue, actor with a fake GPU, llama.cpp, schema, reading."""
    choice = await choose_engine("embedded", ollama_host=NOBODY, model="m")
    judge = await open_judge(
        choice, limits(no_weight_timeout_s=240.0), store=MemoryStore(), clock=SystemClock(), label="embedded"
    )
    verdict = await ask(judge)
    assert judge.stats()["completed"] == 1
    assert (verdict.judgement is None) == (judge.stats()["unreadable"] == 1)
    if verdict.judgement:
        assert verdict.judgement.has_weight is False
    await judge.close()


@pytest.mark.skipif(not embedded.available(), reason="the extra `embedded` is not installed")
async def test_a_model_without_weight_may_not_hold_an_alert_back(ray_session):
    """A verdict that cannot count is given up after its own short deadline, not after the model's long one."""
    choice = await choose_engine("embedded", ollama_host=NOBODY, model="m")
    judge = await open_judge(
        choice, limits(no_weight_timeout_s=0.05), store=MemoryStore(), clock=SystemClock(), label="impatient"
    )
    verdict = await ask(judge)
    assert (verdict.judgement, verdict.reason.code) == (None, "llm_deadline")
    await judge.close()


async def test_an_engine_that_does_not_start_leaves_a_judge_that_says_so(ray_session):
    """A model file that is no model: alerts go out without it, and the reason is at hand."""
    broken = EngineChoice(EmbeddedSpec(path=__file__), "broken")
    judge = await open_judge(broken, limits(), store=MemoryStore(), clock=SystemClock(), label="broken")
    assert isinstance(judge, NoJudge)
    assert "cannot load" in judge.words or "lacks" in judge.words
    assert judge.lack in {"the model does not answer", "no engine"}


async def test_no_card_large_enough_is_said(ray_session):
    """A replica that asks for more GPUs than there are is not started to wait for ever."""
    choice = EngineChoice(EmbeddedSpec(), "large")
    judge = await open_judge(
        choice, limits(gpus_per_replica=8.0), store=MemoryStore(), clock=SystemClock(), label="large"
    )
    assert judge.lack == "no GPU for the model"
    assert "none fits" in judge.words
