"""Nothing that costs more than somebody agreed to is asked of a service: what waits for a word, who may say it, what it does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from engine.errors import NotAllowed, NotFound, NotPossible, OverBudget, Unconfirmed
from engine.job_model import NOBODY_AGREED, Job, JobState, Payer
from engine.ledger import Limits, PotKey
from engine.model import Continue, Create, Edit, Retake, ShotOptions
from engine.money_rules import MoneyRules
from engine.purse import Offer, Question
from tests.engine.test_money import PLACE, UNPRICED, Bank, Dear, bank, money
from tests.fakes.clock import FakeClock
from tests.fakes.painter import ScriptedPainter
from tests.fakes.provider import ScriptedProvider
from tests.house import ANA, BEN, HOME, OPERATOR, opened_house

ASKS = MoneyRules(place=Limits(ask_above_usd=Decimal("0.50")))
EVE = replace(BEN, key="local:eve", name="Eve")


async def state(it: Bank, job: Job) -> JobState:
    return (await it.house.job(job.id)).state


async def test_above_the_threshold_nothing_happens_until_somebody_agrees(tmp_path: Path, clock: FakeClock) -> None:
    """And nothing is held; then it is rendered and delivered."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        await it.fill("5")
        cheap, dear = await it.begin(1), await it.begin(2)
        await it.house.run(20)
        assert [await state(it, job) for job in (cheap, dear)] == [JobState.DELIVERED, JobState.ASKING]
        assert (await it.has(dear), it.provider.submits) == (money("0", "0", "0"), 1)
        (agreed,) = await it.house.studio.agree(it.house.asked(), "b1-1")
        assert (agreed.state, agreed.agreed_usd, agreed.payer) == (JobState.QUEUED, Decimal("0.80"), Payer.PLACE)
        assert await it.has(dear) == money("0.80", "0", "0")
        await it.house.run(20)
        assert await state(it, dear) is JobState.DELIVERED
        assert await it.has(dear) == money("0", "0.80", "0")


async def test_a_price_that_nobody_agrees_to_is_dropped_in_time(tmp_path: Path, clock: FakeClock) -> None:
    """With a note that says so; nothing was sent."""
    async with bank(tmp_path, clock, rules=replace(ASKS, ask_lasts_s=60)) as it:
        job = await it.begin(2)
        await it.house.run(50)
        assert await state(it, job) is JobState.ASKING
        await it.house.run(20)
        ended = await it.house.job(job.id)
        assert (ended.state, NOBODY_AGREED in ended.notes, it.provider.submits) == (JobState.CANCELLED, True, 0)
        with pytest.raises(NotFound, match="a1-1 waits"):
            await it.house.studio.agree(it.house.asked(), "a1-1")


async def test_the_same_word_twice_agrees_once(tmp_path: Path, clock: FakeClock) -> None:
    """Also where a second job waits by then."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        job = await it.begin(2)
        asked = it.house.asked()
        await it.house.studio.agree(asked, "a1")
        second = await it.house.studio.continue_story(
            Continue(asked=it.house.asked(), prompt="a boat", options=ShotOptions(seconds=2))
        )
        assert {each.id for each in await it.house.studio.agree(asked, "a1")} == {job.id, second.id}
        assert await state(it, second) is JobState.ASKING
        assert await it.entries(job) == 2


async def test_a_whole_story_is_agreed_to_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """All of its jobs that wait, and no other's; the question says how many and how much."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        studio = it.house.studio
        job = await it.begin(2)
        options = ShotOptions(seconds=3)
        await studio.continue_story(Continue(asked=it.house.asked(), prompt="a boat", options=options))
        other = await it.begin(5)
        usd = Decimal("2.00")
        asked = Question(jobs=2, own_low_usd=Decimal("0.80"), low_usd=usd, known_usd=usd, high_usd=usd, left_usd=None)
        assert await studio.question(job) == asked
        await it.fill("5")
        assert (await studio.question(job)).left_usd == 5
        assert (await studio.pot(it.house.asked())).asking_usd == Decimal("4.00")
        agreed = await studio.agree(it.house.asked(), "A1")
        assert [each.subject for each in agreed] == ["a1-1", "a1-2"]
        assert await state(it, other) is JobState.ASKING


async def test_what_the_pot_does_not_hold_any_more_is_agreed_to_in_vain(tmp_path: Path, clock: FakeClock) -> None:
    """All of a story or nothing of it: the word may be said again."""
    async with bank(tmp_path, clock, rules=replace(ASKS, pots_only=True)) as it:
        await it.fill("1")
        job = await it.begin(2)
        options = ShotOptions(seconds=2)
        await it.house.studio.continue_story(Continue(asked=it.house.asked(), prompt="a boat", options=options))
        asked = it.house.asked()
        with pytest.raises(OverBudget, match=r"has \$0.20 left"):
            await it.house.studio.agree(asked, "a1")
        assert (await state(it, job), await it.left()) == (JobState.ASKING, Decimal(1))
        await it.fill("1")
        assert len(await it.house.studio.agree(asked, "a1")) == 2


async def test_only_who_has_a_say_agrees(tmp_path: Path, clock: FakeClock) -> None:
    """Who asked, the shot's author, the story's director, an operator; nobody else's word counts, in any place."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        studio = it.house.studio
        await it.begin(2)
        for person in (EVE, BEN):
            with pytest.raises(NotAllowed, match="belongs to Ana"):
                await studio.agree(it.house.asked(person), "a1-1")
        with pytest.raises(NotFound):
            await studio.agree(it.house.asked(ANA, "local:away"), "a1-1")
        await studio.agree(it.house.asked(OPERATOR), "a1-1")
        bens = Continue(asked=it.house.asked(BEN), prompt="a boat", options=ShotOptions(seconds=2))
        await studio.continue_story(bens)
        await studio.agree(it.house.asked(BEN), "a1-2")
        await it.house.run(30)
        retake = await studio.retake(Retake(asked=it.house.asked(EVE), shot="a1-2"))
        for person in (ANA, BEN, EVE):  # the director, the author, and who asked
            assert (await state(it, retake)) is JobState.ASKING
            await studio.agree(it.house.asked(person), "a1-2")
            await studio.cancel(it.house.asked(EVE), "a1-2")
            retake = await studio.retake(Retake(asked=it.house.asked(EVE), shot="a1-2"))


async def test_somebodys_own_pot_pays_at_their_own_word_alone(tmp_path: Path, clock: FakeClock) -> None:
    """Not at the director's nor an operator's; of a story they agree to the rest."""
    bens_pot = PotKey(Payer.PERSON, BEN.key)
    async with bank(tmp_path, clock, rules=ASKS) as it:
        studio = it.house.studio
        await it.fill("5", bens_pot)
        anas = await it.begin(2)
        options = ShotOptions(seconds=2)
        bens = await studio.continue_story(Continue(asked=it.house.asked(BEN), prompt="a boat", options=options))
        for person in (ANA, OPERATOR):
            with pytest.raises(NotAllowed, match="Ben's own pot would pay for a1-2; only Ben"):
                await studio.agree(it.house.asked(person), "a1-2")
        assert [each.id for each in await studio.agree(it.house.asked(ANA), "a1", Offer(Decimal("1.60")))] == [anas.id]
        assert (await state(it, bens), await it.left(bens_pot)) == (JobState.ASKING, Decimal(5))
        with pytest.raises(NotAllowed, match="Ben's own pot"):
            await studio.agree(it.house.asked(ANA), "a1")
        (agreed,) = await studio.agree(it.house.asked(BEN), "a1-2")
        assert (agreed.payer, await it.left(bens_pot)) == (Payer.PERSON, Decimal("4.20"))


async def test_to_send_again_from_somebodys_own_pot_is_their_own_word(tmp_path: Path, clock: FakeClock) -> None:
    """An operator may send it again where another pot pays."""
    dear = Dear(submit_errors=[Unconfirmed("?")])
    async with bank(tmp_path, clock, dear) as it:
        await it.fill("5", PotKey(Payer.PERSON, ANA.key))
        job = await it.begin(2)
        await it.house.run(10)
        assert await state(it, job) is JobState.UNCONFIRMED
        with pytest.raises(NotAllowed, match="Ana's own pot"):
            await it.house.studio.again(it.house.asked(OPERATOR), "a1-1")
        assert await state(it, job) is JobState.UNCONFIRMED
        await it.house.studio.again(it.house.asked(), "a1-1")
        assert await state(it, job) is JobState.QUEUED


async def test_a_word_on_one_price_is_none_on_a_higher_one(tmp_path: Path, clock: FakeClock) -> None:
    """Only on it and on less; the same word again may be heard once the price is right."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        job = await it.begin(2)
        shown, studio = Offer(Decimal("0.80")), it.house.studio
        await studio.agree(it.house.asked(), "a1-1", shown)
        it.provider.price = Decimal("9.99")
        await it.house.run(10)
        assert await state(it, job) is JobState.ASKING
        for _ in range(2):
            with pytest.raises(NotPossible, match=r"costs about \$9.99 now"):
                await studio.agree(it.house.asked(), "a1-1", shown)
        assert (await state(it, job), it.provider.submits) == (JobState.ASKING, 0)
        (agreed,) = await studio.agree(it.house.asked(), "a1-1", Offer(Decimal("9.99")))
        assert agreed.agreed_usd == Decimal("9.99")


async def test_of_a_story_of_many_each_agrees_to_what_is_theirs(tmp_path: Path, clock: FakeClock) -> None:
    """The rest waits on."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        anas = await it.begin(2)
        bens = Continue(asked=it.house.asked(BEN), prompt="a boat", options=ShotOptions(seconds=2))
        job = await it.house.studio.continue_story(bens)
        assert [each.id for each in await it.house.studio.agree(it.house.asked(BEN), "a1")] == [job.id]
        assert await state(it, anas) is JobState.ASKING


async def test_what_waits_for_a_word_can_be_cancelled(tmp_path: Path, clock: FakeClock) -> None:
    """It costs nothing, and what waits for its clip hears of it."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        job = await it.begin(2)
        await it.house.studio.cancel(it.house.asked(), "a1-1")
        await it.house.run(5)
        ended = await it.house.job(job.id)
        assert (ended.state, ended.notes, it.provider.submits) == (JobState.CANCELLED, (), 0)


async def test_a_price_that_nobody_knows_is_asked_about(tmp_path: Path, clock: FakeClock) -> None:
    """Whatever the threshold; agreed to as such, it is not asked about again when it is told."""
    provider = Dear(models=dict(UNPRICED), price=Decimal(9))
    async with bank(tmp_path, clock, provider, rules=ASKS) as it:
        job = await it.begin()
        assert job.state is JobState.ASKING
        asks = await it.house.studio.question(job)
        assert (asks.low_usd, asks.high_usd) == (Decimal(0), None)
        assert (await it.house.studio.pot(it.house.asked())).asking_usd is None
        await it.house.studio.agree(it.house.asked(), "a1-1")
        await it.house.run(10)
        assert (await state(it, job), await it.has(job)) == (JobState.DELIVERED, money("0", "9", "0"))


async def test_a_pot_pays_no_price_that_nobody_knows_unasked(tmp_path: Path, clock: FakeClock) -> None:
    """Also where nothing else is limited: it may be all that there is."""
    async with bank(tmp_path, clock, Dear(models=dict(UNPRICED))) as it:
        assert (await it.begin()).state is JobState.QUEUED  # the operator's own
        await it.fill("1")
        assert (await it.begin()).state is JobState.ASKING


@pytest.mark.parametrize("still", [None, "brush"])
async def test_a_limit_that_is_set_while_an_unknown_price_waits_holds(
    tmp_path: Path, clock: FakeClock, still: str | None
) -> None:
    """Nothing was held for it, so nothing had been checked against it: neither picture nor render is asked for."""
    painter = ScriptedPainter()
    async with bank(tmp_path, clock, Dear(models=dict(UNPRICED)), painter=painter) as it:
        job = await it.begin(still=still)
        await it.house.studio.set_limits(it.house.asked(OPERATOR), {"day_usd": Decimal(0)})
        await it.house.run(10)
        ended = await it.house.job(job.id)
        assert ended.failure is not None
        assert (ended.state, ended.failure.kind) == (JobState.FAILED, "OverBudget")
        assert (it.provider.submits, painter.calls) == (0, 0)


async def test_an_unknown_price_stays_with_whom_it_was_to_be_paid_by(tmp_path: Path, clock: FakeClock) -> None:
    """A pot that is filled while it waits was not asked; one that was emptied does not pay what it has not."""
    async with bank(tmp_path, clock, Dear(models=dict(UNPRICED), rendered_usd=Decimal("0.90"))) as it:
        job = await it.begin()
        await it.fill("1")
        await it.house.run(10)
        assert ((await it.house.job(job.id)).payer, await it.left()) == (Payer.HOUSE, Decimal(1))
        asked = await it.begin()
        (agreed,) = await it.house.studio.agree(it.house.asked(), "b1-1")
        assert agreed.payer is Payer.PLACE
        await it.house.studio.take_back(PLACE, Decimal(1), "back")
        await it.house.run(10)
        assert ((await it.house.job(asked.id)).payer, await it.left()) == (Payer.HOUSE, Decimal(0))


# --- the exact price, right before the request -------------------------------------------------------------------------


async def test_a_price_that_rises_above_what_was_agreed_is_asked_about_again(tmp_path: Path, clock: FakeClock) -> None:
    """Before anything is sent, and nothing stays held; agreed to again, it is rendered."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        await it.fill("5")
        job = await it.begin(2)
        await it.house.studio.agree(it.house.asked(), "a1-1")
        it.provider.price = Decimal("0.81")
        await it.house.run(10)
        asking = await it.house.job(job.id)
        assert (asking.state, asking.quoted_usd, asking.agreed_usd) == (JobState.ASKING, Decimal("0.81"), None)
        assert (it.provider.submits, await it.has(job), await it.left()) == (0, money("0", "0", "0"), Decimal(5))
        await it.house.studio.agree(it.house.asked(), "a1-1")
        await it.house.run(10)
        assert (await state(it, job), await it.has(job)) == (JobState.DELIVERED, money("0", "0.81", "0"))


@pytest.mark.parametrize(
    ("price", "goes_on", "held"),
    [("0.50", JobState.RENDERING, "0.50"), ("0.30", JobState.RENDERING, "0.30"), ("0.51", JobState.ASKING, "0")],
)
async def test_where_nobody_was_asked_a_price_may_move_below_the_threshold(
    tmp_path: Path, clock: FakeClock, price: str, goes_on: JobState, held: str
) -> None:
    """And the hold moves with it."""
    async with bank(tmp_path, clock, Dear(finishes_at_check=99), rules=ASKS) as it:
        await it.fill("5")
        job = await it.begin(1)
        it.provider.price = Decimal(price)
        await it.house.run(2)
        assert (await state(it, job), await it.has(job)) == (goes_on, money(held, "0", "0"))


async def test_a_pot_that_does_not_hold_the_difference_stops_the_render(tmp_path: Path, clock: FakeClock) -> None:
    """It fails with the sentence, and nothing was sent or spent."""
    async with bank(tmp_path, clock, rules=MoneyRules(pots_only=True)) as it:
        await it.fill("0.45")
        job = await it.begin(1)
        it.provider.price = Decimal("0.46")
        await it.house.run(10)
        ended = await it.house.job(job.id)
        assert ended.failure is not None
        assert (ended.state, ended.failure.kind, it.provider.submits) == (JobState.FAILED, "OverBudget", 0)
        assert "has $0.05 left" in ended.failure.sentence
        assert (await it.has(job), await it.left()) == (money("0", "0", "0"), Decimal("0.45"))


async def test_a_pot_that_does_not_hold_the_difference_leaves_it_to_the_house(tmp_path: Path, clock: FakeClock) -> None:
    """Where that may pay: what the pot held it has again."""
    async with bank(tmp_path, clock, Dear(finishes_at_check=99)) as it:
        await it.fill("0.45")
        job = await it.begin(1)
        it.provider.price = Decimal("0.46")
        await it.house.run(1)
        assert ((await it.house.job(job.id)).payer, await it.left()) == (Payer.HOUSE, Decimal("0.45"))
        assert await it.has(job) == money("0.46", "0", "0")


async def test_a_cap_that_does_not_hold_the_difference_stops_the_render(tmp_path: Path, clock: FakeClock) -> None:
    """What it holds itself is no matter."""
    dear = Dear(finishes_at_check=99)
    async with bank(tmp_path, clock, dear, rules=MoneyRules(place=Limits(day_usd=Decimal("0.86")))) as it:
        job = await it.begin(1)
        dear.price = Decimal("0.45")
        await it.house.run(2)
        assert (await state(it, job), dear.submits) == (JobState.RENDERING, 1)
        job = await it.begin(1)
        dear.price = Decimal("0.42")
        await it.house.run(2)
        assert (await state(it, job), dear.submits) == (JobState.FAILED, 1)


@pytest.mark.parametrize(("render", "goes_on"), [("0.80", JobState.DELIVERED), ("0.81", JobState.ASKING)])
async def test_a_picture_that_cost_a_little_more_is_no_reason_to_ask_again(
    tmp_path: Path, clock: FakeClock, render: str, goes_on: JobState
) -> None:
    """It is paid; only a render that costs more than what was agreed to is."""
    async with bank(tmp_path, clock, rules=ASKS, painter=ScriptedPainter()) as it:
        job = await it.begin(2, still="brush")
        await it.house.studio.agree(it.house.asked(), "a1-1")
        it.provider.price = Decimal(render)
        await it.house.run(20)
        assert await state(it, job) is goes_on


async def test_what_was_painted_stays_paid_where_the_render_is_asked_about(tmp_path: Path, clock: FakeClock) -> None:
    """And its pot goes on to pay, or the draft is drawn on it."""
    async with bank(tmp_path, clock, rules=ASKS, painter=ScriptedPainter()) as it:
        await it.fill("5")
        job = await it.begin(1, still="brush")
        it.provider.price = Decimal("0.60")
        await it.house.run(20)
        assert (await state(it, job), await it.has(job)) == (JobState.ASKING, money("0", "0.06", "0"))
        await it.house.studio.agree(it.house.asked(), "a1-1")
        await it.house.run(20)
        assert (await state(it, job), await it.has(job)) == (JobState.DELIVERED, money("0", "0.66", "0"))
        assert await it.left() == Decimal("4.34")


# --- the draft ---------------------------------------------------------------------------------------------------------


async def test_a_draft_costs_nothing_and_comes_from_elsewhere(tmp_path: Path, clock: FakeClock) -> None:
    """The shot is the free provider's from then on; the same word again changes nothing."""
    free = ScriptedProvider(name="pencil")
    async with opened_house(tmp_path, clock, Dear(), others=[free], rules=ASKS) as house:
        it = Bank(house, house.provider)  # type: ignore[arg-type]  # it is dear
        job = await it.begin(2, still=None)
        asked = house.asked()
        for _ in range(2):
            (drafted,) = await house.studio.draft(asked, "a1")
            assert (drafted.provider, drafted.quoted_usd) == ("pencil", Decimal(0))
        await house.run(10)
        assert (await state(it, job), house.provider.submits, free.submits) == (JobState.DELIVERED, 0, 1)
        assert await house.store.read(lambda tx: tx.entries()) == []
        shot = await house.store.read(lambda tx: tx.shot(job.shot_id or 0))
        assert shot is not None
        assert shot.provider == "pencil"


async def test_a_draft_is_not_asked_about_for_what_was_painted(tmp_path: Path, clock: FakeClock) -> None:
    """That is paid, for less than it was quoted at; the threshold lies between the two."""
    rules = MoneyRules(place=Limits(ask_above_usd=Decimal("0.04")))
    free, painter = ScriptedProvider(name="pencil"), ScriptedPainter(says_usd=Decimal("0.03"))
    async with opened_house(tmp_path, clock, Dear(), others=[free], painters=[painter], rules=rules) as house:
        it = Bank(house, house.provider)  # type: ignore[arg-type]  # it is dear
        job = await it.begin(1, still="brush")
        await house.studio.agree(house.asked(), "a1-1")
        it.provider.price = Decimal("0.90")
        await house.run(10)
        assert await state(it, job) is JobState.ASKING
        await house.studio.draft(house.asked(), "a1-1")
        await house.run(10)
        assert (await state(it, job), await it.has(job)) == (JobState.DELIVERED, money("0", "0.03", "0"))


async def test_a_draft_needs_no_painted_frame(tmp_path: Path, clock: FakeClock) -> None:
    """None is painted, and so none is paid."""
    free, painter = ScriptedProvider(name="pencil"), ScriptedPainter()
    async with opened_house(tmp_path, clock, Dear(), others=[free], painters=[painter], rules=ASKS) as house:
        it = Bank(house, house.provider)  # type: ignore[arg-type]  # it is dear
        job = await it.begin(2, still="brush")
        await house.studio.draft(house.asked(), "a1-1")
        await house.run(10)
        assert (await state(it, job), painter.calls) == (JobState.DELIVERED, 0)


async def test_not_everything_can_be_drafted(tmp_path: Path, clock: FakeClock) -> None:
    """Somebody else's shot, a change by words, and where nothing is free."""
    free = ScriptedProvider(name="pencil")
    async with opened_house(tmp_path, clock, Dear(), others=[free], rules=ASKS) as house:
        it = Bank(house, house.provider)  # type: ignore[arg-type]  # it is dear
        await it.begin(1)
        await house.run(10)
        (bens,) = [await house.studio.retake(Retake(asked=house.asked(BEN), shot="a1-1", seed=1))]
        assert bens.state is JobState.QUEUED
        await house.run(10)
        await it.begin(2)
        with pytest.raises(NotAllowed):
            await house.studio.draft(house.asked(BEN), "b1-1")
        await house.studio.agree(house.asked(), "b1-1")
        await house.run(10)
        await house.studio.edit(Edit(asked=house.asked(), words="make it night", shot="b1-1"))
        with pytest.raises(NotPossible, match="changed by words"):
            await house.studio.draft(house.asked(), "b1-1")
    async with bank(tmp_path / "2", clock, rules=ASKS) as it:
        await it.begin(2)
        with pytest.raises(NotPossible, match="for free"):
            await it.house.studio.draft(it.house.asked(), "a1-1")


# --- who sets what -----------------------------------------------------------------------------------------------------


async def test_what_whoever_runs_the_bot_has_set_nobody_else_changes(tmp_path: Path, clock: FakeClock) -> None:
    """Neither lower nor back; other limits are the place's own, and so is this one once it was taken back."""
    async with bank(tmp_path, clock) as it:
        studio = it.house.studio

        async def set_by_chat(**changes: Decimal | None) -> Limits:
            return (await studio.set_limits(it.house.asked(OPERATOR), changes)).limits

        await set_by_chat(day_usd=Decimal(3), story_usd=Decimal(2))
        await studio.set_limits(it.house.asked(OPERATOR), {"day_usd": Decimal(0)}, True)  # noqa: FBT003  # by its place
        for changes in ({"day_usd": None}, {"day_usd": Decimal(9)}, {"day_usd": None, "shot_usd": Decimal(1)}):
            with pytest.raises(NotAllowed, match="Whoever runs this bot"):
                await set_by_chat(**changes)
        found = await set_by_chat(story_usd=None, shot_usd=Decimal(1))
        assert found == Limits(day_usd=Decimal(0), shot_usd=Decimal(1), fixed=frozenset({"day_usd"}))
        with pytest.raises(OverBudget):
            await it.begin()
        await studio.set_limits(it.house.asked(OPERATOR), {"day_usd": None}, True)  # noqa: FBT003  # as above
        assert await set_by_chat(day_usd=Decimal(4)) == Limits(day_usd=Decimal(4), shot_usd=Decimal(1))


async def test_only_an_operator_sets_limits(tmp_path: Path, clock: FakeClock) -> None:
    """By their names, to amounts."""
    async with bank(tmp_path, clock) as it:
        studio = it.house.studio
        with pytest.raises(NotAllowed, match="operator"):
            await studio.set_limits(it.house.asked(), {"day_usd": Decimal(1)})
        with pytest.raises(NotPossible, match="no limit “week_usd”"):
            await studio.set_limits(it.house.asked(OPERATOR), {"week_usd": Decimal(1)})
        for usd in ("-1", "NaN"):
            with pytest.raises(NotPossible, match="from 0 up"):
                await studio.set_limits(it.house.asked(OPERATOR), {"day_usd": Decimal(usd)})
        asked = it.house.asked(OPERATOR)
        await studio.set_limits(asked, {"ask_above_usd": Decimal("0.10")})
        await studio.set_limits(it.house.asked(OPERATOR), {"ask_above_usd": Decimal("0.20")})
        again = await studio.set_limits(asked, {"ask_above_usd": Decimal("0.10")})
        assert again.limits.ask_above_usd == Decimal("0.20")
        assert (await it.begin()).state is JobState.ASKING
        assert (await studio.pots())[0].key == PLACE
        elsewhere = Create(asked=it.house.asked(place="local:away"), prompt="a lamp")
        assert (await studio.create(elsewhere)).state is JobState.QUEUED
        assert PLACE.owner == HOME
