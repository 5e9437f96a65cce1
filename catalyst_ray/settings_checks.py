"""What is wrong with settings that are each well by themselves: those that need, exclude or bound each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalyst_ray.settings_delivery import delivery_problems
from catalyst_ray.settings_judgement import judgement_problems
from catalyst_ray.settings_pictures import picture_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from catalyst_ray.settings import Settings

_NAME = re.compile(r"[A-Z][A-Z0-9_]+")


def contradictions(settings: Settings, wrong: Collection[str] = (), *, in_job: bool) -> list[str]:
    """Return a line for everything that the settings cannot be together.

    Args:
        settings: Those that are well, and defaults in place of those that are not.
        wrong: Names of those that are not, in capitals. A line that names one of them is left out, since it may be
            only its consequence: so each line names every setting that it goes by.
        in_job: The program runs as a submitted job.
    """
    return [line for line in _all(settings, in_job=in_job) if not {*_NAME.findall(line)} & {*wrong}]


def _all(settings: Settings, *, in_job: bool) -> Iterator[str]:
    yield from picture_problems(settings)
    yield from judgement_problems(settings)
    yield from delivery_problems(settings)
    from catalyst_ray.settings_llm import llm_problems  # noqa: PLC0415  (loads the engines' clients: not for --help)

    yield from llm_problems(settings)
    for name, path in (
        ("FEEDS_FILE", settings.feeds_file),
        ("SEC_TICKERS_FILE", settings.sec_tickers_file),
    ):
        if path is not None and not path.is_file():
            yield f"{name}: there is no file {path}"
    if in_job and not settings.database_url and not settings.out_dir.is_absolute():
        yield (
            f"OUT_DIR: must be an absolute path in a submitted job, was {settings.out_dir}:"
            " Ray deletes the job's own folder, and what was sent would be forgotten"
        )
