"""Whether a kind of GPU that was asked for can ever be there, or is a slip of the pen. Pure: asks nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

NEAR = 80.0
"""Similarity, in per cent, from which an unknown name is taken for a misspelling."""


def doubt(asked: Sequence[str], *, there: Collection[str], known: Collection[str], may_come: bool) -> str:
    """Return in words which of the kinds asked for nobody has; empty where one is there, or may well come.

    Args:
        asked: Names as they were set; any of them will do.
        there: Kinds of the nodes, and of those that an autoscaler says it may start.
        known: Names that Ray gives; empty where that is not known.
        may_come: An autoscaler may start nodes with GPUs of which it does not tell the kind.
    """
    missing = [name for name in asked if name not in there]
    strange = [name for name in missing if known and name not in known]
    if not strange and (len(missing) < len(asked) or may_come):
        return ""
    words = f"no node has the accelerator {' or '.join(strange or missing)}"
    meant = list(dict.fromkeys(_meant(strange, asked, known)))
    if meant:
        return f"{words}: did you mean {' or '.join(meant)}? (LLM_ACCELERATOR_TYPE)"
    has = f", they have {', '.join(sorted(there))}" if there else ""
    return f"{words}{has} (LLM_ACCELERATOR_TYPE)"


def _meant(strange: Sequence[str], asked: Sequence[str], known: Collection[str]) -> Iterator[str]:
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (not for --help)

    names = {name.upper(): name for name in known}
    whole = "".join(asked).upper()
    if strange and whole in names:  # a blank within a name divides it in two
        yield names[whole]
        return
    for name in strange:
        best = process.extractOne(name.upper(), list(names), scorer=fuzz.ratio, score_cutoff=NEAR)
        if best:
            yield names[best[0]]
