"""What a profile will lack, told before it is measured."""

from __future__ import annotations

from importlib import import_module

import pytest

from catalyst_ray.cluster.engines import EmbeddedSpec, EngineChoice, OllamaSpec
from catalyst_ray.profiler import ProfileWish, outlook
from catalyst_ray.settings import Settings

NO_CARD, NO_MODEL = "no GPU is seen on this machine", "no language model of yours will judge: such"
OWN = EngineChoice(OllamaSpec(host="http://127.0.0.1:1", model="m"), "such")
PACKAGED = EngineChoice(EmbeddedSpec(), "such")
NONE = EngineChoice(None, "such")


@pytest.mark.parametrize(
    ("wish", "there", "begins"),
    [
        (ProfileWish(kind="gpu", own_model=True), (0, NONE, None), [NO_CARD, NO_MODEL]),
        (ProfileWish(kind="gpu", own_model=True), (0, PACKAGED, None), [NO_CARD, NO_MODEL]),
        (ProfileWish(kind="gpu", own_model=True), (1, OWN, None), []),
        (ProfileWish(kind="gpu", own_model=True), (0, OWN, "10.0.0.1:6379"), []),
        (ProfileWish(kind="full", own_model=True), (0, NONE, None), [NO_MODEL]),
        (ProfileWish(kind="full"), (0, NONE, None), []),
    ],
)
def test_what_is_asked_for_and_not_there_is_told(monkeypatch, wish, there, begins) -> None:
    """Cards of this machine, and a model of the user's own, where they are asked for; of a cluster nothing is known."""
    cards, choice, address = there
    module = import_module("catalyst_ray.profiler.outlook")

    async def choose(_wish):
        return choice

    monkeypatch.setattr(module, "choose_engine", choose)
    monkeypatch.setattr(module, "_cards", lambda: bool(cards))
    found = list(outlook(Settings(_env_file=None, ray_address=address), wish))
    assert len(found) == len(begins)
    assert all(one.startswith(start) for one, start in zip(found, begins, strict=True))
