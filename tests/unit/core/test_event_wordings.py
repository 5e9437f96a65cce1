"""Many ways of saying the same: headlines of invented companies, with the event and the sign they must get."""

from __future__ import annotations

import pytest

from catalyst_ray.models import Action
from tests.unit.core.judged import judged, news

LEAST = 0.2
"""A sign counts from this value."""

HEADLINES = """
- | offering_announced | Norvane Announces Launch of Public Offering
- | offering_announced | Norvane Therapeutics Announces Proposed Offering of Common Stock and Warrants
- | offering_announced | Norvane Launches $75 Million Follow-On Offering
- | offering_announced | Norvane Intends to Offer Shares of Common Stock in Underwritten Public Offering
- | offering_priced | Norvane Announces Pricing of $5.0 Million Best Efforts Public Offering
- | offering_priced | Norvane Prices Public Offering of 4,000,000 Shares at $2.50
- | offering_priced | Norvane Announces $6.2 Million Public Offering Priced At-the-Market
- | registered_direct | Norvane Enters Into Agreement for $3.4 Million Registered Direct Offering Priced At-The-Market Under Nasdaq Rules
- | private_placement | Norvane Announces Oversubscribed $45 Million PIPE Financing
- | private_placement | Norvane Secures $10 Million Private Placement Led by Existing Investors
- | atm_program | Norvane Files Prospectus Supplement for $100 Million ATM Facility
- | convertible | Norvane Announces Proposed $250 Million Convertible Senior Notes Offering
- | convertible | Norvane Upsizes and Prices $300 Million Offering of 0% Convertible Notes
- | warrant_inducement | Norvane Enters Into Warrant Inducement Agreements for $4.1 Million
- | warrant_inducement | Norvane Announces Exercise of Warrants for Gross Proceeds of $7.3 Million
- | shelf_registration | Norvane Files $200 Million Shelf Registration Statement
- | secondary_sale | Norvane Announces Secondary Offering by Selling Stockholders
- | rights_offering | Norvane Announces Rights Offering to Shareholders
+ | offering_withdrawn | Norvane Cancels Planned $50 Million Share Offering
+ | fda_approval | Norvane's Pump Receives FDA Premarket Approval
+ | fda_approval | U.S. FDA Grants Accelerated Approval to Norvane's Leukemia Drug
+ | fda_approval | Norvane Receives European Commission Approval for Velquin
+ | fda_approval | Health Canada Approves Norvane's Velquin
+ | fda_clearance | Norvane Receives FDA 510(k) Clearance for Handheld Ultrasound
+ | fda_clearance | FDA Clears Norvane's IND Application for NV-22
+ | fda_designation | Norvane Receives Breakthrough Therapy Designation from FDA for NV-22
+ | fda_designation | FDA Grants Orphan Drug Designation to Norvane's NV-9
+ | fda_designation | FDA Accepts Norvane's NDA for Priority Review, Sets PDUFA Date of June 4
- | fda_rejection | FDA Rejects Norvane's Migraine Drug
- | fda_rejection | FDA Declines to Approve Norvane's Eye Drug, Asks for New Trial
- | fda_rejection | Norvane Gets Refusal to File Letter from FDA
- | fda_rejection | FDA Advisory Committee Votes Against Norvane's Drug
- | fda_rejection | FDA Extends Review of Norvane's Application by Three Months
- | clinical_hold | Norvane Says FDA Has Placed Partial Clinical Hold on Phase 1 Study
+ | hold_lifted | FDA Removes Clinical Hold on Norvane's Gene Therapy Program
+ | trial_met | Norvane's Phase 2b Trial Achieves Primary Endpoint With Statistical Significance
+ | trial_met | Norvane Reports Positive Phase 3 Results in Psoriasis
+ | trial_met | Norvane Says Drug Significantly Reduced Tumor Size in Mid-Stage Trial
- | trial_failed | Norvane's Alzheimer's Drug Fails in Late-Stage Trial
- | trial_failed | Norvane Discontinues Phase 2 Study for Futility
- | trial_failed | Norvane Stops Development of NV-22 After Disappointing Phase 2 Data
- | trial_failed | Norvane's Phase 3 Trial Misses Main Goal
+ | merger_target | Norvane to Be Taken Private in $1.2 Billion Deal
+ | merger_target | Norvane Receives Non-Binding Proposal at $14 Per Share
+ | merger_target | Norvane Agrees to $900 Million Buyout by Belisle Partners
+ | merger_target | Belisle to Buy Norvane for $14 a Share in Cash
+ | merger_target | Norvane Confirms Receipt of Unsolicited Acquisition Proposal
- | merger_terminated | Belisle Walks Away From Norvane Takeover
- | merger_terminated | Norvane Shareholders Reject Merger With Belisle
- | merger_terminated | FTC Blocks Norvane's Merger With Belisle
+ | earnings_beat | Norvane Q3 Earnings Top Estimates
+ | earnings_beat | Norvane Posts Surprise Profit
+ | earnings_beat | Norvane Second-Quarter Results Exceed Expectations
- | earnings_miss | Norvane Q3 Earnings Fall Short of Estimates
- | earnings_miss | Norvane Posts Wider-Than-Expected Loss
- | earnings_miss | Norvane Reports Surprise Loss
+ | guidance_raised | Norvane Boosts 2026 Profit Forecast
+ | guidance_raised | Norvane Increases Full Year Outlook After Strong Quarter
- | guidance_cut | Norvane Slashes Full-Year Forecast
- | guidance_cut | Norvane Withdraws 2026 Guidance
- | guidance_cut | Norvane Issues Profit Warning
- | guidance_cut | Norvane Forecasts Q4 Revenue Below Estimates
+ | contract_won | Norvane Wins $120 Million Navy Contract
+ | contract_won | Norvane Receives Purchase Order for 500 Units From Major Retailer
+ | contract_won | Norvane Selected by NASA for Lunar Lander Program
+ | contract_won | Norvane Lands Five-Year Supply Deal With Automaker
- | contract_lost | Norvane Loses Contract With Largest Customer
- | contract_lost | Belisle Terminates License Agreement With Norvane
+ | partnership | Norvane and Belisle Announce Strategic Partnership
- | atm_program | Norvane May Sell Up to $69 Million of Stock at the Market
+ | contract_won | Port of Belisle Picks Norvane for $48 Million Deal
+ | contract_won | Norvane Wins $575 mln Award
+ | contract_won | Belisle Grid Awards Norvane $880 mln Contract for Ledger Software
+ | partnership | Belisle Pays Norvane $56 mln Upfront for Rights to Velquin
+ | partnership | Norvane, Belisle Ink Velquin License Deal
+ | fda_approval | U.S. Regulator Clears Norvane's Gout Drug
+ | fda_approval | Food and Drug Administration Approves Norvane Pill
0 | - | Regulators Approve Norvane Merger Timetable
+ | partnership | Norvane Inks Licensing Deal With Belisle Worth Up to $400 Million
+ | uplisting | Norvane to Uplist to Nasdaq Capital Market
+ | uplisting | Norvane Approved to List on NYSE American
+ | uplisting | Norvane Wins Approval to List on the New York Stock Exchange
+ | uplisting | Norvane Moves Up to the New York Stock Exchange
+ | uplisting | Norvane Graduates to Nasdaq
0 | - | Norvane Notes to Begin Trading on the New York Stock Exchange
0 | - | Norvane Moves Up to the Nasdaq 100
- | delisting_notice | Norvane Receives Notice of Non-Compliance From NYSE American
- | delisting_notice | Nasdaq to Delist Norvane
- | delisting_notice | Norvane Receives Nasdaq Staff Determination Letter
- | delisting_notice | Norvane Fails to Regain Compliance With Nasdaq Rule
- | delisting_notice | Norvane Announces Voluntary Delisting From Nasdaq
+ | compliance_regained | Norvane Regains Compliance With NYSE Continued Listing Standards
+ | compliance_regained | Norvane Receives Nasdaq Notice of Regained Compliance
- | reverse_split | Norvane Announces 1-for-30 Reverse Split
- | reverse_split | Norvane Stockholders Approve Reverse Stock Split
+ | forward_split | Norvane Announces 3-for-1 Stock Split
+ | forward_split | Norvane Board Approves Two-for-One Stock Split
+ | buyback | Norvane Board Authorizes $50 Million Stock Buyback
+ | buyback | Norvane Doubles Share Repurchase Authorization to $200 Million
+ | dividend_initiated | Norvane Initiates Quarterly Cash Dividend
+ | dividend_raised | Norvane Raises Quarterly Dividend 15%
- | dividend_cut | Norvane Suspends Dividend
- | dividend_cut | Norvane Halves Dividend
+ | dividend_special | Norvane Declares Special Cash Dividend of $3 Per Share
+ | stake_activist | Activist Belisle Capital Takes 7% Stake in Norvane
+ | stake_activist | Belisle Capital Nominates Four Directors to Norvane Board
+ | insider_buy | Norvane CEO Buys $1 Million in Shares
- | chief_leaves | Norvane CEO Abruptly Steps Down
- | chief_leaves | Norvane Fires Chief Financial Officer
- | bankruptcy | Norvane Enters Receivership
- | bankruptcy | Norvane Files for Creditor Protection Under CCAA
- | bankruptcy | Norvane Prepares Bankruptcy Filing
- | going_concern | Norvane Warns of Going Concern Doubt
- | restatement | Norvane to Restate Two Years of Results
- | restatement | Norvane Says Prior Financial Statements Should Not Be Relied Upon
- | late_filing | Norvane Delays Annual Report
- | late_filing | Norvane Unable to File 10-K on Time
- | auditor_change | Norvane's Auditor Resigns
- | investigation | SEC Opens Probe Into Norvane
- | investigation | Norvane Receives SEC Subpoena
- | investigation | DOJ Charges Former Norvane CEO With Fraud
- | short_report | Short Seller Targets Norvane, Shares Slide
- | short_report | Hindenburg Says It Is Short Norvane
+ | litigation_won | Norvane Wins Patent Case Against Belisle
- | verdict_against | Jury Awards $60 Million Against Norvane
- | litigation | Norvane Sued by Belisle Over Patents
- | recall | Norvane Recalls 40,000 Heaters
- | cyber_incident | Norvane Hit by Ransomware Attack
- | trading_halt | Nasdaq Halts Trading in Norvane
+ | crypto_treasury | Norvane Buys 500 Bitcoin for Treasury
+ | crypto_treasury | Norvane Adopts Solana Treasury Strategy
+ | ai_pivot | Norvane Rebrands as Norvane AI, Shifts to Data Centers
- | default | Norvane Receives Notice of Default From Lender
- | default | Norvane Misses Interest Payment on Notes
0 | - | Norvane to Present at 44th Annual Healthcare Conference
0 | - | Norvane to Host Virtual Investor Day on March 3
0 | - | Norvane to Announce First Quarter Results on May 6
0 | - | Norvane Reports Inducement Grants
0 | - | Dorrit LLP Announces Class Action Against Norvane
0 | - | NRV Stock Alert: Dorrit Investigating Norvane for Securities Fraud
0 | - | Norvane Investors Have Opportunity to Lead Securities Fraud Lawsuit
0 | - | ROSEN, TOP RANKED COUNSEL, Encourages Norvane Inc. Investors to Secure Counsel Before Important Deadline
0 | - | Norvane Stock Is Up 300% This Year. Is It Still a Buy?
0 | - | 3 Reasons Norvane Could Double
0 | - | Norvane (NRV) Q3 2026 Earnings Call Transcript
0 | - | Norvane: A Hidden Gem Among Small Caps
0 | - | What's Going On With Norvane Stock?
0 | - | Norvane Stock Surges After Hours: Here's What You Should Know
0 | - | Norvane Announces Results of Annual Meeting
0 | - | Norvane Added to Russell 2000 Index
0 | - | Norvane Named to Fastest-Growing Companies List
0 | - | Norvane CEO Wins Entrepreneur Award
0 | - | Pump Market Size to Hit $40 Billion by 2031
0 | - | Norvane Declares Quarterly Dividend of $0.20
0 | - | Norvane Fund Announces Monthly Distribution
0 | - | Belisle Reiterates Buy on Norvane, $14 Target
0 | - | Norvane Appoints Jane Doe to Board
0 | - | Norvane Responds to Short Seller Report
0 | - | Norvane Comments on Unusual Trading Activity
0 | - | Norvane Enters Into Amendment of Employment Agreement
0 | - | Norvane Denies Takeover Talks
0 | - | Norvane May Need to Raise Capital, Analyst Says
0 | - | Norvane Reports Fourth Quarter and Full Year Results
0 | - | Norvane Publishes Annual Report on Form 20-F
0 | - | Norvane Opens Offering of Summer Courses
0 | - | Norvane Celebrates Nasdaq Listing Anniversary
0 | - | Norvane Completes Previously Announced Reverse Stock Split
0 | - | Could Norvane Be Acquired?
0 | - | Norvane Completes Enrollment in Phase 2 Trial
0 | - | Norvane Issues Letter to Shareholders
0 | - | Norvane Announces Extension of Warrant Expiration
0 | - | Norvane Not Aware of Any Reason for Price Move
0 | - | Norvane No Longer Subject to Delisting
0 | - | Norvane Says It Has No Plans for Offering
- | offering_priced | Norvane prices 5M shares at $3.00 in underwritten offering
- | offering_announced | Norvane plans stock offering
- | offering_announced | Norvane to sell shares in public offering
- | offering_announced | Norvane Files for $30 Million Mixed Offering of Common Stock
- | private_placement | Norvane Announces $4 Million Private Offering
- | private_placement | Norvane Enters Into Securities Purchase Agreement for $8 Million With Institutional Investors
- | shelf_registration | Norvane Files Mixed Securities Shelf
- | shelf_registration | Norvane Filing Shows Registration for Mixed Securities Offering
- | resale_registration | Norvane Registers 12 Million Shares for Resale by Selling Stockholders
- | atm_program | Norvane Enters $75M At-the-Market Sales Agreement
- | convertible | Norvane Issues $15 Million Convertible Debentures
+ | fda_approval | Norvane wins US FDA approval for hair-loss treatment
+ | fda_approval | Norvane's gout drug gets FDA nod
+ | fda_approval | FDA Green Lights Norvane's Vaccine
+ | fda_approval | Norvane Granted Emergency Use Authorization for Rapid Test
- | fda_rejection | FDA Turns Down Norvane's Application
- | fda_rejection | Norvane hit with CRL from FDA over manufacturing
- | clinical_hold | FDA Halts Norvane Trial After Patient Death
+ | trial_met | Norvane Drug Beats Placebo in Phase 3
+ | trial_met | Norvane's NV-22 Shows Statistically Significant Improvement in Phase 2
+ | trial_met | Norvane Announces Positive Topline Data From Pivotal Study
- | trial_failed | Norvane's Pivotal Study Did Not Achieve Statistical Significance
- | trial_failed | Norvane Plunges as Lung Drug Flops
- | trial_failed | Norvane Terminates Phase 3 Program
+ | merger_target | Norvane in Advanced Talks to Be Acquired by Belisle
+ | merger_target | Belisle Raises Bid for Norvane to $18 Per Share
+ | merger_target | Norvane Goes Private in $700M Deal
- | merger_terminated | Norvane, Belisle Call Off Merger
- | merger_terminated | Norvane Says Belisle Has Withdrawn Its Takeover Offer
+ | earnings_beat | Norvane EPS beats by $0.08, revenue in-line
+ | earnings_beat | Norvane Q2 Non-GAAP EPS of $0.50 beats by $0.10
- | earnings_miss | Norvane EPS misses by $0.05, misses on revenue
- | earnings_miss | Norvane Q2 Loss Wider Than Expected
+ | profit_up | Norvane Net Income Triples to $30 Million
- | profit_down | Norvane Net Loss Widens to $12 Million
+ | revenue_up | Norvane Reports 45% Revenue Growth
- | revenue_down | Norvane Revenue Declines 22% in Third Quarter
+ | guidance_raised | Norvane Now Sees 2026 EPS Above Consensus
+ | guidance_raised | Norvane Lifts Outlook
+ | guidance_raised | Norvane Sees Q1 Results Exceeding Guidance
- | guidance_cut | Norvane Sees Q4 EPS $0.10-$0.14 vs $0.25 Est
- | guidance_cut | Norvane Cuts FY Revenue View
- | guidance_cut | Norvane Lowers Delivery Targets
+ | contract_won | Norvane Bags $30M Order From Indian Railways
+ | contract_won | U.S. Army Awards Norvane $18 Million Contract
+ | contract_won | Norvane Secures Multi-Year Agreement With Department of Defense
- | contract_lost | Norvane Says Key Customer Cancels Order
+ | partnership | Norvane to Collaborate With Belisle on Batteries
+ | partnership | Norvane Teams Up With Belisle
+ | uplisting | Norvane Common Stock to Begin Trading on Nasdaq
- | delisting_notice | Norvane Gets NYSE Warning Over Share Price
- | delisting_notice | Norvane Receives Nasdaq Deficiency Letter
- | delisting_notice | Nasdaq Notifies Norvane of Minimum Stockholders' Equity Deficiency
- | delisting_notice | Norvane to be Delisted From NYSE
+ | compliance_regained | Norvane Back in Compliance With Nasdaq Minimum Bid Rule
- | reverse_split | Norvane to Implement One-for-Twenty Reverse Stock Split
- | reverse_split | Norvane Sets 1:25 Reverse Share Split
+ | buyback | Norvane Launches $20M Share Repurchase Plan
+ | buyback | Norvane to Buy Back Up to 10% of Shares
+ | dividend_special | Norvane to Pay One-Time Dividend
- | dividend_cut | Norvane Slashes Dividend by 60%
+ | stake_activist | Belisle Partners Discloses 9.9% Stake in Norvane
+ | stake_activist | Norvane Adopts Shareholder Rights Plan
+ | insider_buy | Norvane Director Purchases 100,000 Shares
- | insider_sell | Norvane CFO Sells 50,000 Shares
- | chief_leaves | Norvane CEO to Retire
- | chief_leaves | Norvane CFO to Depart
- | chief_leaves | Norvane Announces Resignation of Chief Executive Officer
- | bankruptcy | Norvane Files for Chapter 7
- | bankruptcy | Norvane to Wind Down Operations
- | bankruptcy | Norvane Collapses Into Administration
- | going_concern | Auditor Raises Substantial Doubt About Norvane
- | restatement | Norvane Identifies Material Weakness, Will Restate Results
- | late_filing | Norvane Delays 10-Q Filing
- | investigation | Norvane Under SEC Investigation
- | investigation | FBI Raids Norvane Headquarters
- | short_report | Norvane Falls After Muddy Waters Report
+ | litigation_won | Court Rules in Favor of Norvane in Patent Dispute
+ | litigation_won | Norvane Awarded $90 Million in Patent Verdict
- | verdict_against | Norvane Ordered to Pay $25 Million
- | recall | Norvane Recalls Infusion Pumps After Injuries
- | cyber_incident | Norvane Says Customer Data Stolen in Cyberattack
- | trading_halt | Norvane Trading Suspended by SEC
+ | crypto_treasury | Norvane Establishes Ethereum Treasury
+ | discovery | Norvane Drills 12 Metres of 9 g/t Gold
- | layoffs | Norvane to Cut 30% of Workforce
- | default | Norvane Defaults on Loan
+ | analyst_up | Belisle Upgrades Norvane to Overweight
- | analyst_down | Belisle Cuts Norvane to Sell
- | impairment | Norvane Takes $80 Million Goodwill Impairment Charge
0 | - | Norvane Presents Phase 2 Data at Oncology Congress
0 | - | Norvane Announces Date of Annual Stockholder Meeting
0 | - | Norvane Schedules Second Quarter Earnings Release
0 | - | Norvane Appoints New Auditor
0 | - | Norvane CEO to Speak at Industry Summit
0 | - | Norvane Insiders Own 12% of Shares
0 | - | Norvane Short Interest Rises 12%
0 | - | Norvane (NRV) Shares Gap Up to $4.50
0 | - | Norvane (NRV) Stock Crosses Above 200 Day Moving Average
0 | - | Norvane Hits New 52-Week High
0 | - | Norvane Receives ISO 9001 Certification
0 | - | Norvane Donates $1 Million to Hospital
0 | - | Norvane Joins Solar Industry Association
0 | - | Norvane Publishes ESG Report
0 | - | Zacks Upgrades Norvane to Strong Buy
0 | - | Norvane Rating Lowered to Sell at StockNews
0 | - | Is Norvane Headed for Bankruptcy?
0 | - | What the FDA Approval Means for Norvane
0 | - | Analysts: Norvane Could Be Acquired in 2027
0 | - | Norvane Recaps 2026 Achievements
0 | - | Remember When Norvane Filed for Bankruptcy in 2009?
0 | - | Norvane Grants Stock Options to Employees
0 | - | Norvane Announces Retirement of Director
0 | - | Bankruptcies Rise Across the Country
0 | - | Norvane Files Annual Report on Form 10-K
0 | - | Norvane Provides Update on Corporate Bitcoin Policy
0 | - | Dorrit LLP Files Class Action Lawsuit Against Norvane on Behalf of Investors
0 | - | Norvane Shareholders Urged to Contact Dorrit Law
0 | - | Norvane Extends Exercise Period of Warrants
0 | - | Top Trading Ideas: Norvane, Belisle
0 | - | Norvane Names Chief Marketing Officer
0 | - | Norvane Hosts Webinar on Offering Customers More
0 | - | Norvane Offering Discounts for Students
0 | - | Norvane Says Offering Not Affected by Weather
"""


@pytest.mark.parametrize(
    ("sign", "code", "title"), [line.split(" | ") for line in HEADLINES.strip().splitlines()]
)
def test_a_wording_is_understood(sign, code, title):
    """A catalyst is found by its code and has its sign, by value; what is none does not alert."""
    score, decision = judged(news(title))
    if sign == "0":
        assert decision.action is not Action.ALERT
    else:
        assert code in {hit.code for hit in score.events}
        assert score.value * (1 if sign == "+" else -1) >= LEAST
