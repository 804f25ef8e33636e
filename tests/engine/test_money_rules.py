"""Who pays, what is refused and what is asked about: the decision, as a table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import OverBudget
from engine.job_model import Payer
from engine.ledger import Balances, Limits, Pot, PotKey
from engine.money_rules import Bill, Caps, MoneyRules, SoFar, Verdict, caps_of, dollars, judge

PLACE, PERSON, HOUSE = Payer.PLACE, Payer.PERSON, Payer.HOUSE


def usd(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def pot(payer: Payer, left: str | None) -> Pot:
    """One with so much in it; None: it was never filled."""
    balances = Balances(left=Decimal(left or 0))
    return Pot(key=PotKey(payer, "x"), balances=balances, is_open=left is not None)


def verdict(
    bill: Bill,
    *,
    pots: tuple[str | None, str | None] = (None, None),
    only: bool = False,
    caps: dict[str, str] | None = None,
    so_far: dict[str, str] | None = None,
) -> Verdict:
    return judge(
        bill,
        caps=Caps(**{name: Decimal(most) for name, most in (caps or {}).items()}),
        so_far=SoFar(**{name: Decimal(most) for name, most in (so_far or {}).items()}),
        place=pot(PLACE, pots[0]),
        person=pot(PERSON, pots[1]),
        pots_only=only,
    )


def new(price: str | None) -> Bill:
    return Bill(usd=usd(price), more_usd=Decimal(price or 0))


@pytest.mark.parametrize(
    ("place", "person", "only", "payer"),
    [
        (None, None, False, HOUSE),
        ("1", None, False, PLACE),
        ("1", "1", True, PLACE),
        ("0.99", "1", True, PERSON),
        ("0.99", "0.99", False, HOUSE),
        (None, "1", True, PERSON),
        ("-3", None, False, HOUSE),
    ],
)
def test_the_first_pot_that_holds_the_price_pays_it(
    place: str | None, person: str | None, only: bool, payer: Payer
) -> None:
    """The place's, the person's, the house's."""
    assert verdict(new("1"), pots=(place, person), only=only) == Verdict(payer, is_asked=False)


@pytest.mark.parametrize(
    ("place", "person", "says"),
    [
        (None, None, "only a pot may pay for it, of which none is filled here"),
        ("0.50", None, "the pot of this place has $0.50 left"),
        ("-2", "0.25", "the pot of this place has $0.00 and the person's own pot has $0.25 left"),
    ],
)
def test_where_only_pots_pay_what_none_holds_is_refused(place: str | None, person: str | None, says: str) -> None:
    """With what each has."""
    with pytest.raises(OverBudget) as refused:
        verdict(new("1"), pots=(place, person), only=True)
    assert str(refused.value).startswith("This shot costs about $1.00, and ")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("shot_usd", "for all takes of one shot are left; ask the operator"),
        ("story_usd", "for one story are left; begin another story"),
        ("place_day_usd", "for this place today are left; try again tomorrow (UTC)"),
        ("person_day_usd", "for each person today are left; try again tomorrow (UTC)"),
        ("house_day_usd", "for everybody together today are left; try again tomorrow (UTC)"),
    ],
)
def test_a_cap_is_reached_to_the_cent_and_never_passed(name: str, says: str) -> None:
    """Whichever; what is over it names what is left and what to do."""
    assert verdict(new("1"), caps={name: "5"}, so_far={name: "4"}).payer is HOUSE
    with pytest.raises(OverBudget, match=r"\$1.00 of the \$5.00") as refused:
        verdict(new("1.000001"), caps={name: "5"}, so_far={name: "4"})
    assert says in str(refused.value)
    with pytest.raises(OverBudget, match=r"\$0.00 of the \$0.00"):
        verdict(new("0.01"), caps={name: "0"})


def test_what_is_free_is_neither_limited_nor_asked_about() -> None:
    """Whatever is set."""
    nothing = dict.fromkeys(("ask_above_usd", "shot_usd", "story_usd", "place_day_usd", "house_day_usd"), "0")
    assert verdict(new("0"), only=True, caps=nothing) == Verdict(None, is_asked=False)


@pytest.mark.parametrize(("price", "asked"), [("0.49", False), ("0.50", False), ("0.51", True)])
def test_only_above_the_threshold_is_asked(price: str, asked: bool) -> None:
    """At it nobody is."""
    assert verdict(new(price), caps={"ask_above_usd": "0.5"}).is_asked is asked
    assert verdict(new(price), caps={"ask_above_usd": "0"}).is_asked


def test_an_unknown_price_is_asked_about_where_anything_is_limited_or_a_pot_pays() -> None:
    """Else it goes on; a cap of nothing and a reached one refuse it, and so does a house where only pots pay."""
    assert verdict(new(None)) == Verdict(HOUSE, is_asked=False)
    assert verdict(new(None), caps={"ask_above_usd": "100"}) == Verdict(HOUSE, is_asked=True)
    assert verdict(new(None), pots=("1", None)) == Verdict(PLACE, is_asked=True)
    assert verdict(new(None), pots=("0", None)) == Verdict(HOUSE, is_asked=False)
    day, nearly = {"place_day_usd": "5"}, {"place_day_usd": "4.99"}
    assert verdict(new(None), pots=("0", "1"), caps=day, so_far=nearly) == Verdict(PERSON, is_asked=True)
    for caps, so_far in (({"shot_usd": "0"}, {}), (day, day)):
        with pytest.raises(OverBudget, match="Nobody can tell what this shot will cost, and"):
            verdict(new(None), caps=caps, so_far=so_far)
    with pytest.raises(OverBudget, match="no pot can hold it"):
        verdict(new(None), pots=("100", "100"), only=True)


def test_a_price_that_rose_needs_only_the_difference_of_the_pot_that_holds_it() -> None:
    """Of another pot it needs all; and a price that did not rise is never refused."""
    rose = Bill(usd=Decimal(1), more_usd=Decimal("0.2"), held_usd=Decimal("0.8"), held_by=PLACE)
    assert verdict(rose, pots=("0.2", "5"), only=True).payer is PLACE
    assert verdict(rose, pots=("0.1", "1"), only=True).payer is PERSON
    with pytest.raises(OverBudget):
        verdict(rose, pots=("0.1", "0.9"), only=True)
    fell = Bill(usd=Decimal("0.7"), more_usd=Decimal("-0.1"), held_usd=Decimal("0.8"), held_by=PLACE)
    assert verdict(fell, pots=("0", None), only=True, caps={"place_day_usd": "0"}).payer is PLACE


def test_who_has_paid_for_a_part_pays_for_the_rest() -> None:
    """A render is not divided among pots, also where another one would hold it."""
    begun = Bill(usd=Decimal(1), more_usd=Decimal("0.9"), bound=PERSON)
    assert verdict(begun, pots=("5", "0.9"), only=True).payer is PERSON
    with pytest.raises(OverBudget, match=r"own pot has \$0.80 left"):
        verdict(begun, pots=("5", "0.8"))


def test_the_strictest_of_all_that_was_set_holds() -> None:
    """The operator's for everything, for every place and every person, the place's own and the person's own."""
    rules = MoneyRules(
        house=Limits(day_usd=Decimal(90), story_usd=Decimal(7)),
        place=Limits(ask_above_usd=Decimal(3), shot_usd=Decimal(8), day_usd=Decimal(20)),
        person=Limits(day_usd=Decimal(9), shot_usd=Decimal(2)),
    )
    place, person = Limits(ask_above_usd=Decimal(5), day_usd=Decimal(0)), Limits(day_usd=Decimal(50))
    assert caps_of(rules, place, person) == Caps(
        ask_above_usd=Decimal(3),
        shot_usd=Decimal(2),
        story_usd=Decimal(7),
        place_day_usd=Decimal(0),
        person_day_usd=Decimal(9),
        house_day_usd=Decimal(90),
    )
    assert caps_of(MoneyRules(), Limits(), Limits()) == Caps()


@pytest.mark.parametrize(
    ("amount", "text"), [("0", "$0.00"), ("1.5", "$1.50"), ("0.0625", "$0.0625"), ("-3", "-$3.00"), ("1.239", "$1.24")]
)
def test_amounts_are_told_in_cents_where_they_are_some(amount: str, text: str) -> None:
    """Small ones to a hundredth of a cent."""
    assert dollars(Decimal(amount)) == text
