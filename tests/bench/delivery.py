"""``python -m tests.bench.delivery [ALERTS]``: alerts to Discord's double under faults, then with kills; prints JSON.

Discord's windows are shrunk twentyfold: 1,000 alerts take some two minutes each time, where real ones take 33 at least.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.adapters.test_delivery_faults import deliver_under_faults
from tests.e2e.test_delivery_kill import deliver_and_kill

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from tests.adapters.delivery_scene import Outcome

ALERTS, KILLS = 1_000, 12


def main(alerts: int) -> None:
    """Run both and print the figures."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        figures = {
            "faults": _run(deliver_under_faults(Path(one), alerts, seed=7)),
            "kills": _run(deliver_and_kill(Path(two), alerts, kills=KILLS, seed=11)),
        }
    print(json.dumps(figures, indent=2))


def _run(scene: Coroutine[Any, Any, Outcome]) -> dict[str, Any]:
    started = time.perf_counter()
    found = asyncio.run(scene)
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "alerts_received": len(found.received),
        "rows": found.counts,
        "requests": found.requests,
        "doubles": found.doubles,
        "possible_doubles": found.possible,
        "unknown_outcomes_by_fault": found.unknown,
        "answers_429": found.limited,
        "limits_exceeded": found.violations,
        "doubles_without_mark": len(found.unmarked),
        "older_than_newest_revision": len(found.behind),
        "faults": dict(sorted(found.faults.items())),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ALERTS)
