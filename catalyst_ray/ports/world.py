"""The outside world as the pipeline sees it: one Protocol per outside system, no implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from catalyst_ray.models import (
        Alert,
        Bars,
        ChartRequest,
        EngineInfo,
        FeedSpec,
        FeedState,
        Fetched,
        FilingText,
        GpuSample,
        Item,
        Link,
        LlmAnswer,
        LlmRequest,
        LlmUse,
        Picture,
        Receipt,
        Score,
        Verdict,
    )


class Clock(Protocol):
    """Time and waiting."""

    def now_utc(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Fetcher(Protocol):
    """Gets the bytes of feeds and other documents, politely."""

    async def fetch(self, spec: FeedSpec, state: FeedState) -> Fetched:
        """GET a feed, conditionally on ``state``.

        Raises:
            TransportError: No usable answer came; carries the wait that the server asked for.
        """
        ...


class LanguageModel(Protocol):
    """An engine that turns a prompt into schema-locked text."""

    async def start(self) -> EngineInfo:
        """Reach or start the engine and load the model; may be called again, and then starts anew.

        Raises:
            ConfigError: What it needs is not installed, or was wrongly set.
            TransportError: It does not answer, or lacks the model; the hint says what to do.
        """
        ...

    async def ready(self) -> bool:
        """Ask the engine whether it serves; False for any failure. Quick, and from any event loop or thread."""
        ...

    def info(self) -> EngineInfo:
        """Return what is known of the engine now, also before and while it starts."""
        ...

    async def generate(self, request: LlmRequest) -> LlmAnswer:
        """Answer one prompt within ``request.timeout_s``.

        Raises:
            TransportError: No answer, a refusal, or time ran out.
            ParseError: The answer was cut off or is no JSON.
        """
        ...

    async def stop(self) -> None:
        """Close connections and end what ``start`` started."""
        ...


class Judge(Protocol):
    """The slow tier: a language model behind a scheduler."""

    async def judge(self, item: Item, link: Link, score: Score, *, use: LlmUse, priority: int) -> Verdict:
        """Return a verdict by the request's deadline; never raises for a slow or broken model."""
        ...

    def expected_s(self, ahead: int) -> float:
        """Return in how many seconds a verdict may be expected that is asked for behind ``ahead`` others."""
        ...

    def stats(self) -> Mapping[str, float]:
        """Return queue statistics (requests, cached, joined, refused, timed_out, mean_seconds, …)."""
        ...


class DocumentSource(Protocol):
    """Gets what a filing says."""

    async def text(self, item: Item) -> FilingText:
        """Return the parts of a filing's documents that matter, as plain text.

        Raises:
            TransportError: The document could not be fetched, or not read in time.
            ParseError: It holds nothing that can be read.
        """
        ...


class Artist(Protocol):
    """Draws price charts."""

    async def draw(self, request: ChartRequest, *, priority: int, timeout_s: float | None = None) -> Picture:
        """Draw within ``timeout_s``, or the chart deadline; ``priority`` 0 is the most urgent, 9 the least.

        Raises:
            CatalystError: The chart failed, was refused, or was late.
        """
        ...

    def stats(self) -> Mapping[str, float]:
        """Return queue statistics (requests, cached, joined, failed, mean_seconds, …)."""
        ...


class GpuWatch(Protocol):
    """Sees the GPUs of the whole cluster."""

    async def window(self, seconds: float) -> tuple[GpuSample, ...]:
        """Return what every card did in the last ``seconds``, by node; soon, and without what does not answer."""
        ...


class PriceSource(Protocol):
    """Price bars."""

    name: str

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return bars of ``timeframe`` (1D, 5D, 1M, 3M, 1Y), or None when there are none.

        Raises:
            TransportError: The source did not answer.
            ParseError: It answered with something that is no price table.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class Notifier(Protocol):
    """A sink for alerts. An alert may be sent while another one is edited, never two at once."""

    name: str

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:
        """Deliver one alert.

        Raises:
            DeliveryError: It was not taken, or nobody knows.
        """
        ...

    async def edit(
        self, alert: Alert, *, message_id: str | None, chart: bytes | None, gauge: bytes | None
    ) -> Receipt:
        """Tell the sink of a revised alert that it has; the same edit twice does no harm.

        Raises:
            DeliveryError: It was not taken, or nobody knows; ``permanent`` when the message is gone.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class RemoteNotifier(Notifier, Protocol):
    """A sink beyond this machine."""

    async def check(self) -> str:
        """Ask whether it lives, deliver nothing, and return what is known of it in words.

        Raises:
            DeliveryError: It does not, or nobody answered.
        """
        ...


@runtime_checkable
class PacedNotifier(Protocol):
    """A sink that knows how often it may be asked."""

    def free_in_s(self) -> float:
        """Return how long the next alert would have to wait."""
        ...

    def recall(self, ages_s: Sequence[float]) -> None:
        """Count calls of an earlier process, by how long ago they were; before the first of this one."""
        ...


@runtime_checkable
class DigestNotifier(Protocol):
    """A sink that can tell of several alerts in one message."""

    def digest_room(self, alerts: Sequence[Alert], *, now_utc: datetime) -> int:
        """Return how many of the alerts, from the first, one message can tell of."""
        ...

    async def send_digest(self, alerts: Sequence[Alert], *, now_utc: datetime, is_news: bool) -> Receipt:
        """Deliver one message with a line an alert; with ``is_news`` of what became of alerts told of before.

        Raises:
            DeliveryError: It was not taken, or nobody knows.
        """
        ...


class Supervisor(Protocol):
    """What started this program and watches it."""

    def tell(self, **states: str) -> None:
        """Say how things stand, in the words of sd_notify(3): READY, STATUS, WATCHDOG, STOPPING; never raises."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...
