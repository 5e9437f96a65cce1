"""Writes a profile as one page: plots inside, no script, nothing loaded."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from catalyst_ray.core.message_text import plain
from catalyst_ray.core.profile_compare import FEW, ONE
from catalyst_ray.core.profile_words import (
    figure_words,
    gpu_words,
    megabytes,
    no_gpu_words,
    slope_words,
    target_words,
)
from catalyst_ray.core.stages import BRANCHES
from catalyst_ray.profiler.plots import load_plots, stage_plot
from catalyst_ray.profiler.statistics import chart_statistics, llm_statistics
from catalyst_ray.web.assets import Assets
from catalyst_ray.web.figures import plot
from catalyst_ray.web.render import Renderer
from catalyst_ray.web.status import gpu_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.models import Comparison, ProfileReport, StageProfile
    from catalyst_ray.web.status import GpuRow

_TEMPLATES = Path(__file__).parent / "templates"
_VERDICTS = {FEW: "too few cycles to tell", ONE: "one figure: not judged"}


@dataclass(frozen=True, slots=True)
class _Branch:
    """A branch of stages, or a stage in one."""

    profile: StageProfile
    depth: int


@dataclass(frozen=True, slots=True)
class _Gpu:
    """A card, what its use means, and who holds its memory."""

    row: GpuRow
    most: str
    words: str
    holders: tuple[str, ...]


def profile_page(report: ProfileReport, comparison: Comparison | None = None) -> str:
    """Return the page of a profile, and of what it is compared with."""
    assets = Assets()
    shared = assets.get(assets.address("page.css").removeprefix("static/"))
    own = (_TEMPLATES / "profile.css").read_text(encoding="utf-8")
    css = (shared.body.decode() if shared else "") + own
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    first, last = report.cycles[0], report.cycles[-1]
    ended_utc = last.started_utc + timedelta(seconds=last.seconds)
    renderer = Renderer(assets, _TEMPLATES)
    return renderer.page(
        "profile.html.j2",
        css=Markup(css),  # noqa: S704  (our own files, and the policy holds their hash)
        css_hash=f"sha256-{digest}",
        report=report,
        comparison=comparison,
        tree=list(_tree(report)),
        stages=stage_plot(report),
        cycles=plot(report.cycles[::-1], since_utc=first.started_utc, now_utc=ended_utc),
        loads=load_plots(report),
        gpus=list(_gpus(report)),
        no_gpu=no_gpu_words(report),
        llm=_lines(llm_statistics(report.queues["llm"])) if report.queues.get("llm") else (),
        charts=_lines(chart_statistics(report.queues["charts"])) if report.queues.get("charts") else (),
        megabytes=megabytes,
        figure_words=figure_words,
        slope_words=slope_words,
        target_words=target_words,
        verdicts=_VERDICTS,
    ).decode()


def write_profile_page(path: Path, report: ProfileReport, comparison: Comparison | None = None) -> None:
    """Write the page in one step.

    Raises:
        OSError: It cannot be written.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(profile_page(report, comparison))
        Path(temporary).chmod(0o644)  # mkstemp makes it private; it is to be shown to others
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _tree(report: ProfileReport) -> Iterator[_Branch]:
    stages = {stage.stage: stage for stage in report.stages}
    for branch in report.branches:
        yield _Branch(branch, 0)
        inner = [stages[name] for name in BRANCHES.get(branch.stage, ()) if name in stages]
        yield from (_Branch(stage, 1) for stage in inner)


def _gpus(report: ProfileReport) -> Iterator[_Gpu]:
    for card in report.gpus:
        most = "" if card.utilisation_max_pct is None else f"most {card.utilisation_max_pct:.0f} %"
        holders = tuple(
            f"{'-' if one.memory_bytes is None else megabytes(one.memory_bytes)}: "
            f"{plain(one.replica) if one.replica else 'no replica'} (pid {one.pid})"
            for one in (card.processes or ())[:8]
        )
        yield _Gpu(gpu_row(card), most, gpu_words(card, report.queues.get("llm", {})), holders)


def _lines(statistics: object) -> tuple[str, ...]:
    return tuple(str(statistics).splitlines())
