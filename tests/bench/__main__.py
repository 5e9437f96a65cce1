"""``make bench``: take every figure, print them as JSON and keep them in out/bench.json."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from pathlib import Path

from tests.bench import (
    burst,
    chart_rate,
    charts,
    cycles,
    metrics,
    model,
    pieces,
    profile_overhead,
    sampler,
    soak,
)

OUT = Path("out/bench.json")


def main() -> None:
    """Measure and write."""
    with contextlib.redirect_stdout(sys.stderr):  # alerts of the console sink are no figures
        parts = (pieces, charts, chart_rate, cycles, model, burst, sampler, metrics, profile_overhead, soak)
        figures = {name: figure for part in parts for name, figure in part.measure().items()}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_1_min": os.getloadavg()[0]}
    text = json.dumps({**figures, "machine": machine}, indent=2)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
