"""Rarer ways of saying the same, and what is easily taken for it; headlines of invented companies."""

from __future__ import annotations

import pytest

from catalyst_ray.models import Action
from tests.unit.core.judged import judged, news

LEAST = 0.15
"""A sign counts from this value."""

HEADLINES = """
- | fda_rejection | Norvane Gets Complete Response From FDA on Its Second Try
0 | fda_rejection | Norvane Reports Complete Response Rate of Its Chatbot
0 | fda_approval | Norvane May Seek Accelerated Approval if Its Trial Succeeds
+ | trial_met | Norvane Pill Cuts Risk of Stroke by 40% in Pivotal Trial
+ | trial_met | Norvane Drug Helps Patients Sleep Longer in Mid-Stage Study
- | trial_failed | Norvane's Gout Drug Falls Short in Late-Stage Trial
- | merger_challenged | FTC Sues to Block Norvane's Sale to Belisle
- | merger_terminated | Judge Blocks Sale of Norvane to Belisle
- | merger_terminated | Norvane Says Merger Talks With Belisle Have Ended Without a Deal
+ | merger_target | Norvane in Talks to Be Sold to Belisle Partners
+ | merger_target | Belisle Sweetens Offer for Norvane
+ | merger_target | Norvane Board Accepts $12 Per Share All-Cash Offer
+ | merger_agreement | Norvane and Belisle to Combine in All-Stock Deal
+ | contract_won | Norvane Lands $9 Billion U.S. Army Deal
+ | contract_won | Norvane Signs Offtake Agreement With Belisle
- | contract_lost | State Cancels $20 Million Grant to Norvane
0 | contract_won | Norvane Bids for $200 Million Navy Contract
0 | uplisting | Norvane to Transfer Stock Exchange Listing to NYSE From Nasdaq
0 | reverse_split_cancelled | Norvane Cancels Planned Reverse Stock Split
- | trading_halt | Nasdaq Halts Norvane; Additional Information Requested From Company
+ | litigation_won | Jury Awards Norvane $80 Million in Patent Case
- | seized | Regulators Seize Norvane's Bank Unit
- | guidance_cut | Norvane Forecasts Slower Growth
- | guidance_cut | Norvane No Longer Expects to Be Profitable in 2026
+ | earnings_beat | Norvane Adds More Subscribers Than Expected
+ | earnings_beat | Norvane Sales Fall Less Than Feared
- | earnings_miss | Norvane Loses More Subscribers Than Expected
- | earnings_miss | Norvane Sells Fewer Pumps Than Expected
"""


@pytest.mark.parametrize(
    ("sign", "code", "title"), [line.split(" | ") for line in HEADLINES.strip().splitlines()]
)
def test_a_rarer_wording_is_understood(sign, code, title):
    """A catalyst is found by its code and has its sign; what only looks like it is not strong and no alert."""
    score, decision = judged(news(title))
    weights = {hit.code: hit.weight for hit in score.events}
    if sign == "0":
        assert abs(weights.get(code, 0.0)) < LEAST * 2
        assert decision.action is not Action.ALERT
    else:
        assert code in weights
        assert score.value * (1 if sign == "+" else -1) >= LEAST
