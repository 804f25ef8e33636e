"""`/pot`: what was spent, what is held, what is left, and what may be spent at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot import money_texts, texts
from bot.message import Reply
from engine.abilities import Price
from engine.errors import Unconfirmed
from engine.job_model import Payer
from engine.ledger import Balances, Limits, Pot, PotKey
from engine.ledger_ports import Spending
from engine.money_rules import Caps, MoneyRules
from engine.pots import PotView
from engine.purse import Question
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ABILITIES, ScriptedProvider
from tests.house import ANA, BEN, HOME, OPERATOR, House, opened_house

PRICED = replace(ABILITIES, price=Price(usd_per_second={"": Decimal("0.50")}))
RULES = MoneyRules(place=Limits(ask_above_usd=Decimal(1), day_usd=Decimal(5)), person=Limits(day_usd=Decimal(3)))
HOW = "/pot --day 5 --story 10 --shot 2 --ask 0.50 limits it; --day default takes a limit back."


@pytest.fixture
async def priced(tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    """Every shot costs $0.50 a second."""
    provider = ScriptedProvider(models={"one": PRICED})
    async with opened_house(tmp_path, clock, provider, rules=RULES) as house:
        yield house


def lines(reply: Reply | None) -> list[str]:
    assert reply is not None
    assert not reply.private
    assert not reply.is_error, reply.text
    return reply.text.splitlines()


async def test_an_untouched_pot_says_who_pays_and_what_the_limits_are(priced: House) -> None:
    """And how to set some."""
    assert lines(await priced.say("/pot")) == [
        "This place: $0.00 spent · $0.00 held",
        "it has no pot: the operator pays",
        "today: $0.00 of $5.00",
        "above $1.00 somebody is asked first",
        "you today, everywhere: $0.00 of $3.00",
        HOW,
    ]


async def test_what_was_spent_is_told_by_person_and_by_story(priced: House) -> None:
    """Spent, held, unknown and left each under its own name, and what waits for a word."""
    await priced.studio.top_up(PotKey(Payer.PLACE, HOME), Decimal(10), "first")
    await priced.say("/create a lamp")
    await priced.run(10)  # spent
    priced.provider.lose_answers = [Unconfirmed("?")]
    await priced.say("/create a boat --seconds 2", BEN)
    await priced.run(5)  # unknown
    await priced.say("/create a bird --seconds 0.5", BEN)  # held
    await priced.say("/create a gale --seconds 3", BEN)  # asked about
    assert lines(await priced.say("/pot", is_shared=True)) == [
        "This place: $0.50 spent · $0.25 held · $1.00 unknown",
        "its pot has $8.25 left",
        "today: $1.75 of $5.00",
        "above $1.00 somebody is asked first",
        "by person: Ben $1.25, Ana $0.50",
        "by story: b1 $1.00, a1 $0.50, c1 $0.25",
        "waiting for an answer: d1-1 (about $1.50)",
        HOW,
    ]


async def test_ones_own_pot_is_told_where_nobody_else_reads(priced: House) -> None:
    """What somebody has elsewhere is not for a group."""
    await priced.studio.top_up(PotKey(Payer.PERSON, ANA.key), Decimal(2), "hers")
    own = "your own pot: $0.00 spent · $0.00 held · $2.00 left"
    assert own in lines(await priced.say("/pot"))
    assert not [line for line in lines(await priced.say("/pot", is_shared=True)) if "your" in line or "you " in line]
    assert own not in lines(await priced.say("/pot", BEN))


async def test_limits_are_set_and_taken_back(priced: House) -> None:
    """The stricter of a place's own and the operator's holds."""
    said = lines(await priced.say("/pot --ask 0.20 --day 2 --story $1,50 --shot 1 --day 9"))
    assert said[2:5] == [
        "today: $0.00 of $5.00",
        "at most $1.50 for a story, $1.00 for all takes of a shot",
        "above $0.20 somebody is asked first",
    ]
    said = lines(await priced.say("/pot --story default --shot default --ask default"))
    assert said[2:4] == ["today: $0.00 of $5.00", "above $1.00 somebody is asked first"]


async def test_a_limit_of_nothing_is_one(priced: House) -> None:
    """0 means 0, and the refusal says what to do."""
    assert "today: $0.00 of $0.00" in lines(await priced.say("/pot --day 0"))
    refused = await priced.say("/create a lamp")
    assert refused is not None
    assert refused.is_error
    assert refused.text.startswith("This shot costs about $0.50, and $0.00 of the $0.00 for this place today are left;")
    assert priced.provider.submits == 0


async def test_in_a_group_only_admins_limit_it(priced: House) -> None:
    """Everybody may look."""
    refused = await priced.say("/pot --day 5", is_shared=True)
    assert refused is not None
    assert (refused.text, refused.private) == (texts.ADMINS_ONLY, True)
    assert lines(await priced.say("/pot", is_shared=True))
    assert "today: $0.00 of $4.00" in lines(await priced.say("/pot --day 4", OPERATOR, is_shared=True))


async def test_what_whoever_runs_the_bot_has_set_is_not_taken_back_in_a_chat_of_ones_own(priced: House) -> None:
    """A place of one's own is one's own to limit, and not to free."""
    await priced.studio.set_limits(priced.asked(OPERATOR), {"day_usd": Decimal(0)}, True)  # noqa: FBT003  # by its place
    for said in ("/pot --day default", "/pot --day 100"):
        refused = await priced.say(said)
        assert refused is not None
        assert refused.text == "Whoever runs this bot has set that limit here; only they can change it."
    assert "today: $0.00 of $0.00" in lines(await priced.say("/pot --shot 1"))


async def test_a_price_of_nothing_known_is_an_amount_or_default(priced: House) -> None:
    """Everything else is refused in a sentence."""
    refused = await priced.say("/pot --day lots")
    assert refused is not None
    assert refused.text == "--day is an amount in US dollars, such as --day 2.50; “lots” is none."


def view(**changes: object) -> PotView:
    """An empty pot of a place, seen by Ana."""
    values: dict[str, object] = {
        "place": Pot(key=PotKey(Payer.PLACE, HOME)),
        "person": Pot(key=PotKey(Payer.PERSON, ANA.key)),
        "caps": Caps(),
        "pots_only": False,
        "by_person": (),
        "by_story": (),
        "today_usd": Decimal(0),
        "person_today_usd": Decimal(0),
        "house_today_usd": Decimal(0),
        "asking": (),
    }
    return PotView(**{**values, **changes})  # type: ignore[arg-type]  # a test's own values


def test_who_pays_nothing_by_himself_says_so() -> None:
    """Where only pots pay, and where the operator's own cap is reached."""
    told = money_texts.pot(view(pots_only=True), is_private=False).splitlines()
    assert told[1:] == ["its pot is empty, and only a pot pays here", "today: $0.00", HOW]
    caps = Caps(house_day_usd=Decimal(50))
    reached = "everybody together has spent what the operator allows for today"
    assert reached in money_texts.pot(view(caps=caps, house_today_usd=Decimal(50)), is_private=False)
    assert reached not in money_texts.pot(view(caps=caps, house_today_usd=Decimal(49)), is_private=False)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        ("1.10", "1.40", "about $1.10 to $1.40 in all"),
        ("1.10", "1.10", "about $1.10 in all"),
        ("0", None, "and nobody knows the price of all of them"),
        ("1.10", None, "and nobody knows the price of all of them; the others cost about $1.10"),
    ],
)
def test_a_sum_is_told_as_far_as_it_is_known(low: str, high: str | None, says: str) -> None:
    """A range, one amount, or what of it is known."""
    most = None if high is None else Decimal(high)
    asked = Question(jobs=4, low_usd=Decimal(low), known_usd=most or Decimal(low), high_usd=most, left_usd=None)
    assert money_texts.all_of(asked) == says


def test_long_lists_are_cut() -> None:
    """The most committed first, and how many more there are."""
    spent = tuple(Spending(name=f"a{number}", balances=Balances(held=Decimal("0.25"))) for number in range(12))
    told = money_texts.pot(view(by_story=spent), is_private=False)
    assert told.count("$0.25") == 10
    assert "a9 $0.25 and 2 more\n" in told
