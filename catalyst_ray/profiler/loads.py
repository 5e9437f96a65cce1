"""What a profile's cycles work on, in a folder of its own: nothing of the user's store, files or sinks is touched."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.demo_settings import BROKEN, model_of_demo, own_folder, world_of_demo
from catalyst_ray.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from catalyst_ray.profiler.wish import ProfileWish

ITEMS, BATCHES = 100, 24
"""Of a batch, one batch a cycle, and the batches of one of the demo's days, which follow without end: cycles of the same
number have the same news, however many there are."""
QUIET = ("--slow-s=0", "--discord-window-s=0")
"""No feed is slow on purpose, and Discord sets no rate: what is measured is ours."""
UNSEEN = {"metrics": False}
"""What a load does is no part of what the cluster's dashboards and alarms watch."""
PAUSE_S = 0.5
"""From cycle to cycle of the demo; a longer SLEEP_SECONDS would only be waited for."""
READY_S = 60.0
TICKER_MAP = Path("cache") / "company_tickers.json"


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """A load that is there: settings for the run, what to do before a cycle, and what makes it what it is.

    Args:
        truth: Tells what is true of every item that is out; nothing of live ones.
    """

    settings: Settings
    next_load: Callable[[int], None]
    facts: Mapping[str, str]
    truth: Callable[[], Sequence[Mapping[str, Any]]] = lambda: ()


@contextmanager
def open_load(settings: Settings, wish: ProfileWish) -> Iterator[OpenLoad]:
    """Give the load, and take it away after.

    Raises:
        TransportError: The demo does not start.
    """
    with tempfile.TemporaryDirectory(prefix="catalyst-profile-") as folder:
        out = Path(folder) / "out"
        out.mkdir()
        if wish.load == "live":
            yield OpenLoad(_changed(settings, _live(settings, out)), lambda _: None, {})
            return
        options = ("--endless", f"--batches={BATCHES}", f"--items={ITEMS * BATCHES}", *QUIET, *wish.world)
        with DemoProcess(options=options, ready_s=READY_S) as world:
            changes = world_of_demo(world.base_url, world.webhook_url, out, without={BROKEN})
            changes |= {**UNSEEN, "sleep_seconds": PAUSE_S}
            if not wish.own_model and settings.llm_engine != "off":
                changes |= model_of_demo(world.base_url) | {
                    "llm_own_server": False,
                    "llm_server_command": None,
                }
            world.release(1)
            facts = {"items_a_cycle": str(ITEMS), "options": " ".join((*QUIET, *wish.world))}
            yield OpenLoad(_changed(settings, changes), world.release, facts, world.truth)


def _live(settings: Settings, out: Path) -> dict[str, Any]:
    held = settings.out_dir / TICKER_MAP
    known = settings.sec_tickers_file or (held if held.is_file() else None)
    return {**own_folder(out), **UNSEEN, "dry_run": True, "sec_tickers_file": known}


def _changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return the settings with changes, checked as when they were read."""
    return Settings(_env_file=None, **{**dict(settings), **changes})
