"""Event types on sentences of company news that people labelled (SENTiVENT), several types to a sentence."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import numpy as np

from catalyst_ray.core.events import default_taxonomy
from catalyst_ray.quality.figure import Figure, estimate, f1_of_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from catalyst_ray.quality.folder import DataFolder

CODES_OF_TYPE: Mapping[str, str] = {
    "CSR/Brand": "accolade",
    "Deal": "contract_won contract_lost grant_won partnership ai_pivot agreement_said",
    "Dividend": "dividend_cut dividend_raised dividend_special dividend_initiated dividend_said fund_distribution",
    "Employment": "chief_leaves chief_named layoffs hiring pay strike labour_deal",
    "Expense": "costs_up costs_down",
    "Facility": "site_opened site_closed",
    "FinancialReport": (
        "earnings_beat earnings_miss earnings_report earnings_up earnings_down guidance_cut guidance_raised"
        " guidance_kept earnings_date figures_said"
    ),
    "Financing": (
        "offering_announced offering_priced offering_upsized offering_closed offering_withdrawn over_allotment"
        " registered_direct private_placement atm_program rights_offering warrant_inducement resale_registration"
        " shelf_registration secondary_sale ipo convertible debt_offering preferred_offering borrowing default"
    ),
    "Investment": "stake_activist stake_passive stake_sold insider_buy insider_sell investment buyback crypto_treasury",
    "Legal": (
        "litigation litigation_won settlement verdict_against investigation law_firm_ad bankruptcy bankruptcy_exit"
        " probe_closed accounting_probe seized legal_said"
    ),
    "Merger/Acquisition": (
        "merger_target merger_buyer merger_agreement merger_terminated merger_vote bid_rejected tender_offer"
        " spin_off strategic_review review_ended merger_challenged merger_cleared merger_said"
    ),
    "Product/Service": (
        "product product_said recall fda_approval fda_rejection fda_clearance fda_designation fda_submission trial_met"
        " trial_failed trial_progress trial_stopped_for_efficacy clinical_hold hold_lifted application_withdrawn"
    ),
    "Profit/Loss": "profit_up profit_down profit_said",
    "Rating": (
        "analyst_up analyst_down analyst_note analyst_initiation analyst_view target_cut target_raised credit_up"
        " credit_down"
    ),
    "Revenue": "revenue_up revenue_down revenue_said",
    "SalesVolume": "volume_up volume_down sales_up sales_down",
    "SecurityValue": "price_move price_said recap",
}
"""Which of our codes stand for a type of the labels."""
NOT_AIMED_AT = frozenset({"Macroeconomics", "CSR/Brand"})
"""Types that move no single company's price, or that no event of ours means."""
_KEYWORDS: Mapping[str, str] = {
    "Deal": "contract partner collaborat agreement award license",
    "Dividend": "dividend",
    "Employment": "ceo appoint resign layoff",
    "FinancialReport": "earnings results guidance beat miss estimate",
    "Financing": "offering warrant placement dilut convertible notes",
    "Legal": "lawsuit investigat bankrupt sec settle",
    "Merger/Acquisition": "merger acqui buyout takeover",
    "Product/Service": "fda approv trial phase launch biologic",
    "Rating": "upgrade downgrade price target rating",
    "SecurityValue": "surge soar jump plunge",
}
"""Words as a list of keywords has them, found anywhere in a text, inside other words too."""
_PATTERN = "04_events/*event_type*.tsv"
_MAX_CHARS = 500


def events(folder: DataFolder) -> tuple[Figure, ...]:
    """Return macro-F1 over the types of the labelled sentences."""
    figure = Figure(key="event_macro_f1", title="Event type of a sentence, macro-F1 over the types")
    samples = [sample for row in folder.table(_PATTERN, delimiter="\t") if (sample := _sample(row))]
    types = sorted({kind for _, truth in samples for kind in truth})
    if not types:
        return (figure,)
    ours = _rows(samples, types, types_said)
    found = estimate(ours, lambda sums: _macro(sums, range(len(types))))
    aimed = [at for at, kind in enumerate(types) if kind not in NOT_AIMED_AT]
    words = _rows(samples, types, _types_by_keyword)
    return (
        figure.measured(
            found,
            n=len(samples),
            baselines={"keywords": float(_macro(words.sum(axis=0)[None, :], range(len(types)))[0])},
            details=(
                f"samples: all {len(samples)} sentences of {_PATTERN}, with or without an event",
                f"a sentence has as many of the {len(types)} types as it was given",
                f"not aimed at: {', '.join(sorted(NOT_AIMED_AT & set(types))) or 'none'}",
                f"macro-F1 over the {len(aimed)} others: {_macro(ours.sum(axis=0)[None, :], aimed)[0]:.3f}",
                *_table(types, ours.sum(axis=0)),
            ),
        ),
    )


def types_said(text: str) -> set[str]:
    """Return the types that our events stand for in a text."""
    hits = default_taxonomy().find_in(text)
    return {_TYPE_OF_CODE[hit.code] for hit in hits if hit.code in _TYPE_OF_CODE}


def _types_by_keyword(text: str) -> set[str]:
    folded = text.lower()
    return {kind for kind, words in _KEYWORDS.items() if any(word in folded for word in words.split())}


def _sample(row: Mapping[str, str]) -> tuple[str, frozenset[str]] | None:
    """Return text and types of a row; None where it has no readable label."""
    try:
        truth = ast.literal_eval(row.get("types_event_unq") or row.get("types_event") or "")
    except (ValueError, SyntaxError):
        return None
    text = (row.get("text") or "").strip()
    return (text[:_MAX_CHARS], frozenset(map(str, truth))) if text and isinstance(truth, list) else None


def _rows(
    samples: Sequence[tuple[str, frozenset[str]]], types: Sequence[str], judge: Callable[[str], set[str]]
) -> NDArray[np.float64]:
    """Return (found, false, missed) of each type, one row a sentence."""
    rows = np.zeros((len(samples), 3 * len(types)))
    for row, (text, truth) in zip(rows, samples, strict=True):
        said = judge(text)
        for at, kind in enumerate(types):
            outcome = 0 if kind in said and kind in truth else 1 if kind in said else 2
            row[3 * at + outcome] = kind in said or kind in truth
    return rows


def _macro(sums: NDArray[np.float64], types: Iterable[int]) -> NDArray[np.float64]:
    return np.asarray(np.mean([f1_of_counts(sums[:, 3 * at : 3 * at + 3]) for at in types], axis=0))


def _table(types: Sequence[str], sums: NDArray[np.float64]) -> list[str]:
    lines = []
    for at, kind in enumerate(types):
        found, false, missed = (int(count) for count in sums[3 * at : 3 * at + 3])
        precision, recall = found / max(1, found + false), found / max(1, found + missed)
        f1 = 2 * found / max(1, 2 * found + false + missed)
        lines.append(
            f"{kind}: n {found + missed}, precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.2f}"
        )
    return lines


_TYPE_OF_CODE = {code: kind for kind, codes in CODES_OF_TYPE.items() for code in codes.split()}
