"""What Discord's answers mean, and those of whoever stands before it."""

from __future__ import annotations

from typing import Any

import pytest

from catalyst_ray.core.discord_answers import Answer, dead_webhook


def refused(status: int, headers: dict[str, str] | None = None, **body: Any) -> Answer:
    """Return an answer."""
    return Answer(status, headers or {}, body)


@pytest.mark.parametrize(
    ("answer", "everywhere"),
    [
        (refused(429, retry_after=1.0, **{"global": False}), False),
        (refused(429, retry_after=1.0, **{"global": True}), True),
        (refused(429, {"X-RateLimit-Scope": "user"}), False),
        (refused(429, {"X-RateLimit-Scope": "global"}, retry_after=1.0), True),
        (refused(429, {"X-RateLimit-Global": "true"}, retry_after=1.0), True),
        (refused(429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "3"}), False),
        (refused(429, {"Retry-After": "3"}), True),
    ],
)
def test_whose_a_limit_is(answer: Answer, everywhere: bool) -> None:
    """The body says it, a header does, or nobody: then it is the address's, as Cloudflare counts."""
    assert answer.is_of_all_routes is everywhere
    whole = "this address" if everywhere else "this webhook"
    assert answer.refusal("discord").message.startswith(f"Discord slows {whole} down")


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (refused(401), True),
        (refused(403), True),
        (refused(404), False),
        (refused(400), False),
        (refused(429, retry_after=1.0), True),
        (refused(429, {"X-RateLimit-Scope": "shared"}, retry_after=1.0), False),
    ],
)
def test_what_counts_towards_the_ban(answer: Answer, counts: bool) -> None:
    """Discord's page: 401, 403 and 429, but for limits that are shared."""
    assert answer.is_invalid is counts


@pytest.mark.parametrize(
    ("headers", "bucket"),
    [
        ({}, None),
        ({"X-RateLimit-Remaining": "3"}, None),
        ({"X-RateLimit-Remaining": "x", "X-RateLimit-Reset-After": "1"}, None),
        ({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset-After": "1.25"}, (0, 3, 1.25)),
        (
            {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset-After": "1e9"},
            (5, 3, 3600.0),
        ),
    ],
)
def test_the_buckets_headers(headers: dict[str, str], bucket: Any) -> None:
    """Two of them are needed; no wait is endless."""
    assert refused(200, headers).bucket == bucket


@pytest.mark.parametrize(
    ("answer", "less", "files", "links"),
    [
        (refused(400, code=50035), True, False, False),
        (refused(400, code=50045), True, True, False),
        (refused(400, code=50046), True, True, False),
        (refused(413, code=40005), True, True, False),
        (refused(413), True, True, False),
        (refused(400, code=240000), True, False, True),
        (refused(400, code=220001), False, False, False),
        (refused(500), False, False, False),
    ],
)
def test_what_a_smaller_message_must_leave_out(answer: Answer, less: bool, files: bool, links: bool) -> None:
    """Files, a link, or its whole form; a forum's thread is no matter of size."""
    assert (answer.asks_for_less, answer.minds_files, answer.minds_links) == (less, files, links)


@pytest.mark.parametrize(
    ("answer", "permanent", "dead", "known"),
    [
        (refused(404, code=10015), False, True, True),
        (refused(401, code=50027), False, True, True),
        (refused(403), False, True, True),
        (refused(400, code=220001), False, True, True),
        (refused(404, code=10008), True, False, True),
        (refused(400, code=50035), True, False, True),
        (refused(429), False, False, True),
        (refused(500), False, False, True),
        (refused(504), False, False, False),
        (refused(524), False, False, False),
    ],
)
def test_what_a_refusal_means(answer: Answer, permanent: bool, dead: bool, known: bool) -> None:
    """For this alert alone, for the webhook until it is mended, or for a while."""
    error = answer.refusal("discord")
    assert (error.permanent, error.sink_dead, error.outcome_known) == (permanent, dead, known)
    assert bool(error.hint) is dead


def test_a_dead_webhook_says_the_mend() -> None:
    """In the sink's name."""
    error = dead_webhook("HTTP 404", "discord")
    assert str(error).startswith("discord: the webhook is dead (HTTP 404) (make a new one in Discord")


def test_words_of_strangers_are_short_and_plain() -> None:
    """Whatever stands in Discord's message."""
    words = refused(400, message="x\u202e\n" + "y" * 500, code=7).complaint
    assert words.startswith("HTTP 400, code 7, x y")
    assert len(words) < 160
