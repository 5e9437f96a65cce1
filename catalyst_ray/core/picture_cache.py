"""Pictures that were drawn lately, by key. Owns how long and how many; has no clock and draws nothing."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalyst_ray.models import Picture


class PictureCache:
    """Keeps pictures for a while, the newest of them where there is no room for all.

    Args:
        ttl_s: Seconds that a picture is kept; 0 keeps none.
        max_bytes: Of all pictures together.

    Attributes:
        bytes: Of those that are kept.
    """

    def __init__(self, *, ttl_s: float, max_bytes: int) -> None:
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, tuple[float, Picture]] = OrderedDict()  # oldest first, so first to end
        self.bytes = 0

    def get(self, key: str, now_s: float) -> Picture | None:
        """Return a picture that is still good, marked as cached."""
        self._drop_old(now_s)
        found = self._kept.get(key)
        return replace(found[1], cached=True) if found else None

    def put(self, key: str, picture: Picture, now_s: float) -> None:
        """Keep a picture."""
        self._drop(key)
        if self._ttl_s <= 0 or len(picture.png) > self._max_bytes:
            return
        self._kept[key] = (now_s + self._ttl_s, picture)
        self.bytes += len(picture.png)
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def _drop_old(self, now_s: float) -> None:
        while self._kept:
            key, (until_s, _) = next(iter(self._kept.items()))
            if until_s > now_s:
                return
            self._drop(key)

    def _drop(self, key: str) -> None:
        if key in self._kept:
            self.bytes -= len(self._kept.pop(key)[1].png)
