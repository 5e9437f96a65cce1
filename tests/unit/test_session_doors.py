"""Joining a cluster whose dashboard is open: who is refused, who is not asked, and that Ray is left again."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from ray.exceptions import AuthenticationError, RpcError  # noqa: TID253  (what Ray raises is the point)

from catalyst_ray.adapters.dashboard import Door
from catalyst_ray.cluster import session
from catalyst_ray.errors import CatalystError, ConfigError, TransportError


class PretendedRay:
    """Ray as far as a session uses it."""

    def __init__(self):
        self.joined = []

    def init(self, **options):
        self.joined.append(options["address"])
        return SimpleNamespace(dashboard_url="192.0.2.7:8265")

    def is_initialized(self):
        return False

    def cluster_resources(self):
        return {}

    def nodes(self):
        return []

    def get_runtime_context(self):
        return SimpleNamespace(gcs_address="192.0.2.7:6379")

    def shutdown(self):
        self.joined.append("left")


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> PretendedRay:
    """Put a pretended Ray whose dashboard is open in place of the real one."""
    pretended = PretendedRay()
    monkeypatch.setattr(session, "RAY", pretended)
    monkeypatch.setattr(session, "has_tokens", lambda: False)
    monkeypatch.setattr(session, "_check_answers", lambda _: None)
    monkeypatch.setattr(session, "RAYLET", SimpleNamespace(GcsClient=lambda address: address))
    monkeypatch.setattr(session, "cluster_here", lambda: "192.0.2.7:6379")
    monkeypatch.setattr(session, "is_only_there", lambda _: False)
    monkeypatch.setattr(session, "dashboard_doors", lambda url: {url: Door.OPEN})
    return pretended


class Loader:
    """Ray's reader of tokens, as far as a session uses it."""

    def __init__(self, found):
        self.found = found

    def instance(self):
        return self

    def reset_cache(self):
        pass

    def has_token(self, *, ignore_auth_mode):
        assert ignore_auth_mode
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            AuthenticationError(
                "RAY_AUTH_TOKEN_PATH is set but file cannot be opened or is empty: /nope. Ensure"
            ),
            "/nope$",
        ),
        (False, "there is no token"),
    ],
    ids=["a named file", "the usual file"],
)
def test_a_token_that_is_not_there_is_a_wrong_setting(
    ray: PretendedRay, monkeypatch: pytest.MonkeyPatch, found: object, words: str
) -> None:
    """It is told before anybody is asked, by the file's name: later would bring none."""
    monkeypatch.setattr(session, "has_tokens", lambda: True)
    monkeypatch.setattr(session, "RAYLET", SimpleNamespace(AuthenticationTokenLoader=Loader(found)))
    with pytest.raises(ConfigError, match=r"^RAY_AUTH_TOKEN_PATH: ") as caught:
        session.ray_session("192.0.2.7:6379", dashboard=True).__enter__()
    assert re.search(words, caught.value.message)
    assert ray.joined == []


def test_a_token_for_a_cluster_of_ones_own(ray: PretendedRay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is in the usual place Ray makes one; a file that is named must be there."""
    monkeypatch.setattr(session, "has_tokens", lambda: True)
    monkeypatch.setattr(session.os, "environ", {})
    loader = Loader(found=False)
    monkeypatch.setattr(session, "RAYLET", SimpleNamespace(AuthenticationTokenLoader=loader))
    with session.ray_session(None, dashboard=False):
        pass
    assert ray.joined == ["local", "left"]
    loader.found = AuthenticationError(
        "RAY_AUTH_TOKEN_PATH is set but file cannot be opened or is empty: /nope. X"
    )
    with pytest.raises(ConfigError, match="/nope"):
        session.ray_session(None, dashboard=False).__enter__()


def test_a_start_is_refused_and_leaves(ray: PretendedRay) -> None:
    """Nothing is done with the cluster but joining it to ask."""
    with pytest.raises(ConfigError, match="8265"), session.ray_session("192.0.2.7:6379", dashboard=True):
        pass
    assert ray.joined == ["192.0.2.7:6379", "left"]


@pytest.mark.parametrize("allow", [True, None])
def test_who_may_or_only_looks_goes_on(ray: PretendedRay, allow: bool | None) -> None:
    """ALLOW_OPEN_DASHBOARD, and commands that place nothing there."""
    with session.ray_session("192.0.2.7:6379", dashboard=True, allow_open=allow) as joined:
        assert joined.dashboard_url == "http://192.0.2.7:8265"


@pytest.mark.parametrize("address", [None, "192.0.2.7:6379"])
def test_a_script_is_refused_too(ray: PretendedRay, address: str | None) -> None:
    """Also where the cluster was found on this machine: it does not quietly start another one."""
    with pytest.raises(ConfigError, match="8265"), session.any_session(address):
        pass
    assert ray.joined == [address or "auto", "left"]
    with session.any_session(address, allow_open=True) as joined:
        assert joined is not None


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (AuthenticationError("InvalidAuthToken"), ConfigError, "refuses us: no token, or another one"),
        (
            RpcError("Timed out while waiting"),
            TransportError,
            "no Ray cluster answers at 192.0.2.7:6379: Timed",
        ),
    ],
)
def test_who_is_not_let_in_is_told_before_ray_tries(
    ray: PretendedRay,
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    kind: type[CatalystError],
    words: str,
) -> None:
    """A token that is not taken is a wrong setting; what does not answer may answer later. Nothing is joined."""

    def refuse(address: str) -> None:
        raise raised

    monkeypatch.setattr(session, "RAYLET", SimpleNamespace(GcsClient=refuse))
    for address in ("192.0.2.7:6379", "auto"):
        with pytest.raises(kind, match=words), session.ray_session(address, dashboard=True):
            pass
    assert ray.joined == []


def test_a_script_leaves_a_cluster_of_others_alone(
    ray: PretendedRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One on this machine that does not take its token is not the script's: it starts a Ray of its own."""

    def refuse(address: str) -> None:
        raise AuthenticationError("InvalidAuthToken")

    monkeypatch.setattr(session, "RAYLET", SimpleNamespace(GcsClient=refuse))
    with session.any_session(None):
        assert ray.joined == ["local"]
