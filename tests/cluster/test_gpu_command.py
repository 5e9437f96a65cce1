"""The command ``gpu``: lines for programs, a table for people, what it says where there is no card, and where it looks."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from catalyst_ray.cli import gpu
from catalyst_ray.cluster import gpu_joined
from catalyst_ray.cluster.gpu_joined import SeenGpus
from catalyst_ray.errors import TransportError
from catalyst_ray.models import GpuProcess, GpuSample

CARDS = tuple(
    GpuSample(
        index=0,
        uuid=f"GPU-{node}",
        name="L4",
        node=node,
        utilisation_pct=float(use),
        processes=(GpuProcess(pid=7, replica="llm-0"),),
    )
    for use, node in enumerate(("rack1", "rack2"), 40)
)


class View:
    """Shows what it is told, then is interrupted as by Ctrl-C."""

    where = "cluster 10.0.0.1:6379"

    def __init__(self, *seen):
        self.seen = list(seen)

    def window(self, seconds):
        if not self.seen:
            raise KeyboardInterrupt
        return self.seen.pop(0)


@pytest.fixture
def run(monkeypatch, loggers, tmp_path):
    """Return what runs the command over a view."""
    monkeypatch.setattr(gpu, "TICK_S", 0.0)
    monkeypatch.setenv("COLUMNS", "140")
    (tmp_path / "env").touch()

    def execute(view, *options):
        @contextmanager
        def gpu_view(address):
            yield view

        monkeypatch.setattr(gpu_joined, "gpu_view", gpu_view)
        return CliRunner().invoke(
            gpu.command, [*options, "--env-file", str(tmp_path / "env")], catch_exceptions=False
        )

    return execute


@pytest.fixture
def loggers():
    """Put the loggers back as they were."""
    import logging

    kept = [(log, log.level, log.handlers[:]) for log in map(logging.getLogger, ("", "ray", "catalyst_ray"))]
    yield
    logging.captureWarnings(False)
    for log, level, handlers in kept:
        log.setLevel(level)
        log.handlers = handlers
    logging.getLogger("ray").propagate = False


def test_a_program_gets_a_line_each_time_until_it_is_interrupted(run):
    """One JSON object a line with every card; Ctrl-C is the way out, not an error."""
    done = run(View(SeenGpus(CARDS), SeenGpus(CARDS[:1])))
    assert done.exit_code == 0
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["type"], first["where"]) == ("gpus", "cluster 10.0.0.1:6379")
    assert [card["node"] for card in first["gpus"]] == ["rack1", "rack2"]
    assert first["gpus"][0]["processes"] == [{"pid": 7, "memory_bytes": None, "replica": "llm-0"}]
    assert len(second["gpus"]) == 1


def test_once_is_one_line(run):
    """With --once it leaves after the first reading."""
    done = run(View(SeenGpus(CARDS), SeenGpus(CARDS)), "--once", "--json")
    assert len(done.stdout.splitlines()) == 1


def test_a_terminal_gets_a_table(run, monkeypatch):
    """A person sees every card, and who holds its memory."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)
    done = run(View(SeenGpus(CARDS)), "--once")
    assert done.exit_code == 0
    for words in ("rack1", "rack2", "40 %", "llm-0"):
        assert words in done.stdout


@pytest.mark.parametrize("options", [(), ("--once",), ("--json",)])
def test_without_a_card_it_says_why_and_what_to_do(run, options):
    """The reason and the mend, exit code 0, and no waiting for a card that may never come."""
    done = run(View(SeenGpus((), "Driver Not Loaded"), SeenGpus(CARDS)), *options)
    (line,) = done.stdout.splitlines()
    said = json.loads(line)
    assert (done.exit_code, said["gpus"], said["reason"]) == (0, [], "Driver Not Loaded")
    assert "nvidia-smi" in said["mend"]


def test_a_person_without_a_card_is_told_in_words(run, monkeypatch):
    """On a terminal the same comes as a sentence."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)
    done = run(View(SeenGpus((), "Driver Not Loaded")))
    assert done.stdout.startswith("no GPU seen on cluster 10.0.0.1:6379: Driver Not Loaded\n")
    assert "nvidia-smi" in done.stdout


def test_a_node_is_chosen_by_the_start_of_its_name(run):
    """Only its cards are shown; a name that fits none is answered with those that there are."""
    done = run(View(SeenGpus(CARDS)), "--once", "--node", "rack2")
    assert [card["node"] for card in json.loads(done.stdout)["gpus"]] == ["rack2"]
    said = json.loads(run(View(SeenGpus(CARDS)), "--once", "--node", "x").stdout)
    assert said["gpus"] == []
    assert "rack1, rack2" in said["reason"]


def test_without_a_cluster_this_machine_is_read(monkeypatch):
    """No Ray here is no error: the view is of this machine; an address that does not answer is one."""

    @contextmanager
    def nobody(address, *, dashboard, allow_open):
        raise TransportError("nobody answers", key="RAY_ADDRESS")
        yield

    monkeypatch.setattr(gpu_joined, "ray_session", nobody)
    with gpu_joined.gpu_view(None) as view:
        assert view.where == "this machine"
        seen = view.window(0.1)
        assert seen.cards or seen.reason
    with pytest.raises(TransportError), gpu_joined.gpu_view("10.0.0.1:6379"):
        pass
