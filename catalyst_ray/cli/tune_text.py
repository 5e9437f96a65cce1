"""What a session of tuning tried, as tables for a terminal and as JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from catalyst_ray.core.message_text import plain
from catalyst_ray.tuner.decide import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.models import Advice
    from catalyst_ray.tuner import TuneResult
    from catalyst_ray.tuner.session import Trial

KEYS = {
    "cycle": "cycle_p95_s",
    "post": "post_p95_s",
    "answer": "verdict_p95_s",
    "verdicts": "late_share",
}
"""Figures as programs are told them."""


def trial_table(result: TuneResult) -> Table:
    """Return one row a change that was tried."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("tried", "before → after", "better", "decision"):
        table.add_column(column, no_wrap=column in ("better", "decision"), overflow="fold")
    for trial in result.trials:
        table.add_row(*_row(trial))
    return table


def trial_lines(result: TuneResult) -> Iterator[Text]:
    """Yield the evidence and the reason behind each row."""
    for trial in result.trials:
        after = f" With it: {trial.again or 'no such shortage any more.'}" if trial.kept else ""
        name = f"{trial.advice.setting}={trial.advice.value} "
        evidence = plain(f"{trial.advice.evidence}{after}")
        yield Text.assemble(
            ("· ", "dim"), (name, "bold"), _verdict(trial), f", {plain(trial.why)}. {evidence}"
        )


def told_lines(told: tuple[Advice, ...]) -> Iterator[Text]:
    """Yield the advice that no trial can judge, for a person to weigh."""
    for advice in told:
        change = f"{advice.setting}={advice.value}: " if advice.setting and advice.value else ""
        yield Text.assemble(("· ", "dim"), plain(advice.evidence), " ", (change, "bold"), plain(advice.words))


def as_lines(result: TuneResult) -> Iterator[dict[str, Any]]:
    """Yield a JSON value for each trial, each advice that is only told, and the end."""
    for trial in result.trials:
        decision = trial.decision
        yield {
            "type": "tune_trial",
            "rule": trial.advice.rule,
            "setting": trial.advice.setting,
            "was": trial.old,
            "tried": trial.advice.value,
            "aim": trial.advice.aim,
            "evidence": trial.advice.evidence,
            "evidence_after": trial.again,
            "before": decision and round(decision.before, 4),
            "after": decision and round(decision.after, 4),
            "better": decision and decision.better,
            "pairs": decision and decision.pairs,
            "chance": decision and decision.chance,
            "others": decision
            and {KEYS[aim]: [round(figure, 4) for figure in pair] for aim, pair in decision.others.items()},
            "kept": trial.kept,
            "why": trial.why,
        }
    for advice in result.told:
        yield {
            "type": "tune_advice",
            "rule": advice.rule,
            "evidence": advice.evidence,
            "setting": advice.setting,
            "value": advice.value,
            "words": advice.words,
        }
    yield {
        "type": "tune",
        "changes": result.changes,
        "cycle_p95_s": [round(one.cycle_s.p95, 4) for one in (result.first, result.last)],
        "stopped": result.stopped,
        "ended": result.ended,
    }


def _row(trial: Trial) -> list[Text]:
    advice, decision = trial.advice, trial.decision
    figures, pairs = "not measured", "-"
    if decision:
        all_of_them = {advice.aim: (decision.before, decision.after), **decision.others}
        figures = "\n".join(_figures(aim, *pair) for aim, pair in all_of_them.items())
        pairs = f"{decision.better} of {decision.pairs}"
    change = Text.assemble((advice.setting or "", "bold"), f" {trial.old or 'unset'} → {advice.value}")
    return [change, Text(figures), Text(pairs), _verdict(trial)]


def _figures(aim: str, before: float, after: float) -> str:
    show = "{:.0%}" if aim == "verdicts" else "{:.2f} s"
    return f"{WORDS[aim]} {show.format(before)} → {show.format(after)}"


def _verdict(trial: Trial) -> Text:
    return Text("kept", "green") if trial.kept else Text("rolled back", "yellow")
