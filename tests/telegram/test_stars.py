"""Telegram Stars for dollars in a pot, and back: real house, real library, a server that knows the rules of payments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.house import House
from bot.parsing import UsageError, parse
from bot.requests import request_of
from bot.settings import SettingsError, load_settings
from bot.telegram.stars_book import Charge, StarsBook
from bot.telegram.stars_heard import Bill, bill_for, payload_of, read_payload
from bot.telegram.stars_texts import invoice_title, invoice_words
from engine.job_model import Payer
from engine.ledger import Pot, PotKey
from engine.model import Asked, Person
from storage import Inbox
from tests.fakes.telegram import TOKEN, Chat, FakeTelegram, Message, Payment
from tests.fakes.telegram import Person as Member
from tests.telegram.asking import WAIT_S, told, until
from tests.telegram.house import opened_bot
from tests.telegram.process import BotProcess

STAR_USD = Decimal("0.013")


@pytest.fixture
def ana(telegram: FakeTelegram) -> Member:
    return telegram.person("Ana", username="ana_films")


@asynccontextmanager
async def selling(
    telegram: FakeTelegram,
    directory: Path,
    boss: Member,
    star_usd: Decimal | None = STAR_USD,
    allowed: str = "*",
) -> AsyncIterator[House]:
    """A bot that takes Stars."""
    async with opened_bot(
        telegram, directory, telegram_admins=str(boss.id), telegram_stars_usd=star_usd, telegram_allowed=allowed
    ) as house:
        yield house


async def invoiced(telegram: FakeTelegram, chat: Chat, *, after: Message | None = None) -> Message:
    """The bot's first invoice in this chat, after that message."""

    def fits(message: Message) -> bool:
        return message.invoice is not None and (after is None or message.id > after.id)

    return await telegram.wait_for_message(chat, fits, WAIT_S, f"An invoice in {chat.title}")


async def paid_for(telegram: FakeTelegram, person: Member, chat: Chat, stars: int = 500) -> Payment:
    """A whole payment, answered."""
    said = telegram.says(person, chat, f"/topup {stars}")
    payment = telegram.pays(person, await invoiced(telegram, chat, after=said))
    await until(telegram, payment.settled.is_set, "The checkout's answer")
    assert payment.is_paid, payment.refusal
    await told(telegram, chat, f"{person.name} paid {stars} Stars", after=said)
    return payment


async def pot_of(house: House, key: PotKey) -> Pot:
    return await house.store.read(lambda tx: tx.pot(key))


async def left(house: House, key: PotKey) -> Decimal:
    return (await pot_of(house, key)).balances.left


def own(person: Member) -> PotKey:
    """Somebody's own pot."""
    return PotKey(Payer.PERSON, f"telegram:{person.id}")


async def test_stars_fill_the_pot_of_who_pays_in_a_private_chat(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """Invoice with one price and terms, a yes, the dollars under the payment's own id, and what the pot has now."""
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, chat)
        thanks = await told(telegram, chat, "Ana paid 500 Stars: $6.50 more. Your pot has $6.50 left.")
        (call,) = telegram.calls_of("sendInvoice")
        pot = await pot_of(house, own(ana))
        entries = await house.store.read(lambda tx: tx.entries(pot=own(ana)))
    assert (call.params["currency"], call.params["provider_token"]) == ("XTR", "")
    assert call.params["prices"] == [{"label": "Top up with Stars", "amount": 500}]
    assert "/paysupport" in call.params["description"]
    assert (pot.is_open, pot.balances.left) == (True, Decimal("6.5"))
    assert [each.key for each in entries if each.key] == [f"stars:{payment.charge_id}"]
    assert thanks.reply_to is not None
    assert sum(each.usd for each in entries) == 0


async def test_anybody_in_a_group_pays_into_the_pot_of_its_topic(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member
) -> None:
    """The message of a payment comes in the payer's private chat: the pot is the one of the invoice, and is told about there."""
    ben = telegram.person("Ben")
    group = telegram.group("Film club", [ana, ben], forum=True)
    async with selling(telegram, tmp_path, boss) as house:
        topic = telegram.topic(group, "Noir")
        telegram.says(ana, group, "/topup 100", topic=topic)
        invoice = await invoiced(telegram, group)
        assert invoice.thread == topic
        for person, sum_usd in ((ana, "$1.30"), (ben, "$2.60")):  # an invoice in a group can be paid by several
            telegram.pays(person, invoice)
            thanks = await told(telegram, group, f"{person.name} paid 100 Stars")
            assert thanks.thread == topic
            assert f"The pot of this chat has {sum_usd} left." in thanks.text
        assert await left(house, PotKey(Payer.PLACE, f"telegram:{group.id}/{topic}")) == Decimal("2.6")
        assert await left(house, own(ana)) == 0


async def test_the_button_under_a_pot_asks_how_many(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """`/pot` offers it, one press says how many, and the next one brings the invoice; words that are no number are told so."""
    async with selling(telegram, tmp_path, boss):
        asked = telegram.says(ana, chat, "/pot")
        pot = await telegram.wait_for_message(chat, lambda message: message.reply_to == asked.id, WAIT_S)
        await telegram.presses(ana, pot, "Top up with Stars").answered(WAIT_S)
        question = await told(telegram, chat, "How many Stars for your pot? 100 are $1.30 here")
        await telegram.presses(ana, question, "250 Stars").answered(WAIT_S)
        invoice = await invoiced(telegram, chat)
        assert (invoice.invoice or {})["total_amount"] == 250
        for words in ("many", "0", "-5", "10001", "1.5", "²"):
            said = telegram.says(ana, chat, f"/topup {words}")
            await told(telegram, chat, "a whole number from 1 to 10000", after=said)


async def test_the_same_payment_told_twice_counts_once(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """The same update again is nothing, and under another number the payment is told again and not posted again."""
    async with selling(telegram, tmp_path, boss) as house:
        await paid_for(telegram, ana, chat)
        telegram.resend_last_update()
        telegram.world.updates.push("message", telegram.world.updates.history[-1]["message"])

        def thanks() -> list[Message]:
            return [each for each in telegram.bot_messages(chat) if "Ana paid 500 Stars" in each.text]

        await until(telegram, lambda: len(thanks()) == 2, "Thanks for it under its second number")
        assert all("Your pot has $6.50 left." in each.text for each in thanks())
        assert await left(house, own(ana)) == Decimal("6.5")


async def test_a_payment_that_came_before_a_kill_is_posted_after_it(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """The server has the yes and took the Stars; the process dies before it hears so, and comes back without a price."""
    async with BotProcess(telegram, tmp_path, telegram_admins=str(boss.id), telegram_stars_usd="0.013") as bot:
        await bot.start()
        telegram.says(ana, chat, "/topup 500")
        invoice = await invoiced(telegram, chat)
        gate = telegram.gate("answerPreCheckoutQuery", after=True)
        payment = telegram.pays(ana, invoice)
        await asyncio.wait_for(gate.reached.wait(), WAIT_S)
        await bot.kill()
        gate.release()
        assert payment.is_paid

    async with BotProcess(telegram, tmp_path) as bot:
        await bot.start()
        await told(telegram, chat, "Your pot has $6.50 left.")
        telegram.forget_offset()
        await bot.confirmed()
        posted = "SELECT count(*), sum(micros) FROM entry WHERE bucket = 'left'"
        assert await bot.rows(posted) == [(1, 6_500_000)]


async def test_a_checkout_is_refused_with_a_sentence(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """An invoice from before the price changed or Stars went off, of another token, or changed on its way; nothing is paid."""
    stranger = telegram.person("Mallory")
    async with selling(telegram, tmp_path, boss):
        telegram.says(ana, chat, "/topup 500")
        invoice = await invoiced(telegram, chat)

    async def refused(payer: Member, paying: Message, star_usd: Decimal | None = STAR_USD, allowed: str = "*") -> str:
        async with selling(telegram, tmp_path, boss, star_usd, allowed):
            payment = telegram.pays(payer, paying)
            await until(telegram, payment.settled.is_set, "The checkout's answer")
            assert not payment.is_paid
            return str(payment.refusal)

    forged = telegram.world.change(invoice, payload=invoice.payload.replace("6.5", "650"))
    cheaper = telegram.world.change(invoice, invoice={**(invoice.invoice or {}), "total_amount": 1})
    assert "another amount here by now" in await refused(ana, invoice, Decimal("0.012"))
    assert "No Stars are taken here any more" in await refused(ana, invoice, None)
    assert "too old" in await refused(ana, forged)
    assert "too old" in await refused(ana, cheaper)
    assert "not open to everybody" in await refused(stranger, invoice, allowed="123")


async def test_without_a_price_nothing_is_sold(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """`/topup` says who fills the pot, `/pot` has no button, `/paysupport` answers for what was paid before."""
    async with selling(telegram, tmp_path, boss, None):
        telegram.says(ana, chat, "/topup 500")
        await told(telegram, chat, "No Stars are taken here")
        asked = telegram.says(ana, chat, "/pot")
        pot = await telegram.wait_for_message(chat, lambda message: message.reply_to == asked.id, WAIT_S)
        assert "Stars" not in str(pot.buttons)
        telegram.says(ana, chat, "/paysupport")
        await told(telegram, chat, "Telegram's own support cannot help")
    assert not telegram.calls_of("sendInvoice")


async def test_who_asks_about_a_payment_reaches_the_operator_who_pays_it_back(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """The operator reads what happened and which payment; only they can refund; the pot and the payer's Stars agree."""
    office = telegram.private(boss)
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, chat)
        telegram.says(ana, chat, "/paysupport I pressed twice")
        await told(telegram, chat, "passed on")
        question = await told(telegram, office, "Ana (@\u2060ana_films) asks about a payment: “I pressed twice”")
        assert f"500 Stars: /refund {payment.charge_id}" in question.text

        telegram.says(ana, chat, f"/refund {payment.charge_id}")
        await told(telegram, chat, "Only whoever runs this bot")
        assert not payment.is_refunded
        telegram.says(boss, office, f"/refund {payment.charge_id}")
        await told(telegram, office, "500 Stars were paid back: $6.50 less.")
        assert payment.is_refunded
        again = telegram.says(boss, office, f"/refund {payment.charge_id}")
        await told(telegram, office, "500 Stars were paid back", after=again)
        unknown = telegram.says(boss, office, "/refund stx-unknown")
        await told(telegram, office, "No payment with this transaction id", after=unknown)
        assert await left(house, own(ana)) == 0


async def test_a_refund_whose_answer_was_lost_is_asked_for_again(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """The Stars went back, nobody heard it, and the house closes: the next start goes on, and nothing is taken twice."""
    office = telegram.private(boss)
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, chat)
        gate = telegram.gate("refundStarPayment", after=True)
        telegram.says(boss, office, f"/refund {payment.charge_id}")
        await asyncio.wait_for(gate.reached.wait(), WAIT_S)
        assert await left(house, own(ana)) == 0  # nobody can spend it meanwhile
    gate.release()
    assert payment.is_refunded
    telegram.lose_answer("refundStarPayment")
    async with selling(telegram, tmp_path, boss) as house:
        await told(telegram, office, "500 Stars were paid back")
        assert await left(house, own(ana)) == 0
    codes = [call.code for call in telegram.calls_of("refundStarPayment")]
    assert codes[0] == 200
    assert codes[1:]
    assert {*codes[1:]} == {400}


async def test_a_refund_that_telegram_refuses_leaves_the_pot_as_it_was(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """A final no puts the dollars back, each time; a later try that works takes them for good."""
    office = telegram.private(boss)
    telegram.fail_next("refundStarPayment", 400, "Bad Request: CHARGE_NOT_FOUND", times=2)
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, chat)
        for _ in range(2):
            said = telegram.says(boss, office, f"/refund {payment.charge_id}")
            await told(telegram, office, "Telegram does not pay these 500 Stars back", after=said)
            assert await left(house, own(ana)) == Decimal("6.5")
        said = telegram.says(boss, office, f"/refund {payment.charge_id}")
        await told(telegram, office, "500 Stars were paid back", after=said)
        assert await left(house, own(ana)) == 0


async def test_what_the_pot_does_not_hold_any_more_is_paid_back_by_force_only(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """Four of its dollars are gone: a sentence says so and nothing moves, until the operator insists and the pot falls short."""
    office = telegram.private(boss)
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, chat)
        await house.studio.take_back(own(ana), Decimal(4), "gone:1")
        telegram.says(boss, office, f"/refund {payment.charge_id}")
        await told(telegram, office, "That pot has $2.50 left of these $6.50")
        assert not telegram.calls_of("refundStarPayment")
        assert await left(house, own(ana)) == Decimal("2.5")
        telegram.says(boss, office, f"/refund {payment.charge_id} --force")
        await told(telegram, office, "Your pot has -$4.00 left.")
        assert payment.is_refunded
        assert await left(house, own(ana)) == Decimal(-4)


async def test_stars_that_go_back_elsewhere_leave_the_pot_once(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """Telegram says that a payment was refunded: the dollars go, the chat is told, and the same word again changes nothing."""
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, chat)
        telegram.gets_back(payment)
        back = await told(telegram, chat, "500 Stars were paid back: $6.50 less. Your pot has $0.00 left.")
        telegram.resend_last_update()
        telegram.world.updates.push("message", telegram.world.updates.history[-1]["message"])
        said = telegram.says(boss, telegram.private(boss), f"/refund {payment.charge_id}")
        await told(telegram, telegram.private(boss), "500 Stars were paid back", after=said)
        assert await left(house, own(ana)) == 0
    assert [each for each in telegram.bot_messages(chat) if "paid back" in each.text] == [back]


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["by the operator", "elsewhere"])
async def test_a_refund_takes_from_the_pot_where_the_group_is_now(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, is_elsewhere: bool
) -> None:
    """It was paid for under the old id; the pot went along, so that is where the dollars leave it, and where that is told."""
    office, group = telegram.private(boss), telegram.group("Film", [ana], basic=True)
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, group)
        new = telegram.migrates(group)
        pot = PotKey(Payer.PLACE, f"telegram:{new.id}")

        async def has_moved() -> None:
            while await left(house, pot) != Decimal("6.5"):  # noqa: ASYNC110  # the database tells nobody
                await asyncio.sleep(0.01)

        await asyncio.wait_for(has_moved(), WAIT_S)
        if is_elsewhere:
            telegram.gets_back(payment)
            await told(telegram, new, "500 Stars were paid back: $6.50 less. The pot of this chat has $0.00 left.")
        else:
            telegram.says(boss, office, f"/refund {payment.charge_id}")
            await told(telegram, office, "500 Stars were paid back")
        assert await left(house, pot) == 0
        assert await left(house, PotKey(Payer.PLACE, f"telegram:{group.id}")) == 0


async def test_a_payment_that_is_noted_under_two_ids_of_its_group_is_one(
    telegram: FakeTelegram, tmp_path: Path, boss: Member
) -> None:
    """A crash between note and pot, and a move before the next start: the first note is the payment."""
    first = Charge("stx/1", 7, Bill("telegram:-5", 500, Decimal("6.5")))
    async with selling(telegram, tmp_path, boss) as house:
        book = StarsBook(Inbox(house.store), "telegram:1")
        for charge in (first, replace(first, bill=replace(first.bill, place="telegram:-1005"))):
            await book.keep(charge)
        assert await book.find("stx/1") == first
        assert await book.find("stx/2") is None


async def test_a_payment_for_nothing_known_is_kept_and_can_go_back(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """Its invoice is another token's: no pot gets anything, its payer hears so, and the operator can refund it."""
    async with selling(telegram, tmp_path, boss) as house:
        telegram.says(ana, chat, "/topup 500")
        invoice = await invoiced(telegram, chat)
        payment = telegram.pays(ana, invoice)
        await told(telegram, chat, "Ana paid 500 Stars")
        strange = {**telegram.world.updates.history[-1]["message"], "message_id": 9_999}
        sold = {**strange["successful_payment"], "telegram_payment_charge_id": "stx-strange", "invoice_payload": "?"}
        telegram.world.updates.push("message", {**strange, "successful_payment": sold})
        await told(telegram, chat, "does not know any more what for")
        telegram.fail_next("refundStarPayment", 400, "Bad Request: CHARGE_ALREADY_REFUNDED")
        telegram.says(boss, telegram.private(boss), "/refund stx-strange")
        await told(telegram, telegram.private(boss), "500 Stars were paid back.")
        assert await left(house, own(ana)) == Decimal("6.5")
    assert not payment.is_refunded


def test_a_payload_says_what_was_signed_and_nothing_else() -> None:
    """The longest one fits; a changed one, or another token's, is nobody's."""
    for bill in (
        bill_for("telegram:123456789", 1, Decimal("0.000001")),
        bill_for("telegram:-1001234567890123456/1234567890123456789", 10_000, Decimal(1)),
        bill_for("telegram:-100200/7", 9_999, Decimal("0.123457")),
    ):
        payload = payload_of(bill, TOKEN)
        assert len(payload.encode()) <= 128
        assert read_payload(payload, TOKEN) == bill
        assert read_payload(payload, TOKEN[:-1] + "1") is None
        assert read_payload(payload.replace("telegram:", "telegram:1", 1), TOKEN) is None
        assert read_payload(payload[:-1], TOKEN) is None


@pytest.mark.parametrize("text", ["/topup 500", "/paysupport it is gone", "/refund stx-1 --force"])
def test_elsewhere_it_is_said_where_stars_are_taken(text: str) -> None:
    """On the page, in Discord and in the terminal: one sentence."""
    with pytest.raises(UsageError, match="works in Telegram only"):
        request_of(parse(text), Asked("key", "local:home", Person("local:ana", "Ana")))


def test_an_invoice_fits_its_fields() -> None:
    """Title and description at the most that they can be: https://core.telegram.org/bots/api#sendinvoice"""
    bill = Bill("telegram:-100200", 10_000, Decimal("1234.567891"))
    assert len(invoice_title(bill)) <= 32
    assert len(invoice_words(bill)) <= 255


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"NEXTSHOT_TELEGRAM_STARS_USD": "0.013"}, "does nothing without NEXTSHOT_TELEGRAM_TOKEN"),
        ({"NEXTSHOT_TELEGRAM_STARS_USD": "0.013", "NEXTSHOT_TELEGRAM_TOKEN": TOKEN}, "nobody could pay one back"),
        ({"NEXTSHOT_TELEGRAM_STARS_USD": "0"}, "more than 0"),
        ({"NEXTSHOT_TELEGRAM_STARS_USD": "13"}, "at most 1"),
        ({"NEXTSHOT_TELEGRAM_STARS_USD": "NaN"}, "more than 0"),
    ],
)
def test_a_price_that_is_none_is_told(
    given: dict[str, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence, before anything starts."""
    monkeypatch.chdir(tmp_path)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        load_settings()
