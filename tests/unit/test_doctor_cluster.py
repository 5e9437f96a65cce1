"""What the doctor says of a cluster's entrances, its nodes' names and its model, without a cluster."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from ray.exceptions import ActorUnavailableError  # noqa: TID253  (its words are what is told)

from catalyst_ray.adapters.dashboard import Door
from catalyst_ray.cluster.engine_trial import Trial
from catalyst_ray.cluster.node_survey import seats, trouble_of
from catalyst_ray.cluster.placement import ReplicaPlan
from catalyst_ray.doctor import examine
from catalyst_ray.doctor.cluster import dashboard_finding, token_finding
from catalyst_ray.doctor.model import said_of
from catalyst_ray.models import EngineInfo, Finding
from catalyst_ray.settings import Settings

HERE, THERE = "http://127.0.0.1:8265", "http://192.0.2.7:8265"


@pytest.mark.parametrize(
    ("doors", "allowed", "status", "words"),
    [
        ({THERE: Door.OPEN}, False, "fail", f"{THERE} takes jobs without a token"),
        ({THERE: Door.OPEN}, True, "warn", "without a token"),
        ({HERE: Door.OPEN, THERE: Door.NONE}, False, "ok", "loopback alone"),
        ({HERE: Door.NONE, THERE: Door.GUARDED}, False, "ok", f"{THERE} asks for a token"),
        ({THERE: Door.SILENT}, False, "warn", "does not answer"),
        ({}, False, "ok", "none"),
    ],
)
def test_a_dashboard_by_what_a_stranger_meets(doors, allowed, status, words) -> None:
    """What a start refuses is a failure; what ALLOW_OPEN_DASHBOARD lets pass stays a warning."""
    found = dashboard_finding(doors, allowed=allowed)
    assert found.status == status
    assert words in found.words
    assert bool(found.mend) is (status != "ok")


@pytest.mark.parametrize(
    ("doors", "ours", "status"),
    [
        ({HERE: Door.GUARDED}, True, "ok"),
        ({HERE: Door.OPEN}, True, "warn"),
        ({}, True, "ok"),
        ({}, False, "warn"),
    ],
)
def test_tokens_are_tried_where_there_is_a_dashboard(doors, ours, status) -> None:
    """A refusal proves them; without a dashboard what is set here counts."""
    found = token_finding(doors, ours)
    assert found.status == status
    assert bool(found.mend) is (status != "ok")


def test_nodes_of_one_machine_are_told_apart() -> None:
    """By the start of their ids; others go by their host's name. Replicas go where their plan says."""
    nodes = [
        {"NodeID": f"{n}abcdef99", "NodeManagerHostname": host, "Resources": {"GPU": gpus}, "Labels": labels}
        for n, (host, gpus, labels) in enumerate(
            [("rack", 1.0, {"pool": "llm"}), ("rack", 1.0, {"pool": "other"}), ("head", 0.0, {"pool": "llm"})]
        )
    ]
    plan = ReplicaPlan(start=1, limit=2, num_gpus=1.0, words="", selector={"pool": "llm"})
    found = list(seats(nodes, plan).values())
    assert [seat.name for seat in found] == ["rack/0abcde", "rack/1abcde", "head"]
    assert [seat.runs_replicas for seat in found] == [True, False, False]
    assert not any(seat.runs_replicas for seat in seats(nodes, None).values())


def test_why_an_actor_did_not_answer_is_one_line() -> None:
    """A node that lacks the program is told from one that is gone."""
    lines = "The actor died because of an error raised in its creation task\n  ModuleNotFoundError: No module named 'x'\n"
    assert trouble_of(ActorUnavailableError(lines, None)).endswith("ModuleNotFoundError: No module named 'x'")
    assert "went away during the check" in trouble_of(ActorUnavailableError("socket closed", None))


@pytest.mark.parametrize(
    ("info", "has_cards", "status", "words"),
    [
        ({"device": "gpu"}, True, "ok", "test prompt from rack-2 0.50 s, 40 tokens/s"),
        ({"device": "cpu"}, True, "warn", "on cpu"),
        ({"device": "cpu"}, False, "ok", "on cpu"),
        ({"device": "gpu+cpu"}, True, "warn", "gpu+cpu"),
        ({"device": "cpu", "has_weight": False}, False, "warn", "without weight"),
    ],
)
def test_a_model_by_where_it_runs_and_how_fast(info, has_cards, status, words) -> None:
    """On the CPU beside a card, or half on either, is a warning with what mends it."""
    trial = Trial(info=EngineInfo(engine="ollama", model="mistral", **info), seconds=0.5, tokens=20)
    found = said_of(trial, from_where=" from rack-2", has_cards=has_cards)
    assert found.status == status
    assert words in found.words
    assert bool(found.mend) is (status != "ok")


@pytest.mark.anyio
async def test_a_cluster_that_goes_away_meanwhile_is_a_finding(monkeypatch) -> None:
    """What was said before stays said, and the model is still asked from here."""

    async def breaks(*_):
        yield Finding("Ray", "ok", "3 nodes", part="cluster")
        raise TimeoutError("not done in 20 s")

    async def alone(*_):
        yield Finding("language model", "ok", "answers")

    monkeypatch.setattr(examine, "ray_session", lambda *_, **__: nullcontext())
    monkeypatch.setattr(examine, "check_cluster", breaks)
    monkeypatch.setattr(examine, "_alone", alone)
    found = [one async for one in examine._cluster(Settings(_env_file=None), None)]
    assert [(one.name, one.status) for one in found] == [
        ("Ray", "ok"),
        ("Ray", "fail"),
        ("language model", "ok"),
    ]
    assert "TimeoutError" in found[1].words
    assert found[1].mend
