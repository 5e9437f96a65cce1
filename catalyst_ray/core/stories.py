"""Which texts of the last hours tell one story: the first seen gives it its name. Pure; bounded in size and time.

An index that grows text by text. A text is compared with the stories of its ticker, and by its rarer words with
those without one. It joins the story that it is most like, unless a figure or turn sets it apart from any text of it.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from catalyst_ray.core.dedupe import MENDS, SAME, differ, likeness, resemblance

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from catalyst_ray.core.dedupe import Telling

Key = TypeVar("Key")

WINDOW = timedelta(hours=24)
"""How far apart two texts on one story may be."""
LIMIT = 10_000
"""Texts kept; the oldest go first."""
_MEMBERS = 12
"""Texts of one story that others are compared with: its first ones."""
_BLOCK = 100
"""Stories of one ticker that a text is compared with: the newest."""
_WORDS = 10
"""Words of a text that others are looked up by: the rarest."""
_POSTINGS = 300
"""Stories looked at for one word: the newest."""
_SHORTLIST = 32
_LEAST_SHARED = 3


@dataclass(frozen=True, slots=True)
class Match:
    """The story that a text tells, by its first text's key, and how sure that is."""

    story: str
    likeness: float


@dataclass(slots=True)
class _Story:
    number: int
    members: list[Telling] = field(default_factory=list)


class StoryIndex:
    """The stories within a window. Not thread-safe: it belongs to one loop."""

    def __init__(self, *, window: timedelta = WINDOW, limit: int = LIMIT) -> None:
        self._window = window
        self._limit = limit
        self._stories: dict[str, _Story] = {}
        self._seen: deque[tuple[datetime, str, Telling]] = deque()
        self._blocks: dict[str, dict[str, None]] = {}
        self._words: dict[tuple[bool, str], dict[str, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._seen)

    def place(self, telling: Telling, *, now_utc: datetime) -> str:
        """Add a text to the story that it tells, or as the first of a new one; return the story's name."""
        match = self.find(telling)
        story = telling.key if match is None else match.story
        self.add(telling, story=story, now_utc=now_utc)
        return story

    def add(self, telling: Telling, *, story: str, now_utc: datetime) -> None:
        """Add a text to a story, which it may begin."""
        self._expire(now_utc)
        held = self._stories.get(story)
        if held is None:
            held = self._stories[story] = _Story(self._count)
            self._count += 1
        self._seen.append((now_utc, story, telling))
        if len(held.members) < _MEMBERS:
            held.members.append(telling)
            self._blocks.setdefault(telling.ticker, {})[story] = None
            for word in telling.words:
                self._words.setdefault((bool(telling.ticker), word), {})[story] = None

    def find(self, telling: Telling, *, besides: str = "") -> Match | None:
        """Return the story that a text tells, the first seen among equals; ``besides`` is one it must not be."""
        found: list[tuple[float, int, str]] = []
        for name in self._candidates(telling):
            story = self._stories[name]
            if name == besides:
                continue
            sure = max(
                (likeness(telling, one) for one in story.members if self._is_near(telling, one)), default=0.0
            )
            if sure >= SAME and not any(_is_apart(telling, one) for one in story.members):
                found.append((-sure, story.number, name))
        if not found:
            return None
        sure, _, name = min(found)
        return Match(name, -sure)

    def mended(self, notice: Telling) -> str | None:
        """Return the story that a correction or retraction is of: the one most like it, the newest among equals."""
        least = MENDS if notice.ticker else 1.0
        found = [
            (
                max(resemblance(notice, one) for one in self._stories[name].members),
                self._stories[name].number,
                name,
            )
            for name in self._candidates(notice)
        ]
        sure, _, name = max(found, default=(0.0, 0, ""))
        return name if sure >= least else None

    def ticker_of(self, story: str) -> str:
        """Return the ticker of a story's first text, or nothing where it has none or is not known."""
        held = self._stories.get(story)
        return held.members[0].ticker if held else ""

    def forget(self, story: str) -> None:
        """Drop a story."""
        held = self._stories.pop(story, None)
        if held is None:
            return
        for telling in held.members:
            self._unlist(story, telling)
        self._seen = deque(row for row in self._seen if row[1] != story)

    def _candidates(self, telling: Telling) -> Iterable[str]:
        if not telling.ticker:
            return self._by_words(telling, (False, True))
        block = self._blocks.get(telling.ticker, {})
        newest = (name for _, name in zip(range(_BLOCK), reversed(block), strict=False))
        return dict.fromkeys((*newest, *self._by_words(telling, (False,))))

    def _by_words(self, telling: Telling, kinds: tuple[bool, ...]) -> list[str]:
        shared: Counter[str] = Counter()
        for kind in kinds:
            lists = sorted((self._words.get((kind, word), {}) for word in telling.words), key=len)
            for listed in [one for one in lists if one][:_WORDS]:
                shared.update(name for _, name in zip(range(_POSTINGS), reversed(listed), strict=False))
        least = min(_LEAST_SHARED, len(telling.words))
        return [name for name, count in shared.most_common(_SHORTLIST) if count >= least]

    def _is_near(self, a: Telling, b: Telling) -> bool:
        return abs(a.when_utc - b.when_utc) <= self._window

    def _expire(self, now_utc: datetime) -> None:
        while self._seen and (self._seen[0][0] < now_utc - self._window or len(self._seen) >= self._limit):
            _, name, telling = self._seen.popleft()
            story = self._stories.get(name)
            if story is None or telling not in story.members:
                continue
            story.members.remove(telling)
            self._unlist(name, telling)
            if not story.members:
                del self._stories[name]

    def _unlist(self, name: str, telling: Telling) -> None:
        """Take a text's entries out of the lists; what another text of the story needs is put back."""
        story = self._stories.get(name)
        left = story.members if story else []
        if not any(one.ticker == telling.ticker for one in left):
            _drop(self._blocks, telling.ticker, name)
        for word in telling.words:
            kind = (bool(telling.ticker), word)
            if not any(word in one.words and bool(one.ticker) is kind[0] for one in left):
                _drop(self._words, kind, name)


def _is_apart(telling: Telling, one: Telling) -> bool:
    return telling.exact != one.exact and differ(telling, one)


def _drop(lists: dict[Key, dict[str, None]], key: Key, name: str) -> None:
    listed = lists.get(key)
    if listed is not None:
        listed.pop(name, None)
        if not listed:
            del lists[key]
