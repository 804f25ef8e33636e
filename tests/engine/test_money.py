"""What a job costs is held when it is made, settled at what it cost, and given back where nothing was charged."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import event

from bot import money_texts
from engine.abilities import Price, Quote
from engine.attempts import AttemptOutcome
from engine.errors import (
    Billed,
    NotFound,
    NotPossible,
    OverBudget,
    Refused,
    RenderFailed,
    StorageUnavailable,
    Unconfirmed,
)
from engine.job_model import Job, JobState, Payer
from engine.ledger import HOUSE, Balances, Limits, Pot, PotKey
from engine.model import Continue, Create, Edit, Person, Retake, ShotOptions
from engine.money_rules import MoneyRules
from engine.providers.base import CancelOutcome, Order
from engine.restored import settle_restored
from storage.sqlite import SqliteDatabase
from tests.fakes.clock import FakeClock
from tests.fakes.painter import ScriptedPainter
from tests.fakes.provider import ABILITIES, ScriptedProvider
from tests.house import ANA, BEN, HOME, House, opened_house

PRICE = Price(usd_per_second={"": Decimal("0.40")})
DEAR = {"one": replace(ABILITIES, price=PRICE, edit=True)}
UNPRICED = {"one": replace(ABILITIES, price=None)}
PLACE, MINE = PotKey(Payer.PLACE, HOME), PotKey(Payer.PERSON, ANA.key)


@dataclass
class Dear(ScriptedProvider):
    """A second costs $0.40, unless `price` says otherwise right before it is asked for."""

    models: dict[str, object] = field(default_factory=lambda: dict(DEAR))  # type: ignore[assignment]  # of abilities
    price: Decimal | None = None
    stops: CancelOutcome = CancelOutcome.STOPPED

    async def quote(self, order: Order) -> Quote:
        return await super().quote(order) if self.price is None else Quote(self.price)

    async def cancel(self, task_id: str) -> CancelOutcome:
        await super().cancel(task_id)
        return self.stops


@dataclass
class Bank:
    """A house with a dear provider, and what there is in it."""

    house: House
    provider: Dear

    async def begin(self, seconds: float = 1, person: Person = ANA, **options: object) -> Job:
        said = ShotOptions(seconds=seconds, **options)  # type: ignore[arg-type]  # by name
        command = Create(asked=self.house.asked(person), prompt="a lamp", options=said)
        return await self.house.studio.create(command)

    async def fill(self, usd: str, pot: PotKey = PLACE) -> Pot:
        return await self.house.studio.top_up(pot, Decimal(usd), f"top-up {next(self.house.keys)}")

    async def left(self, pot: PotKey = PLACE) -> Decimal:
        return (await self.house.store.read(lambda tx: tx.pot(pot))).balances.left

    async def has(self, job: Job) -> tuple[Decimal, Decimal, Decimal]:
        """What is held, spent and unknown of it."""
        got: Balances = await self.house.store.read(lambda tx: tx.job_balances(job.id))
        assert got.left == -got.committed
        return got.held, got.spent, got.unknown

    async def entries(self, job: Job) -> int:
        return len(await self.house.store.read(lambda tx: tx.entries(job_id=job.id)))


@asynccontextmanager
async def bank(
    tmp_path: Path,
    clock: FakeClock,
    provider: Dear | None = None,
    *,
    rules: MoneyRules = MoneyRules(),  # noqa: B008  # frozen
    painter: ScriptedPainter | None = None,
) -> AsyncIterator[Bank]:
    provider = provider or Dear()
    painters = [painter] if painter else []
    async with opened_house(tmp_path, clock, provider, rules=rules, painters=painters) as house:
        yield Bank(house, provider)


def day(usd: str) -> Limits:
    return Limits(day_usd=Decimal(usd))


def money(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


# --- from quote to clip ------------------------------------------------------------------------------------------------


async def test_a_price_is_held_when_the_job_is_made_and_settled_by_its_clip(tmp_path: Path, clock: FakeClock) -> None:
    """At what it cost, where that is told; the polls between post nothing."""
    async with bank(tmp_path, clock, Dear(says_usd=Decimal("0.75"), finishes_at_check=20)) as it:
        await it.fill("5")
        job = await it.begin(2)
        assert (job.state, job.quoted_usd, job.payer) == (JobState.QUEUED, Decimal("0.80"), Payer.PLACE)
        assert (await it.has(job), await it.left()) == (money("0.80", "0", "0"), Decimal("4.20"))
        await it.house.run(3)
        assert (await it.house.job(job.id)).state is JobState.RENDERING
        assert (await it.has(job), await it.entries(job)) == (money("0.80", "0", "0"), 2)
        it.provider.finishes_at_check = 1
        await it.house.run(5)
        assert (await it.house.job(job.id)).state is JobState.DELIVERED
        assert (await it.has(job), await it.left()) == (money("0", "0.75", "0"), Decimal("4.25"))


async def test_polls_and_waits_never_look_into_the_books(tmp_path: Path, clock: FakeClock) -> None:
    """Ten thousand renders are looked at all day, and none of these looks changes what is owed."""
    async with bank(tmp_path, clock, Dear(finishes_at_check=99)) as it:
        for _ in range(3):  # of which one waits in line
            await it.begin()
        await it.house.run(3)
        sent: list[str] = []
        assert isinstance(it.house.store.database, SqliteDatabase)
        engine = it.house.store.database._engine.sync_engine
        event.listen(engine, "before_cursor_execute", lambda *told: sent.append(told[2]))
        await it.house.run(3)
        assert len([text for text in sent if text.startswith("UPDATE job")]) > 5
        assert [text for text in sent if re.search(r"\b(entry|pot|attempt)\b", text)] == []


async def test_the_operator_pays_where_no_pot_is_open(tmp_path: Path, clock: FakeClock) -> None:
    """And is told what it comes to."""
    async with bank(tmp_path, clock) as it:
        job = await it.begin()
        await it.house.run(10)
        assert ((await it.house.job(job.id)).payer, await it.left(HOUSE)) == (Payer.HOUSE, Decimal("-0.40"))
        view = await it.house.studio.pot(it.house.asked())
        assert (view.place.is_open, view.today_usd, view.house_today_usd) == (False, *money("0.40", "0.40"))
        assert [(each.name, each.balances.spent) for each in view.by_person] == [("Ana", Decimal("0.40"))]


async def test_what_is_free_leaves_no_trace_in_the_books(tmp_path: Path, clock: FakeClock) -> None:
    """Whatever is set: nothing is asked, nothing is limited, nothing is posted."""
    nothing = Limits(ask_above_usd=Decimal(0), shot_usd=Decimal(0), day_usd=Decimal(0))
    async with opened_house(tmp_path, clock, rules=MoneyRules(house=nothing, pots_only=True)) as house:
        job = await house.shot()
        assert (job.state, job.payer) == (JobState.DELIVERED, None)
        assert await house.store.read(lambda tx: tx.entries()) == []


@pytest.mark.parametrize(
    ("error", "spent", "unknown"),
    [
        (RenderFailed("No.", billed=Billed.NO), "0", "0"),
        (RenderFailed("No.", billed=Billed.YES), "0.40", "0"),
        (RenderFailed("No."), "0", "0.40"),
    ],
)
async def test_a_failure_moves_the_hold_to_where_it_belongs(
    tmp_path: Path, clock: FakeClock, error: RenderFailed, spent: str, unknown: str
) -> None:
    """Given back, spent, or kept apart until somebody knows."""
    async with bank(tmp_path, clock, Dear(check_answers=[error])) as it:
        job = await it.begin()
        await it.house.run(10)
        assert (await it.house.job(job.id)).state is JobState.FAILED
        assert await it.has(job) == money("0", spent, unknown)


@pytest.mark.parametrize(("stops", "unknown"), [(CancelOutcome.STOPPED, "0"), (CancelOutcome.MAY_STILL_COST, "0.40")])
async def test_a_cancelled_render_is_released_when_its_service_says_that_it_stopped(
    tmp_path: Path, clock: FakeClock, stops: CancelOutcome, unknown: str
) -> None:
    """Before that, and where it cannot, nobody knows."""
    async with bank(tmp_path, clock, Dear(stops=stops, finishes_at_check=99)) as it:
        job = await it.begin()
        await it.house.run(3)
        await it.house.studio.cancel(it.house.asked(), "a1-1")
        assert await it.has(job) == money("0", "0", unknown)


async def test_a_lost_answer_is_kept_apart_and_a_second_try_is_held_beside_it(tmp_path: Path, clock: FakeClock) -> None:
    """It may cost twice, and until the operator says so it counts twice."""
    async with bank(tmp_path, clock, Dear(lose_answers=[Unconfirmed("?")])) as it:
        await it.fill("1")
        job = await it.begin()
        await it.house.run(5)
        assert (await it.house.job(job.id)).state is JobState.UNCONFIRMED
        assert await it.has(job) == money("0", "0", "0.40")
        await it.house.studio.again(it.house.asked(), "a1-1")
        assert (await it.has(job), await it.left()) == (money("0.40", "0", "0.40"), Decimal("0.20"))
        await it.house.run(10)
        assert await it.has(job) == money("0", "0.40", "0.40")


async def test_a_second_try_needs_money_of_its_own(tmp_path: Path, clock: FakeClock) -> None:
    """Where its pot does not hold it, nothing is sent, and the question stands."""
    async with bank(tmp_path, clock, Dear(lose_answers=[Unconfirmed("?")])) as it:
        await it.fill("0.50")
        job = await it.begin()
        await it.house.run(5)
        with pytest.raises(OverBudget, match=r"\$0.10 left"):
            await it.house.studio.again(it.house.asked(), "a1-1")
        await it.house.run(5)
        assert ((await it.house.job(job.id)).state, it.provider.submits) == (JobState.UNCONFIRMED, 1)


async def test_a_painted_first_frame_is_spent_whatever_becomes_of_the_render(tmp_path: Path, clock: FakeClock) -> None:
    """The price has both in it."""
    painter, refuses = ScriptedPainter(), Dear(submit_errors=[Refused("No.")])
    async with bank(tmp_path, clock, refuses, painter=painter) as it:
        job = await it.begin(still="brush")
        assert (job.quoted_usd, await it.has(job)) == (Decimal("0.45"), money("0.45", "0", "0"))
        await it.house.run(20)
        assert (await it.house.job(job.id)).state is JobState.FAILED
        assert await it.has(job) == money("0", "0.06", "0")
        again = await it.house.studio.retake(Retake(asked=it.house.asked()))
        assert again.quoted_usd == Decimal("0.40")  # the picture is handed on


async def test_a_picture_and_its_render_are_settled_together(tmp_path: Path, clock: FakeClock) -> None:
    """Each request has its own price."""
    async with bank(tmp_path, clock, Dear(says_usd=Decimal("0.40")), painter=ScriptedPainter()) as it:
        job = await it.begin(still="brush")
        await it.house.run(20)
        assert await it.has(job) == money("0", "0.46", "0")
        attempts = await it.house.store.read(lambda tx: tx.attempts(job.id))
        assert [each.quoted_usd for each in attempts] == list(money("0.05", "0.40"))


@pytest.mark.parametrize(
    ("told", "spent"),
    [
        (("0.06", None, None), "0.86"),
        (("0.03", None, None), "0.83"),
        ((None, None, "0.70"), "0.75"),
        ((None, "0.70", None), "0.75"),
        ((None, None, "0.02"), "0.07"),
        (("0.06", None, "0"), "0.06"),
        (("0.06", "0.90", "0.70"), "0.76"),
    ],
)
async def test_what_is_not_told_of_one_of_the_two_is_settled_at_its_own_price(
    tmp_path: Path, clock: FakeClock, told: tuple[str | None, ...], spent: str
) -> None:
    """A picture is quoted at $0.05, its render at $0.80; what was told when it was done counts more than what was before."""
    picture, said, rendered = (None if text is None else Decimal(text) for text in told)
    dear, painter = Dear(says_usd=said, rendered_usd=rendered), ScriptedPainter(says_usd=picture)
    async with bank(tmp_path, clock, dear, painter=painter) as it:
        job = await it.begin(2, still="brush")
        await it.house.run(40)
        done = await it.house.job(job.id)
        assert (done.state, await it.has(job)) == (JobState.DELIVERED, money("0", spent, "0"))
        if said is not None or rendered is not None:
            assert done.cost_usd == Decimal(spent)


async def test_what_a_render_costs_is_kept_though_the_database_was_away_when_it_was_taken(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes into the books with the task id."""
    async with bank(tmp_path, clock, Dear(says_usd=Decimal("0.90")), painter=ScriptedPainter()) as it:
        job = await it.begin(2, still="brush")

        async def away(*_: object, **__: object) -> None:
            raise StorageUnavailable("away")

        monkeypatch.setattr("engine.submit._close", away)
        await it.house.run(20)
        assert await it.has(job) == money("0", "0.96", "0")


async def test_a_picture_that_was_refused_and_may_be_charged_is_kept_apart(tmp_path: Path, clock: FakeClock) -> None:
    """Until the operator says what became of it."""
    painter = ScriptedPainter(paint_errors=[Refused("No.", billed=Billed.UNKNOWN)])
    async with bank(tmp_path, clock, painter=painter) as it:
        job = await it.begin(2, still="brush")
        await it.house.run(20)
        assert ((await it.house.job(job.id)).state, await it.has(job)) == (JobState.FAILED, money("0", "0", "0.05"))
        assert [each.id for each, _ in await it.house.studio.unknowns()] == [job.id]
        await it.house.studio.resolve(job.id, Decimal("0.04"))
        assert await it.has(job) == money("0", "0.04", "0")


async def test_a_backup_sets_only_the_render_apart_where_its_picture_is_paid(tmp_path: Path, clock: FakeClock) -> None:
    """The price had both in it."""
    async with bank(tmp_path, clock, painter=ScriptedPainter()) as it:
        job = await it.begin(2, still="brush")
        (claimed,) = await it.house.stepper.claim(1)
        await it.house.stepper.step(claimed)
        painted = await it.house.job(job.id)
        assert (painted.state, await it.has(job)) == (JobState.QUEUED, money("0.79", "0.06", "0"))
        await it.house.store.write(lambda tx: settle_restored(tx, painted, clock(), frozenset()))
        assert await it.has(job) == money("0", "0.06", "0.79")


async def test_a_change_by_words_is_priced_by_the_clip_that_it_changes(tmp_path: Path, clock: FakeClock) -> None:
    """It keeps its length."""
    async with bank(tmp_path, clock) as it:
        await it.begin(2)
        await it.house.run(10)
        job = await it.house.studio.edit(Edit(asked=it.house.asked(), words="make it night"))
        assert job.quoted_usd == Decimal("0.80")


async def test_a_price_that_nobody_knows_is_booked_when_it_is_told(tmp_path: Path, clock: FakeClock) -> None:
    """From the pot that is open, even where that goes below nothing: it was rendered."""
    async with bank(tmp_path, clock, Dear(models=dict(UNPRICED), rendered_usd=Decimal("0.90"))) as it:
        await it.fill("0.50")
        job = await it.begin()
        assert (job.state, job.quoted_usd, await it.has(job)) == (JobState.ASKING, None, money("0", "0", "0"))
        await it.house.studio.agree(it.house.asked(), "a1-1")
        await it.house.run(10)
        assert (await it.has(job), await it.left()) == (money("0", "0.90", "0"), Decimal("-0.40"))


# --- pots and caps -----------------------------------------------------------------------------------------------------


async def test_where_only_pots_pay_what_they_do_not_hold_is_refused(tmp_path: Path, clock: FakeClock) -> None:
    """In one sentence that says what is left; nothing is made."""
    async with bank(tmp_path, clock, rules=MoneyRules(pots_only=True)) as it:
        with pytest.raises(OverBudget, match="none is filled here"):
            await it.begin()
        await it.fill("0.50")
        await it.fill("0.30", MINE)
        with pytest.raises(OverBudget) as refused:
            await it.begin(2)
        assert str(refused.value) == (
            "This shot costs about $0.80, and the pot of this place has $0.50 and the person's own pot has $0.30 left; "
            "top it up, or choose a cheaper or a free model."
        )
        assert (await it.begin()).payer is Payer.PLACE
        assert await it.house.live() == 1


async def test_a_cap_counts_what_is_held_and_says_what_is_left(tmp_path: Path, clock: FakeClock) -> None:
    """The second shot would be too much, and so nothing of it is there; another person's is not."""
    rules = MoneyRules(person=day("1"), place=Limits(story_usd=Decimal("0.90")))
    async with bank(tmp_path, clock, rules=rules) as it:
        await it.begin(2)
        options = ShotOptions(seconds=1)
        with pytest.raises(OverBudget) as refused:
            await it.house.studio.continue_story(
                Continue(asked=it.house.asked(), prompt="a boat", shot="a1-1", options=options)
            )
        assert "$0.10 of the $0.90 for one story" in str(refused.value)
        story = await it.house.studio.story(HOME)
        assert story is not None
        assert len(story.shots) == 1
        with pytest.raises(OverBudget, match=r"\$0.20 of the \$1.00 for each person today"):
            await it.begin(1)
        assert (await it.begin(1, BEN)).payer is Payer.HOUSE


async def test_a_day_ends_and_with_it_its_cap(tmp_path: Path, clock: FakeClock) -> None:
    """What was committed today is no matter tomorrow, also where it is settled only then."""
    async with bank(tmp_path, clock, Dear(finishes_at_check=99), rules=MoneyRules(place=day("0.40"))) as it:
        await it.begin()
        with pytest.raises(OverBudget):
            await it.begin()
        clock.advance(13 * 3600)
        await it.begin()
        with pytest.raises(OverBudget):
            await it.begin()


async def test_the_cap_of_a_shot_is_for_all_its_takes(tmp_path: Path, clock: FakeClock) -> None:
    """Another shot has its own."""
    async with bank(tmp_path, clock, rules=MoneyRules(place=Limits(shot_usd=Decimal("0.50")))) as it:
        await it.begin()
        await it.house.run(10)
        with pytest.raises(OverBudget, match="all takes of one shot"):
            await it.house.studio.retake(Retake(asked=it.house.asked()))
        await it.begin()


async def test_a_place_may_be_stricter_than_the_house_and_never_looser(tmp_path: Path, clock: FakeClock) -> None:
    """The strictest limit holds, whoever set it."""
    rules = MoneyRules(place=day("1"))
    async with bank(tmp_path, clock, rules=rules) as it:
        operator = replace(ANA, is_operator=True)
        studio = it.house.studio
        pot = await studio.set_limits(it.house.asked(operator), {"day_usd": Decimal(50)})
        assert pot.limits == day("50")
        assert (await studio.pot(it.house.asked())).caps.place_day_usd == 1
        await it.begin(2)
        with pytest.raises(OverBudget, match=r"of the \$1.00"):
            await it.begin()
        await studio.set_limits(it.house.asked(operator), {"day_usd": Decimal("0.9"), "shot_usd": Decimal(3)})
        with pytest.raises(OverBudget, match=r"\$0.10 of the \$0.90"):
            await it.begin()
        pot = await studio.set_limits(it.house.asked(operator), {"day_usd": None})
        assert pot.limits == Limits(shot_usd=Decimal(3))


async def test_a_cap_has_room_again_for_what_was_given_back(tmp_path: Path, clock: FakeClock) -> None:
    """On the same day."""
    async with bank(tmp_path, clock, Dear(submit_errors=[Refused("No.")]), rules=MoneyRules(place=day("0.4"))) as it:
        await it.begin()
        await it.house.run(5)
        await it.begin()


# --- what comes in, goes out, and is found out -------------------------------------------------------------------------


async def test_a_payment_comes_in_once_and_can_be_taken_back(tmp_path: Path, clock: FakeClock) -> None:
    """Even where it is spent already: the pot is below nothing then, and pays for nothing."""
    async with bank(tmp_path, clock) as it:
        studio = it.house.studio
        for _ in range(2):
            assert (await studio.top_up(PLACE, Decimal("0.50"), "stars:1", "50 stars")).balances.left == Decimal("0.5")
        await it.begin()
        for _ in range(2):
            pot = await studio.take_back(PLACE, Decimal("0.50"), "refund:1")
        assert pot.balances.left == Decimal("-0.40")
        assert (await it.begin()).payer is Payer.HOUSE


async def test_only_an_amount_above_nothing_is_a_payment(house: House) -> None:
    """Neither way, and never into the house's pot."""
    for post in (house.studio.top_up, house.studio.take_back):
        for usd in ("0", "-1", "NaN", "Infinity", "0.0000001"):
            with pytest.raises(NotPossible):
                await post(PLACE, Decimal(usd), "k")
        with pytest.raises(NotPossible, match="operator's own account"):
            await post(HOUSE, Decimal(1), "k")


async def test_what_nobody_knows_is_listed_until_the_operator_says_it(tmp_path: Path, clock: FakeClock) -> None:
    """Then it is spent, to the cent; and what is known cannot be said again."""
    async with bank(tmp_path, clock, Dear(lose_answers=[Unconfirmed("?")])) as it:
        await it.fill("1")
        job = await it.begin()
        await it.house.run(5)
        studio = it.house.studio
        ((found, balances),) = await studio.unknowns()
        assert (found.id, balances.unknown) == (job.id, Decimal("0.40"))
        with pytest.raises(NotPossible):
            await studio.resolve(job.id, Decimal(-1))
        await studio.resolve(job.id, Decimal("0.35"), "their invoice")
        assert (await it.has(job), await it.left()) == (money("0", "0.35", "0"), Decimal("0.65"))
        assert await studio.unknowns() == ()
        assert {line.note for line in await it.house.store.read(lambda tx: tx.entries(limit=2))} == {"their invoice"}
        with pytest.raises(NotFound, match="is known"):
            await studio.resolve(job.id, Decimal(1))
        with pytest.raises(NotFound, match="no job 99"):
            await studio.resolve(99, Decimal(1))


@pytest.mark.parametrize("end", ["lost", "broke", "cancelled"])
async def test_what_had_no_price_and_may_have_cost_something_is_listed_too(
    tmp_path: Path, clock: FakeClock, end: str
) -> None:
    """No balance tells of it; an admin sees its number, and once it is settled it is over."""
    provider = Dear(models=dict(UNPRICED), stops=CancelOutcome.MAY_STILL_COST)
    provider.lose_answers = [Unconfirmed("?")] if end == "lost" else []
    provider.check_answers = [RenderFailed("No.")] if end == "broke" else []
    provider.finishes_at_check = 99
    async with bank(tmp_path, clock, provider) as it:
        studio, asked = it.house.studio, it.house.asked
        job = await it.begin()
        await it.house.run(5)
        other = await it.begin(person=BEN)
        await it.house.run(5)
        if end == "cancelled":
            assert await studio.unknowns() == ()  # it goes on
            await studio.cancel(asked(), job.subject)
            await it.house.run(5)
        assert [(each.id, balances.unknown) for each, balances in await studio.unknowns()] == [(job.id, Decimal(0))]
        assert f"price unknown: {job.subject} (job {job.id})" in money_texts.pot(
            await studio.pot(asked()), is_private=False
        )
        await studio.resolve(job.id, Decimal("0.20"))
        assert await it.has(job) == money("0", "0.20", "0")
        assert (await studio.unknowns(), (await studio.pot(asked())).priceless) == ((), ())
        assert (await it.house.job(other.id)).state is JobState.RENDERING


async def test_a_render_whose_bill_is_unknown_is_settled_too(tmp_path: Path, clock: FakeClock) -> None:
    """One that was taken and broke off, beside one whose answer was lost: the sum is for both."""
    errors = [RenderFailed("No.")]
    async with bank(tmp_path, clock, Dear(lose_answers=[Unconfirmed("?")], check_answers=[*errors])) as it:
        job = await it.begin()
        await it.house.run(5)
        await it.house.studio.again(it.house.asked(), "a1-1")
        await it.house.run(5)
        assert await it.has(job) == money("0", "0", "0.80")
        await it.house.studio.resolve(job.id, Decimal("0.40"))
        assert await it.has(job) == money("0", "0.40", "0")
        attempts = await it.house.store.read(lambda tx: tx.attempts(job.id))
        assert [(each.outcome, each.settled_usd) for each in attempts] == [
            (AttemptOutcome.UNKNOWN, Decimal("0.40")),
            (AttemptOutcome.ACCEPTED, Decimal(0)),
        ]


async def test_a_pot_shows_who_spent_on_what(tmp_path: Path, clock: FakeClock) -> None:
    """By person and by story, spent, held and unknown apart."""
    async with bank(tmp_path, clock, Dear(finishes_at_check=99)) as it:
        await it.fill("5")
        await it.begin(2)
        await it.begin(person=BEN)
        view = await it.house.studio.pot(it.house.asked(BEN))
        assert (view.place.balances.left, view.today_usd, view.person_today_usd) == money("3.80", "1.20", "0.40")
        assert [(each.name, each.balances.held) for each in view.by_person] == [
            ("Ana", Decimal("0.80")),
            ("Ben", Decimal("0.40")),
        ]
        assert [each.name for each in view.by_story] == ["a1", "b1"]
