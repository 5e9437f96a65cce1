"""What the taxonomy finds, and what it is not fooled by."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core.events import default_taxonomy, find_events, load_taxonomy
from catalyst_ray.errors import ConfigError
from tests.unit.core.judged import filing, news

CASES = """
offering_announced | Norvane Announces Proposed Public Offering of Common Stock
offering_priced | Norvane Announces Pricing of $13.9 Million Underwritten Public Offering
offering_upsized | Norvane Announces Pricing of Upsized $30.0 Million Public Offering of Common Stock
offering_closed | Norvane Announces Closing of $20 Million Registered Direct Offering
offering_withdrawn | Norvane Withdraws Proposed Public Offering
registered_direct | Norvane Announces $7.1 Million Registered Direct Financing
atm_program | Norvane Enters Into $50 Million At-The-Market Offering Agreement
private_placement | Norvane Announces $6 Million Private Placement Priced At-The-Market Under Nasdaq Rules
convertible | Norvane Prices $200 Million Convertible Senior Notes Offering
debt_offering | Norvane Prices $500 Million of Senior Notes
warrant_inducement | Norvane Announces Exercise of Warrants for $4 Million Gross Proceeds
resale_registration | Norvane Files Prospectus for Resale of Shares: Resale Registration Statement
fda_approval | FDA Approves Norvane's Drug for Gout
fda_rejection | Norvane Receives Complete Response Letter From FDA
fda_designation | FDA Grants Fast Track Designation to NV-101
clinical_hold | FDA Places Clinical Hold on Norvane's Trial
hold_lifted | FDA Lifts Clinical Hold on Norvane's Trial
trial_met | Norvane's Phase 3 Trial Meets Primary Endpoint
trial_failed | Norvane's Phase 2 Study Did Not Meet Primary Endpoint
merger_target | Norvane to Be Acquired by Belisle Holdings for $12.50 Per Share in Cash
merger_buyer | Norvane to Acquire Belisle Widgets for $300 Million
merger_terminated | Norvane Terminates Merger Agreement With Belisle
earnings_beat | Norvane Q2 EPS $0.40 Beats $0.33 Estimate
earnings_miss | Norvane Q2 Revenue Misses Estimates
guidance_raised | Norvane Raises Full-Year Revenue Guidance
guidance_cut | Norvane Cuts Full-Year Guidance
contract_won | Norvane Awarded $45 Million U.S. Army Contract
uplisting | Norvane Approved for Listing on Nasdaq
delisting_notice | Norvane Receives Nasdaq Notice Regarding Minimum Bid Price Deficiency
compliance_regained | Norvane Regains Compliance With Nasdaq Minimum Bid Price Rule
reverse_split | Norvane Announces 1-for-20 Reverse Stock Split
buyback | Norvane Announces $100 Million Share Repurchase Program
dividend_special | Norvane Declares Special Dividend of $2.00 Per Share
stake_activist | Belisle Capital Discloses 9.8% Stake in Norvane
chief_leaves | Norvane CFO Resigns
bankruptcy | Norvane Files for Chapter 11 Protection
going_concern | Norvane Discloses Substantial Doubt About Going Concern
restatement | Norvane Will Restate Financial Statements for 2024
trading_resumed | Norvane Stock to Resume Trading After Halt
trading_halt | Trading in Norvane Halted Pending News
trial_stopped_for_efficacy | Norvane's Phase 3 Trial Stopped Early for Efficacy
trial_stopped_for_efficacy | Norvane Halts Phase 3 Study Early Due to Overwhelming Benefit
trial_stopped_for_efficacy | Norvane to End Trial Early After Drug Shows Superiority
trial_failed | Norvane's Phase 3 Trial Stopped for Lack of Efficacy
trial_failed | Norvane Ends Phase 2 Study Early Due to Insufficient Efficacy
fda_approval | FDA Panel Backs Norvane's Drug for Gout
merger_terminated | Norvane and Belisle Terminate Merger Agreement
bid_rejected | Norvane Rejects Unsolicited Takeover Bid From Belisle
debt_offering | Norvane Prices $300 Million Offering of 5.5% Notes Due 2031
reverse_split | Norvane Announces 1-for-10 Reverse Stock Split to Regain Nasdaq Compliance
short_report | Short Seller Alleges Fraud at Norvane
shelf_registration | Norvane Files $100 Million Mixed Shelf Registration
dividend_initiated | Norvane Initiates Quarterly Dividend of $0.05
insider_sell | Norvane CEO Sells $2 Million of Stock
analyst_initiation | Belisle Initiates Coverage on Norvane With Neutral
settlement | Norvane Settles Patent Lawsuit With Belisle
verdict_against | Jury Orders Norvane to Pay $40 Million to Belisle
ai_pivot | Norvane Announces Strategic Pivot to Artificial Intelligence
crypto_treasury | Norvane Adopts Bitcoin Treasury Strategy
cyber_incident | Norvane Discloses Data Breach
revenue_up | Norvane Revenue Rises 12%
revenue_down | Norvane Revenue Falls 12%
sales_up | Norvane Sales Grew 9 Percent
sales_down | Norvane Sales Slump 9 Percent
profit_up | Norvane Profit Jumps 30%
profit_down | Norvane Margin Shrinks as Profit Fell 30%
earnings_up | Norvane Posts Record Second Quarter
earnings_down | Norvane Posts Weak Second Quarter
volume_up | Norvane Vehicle Deliveries Rose in June
volume_down | Norvane Vehicle Deliveries Fell in June
costs_up | Norvane Faces Higher Fuel Costs
costs_down | Norvane to Cut Costs
site_opened | Norvane Opens Second Factory
site_closed | Norvane to Close Ohio Factory
investment | Norvane Invests $40 Million in Belisle
strike | Norvane Workers Go on Strike
labour_deal | Norvane Pilots Ratify Contract
hiring | Norvane to Add 300 Jobs
pay | Norvane Discloses Executive Compensation
credit_down | Moody's Downgrades Norvane to Junk
credit_up | Fitch Upgrades Norvane
analyst_view | Belisle Bullish on Norvane
dividend_said | Norvane Dividend Yield Now 4 Percent
agreement_said | A Look at the Norvane Movie Deal
borrowing | Norvane Secures $40 Million Term Loan
merger_said | A Look at Norvane After the Merger
legal_said | Norvane Appears Before Judge Over Patent Dispute
profit_said | A Look at Norvane Profit
product_said | Norvane Platform Is Available in Ohio
impairment | Norvane Takes Goodwill Writedown
revenue_said | A Look at Norvane Top Line
figures_said | A Look at Norvane Quarterly Figures
price_said | A Look at Norvane and Its Moving Average
market_report | Global Pump Market to Grow 9% by 2031, Report Finds
market_wrap | Stock Futures Slip Before Jobs Report
recap | Notable Insider Buys: Norvane, Belisle
recap | Norvane Moves in Sympathy With Belisle
private_round | Norvane Raises $15 Million Series B
analyst_quote | UPDATE: Belisle on Norvane Notes 'Demand Is Strong'
law_firm_ad | SHAREHOLDER ALERT: Dorrit LLP Investigates the Merger of Norvane
recap | Why Norvane Stock Jumped Today
conference | Norvane to Present at the Spring Healthcare Conference
earnings_date | Norvane to Report Second Quarter Results on August 4
inducement_grant | Norvane Reports Inducement Grants Under Nasdaq Listing Rule 5635(c)(4)
fund_distribution | Larkfield Income Fund Declares Monthly Distribution
index_change | Norvane Joins Russell 3000 Index
shareholder_meeting | Norvane Holds Annual General Meeting
"""


@pytest.mark.parametrize(("code", "title"), [line.split(" | ") for line in CASES.strip().splitlines()])
def test_a_headline_is_known_for_what_it_says(code, title):
    """The first, strongest event of a headline is the one it announces."""
    assert find_events(news(title))[0].code == code


@pytest.mark.parametrize(
    "title",
    [
        "Norvane Widens Its Product Offering",
        "Norvane Extends Warranty",
        "European Biological Society Meets",
        "Norvane Denies Bankruptcy",
        "No Merger Agreement at Norvane",
        "Norvane Repurposes a Warehouse",
        "Norvane Misses a Step, but Shows Strong Trading Results",
        "No Significant Damage at Norvane Plant",
        "Norvane Reports Positive Results of Customer Survey",
        "Norvane Ends Its Rewards Program",
        "Norvane Receives Nasdaq Approval for New Symbol",
        "Norvane Wins Belisle Award for Innovation",
        "Norvane Among Top Stocks of Short Sellers",
    ],
)
def test_what_only_looks_like_an_event_is_none(title):
    """Other senses, parts of words and denials find nothing of weight."""
    assert not [hit for hit in find_events(news(title)) if hit.weight]


def test_a_condition_and_a_question_weaken():
    """An event that may come, or is asked about, weighs less than one that came."""
    said = find_events(news("Norvane Wins FDA Approval"))[0].weight
    supposed = find_events(news("Norvane Could Win FDA Approval"))[0].weight
    asked = find_events(news("Norvane Wins FDA Approval?"))[0].weight
    assert said > supposed > 0
    assert said > asked > 0


@pytest.mark.parametrize(
    ("title", "code", "stage"),
    [
        (
            "Norvane Announces Pricing of $10 Million Registered Direct Offering",
            "registered_direct",
            "priced",
        ),
        ("Norvane Announces $10 Million Registered Direct Offering", "registered_direct", "announced"),
        ("Norvane Prices $200 Million Convertible Notes Offering", "convertible", "priced"),
        ("Norvane Announces Proposed Public Offering of Common Stock", "offering_announced", "proposed"),
        ("Norvane Plans Stock Offering", "offering_announced", "proposed"),
        ("Norvane Launches Public Offering of Common Stock", "offering_announced", "announced"),
        ("Norvane Announces Proposed Convertible Notes Offering", "convertible", "proposed"),
        ("Norvane Closes $20 Million Public Offering", "offering_closed", "closed"),
        ("Norvane Withdraws Proposed Public Offering", "offering_withdrawn", "withdrawn"),
        ("FDA Approves Norvane's Drug for Gout", "fda_approval", "approved"),
        ("FDA Approval Expected for Norvane's Drug", "fda_approval", "possible"),
        ("Norvane Could Win FDA Approval", "fda_approval", "possible"),
        ("Norvane Reportedly Close to Winning FDA Approval", "fda_approval", "rumoured"),
        ("Will Norvane Win FDA Approval? A Look Ahead", "fda_approval", "asked"),
        ("Norvane Recovers After Last Month's Public Offering", "offering_announced", "past"),
        ("Norvane Expands Sales of Drug Which Won FDA Approval in 2019", "fda_approval", "past"),
        ("Norvane Builds Plant Following FDA Approval in March", "fda_approval", "past"),
        ("Norvane Recovers After FDA Rejected Its Drug Two Years Ago", "fda_rejection", "past"),
    ],
)
def test_how_far_an_event_has_come(title, code, stage):
    """A hit tells its stage; a kind of offering takes that of the offering, doubts and recaps go before."""
    hit = next(hit for hit in find_events(news(title)) if hit.code == code)
    assert hit.stage == stage
    doubted = stage in ("possible", "rumoured", "asked", "past")
    assert (hit.certainty < 0.5) is doubted
    assert hit.strength == pytest.approx(
        next(r.weight for r in default_taxonomy().rules if r.code == code) * hit.sign
    )


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("Norvane Q1 EPS $0.40 vs. $0.33 Est., Sales $51M vs. $54M Est.", {"earnings_beat", "earnings_miss"}),
        ("Norvane Q1 EPS $(0.41) vs $(0.36) Est", {"earnings_miss"}),
        ("Norvane Q1 Revenue $1.2B vs Estimate $980M", {"earnings_beat"}),
        ("Norvane Q1 EPS $0.33 vs. $0.33 Est.", set()),
        ("Norvane Sees FY Sales $980M vs $1.2B Est", {"guidance_cut"}),
        ("Norvane Sees FY EPS $2.10 vs $1.90 Estimate", {"guidance_raised"}),
        ("Norvane Sees FY EPS $0.62 to $0.74, Est $1.05", {"guidance_cut"}),
        ("Norvane Sees FY EPS $1.00-$1.40 vs $1.10 Est", {"guidance_raised"}),
        ("Norvane Results vs Estimates: A Look Back", set()),
    ],
)
def test_figures_beside_their_estimates_are_compared(title, codes):
    """A figure above or below its estimate, units and losses minded, is a beat or a miss; an equal one is neither."""
    assert {hit.code for hit in find_events(news(title)) if hit.weight} == codes


@pytest.mark.parametrize(
    "title",
    ["Norvane Wins Army Contract Worth Up to $90 Million", "Norvane Wins Up to $90 Million Task Order"],
)
def test_a_figure_that_is_the_most_it_can_be_weakens(title):
    """A contract of up to some sum weighs a little less than one of that sum; an offering does not."""
    assert find_events(news(title))[0].certainty == pytest.approx(0.8)
    assert (
        find_events(news("Norvane Announces Up to $13.9 Million Registered Direct Offering"))[0].certainty
        == 1.0
    )


def test_a_figure_makes_a_result_surer_than_a_word():
    """Of one code a wording with figures weighs more than one without."""
    sure, vague = (
        find_events(news(f"Norvane {words}"))[0] for words in ("Sales Rise 30%", "Enjoys Robust Sales")
    )
    assert (sure.code, vague.code) == ("sales_up", "sales_up")
    assert sure.weight > vague.weight > 0


@pytest.mark.parametrize(
    "title",
    [
        "Norvane EPS Up 58.7% From Last Year",
        "Norvane Wins FDA Approval After Trial in March",
        "Norvane Prices Public Offering After Strong 2025",
    ],
)
def test_a_comparison_is_no_recap(title):
    """What is measured against the past, or follows it, is told as new."""
    assert find_events(news(title))[0].certainty == 1.0


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("Norvane Fails to Win Army Contract", []),
        ("Norvane No Longer in Default", []),
        ("Norvane Not Expected to Be Delisted", []),
        ("Norvane Averts Bankruptcy", []),
        ("Norvane Rules Out Share Buyback", []),
        ("Norvane Cannot Avoid Bankruptcy", ["bankruptcy"]),
        ("Norvane Never Denied Bankruptcy", ["bankruptcy"]),
        ("No Comment. Norvane Files for Bankruptcy", ["bankruptcy"]),
    ],
)
def test_denials_in_several_words_cancel_and_two_do_not(title, codes):
    """A denial before an event in its sentence makes it untrue; a denied denial leaves it whole."""
    assert [hit.code for hit in find_events(news(title)) if hit.weight] == codes


def test_a_question_in_a_title_doubts_only_its_own_sentence():
    """What a later sentence asks leaves a plain statement whole."""
    hit = find_events(news("Norvane Wins FDA Approval. What Comes Next?"))[0]
    assert (hit.code, hit.certainty) == ("fda_approval", 1.0)


def test_a_hit_tells_where_it_was_found():
    """Offsets point at the matched words of title or summary, past names, tags and letters that grow small."""
    item = news("İzmir Grave Corp. (NASDAQ: GRV) Wins FDA Approval", "It also files for bankruptcy.")
    hits = {hit.code: hit for hit in find_events(item, ["İzmir Grave Corp"])}
    approved, broke = hits["fda_approval"], hits["bankruptcy"]
    assert (approved.where, item.title[approved.start : approved.end]) == ("title", "FDA Approval")
    assert (broke.where, item.summary[broke.start : broke.end]) == ("summary", "bankruptcy")
    assert find_events(filing("8-K", "NORVANE INC", "1.03"))[0].where == "form"


def test_a_plain_text_is_read_like_an_item():
    """A text without an item gives what its title and body say, names of companies left out."""
    found = default_taxonomy().find_in("Norvane Update", "Default Corp. wins FDA approval.", ["Default Corp"])
    assert [(hit.code, hit.weight) for hit in found] == [("fda_approval", 0.4)]


def test_the_month_of_may_is_no_condition():
    """A date in May does not weaken what happened on it."""
    assert find_events(news("On May 5 FDA Approves Norvane's Drug"))[0].weight == pytest.approx(0.8)


def test_the_summary_counts_half_and_the_title_first():
    """An event only in the summary weighs half; one in both weighs what the title says."""
    only = find_events(news("Norvane Update", "Norvane files for Chapter 11 protection."))
    both = find_events(news("Norvane Files for Chapter 11", "It filed for Chapter 11 protection."))
    assert only[0].weight == pytest.approx(both[0].weight / 2, abs=0.01)


def test_boilerplate_is_not_read():
    """Risks listed under forward-looking statements are no events."""
    text = "All is calm. Forward-looking statements: delisting, bankruptcy and going concern are risks."
    assert not find_events(news("Norvane Update", text))


def test_soft_noise_gives_way_to_a_strong_event():
    """A conference beside an approval is no noise; a law firm beside a merger still is."""
    conference = find_events(news("Norvane Wins FDA Approval, to Present at Spring Health Conference"))
    advertisement = find_events(
        news("INVESTOR ALERT: Norvane to Be Acquired by Belisle; Dorrit LLP Investigates")
    )
    assert not any(hit.noise for hit in conference)
    assert advertisement[0].code == "law_firm_ad"


def test_a_plan_to_regain_compliance_is_no_compliance():
    """What is done in order to comply, with words between or not, leaves the bad news alone."""
    for aim in ("Compliance", "Nasdaq Compliance", "Bid Price Compliance"):
        hits = find_events(news(f"Norvane to Effect 1-for-15 Reverse Stock Split to Regain {aim}"))
        assert [hit.code for hit in hits if hit.weight] == ["reverse_split"]


def test_guidance_inside_an_analysts_note_is_old():
    """A note that changes a target over guidance says no news of guidance; a company's own change does."""
    note = find_events(news("Belisle Cuts Norvane Target to $10 on Weak Guidance"))
    own = find_events(news("Norvane Cuts Guidance; Belisle Lowers Target to $10"))
    assert "guidance_cut" not in [hit.code for hit in note]
    assert own[0].code == "guidance_cut"
    rated = find_events(news("Belisle Upgrades Norvane to Buy on Positive Outlook"))
    assert [hit.code for hit in rated if hit.weight] == ["analyst_up"]


def test_what_a_company_is_called_is_no_event():
    """Words of the subject's own name match no phrase, alone or with what stands beside them."""
    item = news("Bankruptcy Loss Recovery Wins Army Contract; Bankruptcy Loss Recovery's Pumps Chosen")
    assert find_events(item)[0].code == "bankruptcy"
    assert [hit.code for hit in find_events(item, ["Bankruptcy Loss Recovery"])] == ["contract_won"]
    assert find_events(news("On Files for Bankruptcy"), ["On"])[0].code == "bankruptcy"


@pytest.mark.parametrize(
    ("text", "name", "is_bought"),
    [
        ("Belisle to Acquire Norvane Oncology for $2 Billion", "Norvane Oncology", True),
        ("Belisle to Acquire Norvane Oncology for $2 Billion", "Belisle", False),
        ("Norvane Acquired by Belisle", "Norvane", True),
        ("Norvane Acquired by Belisle", "Belisle", False),
        ("Norvane to Be Acquired for $12 Per Share", "Norvane", True),
        ("Belisle Takes Norvane Private", "Norvane", None),
        ("Belisle Launches Takeover Bid for Norvane", "Norvane", True),
        ("Norvane Receives Takeover Bid From Belisle", "Norvane", True),
        ("Belisle to Acquire Pump Business From Norvane", "Norvane", None),
        ("Belisle to Acquire Norvane's Pumps", "Norvane", None),
        ("Belisle to Acquire Norvane Pump Business", "Norvane", None),
        ("Belisle Buys 6% Stake in Norvane", "Norvane", None),
        ("Belisle to Acquire Norvane", "Kestrel", None),
        ("Belisle and Norvane to Merge", "Norvane", None),
        ("Norvane to Merge Into Belisle", "Norvane", True),
        ("Belisle to Acquire Norvane", "", None),
    ],
)
def test_who_is_bought(text, name, is_bought):
    """The place of a name beside the verb tells target from buyer; parts of a company tell neither."""
    assert default_taxonomy().roles.is_bought(text, name) is is_bought


def test_a_filings_own_title_weakens_nothing():
    """A title put together from the items, as the EDGAR reader does, leaves the item's weight whole."""
    told = replace(
        filing("8-K", "GRAVE LOSS RECOVERY CORP.", "4.02"),
        title="GRAVE LOSS RECOVERY CORP. files 8-K: Earlier Financial Statements Not to Be Relied On",
        summary="Item 4.02: Non-Reliance on Previously Issued Financial Statements",
    )
    assert [(hit.code, hit.weight) for hit in find_events(told)] == [("restatement", -0.7)]


def test_a_mention_in_the_title_leaves_the_event_to_the_summary():
    """Of one family a faint hit gives way to a weighty one further down; a weighty one does not."""
    hits = find_events(
        news("Norvane in Merger News", "Norvane will be acquired by Belisle for $9 a share in cash.")
    )
    assert [hit.code for hit in hits if hit.code.startswith("merger")] == ["merger_target"]
    kept = find_events(news("Norvane Cuts Guidance", "Norvane had raised its guidance in spring."))
    assert [hit.code for hit in kept if hit.code.startswith("guidance")] == ["guidance_cut"]


def test_one_family_speaks_once():
    """Several wordings of one stage count as one event, and each code comes once."""
    hits = find_events(news("Norvane Prices Upsized Public Offering of Common Stock, Offering Priced at $2"))
    assert [hit.code for hit in hits] == ["offering_upsized"]


@pytest.mark.parametrize(
    ("item", "code", "weight"),
    [
        (filing("8-K", "NORVANE INC", "1.03"), "bankruptcy", -0.95),
        (filing("8-K", "NORVANE INC", "4.02", "9.01"), "restatement", -0.7),
        (filing("8-K/A", "NORVANE INC", "3.01"), "delisting_notice", -0.275),
        (filing("424B5", "NORVANE INC"), "filing_offering", -0.55),
        (filing("S-1/A", "NORVANE INC"), "filing_resale", -0.125),
        (filing("S-3", "NORVANE INC"), "filing_shelf", -0.15),
        (filing("8-K", "NORVANE INC", "9.01"), "exhibits", 0.0),
        (filing("8-K", "NORVANE INC", "1.01"), "material_agreement", 0.2),
        (filing("8-K", "NORVANE INC", "1.02"), "agreement_ended", -0.3),
        (filing("8-K", "NORVANE INC", "1.05"), "cyber_incident", -0.4),
        (filing("8-K", "NORVANE INC", "2.01"), "acquisition_closed", 0.1),
        (filing("8-K", "NORVANE INC", "2.02"), "earnings_report", 0.0),
        (filing("8-K", "NORVANE INC", "2.03"), "new_debt", -0.05),
        (filing("8-K", "NORVANE INC", "2.04"), "default", -0.6),
        (filing("8-K", "NORVANE INC", "2.06"), "impairment", -0.4),
        (filing("8-K", "NORVANE INC", "3.02"), "unregistered_sale", -0.4),
        (filing("8-K", "NORVANE INC", "5.02"), "management_change", -0.1),
        (filing("8-K/A", "NORVANE INC", "5.02"), "management_change", -0.05),
        (filing("8-K", "NORVANE INC", "7.01"), "fair_disclosure", 0.0),
        (filing("8-K", "NORVANE INC", "8.01"), "other_event", 0.0),
        (filing("8-K", "NORVANE AUTO POOL", "6.02"), "asset_backed", 0.0),
        (filing("424B4", "NORVANE INC"), "filing_offering", -0.4),
        (filing("F-1", "NORVANE INC"), "filing_resale", -0.25),
        (filing("253G2", "NORVANE INC"), "filing_small_offering", -0.25),
        (filing("SC 13E3", "NORVANE INC"), "going_private", 0.3),
        (filing("SC TO-I", "NORVANE INC"), "buyback", 0.2),
        (filing("425", "NORVANE INC"), "merger_papers", 0.05),
        (filing("SCHEDULE 13G/A", "NORVANE INC"), "stake_passive", 0.05),
        (filing("NT 10-K/A", "NORVANE INC"), "late_filing", -0.2),
        (filing("SCHEDULE 13D", "NORVANE INC"), "stake_activist", 0.4),
        (filing("SC 13D/A", "NORVANE INC"), "stake_change", 0.1),
        (filing("424B5/A", "NORVANE INC"), "filing_offering", -0.275),
        (filing("424B2", "UBS AG"), "structured_note", 0.0),
        (filing("FWP", "HSBC USA INC /MD/"), "structured_note", 0.0),
        (filing("FWP", "KESTREL AUTO RECEIVABLES LLC"), "asset_backed", 0.0),
        (filing("497K", "LARKFIELD FUNDS"), "fund_filing", 0.0),
    ],
)
def test_forms_and_items_speak_for_a_filing(item, code, weight):
    """A filing's form, its 8-K items and its filer say what it is; an amendment counts half."""
    assert next((hit.code, hit.weight) for hit in find_events(item)) == (code, weight)


def test_a_company_bought_whole_is_not_delisted():
    """Leaving the exchange after a change of control is no delisting notice."""
    hits = find_events(filing("8-K", "NORVANE INC", "3.01", "5.01"))
    assert [hit.code for hit in hits] == ["control_change"]


def test_a_bank_is_not_its_notes():
    """An 8-K of a bank that also issues notes is read like any other company's."""
    assert find_events(filing("8-K", "WELLS FARGO & COMPANY", "5.02"))[0].code == "management_change"


def test_every_event_is_well_formed():
    """Codes, labels and weights of the shipped taxonomy are usable, and every replaced code exists.

    Rows that share a code differ in how sure the words are: they are of one label, sign and family.
    """
    rules = default_taxonomy().rules
    codes = {rule.code: rule for rule in rules}
    for rule in rules:
        first = codes[rule.code]
        assert rule is first or (rule.family, rule.label) == (first.family, first.label)
        assert rule is first or rule.family
        assert rule.weight * first.weight > 0 or rule is first
    for rule in rules:
        assert rule.label
        assert -1 <= rule.weight <= 1
        assert not (rule.noise and rule.weight)
        assert rule.replaces <= codes.keys()


@settings(max_examples=80)
@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_can_be_searched(title, summary):
    """No text breaks the search; hits stay within bounds."""
    assert all(-1 <= hit.weight <= 1 and len(hit.span) <= 200 for hit in find_events(news(title, summary)))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[", "broken.toml"),
        ("events = 1", "broken.toml"),
        ("[words]\na = 'b'\n[[events]]\ncode = 'x'\n", "events"),
    ],
)
def test_a_broken_taxonomy_is_a_configuration_error(text, key):
    """A table that is no taxonomy is refused with the file's name where one is to blame, and a hint."""
    with pytest.raises(ConfigError) as caught:
        load_taxonomy({"broken.toml": text})
    assert caught.value.key == key
    assert caught.value.hint


@pytest.mark.parametrize("tag", ["(NASDAQ: QLLN)", "(NYSE American: QLN; TSX: QL)", "[Nasdaq: “QLLN”]"])
def test_an_exchange_tag_is_no_part_of_the_event(tag):
    """A tag between the company and the verb neither hides an approval nor makes a notice of delisting."""
    approved = find_events(news(f"Norvane Therapeutics {tag} receives FDA approval for Somavex"))
    letter = find_events(news(f"Norvane Therapeutics {tag} receives complete response letter for Somavex"))
    assert [hit.code for hit in approved] == ["fda_approval"]
    assert [hit.code for hit in letter] == ["fda_rejection"]
