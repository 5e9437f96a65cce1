"""When a webhook may be asked: no window of Discord's is exceeded, whatever its answers and their order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core.discord_answers import Answer
from catalyst_ray.core.discord_pace import AddressPace, DiscordLimits, WebhookPace, Window

LIMITS = DiscordLimits()
ROUNDING_S = 0.01


def answer(status: int = 200, left: int = 4, after_s: float = 2.0, **body) -> Answer:
    """Return an answer with Discord's headers of a bucket."""
    headers = {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset-After": str(after_s),
    }
    return Answer(status, headers, body or {"id": "1"})


def new_pace(limits: DiscordLimits = LIMITS) -> tuple[WebhookPace, AddressPace]:
    """Return a webhook's pace and its address's."""
    address = AddressPace(limits)
    return WebhookPace(limits, address), address


def post(pace: WebhookPace, now_s: float, got: Answer | None, method: str = "POST") -> None:
    """Count one request and its answer, at once."""
    assert pace.wait_s(method, now_s) == 0
    pace.take(method, now_s)
    pace.end(method, got, now_s)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 5)), max_size=60), st.integers(1, 6), st.floats(0.5, 4)
)
def test_no_window_holds_more_than_its_limit(requests, limit: int, seconds: float) -> None:
    """Wherever in its exchange a request was counted: at its start, its end or between."""
    window, now_s = Window(limit, seconds), 0.0
    counted: list[float] = []
    for gap_s, lasts_s in requests:
        now_s += gap_s
        now_s += window.wait_s(now_s)
        window.take()
        now_s += lasts_s
        counted.append(now_s)
        window.end(now_s)
    for first, last in zip(counted, counted[limit:], strict=False):
        assert last - first >= seconds - 1e-6


def test_requests_under_way_count() -> None:
    """Five at once fill a window of five, though none has ended."""
    window = Window(5, 2.0)
    for _ in range(5):
        assert window.wait_s(0.0) == 0
        window.take()
    assert window.wait_s(1.0) == 2.0
    window.end(1.5)
    assert window.wait_s(1.6) == pytest.approx(1.9)


def test_a_channel_takes_thirty_messages_a_minute() -> None:
    """Whatever the bucket's headers allow; edits are no messages."""
    pace, _ = new_pace()
    for number in range(30):
        post(pace, number * 0.1, answer(after_s=0.05))
    assert pace.wait_s("POST", 3.0) == pytest.approx(57.0)
    assert pace.wait_s("PATCH", 3.0) == 0


def test_edits_and_posts_have_buckets_of_their_own() -> None:
    """An empty one of posts lets edits by."""
    pace, _ = new_pace()
    post(pace, 0.0, answer(left=0))
    assert pace.wait_s("POST", 0.0) == pytest.approx(2.0, abs=ROUNDING_S)
    assert pace.wait_s("PATCH", 0.0) == 0


def test_a_lost_answer_leaves_its_request_counted() -> None:
    """Discord's window may have begun when the answer was lost: five lost ones are waited for from the last."""
    pace, _ = new_pace()
    for number in range(5):
        post(pace, number * 0.3, None)
    assert pace.wait_s("POST", 1.2) == pytest.approx(2.0)


def test_answers_that_overtake_each_other_free_nothing() -> None:
    """Of several under way at once the lowest count holds, though the answer with a higher one comes last."""
    pace, _ = new_pace()
    for _ in range(2):
        pace.take("POST", 0.0)
    pace.end("POST", answer(left=0), 0.2)
    pace.end("POST", answer(left=1), 0.3)
    assert pace.wait_s("POST", 0.3) > 1.5


def test_a_gateways_answer_frees_nothing() -> None:
    """A 502 knows of no bucket: what was used before stays used."""
    pace, _ = new_pace()
    post(pace, 0.0, answer(left=1))
    post(pace, 0.1, Answer(502, {}, {}))
    assert pace.wait_s("POST", 0.2) > 1.5


def test_who_answers_without_limits_keeps_none() -> None:
    """A relay that names no bucket with its successes is not slowed down by ours."""
    pace, _ = new_pace()
    for number in range(200):
        post(pace, number * 0.001, Answer(200, {}, {"id": "1"}))


def test_a_limit_of_the_route_stops_the_route_alone() -> None:
    """A 429 with a scope of its own leaves edits and other webhooks alone."""
    pace, address = new_pace()
    post(pace, 0.0, answer(429, left=0, after_s=9.0, retry_after=9.0))
    assert pace.wait_s("POST", 0.0) == pytest.approx(9.0, abs=ROUNDING_S)
    assert pace.wait_s("PATCH", 0.0) == 0
    assert WebhookPace(LIMITS, address).wait_s("POST", 0.0) == 0


@pytest.mark.parametrize(
    "said",
    [
        Answer(429, {}, {"retry_after": 7.5, "global": True}),
        Answer(429, {"X-RateLimit-Global": "true"}, {"retry_after": 7.5}),
        Answer(429, {"X-RateLimit-Scope": "global", "Retry-After": "7.5"}, {}),
        Answer(429, {"Retry-After": "7.5"}, {}),
    ],
    ids=["body", "header", "scope", "cloudflare"],
)
def test_a_global_limit_stops_every_webhook_of_the_process(said: Answer) -> None:
    """Posts and edits, of this webhook and of any other at the same address."""
    pace, address = new_pace()
    other = WebhookPace(LIMITS, address)
    post(pace, 0.0, said)
    waits = [pace.wait_s("POST", 0.0), pace.wait_s("PATCH", 0.0), other.wait_s("POST", 0.0)]
    assert waits == pytest.approx([7.5] * 3, abs=ROUNDING_S)
    assert other.wait_s("POST", 7.6) == 0


def test_an_address_asks_fifty_times_a_second() -> None:
    """Over all webhooks."""
    address = AddressPace(LIMITS)
    webhooks = [WebhookPace(LIMITS, address) for _ in range(25)]
    for webhook in webhooks:
        post(webhook, 0.0, answer())
        post(webhook, 0.0, answer())
    assert WebhookPace(LIMITS, address).wait_s("POST", 0.5) == pytest.approx(0.5)


def test_refusals_stay_far_below_the_ban() -> None:
    """A thousand in ten minutes are enough: then nothing is asked until the oldest is ten minutes old."""
    address = AddressPace(LIMITS)
    asked, now_s = 0, 0.0
    while now_s < LIMITS.invalid_s:
        wait_s = address.wait_s(now_s)
        if not wait_s:
            asked += 1
            address.take()
            address.end(answer(403, code=50013), now_s)
        now_s += max(wait_s, 0.05)
    assert asked <= 1_000


def test_a_limit_that_is_shared_is_no_refusal_of_ours() -> None:
    """Discord does not count it towards the ban."""
    shared = Answer(429, {"X-RateLimit-Scope": "shared"}, {"retry_after": 1.0})
    assert not shared.is_invalid
    assert answer(429, retry_after=1.0).is_invalid
    assert not answer(404).is_invalid


def test_posts_of_an_earlier_process_count() -> None:
    """A restart does not empty Discord's windows: the channel's, nor the bucket's."""
    pace, _ = new_pace()
    pace.recall([*(10.0 + number for number in range(29)), 0.5], 100.0)
    assert pace.wait_s("POST", 100.0) == pytest.approx(60.0 - 38.0)
    fresh, _ = new_pace()
    fresh.recall([0.5], 100.0)
    assert fresh.wait_s("POST", 100.0) == pytest.approx(1.5, abs=ROUNDING_S)
    new_pace()[0].recall([], 100.0)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["ok", "lost", "502", "429"]), min_size=30, max_size=120), st.data())
def test_discords_bucket_is_never_exceeded(outcomes, data) -> None:
    """Discord's window of five in two seconds, opened by the first request that reaches it, holds whatever is lost."""
    pace, _ = new_pace(DiscordLimits(channel=1_000, address=1_000))
    now_s, opened_s, used = 0.0, -10.0, 0
    for outcome in outcomes:
        now_s += pace.wait_s("POST", now_s)
        pace.take("POST", now_s)
        now_s += data.draw(st.floats(0, 0.3))  # on its way
        if now_s >= opened_s + 2.0:
            opened_s, used = now_s, 0
        used += 1
        assert used <= 5
        after_s = round(opened_s + 2.0 - now_s, 3)
        got = {
            "ok": answer(left=5 - used, after_s=max(0.0, after_s)),
            "lost": None,
            "502": Answer(502, {}, {}),
            "429": answer(429, left=0, after_s=max(0.0, after_s), retry_after=max(0.0, after_s)),
        }[outcome]
        now_s += data.draw(st.floats(0, 0.3))  # and back
        pace.end("POST", got, now_s)
