"""The outside world as the pipeline sees it: Protocols, no implementation."""

from catalyst_ray.ports.store import Archive, Store
from catalyst_ray.ports.world import (
    Artist,
    Clock,
    DigestNotifier,
    DocumentSource,
    Fetcher,
    GpuWatch,
    Judge,
    LanguageModel,
    Notifier,
    PacedNotifier,
    PriceSource,
    RemoteNotifier,
    Supervisor,
)

__all__ = [
    "Archive",
    "Artist",
    "Clock",
    "DigestNotifier",
    "DocumentSource",
    "Fetcher",
    "GpuWatch",
    "Judge",
    "LanguageModel",
    "Notifier",
    "PacedNotifier",
    "PriceSource",
    "RemoteNotifier",
    "Store",
    "Supervisor",
]
