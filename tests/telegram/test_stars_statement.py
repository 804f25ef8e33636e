"""Stars whose update never came: the server's own list has them, and each counts once."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from bot.telegram import stars_statement
from engine.job_model import Payer
from engine.ledger import PotKey
from tests.fakes.telegram import Chat, FakeTelegram, Payment
from tests.fakes.telegram import Person as Member
from tests.telegram.asking import told, until
from tests.telegram.test_stars import invoiced, left, own, paid_for, selling

LISTS = "getStarTransactions"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at once and again and again, and leaves nothing to an update."""
    for name, value in {"FIRST_S": 0.05, "EVERY_S": 0.1, "FRESH_S": 0.0}.items():
        monkeypatch.setattr(stars_statement, name, value)


@pytest.fixture
def ana(telegram: FakeTelegram) -> Member:
    return telegram.person("Ana")


async def looked(telegram: FakeTelegram, times: int = 2) -> None:
    """The list was read so often from now on: all that the first one found is settled."""
    before = len(telegram.calls_of(LISTS))
    await until(telegram, lambda: len(telegram.calls_of(LISTS)) >= before + times, "A look at the list")


async def paid_unheard(telegram: FakeTelegram, ana: Member, chat: Chat, stars: int = 500) -> Payment:
    """The bot said yes, and no update ever tells that it was paid."""
    said = telegram.says(ana, chat, f"/topup {stars}")
    payment = telegram.pays(ana, await invoiced(telegram, chat, after=said), is_told=False)
    await until(telegram, lambda: payment.is_paid, "The checkout's answer")
    return payment


async def test_a_payment_that_no_update_tells_is_found_and_counts_once(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """Its payer is thanked, and can have it back; no later look finds it again, nor one after the next start."""
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_unheard(telegram, ana, chat)
        await told(telegram, chat, "Ana paid 500 Stars: $6.50 more. Your pot has $6.50 left.")
        await looked(telegram)
        assert await left(house, own(ana)) == Decimal("6.5")
    async with selling(telegram, tmp_path, boss, None) as house:  # nothing is sold any more
        await looked(telegram)
        assert await left(house, own(ana)) == Decimal("6.5")
        telegram.says(boss, telegram.private(boss), f"/refund {payment.charge_id}")
        await told(telegram, telegram.private(boss), "500 Stars were paid back")
        await looked(telegram)
        assert await left(house, own(ana)) == 0
    assert len([each for each in telegram.bot_messages(chat) if "Ana paid" in each.text]) == 1


async def test_what_was_told_is_not_told_again(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """A payment and a refund whose updates came are in the list too, and change nothing."""
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, chat)
        telegram.gets_back(payment)
        await told(telegram, chat, "500 Stars were paid back: $6.50 less.")
        before = len(telegram.bot_messages(chat))
        await looked(telegram)
        assert (await left(house, own(ana)), len(telegram.bot_messages(chat))) == (Decimal(0), before)


async def test_a_refund_that_no_update_tells_is_found(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member
) -> None:
    """The pot that got the dollars gives them up, and is told so there."""
    group = telegram.group("Film club", [ana])
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_for(telegram, ana, group)
        payment.is_told = False
        telegram.gets_back(payment)
        await told(telegram, group, "500 Stars were paid back: $6.50 less. The pot of this chat has $0.00 left.")
        await looked(telegram)
        assert await left(house, PotKey(Payer.PLACE, f"telegram:{group.id}")) == 0


async def test_what_is_older_than_this_house_or_not_ours_is_left_alone(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """Payments to a database that is gone, to another program, and what is no payment of an invoice; pages of them."""
    async with selling(telegram, tmp_path / "gone", boss):
        await paid_unheard(telegram, ana, chat)
        await told(telegram, chat, "Ana paid 500 Stars")
    (ours,) = telegram.world.transactions
    ours["date"] -= 3_600
    strange = {**ours, "id": "stx-strange", "date": int(time.time()) + 1}
    strange["source"] = {**ours["source"], "invoice_payload": "another program's"}
    withdrawn = {"id": "w", "amount": 9, "date": strange["date"], "receiver": {"type": "fragment"}}
    telegram.world.transactions += [strange, withdrawn, *({**ours, "id": f"old-{number}"} for number in range(150))]
    async with selling(telegram, tmp_path, boss) as house:
        payment = await paid_unheard(telegram, ana, chat, 100)
        await told(telegram, chat, "Ana paid 100 Stars: $1.30 more. Your pot has $1.30 left.")
        telegram.calls.clear()
        await looked(telegram)
        assert {call.params["offset"] for call in telegram.calls_of(LISTS)} == {100}  # whole pages are read once
        assert await left(house, own(ana)) == Decimal("1.3")
        telegram.says(boss, telegram.private(boss), f"/refund {payment.charge_id}")
        await told(telegram, telegram.private(boss), "100 Stars were paid back")


async def test_a_house_that_sold_before_it_compared_begins_with_its_first_payment(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it missed since then is found; what is older is another's."""
    chat = telegram.private(ana)
    with monkeypatch.context() as patch:
        patch.setattr(stars_statement.Statement, "run", _never)
        async with selling(telegram, tmp_path, boss):
            await paid_for(telegram, ana, chat, 100)
            await paid_unheard(telegram, ana, chat, 200)
    telegram.world.transactions.insert(0, {**telegram.world.transactions[1], "id": "old", "date": 1})
    async with selling(telegram, tmp_path, boss) as house:
        await told(telegram, chat, "Ana paid 200 Stars")
        await looked(telegram)
        assert await left(house, own(ana)) == Decimal("3.9")


async def test_a_list_that_cannot_be_had_is_asked_for_again(
    telegram: FakeTelegram, tmp_path: Path, ana: Member, boss: Member, chat: Chat
) -> None:
    """And nobody who never sold anything asks for it."""
    async with selling(telegram, tmp_path / "free", boss, None):
        telegram.says(ana, chat, "/pot")
        await told(telegram, chat, "This place:")
    assert not telegram.calls_of(LISTS)
    async with selling(telegram, tmp_path, boss):
        telegram.fail_next(LISTS, 500, "Internal Server Error", times=2)
        telegram.lose_answer(LISTS)
        await paid_unheard(telegram, ana, chat)
        await told(telegram, chat, "Ana paid 500 Stars")


async def _never(self: stars_statement.Statement) -> None:
    """As the program before did."""
