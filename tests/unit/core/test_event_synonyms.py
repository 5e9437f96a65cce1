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
- | fda_rejection | FDA Requests Another Trial of Norvane's Drug
- | fda_rejection | FDA Pushes Back Decision on Norvane's Gout Drug
- | fda_rejection | EMA Panel Recommends Against Approval of Norvane's Drug
- | application_withdrawn | Norvane Withdraws Application for Accelerated Approval
0 | fda_approval | Norvane Hopes to Win FDA Approval by 2031
+ | fda_approval | Norvane Gets FDA Go-Ahead for Pump
+ | fda_approval | Japan Approves Norvane's Gout Drug
+ | hold_lifted | FDA Allows Norvane to Resume Gout Trial
+ | trial_met | Norvane Drug Succeeds in Late-Stage Trial
+ | trial_met | Norvane Vaccine Shows 90% Efficacy in Late-Stage Trial
+ | trial_met | Norvane Pill Shrinks Tumors in Two Thirds of Patients
- | trial_failed | Norvane Drug No Better Than Placebo
- | trial_failed | Norvane Says Pivotal Trial Is Unlikely to Succeed
- | recall | Two Patients Die in Norvane Trial
- | offering_announced | Norvane to Issue 12 Million New Shares
- | offering_priced | Norvane Sells 9 Million Shares at $2 Each in Underwritten Deal
+ | offering_withdrawn | Norvane Pulls Planned Stock Sale
+ | merger_target | Belisle Makes $9-a-Share Bid for Norvane
+ | merger_target | Belisle in $2 Billion Deal for Norvane
+ | merger_target | Norvane Gets Higher Bid From Rival Suitor
- | merger_terminated | Belisle Abandons Pursuit of Norvane
- | merger_terminated | Belisle Scraps Plan to Acquire Norvane
- | merger_terminated | Norvane Shareholders Vote Down Merger
- | review_ended | Norvane Ends Strategic Review Without a Sale
+ | strategic_review | Norvane Hires Bankers to Explore Sale
- | earnings_miss | Norvane Comes Up Short on Quarterly Profit
- | earnings_miss | Norvane Q4 EPS $0.20, Consensus $0.35
- | earnings_miss | Norvane Reports Q2 Loss of $0.44, Expected $0.20 Loss
+ | earnings_beat | Norvane Reports Q2 Loss of $0.10, Expected Loss of $0.20
+ | earnings_beat | Norvane Q4 EPS $0.40, Consensus $0.35
- | guidance_cut | Norvane Scales Back Growth Forecast
- | guidance_cut | Norvane Sees Bigger Loss Than Expected
- | guidance_cut | Norvane Sees Revenue Falling in Current Quarter
- | guidance_cut | Norvane Now Expects Revenue of $1 Billion, Down From $2 Billion
+ | guidance_raised | Norvane Expects Profit at Top End of Range
+ | guidance_raised | Norvane Now Expects Revenue of $2 Billion, Up From $1 Billion
+ | contract_won | Norvane Inks $22M Deal to Supply Pumps
+ | grant_won | Norvane Gets $30 Million Federal Loan Guarantee
- | contract_lost | Norvane Misses Out on Navy Contract
- | contract_lost | Norvane Says Army Will Not Renew Contract
- | cyber_incident | Norvane Says Hackers Stole Customer Data
- | trade_barred | U.S. Adds Norvane to Trade Blacklist
+ | compliance_regained | Norvane Receives Nasdaq Letter Confirming Compliance
+ | compliance_time | Norvane Wins More Time From Nasdaq Panel
+ | insider_buy | Norvane Directors Buy 9,000 Shares
- | chief_leaves | Norvane's Finance Chief to Leave
- | going_concern | Norvane Warns It May Run Out of Cash
- | default | Norvane Breaches Covenants
- | accounting_probe | Norvane Audit Committee Opens Investigation
- | late_filing | Norvane Won't File Annual Report on Time
+ | litigation_won | Appeals Court Overturns $60 Million Verdict Against Norvane
+ | probe_closed | SEC Drops Probe of Norvane
- | verdict_against | Jury Awards Woman $45 Million in Norvane Case
- | verdict_against | Judge Rules Norvane Illegally Shared Data
- | litigation | EU Fines Norvane $500 Million
- | short_report | Short Seller Calls Norvane a Fraud
- | fda_rejection | FDA Advisers Vote Against Norvane's Drug
- | recall | Norvane Pulls Cough Drug From Market
+ | hold_lifted | Norvane Resumes Trial After FDA Lifts Hold
+ | trial_met | Norvane Drug Doubles Survival in Late-Stage Study
- | trial_failed | Norvane Drug Shows Little Benefit in Study
- | offering_priced | Norvane Prices $28 Million Follow-On
+ | merger_target | Norvane Agrees to $2 Billion Sale to Belisle
+ | merger_target | Belisle to Take Norvane Private
- | merger_terminated | Belisle Terminates Agreement to Buy Norvane
- | merger_terminated | Belisle Withdraws Offer for Norvane
0 | merger_target | Belisle Denies Report That It Is in Talks to Buy Norvane
- | earnings_miss | Norvane Posts Bigger-Than-Expected Loss
- | contract_lost | Norvane Says Largest Customer to End Supply Agreement
- | contract_lost | Belisle Terminates $4 Million Agreement With Norvane
- | contract_lost | Norvane Partner Returns Rights to Gout Drug
- | restatement | Norvane Says Results Should No Longer Be Relied Upon
- | bankruptcy | Norvane to Cease Operations and Liquidate
- | late_filing | Norvane Postpones Quarterly Report
- | fda_rejection | FDA Says No to Norvane's Spray
+ | fda_approval | FDA Signs Off on Norvane's Spray
0 | fda_approval | Norvane Says FDA Panel Backs Away From Its Drug
- | contract_lost | Pentagon Scraps Norvane Contract
- | default | Norvane Fails to Make Bond Payment
- | restatement | Norvane to Correct Errors in Past Financial Statements
- | going_concern | Norvane Says It May Not Survive
- | earnings_miss | Norvane Sales Slump More Than Expected
- | guidance_cut | Norvane Slashes Profit Target
+ | guidance_raised | Norvane Nudges Up Profit Forecast
0 | - | Why Analysts Expect Norvane to Beat Estimates
0 | - | How Norvane Went From Bankruptcy to Market Leader
0 | - | Looking Back at Norvane's Bankruptcy
0 | law_firm_ad | Did You Lose Money in Norvane? Contact Dorrit and Dorrit
0 | earnings_miss | Norvane Shares Fall After Peer Belisle Reports Worse-Than-Expected Results
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


def test_than_expected_compares_and_doubts_nothing():
    """What is better than expected has come; what is expected has not."""
    score, _ = judged(news("Norvane Posts Better-Than-Expected Results"))
    assert score.events[0].certainty == 1
    score, _ = judged(news("Norvane Delisting Expected"))
    assert score.events[0].certainty < 1
