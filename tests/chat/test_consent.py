"""Nothing is rendered before somebody has agreed to its price, where that is asked; and what is asked is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.delivery import Delivery
from bot.fitting import Fitting
from bot.message import NotSent, Reply, SendUnknown
from bot.money_texts import offered
from engine.abilities import Price
from engine.errors import RenderFailed, Unconfirmed
from engine.job_model import JobState, Payer
from engine.ledger import Limits, PotKey
from engine.model import Person
from engine.money_rules import MoneyRules
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ABILITIES, ScriptedProvider
from tests.house import ANA, BEN, HOME, OPERATOR, House, opened_house

CAL = Person("local:cal", "Cal")
PRICED = replace(ABILITIES, price=Price(usd_per_second={"": Decimal("0.84")}))
RULES = MoneyRules(place=Limits(ask_above_usd=Decimal("0.50")), ask_lasts_s=3_600)
ASKS = "a1-1 · by Ana\n“a lamp”\nabout $0.84. Render it?"


@pytest.fixture
async def dear(tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    """Every shot costs $0.84 a second, what costs more than $0.50 is asked about, and the animatic is free."""
    provider = ScriptedProvider(models={"one": PRICED, "secret": replace(ABILITIES, price=None)})
    drafts = ScriptedProvider(name="animatic", models={"one": ABILITIES})
    async with opened_house(tmp_path, clock, provider, others=[drafts], rules=RULES) as house:
        yield house


def buttons(house: House, number: int = -1) -> list[tuple[str, str]]:
    """Label and data of those of one message, the newest unless said otherwise."""
    return [(each.label, each.data) for each in list(house.chat.messages.values())[number].reply.buttons]


async def states(house: House) -> list[JobState]:
    """Of all jobs, oldest first."""
    jobs = await house.store.read(lambda tx: tx.jobs_of_place(HOME, frozenset(JobState)))
    return [job.state for job in reversed(jobs)]


def text_of(reply: Reply | None) -> str:
    assert reply is not None
    return reply.text


# --- the question ----------------------------------------------------------------------------------------------------


async def test_the_status_message_asks_and_then_goes_on_counting(dear: House) -> None:
    """One message from the question to the last word, then the video; nothing is sent to the provider before."""
    assert await dear.say("/create a lamp") is None
    await dear.run(60)
    assert dear.chat.seen == [ASKS]
    assert buttons(dear) == [
        ("Render", "agree:a1-1:0.84"),
        ("Draft as animatic, free", "draft:a1-1"),
        ("Cancel", "cancel:a1-1"),
    ]
    assert dear.provider.submits == 0
    assert await dear.press("agree", "a1-1:0.84") is None
    await dear.tick()
    assert dear.chat.seen == ["a1-1 · by Ana\n“a lamp”\nrendering · 0:00 · about $0.84"]
    assert buttons(dear) == [("Cancel", "cancel:a1-1")]
    await dear.run(10)
    status, clip = dear.chat.messages.values()
    assert status.reply.text.startswith("a1-1 · by Ana\n“a lamp”\ndone in ")
    assert clip.reply.video is not None
    assert [each.label for each in clip.reply.buttons][1] == "Retake · about $0.84"
    assert dear.provider.submits == 1


async def test_what_costs_less_is_not_asked_about(dear: House) -> None:
    """Nor what is free; its price is told all the same."""
    await dear.say("/create a lamp --seconds 0.5")
    await dear.tick()
    assert dear.chat.seen == ["a1-1 · by Ana\n“a lamp”\nrendering · 0:00 · about $0.42"]
    await dear.say("/create a boat --provider animatic")
    assert JobState.ASKING not in await states(dear)


async def test_a_price_that_nobody_knows_is_asked_about_plainly(dear: House) -> None:
    """It is not taken for a free one."""
    await dear.say("/create a lamp --model secret")
    await dear.run(5)
    assert dear.chat.seen == ["a1-1 · by Ana\n“a lamp”\nNobody knows its price before it is rendered. Render it?"]
    assert buttons(dear)[0] == ("Render", "agree:a1-1:unknown")
    await dear.press("agree", "a1-1:unknown")
    assert await states(dear) == [JobState.QUEUED]


async def test_the_pot_that_would_pay_is_told(dear: House) -> None:
    """With what it has left."""
    await dear.studio.top_up(PotKey(Payer.PLACE, HOME), Decimal("6.20"), "first")
    await dear.say("/create a lamp")
    await dear.run(2)
    assert dear.chat.seen == ["a1-1 · by Ana\n“a lamp”\nabout $0.84; the pot has $6.20. Render it?"]


async def test_several_shots_of_a_story_can_be_agreed_to_at_once(dear: House) -> None:
    """Each message tells how many wait, those that were there before too; one button takes them all."""
    await dear.say("/create a lamp")
    await dear.run(2)
    await dear.say("/continue a boat answers --seconds 0.7")
    await dear.run(2)
    wait = "2 shots wait, about $1.43 in all"
    assert dear.chat.seen == [f"{ASKS}\n{wait}", f"a1-2 · by Ana\n“a boat answers”\nabout $0.59. Render it?\n{wait}"]
    assert buttons(dear)[:2] == [("Render", "agree:a1-2:0.588"), ("Render all 2", "agree:a1:1.428")]
    assert await dear.press("agree", "a1:1.428") is None
    await dear.run(20)
    assert await states(dear) == [JobState.DELIVERED, JobState.DELIVERED]
    assert dear.provider.submits == 2


async def test_what_is_left_of_several_is_told_when_one_is_answered(dear: House) -> None:
    """A sum that is not true any more is not left standing."""
    await dear.say("/create a lamp")
    await dear.say("/continue a boat --model secret")
    await dear.run(2)
    assert dear.chat.seen[0] == (
        f"{ASKS}\n2 shots wait, and nobody knows the price of all of them; the others cost about $0.84"
    )
    await dear.press("cancel", "a1-2")
    await dear.run(2)
    assert dear.chat.seen[0] == ASKS
    assert buttons(dear, 0)[1] == ("Draft as animatic, free", "draft:a1-1")


# --- the answers -----------------------------------------------------------------------------------------------------


async def test_a_draft_is_drawn_for_nothing(dear: House) -> None:
    """By the free provider, in the same message."""
    await dear.say("/create a lamp")
    await dear.run(2)
    assert await dear.press("draft", "a1-1") is None
    await dear.run(10)
    assert await states(dear) == [JobState.DELIVERED]
    (job,) = await dear.store.read(lambda tx: tx.jobs_of_place(HOME, frozenset(JobState)))
    assert (job.provider, job.quoted_usd) == ("animatic", Decimal(0))
    assert dear.provider.submits == 0
    assert len(dear.chat.messages) == 2


async def test_where_nothing_is_free_no_draft_is_offered(tmp_path: Path, clock: FakeClock) -> None:
    """A button that can only refuse is none."""
    provider = ScriptedProvider(models={"one": PRICED})
    async with opened_house(tmp_path, clock, provider, rules=RULES) as house:
        await house.say("/create a lamp")
        await house.run(2)
        assert buttons(house) == [("Render", "agree:a1-1:0.84"), ("Cancel", "cancel:a1-1")]


async def test_who_cancels_the_question_pays_nothing(dear: House) -> None:
    """And the message says so."""
    await dear.say("/create a lamp")
    await dear.run(2)
    await dear.press("cancel", "a1-1")
    await dear.run(2)
    assert dear.chat.seen == ["a1-1 · by Ana\ncancelled"]
    assert (await dear.studio.pot(dear.asked())).place.balances.committed == 0


async def test_only_who_may_cancel_may_answer(dear: House) -> None:
    """A stranger is refused in private; the story's director and an admin are not."""
    await dear.say("/create a lamp")
    await dear.run(2)
    for verb, target in (("agree", "a1-1:0.84"), ("agree", "a1-1"), ("draft", "a1-1")):
        refused = await dear.press(verb, target, BEN, is_shared=True)
        assert refused is not None
        assert (refused.text, refused.private) == ("a1-1 belongs to Ana; only they can do that.", True)
    assert await states(dear) == [JobState.ASKING]
    assert await dear.press("agree", "a1-1:0.84", OPERATOR, is_shared=True) is None
    assert await states(dear) == [JobState.QUEUED]


async def test_of_two_who_press_at_once_one_agrees_and_the_other_is_told(dear: House) -> None:
    """It is rendered once; and so it is when the same press is handed over twice."""
    await dear.say("/create a lamp", BEN)
    await dear.say("/continue a boat", ANA)
    await dear.run(2)
    assert await dear.press("agree", "a1-2:0.84", BEN) is None
    late = await dear.press("agree", "a1-2:0.84", ANA)
    assert late is not None
    assert late.private
    assert late.text == "Nothing of a1-2 waits for anybody's word on its price."


async def test_a_question_that_nobody_answers_ends_and_says_so(dear: House) -> None:
    """In its own message, without another one."""
    await dear.say("/create a lamp")
    await dear.run(3_700)
    assert await states(dear) == [JobState.CANCELLED]
    assert dear.chat.seen == ["a1-1 · by Ana\ncancelled: nobody agreed to its price in time."]
    assert not buttons(dear)


async def test_what_the_pot_does_not_hold_is_refused_when_it_is_agreed_to(dear: House) -> None:
    """The question stays: the pot may be filled, or the shot drafted."""
    await dear.say("/create a lamp")
    await dear.run(2)
    await dear.studio.set_limits(dear.asked(OPERATOR), {"day_usd": Decimal("0.10")})
    refused = await dear.press("agree", "a1-1:0.84")
    assert text_of(refused).startswith(
        "This shot costs about $0.84, and $0.10 of the $0.10 for this place today are left"
    )
    assert await states(dear) == [JobState.ASKING]


async def test_words_do_what_the_buttons_do(dear: House) -> None:
    """For whoever sees none; a code that waits for nothing is told."""
    await dear.say("/create a lamp")
    assert text_of(await dear.say("/agree")) == "Say it like this: /agree <shot or story>"
    assert text_of(await dear.say("/agree a9")) == "Nothing of a9 waits for anybody's word on its price."
    told = await dear.say("/agree A1-1")
    assert text_of(told) == "a1-1 costs about $0.84. Render it?"
    assert [button.data for button in told.buttons] == ["agree:a1-1:0.84"]  # type: ignore[union-attr]  # it has a text
    assert await states(dear) == [JobState.ASKING]


async def test_a_word_or_a_button_without_a_price_is_told_the_price_first(dear: House) -> None:
    """Of a story, the sum; where that is not known, each is agreed to by itself."""
    await dear.say("/create a lamp")
    await dear.say("/continue a boat answers --seconds 0.7")
    for told in (await dear.say("/agree a1"), await dear.press("agree", "a1"), await dear.press("agree", "a1:much")):
        assert text_of(told) == "The 2 shots of a1 that wait cost about $1.43 in all. Render them?"
        assert [(each.label, each.data) for each in told.buttons] == [("Render all 2", "agree:a1:1.428")]  # type: ignore[union-attr]  # as above
    await dear.say("/continue a bird --model secret")
    told = await dear.say("/agree a1")
    assert text_of(told) == "Nobody knows the price of all 3 shots of a1; agree to each of them by itself."
    assert told is not None
    assert not told.buttons
    assert text_of(await dear.say("/agree a1-3")) == "a1-3: nobody knows its price before it is rendered. Render it?"
    assert await states(dear) == [JobState.ASKING] * 3


async def test_a_sum_covers_no_shot_that_came_after_it(dear: House) -> None:
    """Nor one of which nobody knows the price; and the longest target fits into a button."""
    await dear.say("/create a lamp")
    await dear.say("/continue a boat")
    await dear.run(2)
    shown = buttons(dear)[1]
    await dear.say("/continue a bird")
    late = await dear.press("agree", shown[1].removeprefix("agree:"))
    assert text_of(late) == "It costs about $2.52 now; press Render again to agree to that."
    await dear.press("cancel", "a1-3")
    await dear.say("/continue a gale --model secret")
    late = await dear.press("agree", shown[1].removeprefix("agree:"))
    assert text_of(late) == "Nobody knows what it costs any more; press Render again to agree to that."
    assert await states(dear) == [JobState.ASKING, JobState.ASKING, JobState.CANCELLED, JobState.ASKING]
    assert len(f"agree:{offered('zz99-9999', Decimal('999999999999.999999'))}") <= 40


# --- what may not be lost --------------------------------------------------------------------------------------------


async def test_a_question_that_the_platform_did_not_show_is_shown_again(
    dear: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no progress: without it the job would wait for nobody."""
    monkeypatch.setattr("bot.progress.QUESTION_AGAIN_S", 0.0)
    await dear.say("/create a lamp")
    await dear.run(2)
    await dear.say("/continue a boat")  # so that the first message is edited to tell of two
    dear.chat.edit_errors = [SendUnknown("?"), NotSent("busy", retry_after_s=0.0)]
    dear.chat.has_no_room_for_progress = True
    await dear.run(2)
    assert dear.chat.seen[0] == f"{ASKS}\n2 shots wait, about $1.68 in all"
    assert not dear.chat.edit_errors


async def test_a_question_is_shown_again_at_the_next_start(dear: House) -> None:
    """The process may have ended between the state and the edit."""
    await dear.say("/create a lamp")
    await dear.run(2)
    (message,) = dear.chat.messages.values()
    message.reply = Reply(text="starting")
    after = Delivery(dear.store, dear.studio, {dear.chat.platform: dear.chat}, dear.clock, Fitting(dear.files))
    await after.claim(10)
    await asyncio.wait(list(after.progress._tellers.values()), timeout=5)
    await after.stop()
    assert dear.chat.seen == [ASKS]


async def test_a_price_that_rose_is_asked_about_in_the_same_message(
    dear: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right before the request; what was agreed to was another price."""
    await dear.say("/create a lamp")
    await dear.run(2)
    monkeypatch.setitem(dear.provider.models, "one", replace(PRICED, price=Price(usd_per_second={"": Decimal(2)})))
    await dear.press("agree", "a1-1:0.84")
    await dear.run(5)
    assert dear.chat.seen == ["a1-1 · by Ana\n“a lamp”\nabout $2.00. Render it?"]
    assert buttons(dear)[0] == ("Render", "agree:a1-1:2")
    again = text_of(await dear.press("agree", "a1-1:0.84"))  # of the same message, a moment too late
    assert again == "It costs about $2.00 now; press Render again to agree to that."
    await dear.run(5)
    assert dear.provider.submits == 0
    await dear.press("agree", "a1-1:2")
    await dear.run(2)
    assert dear.provider.submits == 1


# --- again, and its price --------------------------------------------------------------------------------------------


async def test_to_try_again_tells_its_price_and_asks_before_it_is_spent(dear: House) -> None:
    """A retry is a render like any other."""
    dear.provider.check_answers = [RenderFailed("It broke.")]
    await dear.say("/create a lamp")
    await dear.run(2)
    await dear.press("agree", "a1-1:0.84")
    await dear.run(10)
    assert ("Try again · about $0.84", "retake:a1-1") in buttons(dear)
    await dear.press("retake", "a1-1")
    await dear.run(5)
    assert dear.chat.seen[-1] == ASKS
    assert dear.provider.submits == 1


async def test_to_send_again_tells_what_it_may_cost_twice(dear: House) -> None:
    """Of a render whose answer was lost."""
    dear.provider.lose_answers = [Unconfirmed("?")]
    await dear.say("/create a lamp --seconds 0.5")
    await dear.run(5)
    assert buttons(dear)[0] == ("Send again · about $0.42, may cost twice", "again:a1-1")
