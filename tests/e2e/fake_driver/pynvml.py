"""Stands in for the module ``pynvml`` where this folder is on PYTHONPATH: every process sees one invented card."""

from __future__ import annotations

import sys

from tests.fake_nvml import Card, FakeNvml

sys.modules[__name__] = FakeNvml([Card()])  # type: ignore[assignment]
