"""The look at a machine: every check by itself, and the engine as it is seen from there."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import pytest

from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.engine_reach import reach, server_named
from catalyst_ray.cluster.engines import EmbeddedSpec, EngineWish, OllamaSpec, OpenAiSpec
from catalyst_ray.cluster.node_checks import CHECKS, Order, look
from catalyst_ray.core.node_health import FOR_ALL, FOR_CARDS, FOR_HEADS
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.errors import CatalystError
from tests.fake_nvml import Card, FakeNvml

WISH = EngineWish(wanted="auto", ollama_host="http://127.0.0.1:11434", model="mistral")


def test_a_look_finds_what_there_is_to_know() -> None:
    """This machine: every fact is there, and the figures are of this machine."""
    facts = look(Order(make_probe=lambda: NvmlProbe(FakeNvml([Card(), Card(uuid="GPU-1", name="A100")]))))
    assert facts.errors == {}
    assert facts.gpus == ("L4", "A100")
    assert facts.gpu_driver == "570.86.15"
    assert set(facts.versions) == {"Python", "Ray", "catalyst-ray"}
    assert facts.memory_total_bytes >= facts.memory_free_bytes > 0
    assert facts.disks
    assert facts.chart_s > 0
    assert (facts.niceness, facts.engine) == (0, None)
    assert facts.zone


def test_the_variables_that_ray_was_started_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one counts as unset."""
    for name in (*FOR_ALL, *FOR_CARDS, *FOR_HEADS):
        monkeypatch.setenv(name, "1")
    checks = {"environment": CHECKS["environment"]}
    assert look(Order(), checks).unset == ()
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "")
    monkeypatch.delenv(FOR_ALL[0])
    assert look(Order(), checks).unset == (FOR_ALL[0], "RAY_USAGE_STATS_ENABLED")


@pytest.mark.parametrize(
    ("mode", "is_open"), [(0o600, False), (0o400, False), (0o440, False), (0o604, True), (0o660, True)]
)
def test_a_token_file_open_to_others(tmp_path, monkeypatch: pytest.MonkeyPatch, mode, is_open) -> None:
    """Where Ray looks for it: at the path that is named, else in the home folder; no file and a variable are well."""
    checks = {"token file": CHECKS["token file"]}
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert look(Order(), checks).open_token == ""
    token = tmp_path / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("x")
    token.chmod(mode)
    assert look(Order(), checks).open_token == (f"{token} (mode {mode:04o})" if is_open else "")
    named = token.rename(tmp_path / "token")
    assert look(Order(), checks).open_token == ""
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(named))
    assert bool(look(Order(), checks).open_token) is is_open
    monkeypatch.setenv("RAY_AUTH_TOKEN", "in the environment")
    assert look(Order(), checks).open_token == ""


def test_without_a_driver_it_is_said_why() -> None:
    """NVML's reason stands beside what nvidia-smi and the bus say."""
    facts = look(Order(make_probe=lambda: NvmlProbe(FakeNvml(driver=False))), {"GPUs": CHECKS["GPUs"]})
    assert (facts.gpus, facts.gpu_reason, facts.gpu_driver) == ((), "Driver Not Loaded", "")
    assert facts.pci_cards >= 0


def test_a_check_that_hangs_or_breaks_costs_no_other() -> None:
    """It is named with why; the others' facts are there."""
    never = threading.Event()

    def refused(_):
        raise CatalystError("no data of time zones")

    checks = {
        "limits": CHECKS["limits"],
        "disk": lambda _: never.wait() or {},
        "GPUs": lambda _: {}["lost"],
        "time zones": refused,
    }
    facts = look(Order(), checks, 0.3)
    never.set()
    assert facts.niceness == 0
    assert facts.errors == {
        "disk": "cut off: not done in 0.3 s",
        "GPUs": "broke off: KeyError: 'lost'",
        "time zones": "no data of time zones",
    }


def closed() -> str:
    """Return an address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.anyio
async def test_servers_are_asked_from_here() -> None:
    """Ollama and an OpenAI-compatible server: answering, with and without the model, and not there."""
    with DemoProcess(options=("--release=1", "--slow-s=0")) as world:
        ollama = OllamaSpec(host=world.base_url, model="demo-scripted")
        found = await reach(ollama)
        assert (found.kind, found.is_there, found.is_loopback, found.has_model) == (
            "server",
            True,
            True,
            True,
        )
        assert (await reach(replace(ollama, model="no-such-model"))).has_model is False
        assert (await reach(OpenAiSpec(url=f"{world.base_url}/v1", model="x"))).is_there
    away = await reach(replace(ollama, host=closed()))
    assert (away.is_there, away.has_model) == (False, None)
    assert not (await reach(OpenAiSpec(url=f"http://user:pa55word@{closed()}/v1", model="x"))).is_there


@pytest.mark.anyio
async def test_what_a_replica_starts_must_be_here(tmp_path) -> None:
    """A program on the PATH, a file of a model; an address shows no password."""
    assert (await reach(OpenAiSpec(command="sh -c true {port}", model="x"))).is_there
    lost = await reach(OpenAiSpec(command="no-such-server --port {port}", model="x"))
    assert (lost.kind, lost.place, lost.is_there) == ("program", "no-such-server", False)
    assert (await reach(OllamaSpec(model="x", own=True))).place == "ollama"
    assert not (await reach(EmbeddedSpec(path=str(tmp_path / "none.gguf")))).is_there
    hidden = await reach(OpenAiSpec(url=f"http://user:pa55word@{closed()}/v1", model="x"))
    assert "pa55word" not in hidden.place


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (WISH, OllamaSpec),
        (replace(WISH, endpoint_url="http://h/v1"), OpenAiSpec),
        (replace(WISH, wanted="off"), type(None)),
        (replace(WISH, wanted="embedded"), type(None)),
        (replace(WISH, own_server=True), type(None)),
    ],
)
def test_the_server_that_is_named_is_known_though_it_did_not_answer(wish, kind) -> None:
    """It is looked for on the nodes too: it may answer there alone."""
    assert type(server_named(wish)) is kind
