"""Takes Telegram Stars for dollars in a pot: the invoice, the question before the payment, and what was paid.

A payment is posted under its own id, which the server gives once: however often its update comes, or a process dies over it, it
is one. https://core.telegram.org/bots/payments-stars
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from telegram import Bot
from telegram.error import BadRequest, TelegramError

from bot.message import Button, Reply
from bot.parsing import UsageError, parse
from bot.ports import Inbox
from bot.telegram import stars_texts as texts
from bot.telegram.door import Door
from bot.telegram.ports import Purse
from bot.telegram.stars_book import Charge, StarsBook
from bot.telegram.stars_heard import (
    CURRENCY,
    STARS_MOST,
    Bill,
    Checkout,
    Paid,
    PaidBack,
    bill_for,
    read_payload,
)
from bot.telegram.stars_refunds import Refunds
from bot.telegram.translate import Pressed, Said
from bot.telegram.turns import Answer
from engine.ledger import ZERO, exact

log = logging.getLogger(__name__)

OFFERED = (100, 250, 500, 1000)
CHECKOUT_S = 9.0
"""The server waits ten: https://core.telegram.org/bots/api#answerprecheckoutquery"""
CHECKOUT_AGAIN_S = 0.5
LISTED = 10
"""Of somebody's payments, the newest."""

PassOn = Callable[[str], Awaitable[bool]]
"""Tells the operator something; whether anybody was told."""


class Stars:
    """The till of one bot. Without a price it sells nothing, and goes on answering for what it sold."""

    def __init__(
        self,
        bot: Bot,
        *,
        star_usd: Decimal | None,
        book: StarsBook,
        purse: Purse,
        refunds: Refunds,
        door: Door,
        pass_on: PassOn,
    ) -> None:
        self._bot = bot
        self._star_usd = star_usd
        self._book = book
        self._purse = purse
        self._refunds = refunds
        self._door = door
        self._pass_on = pass_on

    # --- what is said ------------------------------------------------------------------------------------------------

    def offered(self, reply: Reply) -> Reply:
        """What is told of a pot, with a button to fill it where that can be done."""
        if self._star_usd is None or reply.is_error:
            return reply
        return replace(reply, buttons=(*reply.buttons, Button("topup", texts.TOP_UP, "")))

    async def said(self, said: Said, verb: str) -> Answer:
        """One of the commands of payments.

        Raises:
            StorageError
        """
        asked = said.incoming
        try:
            parsed = parse(asked.text)
        except UsageError as error:
            reply, bill = Reply(text=str(error), private=True, is_error=True), None
        else:
            match verb:
                case "topup":
                    reply, bill = self._top_up(asked.place, parsed.words)
                case "refund":
                    reply, bill = await self._refund(said, parsed.words, is_forced="force" in parsed.options), None
                case _:
                    reply, bill = await self._support(said, parsed.words), None
        return Answer(asked.place, reply, asked.receipt, asked.person, bill)

    def pressed(self, pressed: Pressed) -> Answer:
        """A button that says how many, or that nothing is said yet."""
        press = pressed.press
        reply, bill = self._top_up(press.place, press.target)
        return Answer(press.place, reply, press.receipt, press.person, bill)

    def _top_up(self, place: str, words: str) -> tuple[Reply, Bill | None]:
        """The invoice, or why there is none."""
        words = words.strip()
        if self._star_usd is None:
            return Reply(text=texts.OFF, private=True, is_error=True), None
        if not words:
            buttons = tuple(Button("topup", f"{stars} Stars", str(stars)) for stars in OFFERED)
            return Reply(text=texts.how_many(self._star_usd, place), buttons=buttons), None
        if not (words.isascii() and words.isdecimal() and len(words) <= 9 and 1 <= int(words) <= STARS_MOST):
            return Reply(text=texts.not_so_many(), private=True, is_error=True), None
        bill = bill_for(place, int(words), self._star_usd)
        return Reply(text=texts.invoice_words(bill)), bill

    async def _refund(self, said: Said, words: str, *, is_forced: bool) -> Reply:
        asked, charge_id = said.incoming, words.strip()
        person = await self._door.with_rights(
            asked.person, said.chat_id, said.username, "refund", is_shared=asked.is_shared
        )
        if not person.is_operator:
            return Reply(text=texts.OPERATOR_ONLY, private=True, is_error=True)
        if not charge_id:
            return Reply(text=texts.WHICH_REFUND, private=True, is_error=True)
        return await self._refunds.refund(charge_id, is_forced=is_forced)

    async def _support(self, said: Said, words: str) -> Reply:
        """https://core.telegram.org/bots/payments-stars#live-checklist: every bot that is paid answers this."""
        asked = said.incoming
        charges = await self._book.of(int(asked.person.key.rpartition(":")[2]))
        payments = [(charge.id, charge.bill.stars) for charge in charges[-LISTED:]]
        is_passed_on = bool(words.strip()) and await self._pass_on(
            texts.asks_for_support(asked.person.name, said.username, words.strip(), payments)
        )
        listed = None if asked.is_shared else payments
        return Reply(text=texts.support(listed, is_passed_on=is_passed_on), private=True)

    # --- what is paid ------------------------------------------------------------------------------------------------

    async def check(self, asked: Checkout) -> None:
        """Say yes or no to a payment, within ten seconds; later, or after a restart, the server has given it up by itself."""
        reason = self._why_not(asked)
        try:
            async with asyncio.timeout(CHECKOUT_S):
                while True:
                    try:
                        await self._bot.answer_pre_checkout_query(asked.query_id, reason is None, error_message=reason)
                    except BadRequest as error:
                        log.info("checkout not answered: %s", error.message)
                    except TelegramError as error:
                        log.warning("checkout is answered again: %s", error.message)
                        await asyncio.sleep(CHECKOUT_AGAIN_S)
                        continue
                    return
        except TimeoutError:
            log.warning("checkout not answered in time; nothing was paid")

    def _why_not(self, asked: Checkout) -> str | None:
        """The sentence that its person is shown; None: it is all right."""
        if self._star_usd is None:
            return texts.NOT_ANY_MORE
        bill = read_payload(asked.payload, self._bot.token)
        if bill is None or asked.currency != CURRENCY or asked.stars != bill.stars:
            return texts.NOT_OURS
        if bill != bill_for(bill.place, bill.stars, self._star_usd):
            return texts.OTHER_PRICE
        if not self._door.admits_payer(bill.place, asked.user_id, asked.username):
            return texts.NOT_LET_IN
        return None

    async def paid(self, paid: Paid) -> Answer:
        """Post it. It counts whatever the settings say by now: the Stars are here.

        Raises:
            StorageError: hand it over again.
        """
        bill = read_payload(paid.payload, self._bot.token)
        if bill is None or paid.currency != CURRENCY or paid.stars != bill.stars:
            log.error("payment for nothing known charge=%s stars=%d", paid.charge_id, paid.stars)
            await self._book.keep(Charge(paid.charge_id, paid.user_id, Bill(paid.place, paid.stars, exact(ZERO))))
            words = texts.paid_for_nothing(paid.charge_id, paid.stars)
            return Answer(paid.place, Reply(text=words, is_error=True), paid.receipt, paid.person)
        bill = replace(bill, place=self._door.place_now(bill.place))
        pot = await self._purse.top_up(
            bill.pot, bill.usd, key=f"stars:{paid.charge_id}", note=f"{bill.stars} Stars from {paid.person.key}"
        )
        await self._book.keep(Charge(paid.charge_id, paid.user_id, bill))  # last: what stands here is in its pot
        log.info("stars came charge=%s stars=%d usd=%s", paid.charge_id, bill.stars, bill.usd)
        return Answer(bill.place, Reply(text=texts.paid(paid.person.name, bill, pot)), paid.receipt, paid.person)

    async def paid_back(self, back: PaidBack) -> Answer | None:
        """Stars went back, by us or elsewhere: the pot gives its dollars up, once.

        Raises:
            StorageError: hand it over again.
        """
        charge = await self._book.find(back.charge_id)
        if charge is None:  # its payment may be handled right after, or was never ours
            bill = read_payload(back.payload, self._bot.token)
            if bill is None:
                log.error("refund of nothing known charge=%s stars=%d", back.charge_id, back.stars)
                return None
            charge = Charge(back.charge_id, back.user_id, bill)
        return await self._refunds.went_back(charge)


def open_till(
    bot: Bot, account: str, *, star_usd: Decimal | None, inbox: Inbox, purse: Purse, door: Door, pass_on: PassOn
) -> Stars:
    """The till of the bot with this account, with its book and its way back."""
    book = StarsBook(inbox, account)
    refunds = Refunds(bot, book=book, purse=purse, door=door)
    return Stars(bot, star_usd=star_usd, book=book, purse=purse, refunds=refunds, door=door, pass_on=pass_on)
