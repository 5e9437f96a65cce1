"""The one call for scripts: futures, callbacks, cache, statistics, and whose replicas it uses."""

from __future__ import annotations

import json
import threading
import urllib.request

import pytest

from catalyst_ray import api
from catalyst_ray.demo.ollama import MODEL
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.errors import CatalystError, ConfigError
from tests.cluster.calls import Calls

SCHEMA = '{"type":"object","properties":{"direction":{"type":"number"}},"required":["direction"]}'


@pytest.fixture(scope="module")
def world():
    """Run a demo world whose Ollama takes 0.2 s for an answer."""
    with DemoProcess(options=("--llm-latency-s=0.2",)) as process:
        yield process


@pytest.fixture
def settings(ray_session, world, monkeypatch, tmp_path):
    """Point the settings at the demo's Ollama and an empty folder; end the service afterwards."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "LLM_ENGINE": "ollama",
        "OLLAMA_HOST": world.base_url,
        "LLM_MODEL_NAME": MODEL,
        "OUT_DIR": str(tmp_path / "out"),
    }.items():
        monkeypatch.setenv(name, value)
    yield
    api.close()


def asked_of(world):
    """Return how many generations the demo's Ollama was asked for."""
    with urllib.request.urlopen(f"{world.base_url}/_control/state", timeout=10) as answer:
        return json.loads(answer.read())["llm_requests"]


def pace(world, latency_s):
    """Let the demo's Ollama take so long for each answer from now on."""
    body = json.dumps({"latency_s": latency_s}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{world.base_url}/_control/llm", data=body, method="POST"), timeout=10
    ):
        return


def test_a_request_returns_at_once_and_its_callback_is_called_once(settings):
    """The future and the callback have the same answer; the callback runs in a thread of its own."""
    calls = Calls()
    future = api.submit_llm_request("headline: Zeta Corp wins contract", schema=SCHEMA, callback=calls)
    assert not future.done()
    answer = future.result(timeout=60)
    assert set(json.loads(answer)) == {"direction"}
    assert calls.told.wait(10)
    assert calls.answers == [answer]
    assert calls.threads == {"catalyst-callbacks"}


def test_equal_prompts_are_asked_once_and_the_counts_are_true(settings, world):
    """Four at once are one generation, a fifth later comes from the cache; statistics say so to the last count."""
    prompts = ["headline: Zeta Corp files for bankruptcy"] * 4 + ["headline: Zeta Corp beats"]
    api.submit_llm_request("headline: warm", schema=SCHEMA).result(timeout=60)
    before = asked_of(world)
    pace(world, 2.0)  # all join while the first is being answered, however slow this machine is
    futures = [api.submit_llm_request(prompt, schema=SCHEMA) for prompt in prompts]
    answers = [future.result(timeout=60) for future in futures]
    assert len(set(answers[:4])) == 1
    pace(world, 0.2)
    again = api.submit_llm_request(prompts[0], schema=SCHEMA)
    assert again.result(timeout=60) == answers[0]
    assert asked_of(world) - before == 2
    stats = api.llm_statistics()
    assert (stats.requests, stats.hits, stats.joined, stats.failed) == (7, 1, 3, 0)
    assert (stats.busy, stats.queue_length, stats.workers) == (0, 0, 3)
    assert stats.mean_seconds > 0
    assert str(stats).splitlines()[0] == "LLM requests: 7 (1 cache hits, 3 joined, 0 failed)"


def test_answers_survive_the_end_of_the_script(settings):
    """The cache is the store's: the next run of the script is answered from it."""
    first = api.submit_llm_request("headline: Zeta Corp upgrades", schema=SCHEMA).result(timeout=60)
    api.close()
    assert api.submit_llm_request("headline: Zeta Corp upgrades", schema=SCHEMA).result(timeout=60) == first
    assert api.llm_statistics().hits == 1


def test_free_text_needs_no_schema(settings):
    """Without a schema the answer is whatever the model writes."""
    assert api.submit_llm_request("headline: Zeta Corp wins contract").result(timeout=60)


def test_a_failure_is_told_once_with_none_and_raised_by_the_future(settings, caplog):
    """Too late is no answer: the callback has None, the future the reason, and the counts say failed."""
    api.submit_llm_request("headline: warm", schema=SCHEMA).result(timeout=60)
    calls = Calls()
    future = api.submit_llm_request("headline: late", schema=SCHEMA, timeout_s=0.05, callback=calls)
    with pytest.raises(CatalystError, match="llm_deadline"):
        future.result(timeout=60)
    assert calls.told.wait(10)
    assert calls.answers == [None]
    assert "llm_deadline" in caplog.messages[-1]  # a script may have no log that shows more
    assert api.llm_statistics().failed == 1


def test_a_callback_that_raises_is_not_called_again(settings, caplog):
    """Its error is logged, and the next callback runs."""
    bad, good = Calls(RuntimeError("mine")), Calls()
    api.submit_llm_request("headline: one", schema=SCHEMA, callback=bad).result(timeout=60)
    api.submit_llm_request("headline: two", schema=SCHEMA, callback=good).result(timeout=60)
    assert good.told.wait(10)
    assert (len(bad.answers), len(good.answers)) == (1, 1)
    assert "a callback raised" in caplog.text


def test_what_is_open_at_the_end_fails_and_is_told(settings, world):
    """Closing leaves no callback waiting for ever: each has None, once, and the future says that it was closed."""
    api.submit_llm_request("headline: warm", schema=SCHEMA).result(timeout=60)
    pace(world, 30.0)
    calls = [Calls() for _ in range(5)]
    futures = [
        api.submit_llm_request(f"headline: open {number}", schema=SCHEMA, callback=call)
        for number, call in enumerate(calls)
    ]
    api.close()
    pace(world, 0.2)
    assert all(call.told.wait(10) for call in calls)
    assert [call.answers for call in calls] == [[None]] * 5
    for future in futures:
        with pytest.raises(CatalystError):
            future.result(timeout=10)


def test_a_callback_may_close(settings):
    """The last answer's callback ends the service without waiting for itself."""
    closed = threading.Event()

    def close(_answer):
        api.close()
        closed.set()

    api.submit_llm_request("headline: last", schema=SCHEMA, callback=close).result(timeout=60)
    assert closed.wait(30)


def test_many_who_wait_for_a_start_that_fails_are_told_together(settings, monkeypatch):
    """One failed start answers all of them, and they are counted."""
    monkeypatch.setenv("LLM_ENGINE", "off")
    futures = [api.submit_llm_request(f"headline: {number}") for number in range(20)]
    for future in futures:
        with pytest.raises(ConfigError, match="doctor"):
            future.result(timeout=60)
    assert (api.llm_statistics().requests, api.llm_statistics().failed) == (20, 20)


def test_no_engine_is_an_error_with_what_to_do(settings, monkeypatch):
    """The reason names the setting; a later call tries again."""
    monkeypatch.setenv("LLM_ENGINE", "off")
    calls = Calls()
    with pytest.raises(ConfigError, match="doctor"):
        api.submit_llm_request("headline: x", callback=calls).result(timeout=60)
    assert calls.told.wait(10)
    assert calls.answers == [None]


@pytest.mark.parametrize("wrong", [{"priority": 10}, {"max_tokens": 0}, {"timeout_s": 0.0}])
def test_nonsense_is_refused_at_once(settings, wrong):
    """A priority out of range is the caller's bug."""
    with pytest.raises(ValueError, match="priority must be"):
        api.submit_llm_request("x", **wrong)


def test_a_wrong_setting_is_told_before_anything_starts(settings, monkeypatch):
    """The error names the variable."""
    monkeypatch.setenv("LLM_BATCH_WORKERS", "none")
    with pytest.raises(ConfigError) as caught:
        api.submit_llm_request("x")
    assert any("LLM_BATCH_WORKERS" in problem for problem in caught.value.problems)


def test_nothing_asked_is_nothing_counted():
    """Before the first request all counts are zero, and closing is no error."""
    api.close()
    assert api.llm_statistics() == api.LlmStatistics()
