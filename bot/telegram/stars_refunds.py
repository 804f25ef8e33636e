"""Pays Stars back. The dollars leave the pot before the server is asked, so that nobody spends them meanwhile.

Where its answer is lost it is asked again, which pays nothing twice: what went back already is refused by its own word. A refund
that a crash breaks off is an update that was not handled, and the next start goes on with it. A final no puts the dollars back.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from telegram import Bot
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from bot.message import Reply
from bot.telegram import stars_texts as texts
from bot.telegram.door import Door
from bot.telegram.faults import retry_s
from bot.telegram.ports import Purse
from bot.telegram.stars_book import Charge, StarsBook
from bot.telegram.turns import Answer
from engine.ledger import Pot

log = logging.getLogger(__name__)

ALREADY = "charge_already_refunded"
"""The server's word: https://github.com/tdlib/telegram-bot-api/issues/690"""
AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)


class Refunds:
    """The way back of a payment."""

    def __init__(self, bot: Bot, *, book: StarsBook, purse: Purse, door: Door) -> None:
        self._bot = bot
        self._book = book
        self._purse = purse
        self._door = door

    async def refund(self, charge_id: str, *, is_forced: bool) -> Reply:
        """Pay it back; waits for a server that is away as long as we run. `is_forced`: also what the pot does not hold.

        Raises:
            StorageError: ask again.
        """
        charge = await self._book.find(charge_id)
        if charge is None:
            return Reply(text=texts.UNKNOWN_PAYMENT, private=True, is_error=True)
        charge = self._where_it_is_now(charge)
        number = await self._book.refusals(charge_id)
        await self._put_back(charge, number)
        pot = await self._take(charge, number)
        is_short = pot is not None and pot.balances.left < 0
        if is_short and not is_forced and not await self._book.is_begun(charge_id, number):
            pot = await self._undo(charge, number)
            return Reply(text=texts.spent_already(charge.bill, pot, charge_id), private=True, is_error=True)
        await self._book.begin(charge_id, number)
        refusal = await self._ask(charge)
        if refusal is not None:
            log.warning("refund refused charge=%s: %s", charge_id, refusal)
            await self._undo(charge, number)
            return Reply(text=texts.not_paid_back(refusal, charge.bill), is_error=True)
        log.info("stars went back charge=%s stars=%d", charge_id, charge.bill.stars)
        return Reply(text=texts.paid_back(charge.bill, await self._take(charge, number)))

    async def went_back(self, charge: Charge) -> Answer | None:
        """It went back, whoever asked; None: nothing new.

        Raises:
            StorageError: hand it over again.
        """
        charge = self._where_it_is_now(charge)
        number = await self._book.refusals(charge.id)
        await self._put_back(charge, number)
        pot = await self._take(charge, number)
        if not await self._book.begin(charge.id, number):
            return None
        log.info("stars went back elsewhere charge=%s stars=%d", charge.id, charge.bill.stars)
        return Answer(charge.bill.place, Reply(text=texts.paid_back(charge.bill, pot)))

    def _where_it_is_now(self, charge: Charge) -> Charge:
        """A group may have a new id since it was paid for, and its pot went along."""
        return replace(charge, bill=replace(charge.bill, place=self._door.place_now(charge.bill.place)))

    async def _take(self, charge: Charge, number: int) -> Pot | None:
        """The pot without the dollars of this try, which leave it once; None: there were none."""
        bill = charge.bill
        if not bill.usd:
            return None
        note = f"{bill.stars} Stars to telegram:{charge.user_id}"
        return await self._purse.take_back(bill.pot, bill.usd, _key("refund", charge.id, number), note)

    async def _undo(self, charge: Charge, number: int) -> Pot | None:
        """This try is over without a refund: the pot with its dollars again. Noted first, so that a next try is another one."""
        await self._book.refused(charge.id, number)
        return await self._put_back(charge, number + 1)

    async def _put_back(self, charge: Charge, refusals: int) -> Pot | None:
        """What was taken for tries that came to nothing; each comes back once, also where a crash came in between."""
        bill, pot = charge.bill, None
        for number in range(refusals if bill.usd else 0):
            note = f"{bill.stars} Stars not paid back"
            pot = await self._purse.top_up(bill.pot, bill.usd, _key("refund-refused", charge.id, number), note)
        return pot

    async def _ask(self, charge: Charge) -> str | None:
        """The server's final no; None: they went back. What is lost or busy is asked again."""
        failures = 0
        while True:
            wait_s = AGAIN_S[min(failures, len(AGAIN_S) - 1)]
            try:
                await self._bot.refund_star_payment(charge.user_id, charge.id)
            except RetryAfter as error:
                wait_s = max(retry_s(error), 0.05)
            except (BadRequest, Forbidden) as error:
                return None if ALREADY in error.message.lower() else error.message
            except TelegramError as error:
                log.warning("refund is asked for again charge=%s: %s", charge.id, error.message)
            else:
                return None
            failures += 1
            await asyncio.sleep(wait_s)


def _key(what: str, charge_id: str, number: int) -> str:
    return f"{what}:{charge_id}" if number == 0 else f"{what}:{charge_id}:{number}"
