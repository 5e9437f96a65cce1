"""Kept pictures: for as long as they are good, and no more than there is room for."""

from __future__ import annotations

from catalyst_ray.core.picture_cache import PictureCache
from catalyst_ray.models import Picture


def picture(size: int = 10) -> Picture:
    """Return a picture of so many bytes."""
    return Picture(png=b"x" * size, seconds=0.1)


def test_a_picture_is_kept_until_its_time_is_over() -> None:
    """It comes back marked as cached; when its time is over it is gone from memory too."""
    cache = PictureCache(ttl_s=5, max_bytes=100)
    cache.put("a", picture(), 10.0)
    found = cache.get("a", 14.9)
    assert found is not None
    assert (found.png, found.cached) == (b"x" * 10, True)
    assert cache.get("b", 15.0) is None
    assert len(cache) == 0


def test_the_oldest_make_room() -> None:
    """All pictures together stay within their bytes, however many there are."""
    cache = PictureCache(ttl_s=5, max_bytes=35)
    for number in range(100):
        cache.put(str(number), picture(), float(number) / 100)
    assert [cache.get(str(number), 1.0) is not None for number in (95, 96, 97, 98, 99)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert len(cache) == 3


def test_a_picture_drawn_anew_takes_the_place_of_the_old_one() -> None:
    """It counts once, and its time starts anew."""
    cache = PictureCache(ttl_s=5, max_bytes=35)
    for now_s in range(4):
        cache.put("a", picture(30), float(now_s))
    assert cache.get("a", 7.9) is not None
    assert cache.get("a", 8.0) is None


def test_nothing_is_kept_for_no_time_nor_what_is_too_large() -> None:
    """A time of 0 switches the cache off; one huge picture does not drive out all others."""
    off = PictureCache(ttl_s=0, max_bytes=100)
    off.put("a", picture(), 0.0)
    assert off.get("a", 0.0) is None
    cache = PictureCache(ttl_s=5, max_bytes=100)
    cache.put("small", picture(), 0.0)
    cache.put("huge", picture(101), 0.0)
    assert cache.get("small", 1.0) is not None
    assert cache.get("huge", 1.0) is None
