"""The old bot's wrong judgements: are they right here? Own paraphrases of each kind, companies invented.

A case is a line: what must become of it, then the text, or a filing as ``form: name; items``.

    bad, good     an alert of that sign
    quiet         no alert
    plain         no alert and no event of weight: words that only look like something
    mute          nor any sentiment: names
    elsewhere     no US ticker is linked
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.models import Action, ItemKind, Party, Reason, Verdict
from catalyst_ray.quality.figure import Figure, estimate, mean_of
from catalyst_ray.quality.texts import NOW_UTC, news

if TYPE_CHECKING:
    from catalyst_ray.models import Decision, Item
    from catalyst_ray.quality.folder import DataFolder

_CIK = 9_100_001
_LISTED = Listing(ticker="QVNR", cik=_CIK, name="Quarrivane Inc.")
_NO_MODEL = Verdict(None, Reason(Code.LLM_NOT_NEEDED))
_FILING = re.compile(r"(8-K|FWP|424B[25]|10-K): ([^;]+)(?:; (.+))?")
_FAINT = 0.05

CASES = """
bankruptcy | bad | Quarrivane Inc. (NASDAQ: QVNR) Files for Bankruptcy Under Chapter 11
bankruptcy | bad | Quarrivane (NASDAQ: QVNR) and Subsidiaries Commence Voluntary Chapter 11 Cases in Delaware
bankruptcy | bad | Quarrivane (NASDAQ: QVNR) Seeks Chapter 11 Protection From Creditors
bankruptcy | bad | Quarrivane (NASDAQ: QVNR) to Liquidate, Files Chapter 7 Petition
bankruptcy | bad | 8-K: QUARRIVANE INC; 1.03 9.01
offering | bad | Quarrivane (NASDAQ: QVNR) prices $25 million public offering with warrants
offering | bad | Quarrivane (NASDAQ: QVNR) Announces Pricing of $12.5 Million Offering of Units
offering | bad | Quarrivane (NASDAQ: QVNR) Announces $8 Million Registered Direct Offering With Warrants
offering | bad | Quarrivane (NASDAQ: QVNR) Announces Pricing of Upsized Underwritten Public Offering of Common Stock
offering | bad | 424B5: QUARRIVANE INC
names | mute | 8-K: QUARRIVANE BLOCK INC; 7.01
names | mute | 8-K: ADVANCED MICRO WIDGETS; 8.01 9.01
names | mute | 8-K: HAPPY GROWTH TRUST CO; 7.01 9.01
names | mute | 8-K: GRAVE LOSS RECOVERY CORP; 8.01
names | mute | 8-K: BEST VALUE STRONG BUY HOLDINGS INC; 5.07
asset-backed | quiet | FWP: QUARRIVANE CREDIT FLOORPLAN MASTER OWNER TRUST A
asset-backed | quiet | 424B5: QUARRIVANE AUTO RECEIVABLES TRUST 2026-A
asset-backed | quiet | FWP: QUARRIVANE CARD ISSUANCE TRUST
asset-backed | quiet | 8-K: QUARRIVANE EQUIPMENT LEASING TRUST 2025-1; 1.01 9.01
asset-backed | quiet | 424B2: QUARRIVANE BANK AG
law firm | quiet | INVESTOR ALERT: Dorrit & Vole LLP Investigates Claims on Behalf of Quarrivane Inc. (NASDAQ: QVNR) Investors
law firm | quiet | QVNR DEADLINE: Dorrit Law Firm Reminds Quarrivane (NASDAQ: QVNR) Investors of Lead Plaintiff Deadline
law firm | quiet | SHAREHOLDER ALERT: Dorrit & Vole Investigates the Sale of Quarrivane (NASDAQ: QVNR) for Breaches of Duty
law firm | quiet | Quarrivane (NASDAQ: QVNR) Stockholders Who Suffered Losses Should Contact Dorrit & Vole, LLP
law firm | quiet | Class Action Filed Against Quarrivane (NASDAQ: QVNR): Dorrit & Vole Encourages Shareholders to Call
results | good | Quarrivane (NASDAQ: QVNR) Reports Q2 Results: Total Income Up 134 %, Gross Profit Up 41 %
results | good | Quarrivane (NASDAQ: QVNR) Q3 Gross Revenue Rises 62%, Net Income Up 80%
results | good | Quarrivane (NASDAQ: QVNR) Gross Bookings Grew 45%; Raises Full-Year Outlook
results | good | Quarrivane (NASDAQ: QVNR) Reports Record Quarter; Gross Margin Expands to 58%, Revenue Up 31%
grants | quiet | Quarrivane (NASDAQ: QVNR) Announces Inducement Grant Under Nasdaq Listing Rule 5635(c)(4)
grants | quiet | Quarrivane (NASDAQ: QVNR) Grants Inducement Awards to Twelve New Employees
grants | quiet | Quarrivane (NASDAQ: QVNR) Reports Employment Inducement Equity Awards Under Nasdaq Rule 5635(c)(4)
grants | quiet | Quarrivane (NASDAQ: QVNR) Grants Restricted Stock Units to New Hires as Inducement
abroad | elsewhere | Quarrivane Infrastructure Fund (TSX: QVNR.UN) Announces Quarterly Distribution
abroad | elsewhere | Quarrivane Renewable Trust (TSX: QVNR.UN) Declares Monthly Cash Distribution
abroad | elsewhere | Quarrivane Gold Corp. (TSX-V: QVNR) Announces Warrant Extension
abroad | elsewhere | Quarrivane Lithium Ltd (ASX: QVNR) Quarterly Activities Report
words | plain | Quarrivane (NASDAQ: QVNR) Meets European Distributors
words | plain | Quarrivane (NASDAQ: QVNR) Extends Warranty on Its Pumps
words | plain | Quarrivane (NASDAQ: QVNR) Widens Its Product Offering
words | plain | Quarrivane (NASDAQ: QVNR) Opens Biological Laboratory in Appeal to Students
words | plain | Quarrivane (NASDAQ: QVNR) Adds Peanut Snacks to Its Service Offering
recap | quiet | Why Investors Were Fired Up About Quarrivane (NASDAQ: QVNR) Stock Today
recap | quiet | Why Quarrivane (NASDAQ: QVNR) Stock Crashed This Week
recap | quiet | Here's Why Quarrivane (NASDAQ: QVNR) Shares Soared 40% on Tuesday
recap | quiet | What Happened to Quarrivane (NASDAQ: QVNR) Stock After Its Approval
recap | quiet | Is It Too Late to Buy Quarrivane (NASDAQ: QVNR) Stock After Its 200% Rally?
"""


def peer(_: DataFolder) -> tuple[Figure, ...]:
    """Return the share of the cases that are judged as they must be."""
    tier = FastTier(
        directory=TickerDirectory.from_listings([_LISTED]),
        sentiment=SentimentModel(),
        policy=default_policy(),
        uses=ModelUses(),
    )
    cases = [line.split(" | ") for line in CASES.strip().splitlines()]
    told = [(kind, is_right(tier, expected, text)) for kind, expected, text in cases]
    found = estimate([(float(right), 1.0) for _, right in told], mean_of)
    counts, wrong = Counter(kind for kind, _ in told), Counter(kind for kind, right in told if not right)
    title = "Wrong judgements of the old bot that are right here"
    return (
        Figure(key="peer_right", title=title, aim=1.0).measured(
            found,
            n=len(told),
            details=tuple(
                f"{kind}: {count - wrong[kind]} of {count} right" for kind, count in counts.items()
            ),
        ),
    )


def is_right(tier: FastTier, expected: str, text: str) -> bool:
    """Return whether a case is judged as expected."""
    reading = tier.read(as_item(text), now_utc=NOW_UTC)
    if expected == "elsewhere":
        return not reading.link.symbols and _is_quiet(reading.early)
    made = reading.early or tier.decide(reading, _NO_MODEL, near_duplicate=None)
    value = reading.score.value
    if expected in ("bad", "good"):
        return made.action is Action.ALERT and (value > 0) is (expected == "good")
    if expected == "quiet":
        return _is_quiet(made)
    has_weight = any(hit.weight for hit in reading.score.events)
    is_mute = expected != "mute" or abs(reading.score.sentiment) < _FAINT
    return _is_quiet(made) and not has_weight and is_mute


def as_item(text: str) -> Item:
    """Return a case as its source would tell it."""
    filed = _FILING.fullmatch(text)
    if not filed:
        return news(text)
    form, name, items = filed.groups()
    return news(
        f"{name} files {form}",
        kind=ItemKind.FILING,
        form=form,
        filing_items=tuple((items or "").split()),
        parties=(Party(_CIK, name, "Filer"),),
    )


def _is_quiet(made: Decision | None) -> bool:
    return made is not None and made.action in (Action.DROP, Action.SUPPRESS)
