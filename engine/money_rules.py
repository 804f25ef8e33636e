"""Whether a job may cost what it will, who pays, and whether somebody has to agree first. Pure: it is told what there is."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from engine.abilities import Quote
from engine.errors import OverBudget
from engine.job_model import Payer
from engine.ledger import ZERO, Limits, Pot


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRules:
    """What the operator set for the whole house. A place or a person may set less for itself (`Pot.limits`), never more."""

    house: Limits = field(default_factory=Limits)
    """Of everything together."""
    place: Limits = field(default_factory=Limits)
    """Of every place."""
    person: Limits = field(default_factory=Limits)
    """Of every person, wherever that is."""
    pots_only: bool = False
    """Nothing is rendered on the operator's own account: a place's or a person's pot has to hold the price."""
    ask_lasts_s: float = 86_400.0
    """How long a job waits for somebody to agree to its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What holds for one job: the strictest of all that was set, in US dollars. None: nothing is."""

    ask_above_usd: Decimal | None = None
    shot_usd: Decimal | None = None
    story_usd: Decimal | None = None
    place_day_usd: Decimal | None = None
    person_day_usd: Decimal | None = None
    house_day_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """What is spent, or may be, of what each cap limits; 0 too where there is no cap, and nobody has looked."""

    shot_usd: Decimal = ZERO
    story_usd: Decimal = ZERO
    place_day_usd: Decimal = ZERO
    person_day_usd: Decimal = ZERO
    house_day_usd: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What is to be paid for. `usd`: the whole price, None where nobody knows it."""

    usd: Decimal | None
    more_usd: Decimal = ZERO
    """How much of it is not spent, held or unknown yet."""
    held_usd: Decimal = ZERO
    held_by: Payer | None = None
    """Whose pot holds `held_usd` now."""
    bound: Payer | None = None
    """Whose pot has paid for a part of it already, and pays for the rest. None: it is free to choose."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whose pot pays (None: there is nothing to pay), and whether somebody has to agree first."""

    payer: Payer | None
    is_asked: bool


_OF: dict[str, tuple[str, str]] = {
    "shot_usd": ("for all takes of one shot", "ask the operator to raise that"),
    "story_usd": ("for one story", "begin another story, or ask the operator to raise that"),
    "place_day_usd": ("for this place today", "try again tomorrow (UTC), or ask the operator to raise that"),
    "person_day_usd": ("for each person today", "try again tomorrow (UTC), or ask the operator to raise that"),
    "house_day_usd": ("for everybody together today", "try again tomorrow (UTC), or ask the operator to raise that"),
}


def least(*most: Decimal | None) -> Decimal | None:
    """The strictest of several limits; None: none is set."""
    return min((each for each in most if each is not None), default=None)


def caps_of(rules: MoneyRules, place: Limits, person: Limits) -> Caps:
    """What holds in a place for a person, of what the operator and they themselves have set."""
    everyone = (rules.house, rules.place, rules.person, place, person)
    return Caps(
        ask_above_usd=least(*(each.ask_above_usd for each in everyone)),
        shot_usd=least(*(each.shot_usd for each in everyone)),
        story_usd=least(*(each.story_usd for each in everyone)),
        place_day_usd=least(rules.place.day_usd, place.day_usd),
        person_day_usd=least(rules.person.day_usd, person.day_usd),
        house_day_usd=rules.house.day_usd,
    )


def judge(bill: Bill, *, caps: Caps, so_far: SoFar, place: Pot, person: Pot, pots_only: bool = False) -> Verdict:
    """Whether this may be paid, by whom, and whether somebody has to agree first.

    What is free is never limited nor asked about. A price that nobody knows is held by nobody, and asked about where any limit is
    set or a pot is to pay it.

    Raises:
        OverBudget: a cap or a pot does not allow it; the sentence says which, what is left and what to do.
    """
    if bill.usd == 0:
        return Verdict(None, is_asked=False)
    for name in _OF:
        _check_cap(name, bill, getattr(caps, name), getattr(so_far, name))
    if bill.usd is None:
        is_limited = any(getattr(caps, name) is not None for name in ("ask_above_usd", *_OF))
        payer = _payer_of_unknown(bill, place, person, pots_only=pots_only)
        return Verdict(payer, is_asked=is_limited or payer is not Payer.HOUSE)
    payer = _payer(bill, place, person, pots_only=pots_only)
    return Verdict(payer, is_asked=caps.ask_above_usd is not None and bill.usd > caps.ask_above_usd)


def dollars(usd: Decimal) -> str:
    """`$0.84`, `$0.0625`, `-$1.00`"""
    if usd < 0:
        return f"-{dollars(-usd)}"
    return f"${usd:.2f}" if usd == usd.quantize(Decimal("0.01")) else str(Quote(usd)).removeprefix("about ")


def _check_cap(name: str, bill: Bill, cap: Decimal | None, so_far: Decimal) -> None:
    if cap is None:
        return
    left = max(ZERO, cap - so_far)
    is_over = so_far >= cap if bill.usd is None else bill.more_usd > 0 and so_far + bill.more_usd > cap
    if is_over:
        whose, cure = _OF[name]
        raise OverBudget(f"{_costs(bill)}, and {dollars(left)} of the {dollars(cap)} {whose} are left; {cure}.")


def _payer(bill: Bill, place: Pot, person: Pot, *, pots_only: bool) -> Payer:
    """The place's open pot, else the person's, else the house, where it may."""
    if bill.more_usd <= 0 and bill.held_by is not None:
        return bill.held_by
    open_pots = [pot for pot in (place, person) if pot.is_open and bill.bound in {None, pot.key.payer}]
    for pot in open_pots:
        needs = bill.more_usd + (ZERO if pot.key.payer is bill.held_by else bill.held_usd)
        if pot.balances.left >= needs:
            return pot.key.payer
    if not pots_only and bill.bound in {None, Payer.HOUSE}:
        return Payer.HOUSE
    if not open_pots:
        raise OverBudget(
            f"{_costs(bill)}, and only a pot may pay for it, of which none is filled here; top one up, or choose a free model."
        )
    held = " and ".join(f"the {_whose(pot)} {dollars(max(ZERO, pot.balances.left))}" for pot in open_pots)
    raise OverBudget(f"{_costs(bill)}, and {held} left; top it up, or choose a cheaper or a free model.")


def _payer_of_unknown(bill: Bill, place: Pot, person: Pot, *, pots_only: bool) -> Payer:
    if pots_only:
        raise OverBudget(
            "Nobody can tell what this shot will cost, so no pot can hold it; choose a model whose price is known, or a free one."
        )
    if bill.bound is not None:
        return bill.bound
    return next((pot.key.payer for pot in (place, person) if pot.is_open and pot.balances.left > 0), Payer.HOUSE)


def _costs(bill: Bill) -> str:
    if bill.usd is None:
        return "Nobody can tell what this shot will cost"
    return f"This shot costs about {dollars(bill.usd)}"


def _whose(pot: Pot) -> str:
    return "pot of this place has" if pot.key.payer is Payer.PLACE else "person's own pot has"
