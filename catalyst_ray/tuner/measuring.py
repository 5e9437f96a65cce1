"""Measures one turn: a fresh run of the load with some settings changed. Decides nothing."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.stop import StopSignal
from catalyst_ray.errors import CatalystError
from catalyst_ray.profiler import ProfileWish, measure
from catalyst_ray.tuner.recording import recorded_feeds
from catalyst_ray.tuner.session import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from catalyst_ray.models import ProfileReport
    from catalyst_ray.ports import Clock
    from catalyst_ray.settings import Settings

    Load = Callable[[Mapping[str, Any]], Settings]

FAKE_GPUS = 2
NOTHING_RAN = "profile"
"""The key of the profiler's error that no cycle ended."""


@contextmanager
def measuring(
    load: Load, wish: ProfileWish, *, clock: Clock
) -> Iterator[Callable[[Mapping[str, str]], ProfileReport]]:
    """Give what measures a turn: changes to settings, by variable, in, a profile out.

    Args:
        load: Reads and checks the settings, with overrides by field.
        wish: What a turn is. Of live feeds what they answer now is kept and given to every turn.
        clock: Time.

    Raises:
        ConfigError: The settings are wrong.
        TransportError: No live feed answers.
    """
    with TemporaryDirectory(prefix="catalyst-tune-") as folder:
        if wish.load == "demo":
            yield lambda changes: _turn(load, wish, changes, {})
            return
        with recorded_feeds(load({}), Path(folder), clock) as feeds:
            yield lambda changes: _turn(load, wish, changes, {"feeds_file": feeds})


def _turn(
    load: Load, wish: ProfileWish, changes: Mapping[str, str], more: Mapping[str, Any]
) -> ProfileReport:
    settings = load({**{name.lower(): value for name, value in changes.items()}, **more})
    stop = StopSignal()
    try:
        with stop.noted():
            report = measure(settings, wish, stop)
    except KeyboardInterrupt as error:  # the second one
        raise Stopped from error
    except Exception as error:
        # A run that fails says why; one that is stopped says nothing, or breaks on what is gone already.
        if stop.is_set or (isinstance(error, CatalystError) and error.key == NOTHING_RAN):
            raise Stopped from error
        raise
    if stop.is_set or len(report.cycles) < wish.cycles:  # it may come when the last cycle has ended
        raise Stopped
    return report


def pretended_gpus() -> int | None:
    """Return the GPUs that the demo's scripted model is given where there are none; None counts real ones."""
    with NvmlProbe() as probe:
        return None if probe.sample(full=False) else FAKE_GPUS
