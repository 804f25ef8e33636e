"""Reads the server's own list of what was paid in Stars: what no update tells any more is found there, and counts once.

An update is dropped after a day, and where somebody else reads them; the list keeps every transaction, the oldest first, under
the id that its payment has: https://core.telegram.org/bots/api#getstartransactions
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from telegram import Bot, StarTransaction, TransactionPartnerUser, User
from telegram.constants import TransactionPartnerUser as TransactionKind
from telegram.error import TelegramError

from bot.ports import Inbox
from bot.telegram.places import chat_place, person_of_user
from bot.telegram.stars_book import StarsBook
from bot.telegram.stars_heard import CURRENCY, Paid, PaidBack, read_payload
from bot.telegram.turns import Answer
from engine.errors import StorageError

log = logging.getLogger(__name__)

FIRST_S = 60.0
"""After the start: updates that wait are handled before."""
EVERY_S = 3_600.0
FRESH_S = 120.0
"""What is younger is left to its update."""
PAGE = 100


class Till(Protocol):
    """What a payment and a refund come to; each counts once, however often it is told."""

    async def paid(self, paid: Paid, /) -> Answer: ...

    async def paid_back(self, back: PaidBack, /) -> Answer | None: ...


class Statement:
    """The list of one bot's transactions, since this house began to sell: older ones are another database's or program's."""

    def __init__(
        self,
        bot: Bot,
        account: str,
        *,
        inbox: Inbox,
        till: Till,
        tell: Callable[[Answer], Awaitable[None]],
        is_selling: bool,
    ) -> None:
        """`is_selling`: it takes Stars now; else it is looked at only where some came before."""
        self._bot = bot
        self._inbox = inbox
        self._book = StarsBook(inbox, account)
        self._till = till
        self._tell = tell
        self._is_selling = is_selling
        self._since = f"{account}/stars-since/"
        self._read = f"{account}/stars-read/"

    async def run(self) -> None:
        """Look soon after the start, and then from time to time, until cancelled."""
        await _trying(self._begin)
        await asyncio.sleep(FIRST_S)
        while True:
            await _trying(self.look)
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Find what was missed. What a crash breaks off is found again, and counted once.

        Raises:
            TelegramError, StorageError
        """
        known = await self._book.ids()
        since_s = await self._noted(self._since)
        if since_s is None:
            if not known:
                await self._begin()
                return
            since_s = await self._first_of(known)
        offset = await self._noted(self._read) or 0
        while True:
            page = (await self._bot.get_star_transactions(offset, PAGE)).transactions
            for each in page:
                at_s = each.date.timestamp()
                if datetime.now(UTC).timestamp() - at_s < FRESH_S:
                    return
                if at_s >= since_s:
                    await self._settle(each)
            if len(page) < PAGE:
                return
            offset += PAGE
            await self._inbox.first_time(f"{self._read}{offset}")

    async def _begin(self) -> None:
        """Note when this house begins to sell, where it has sold nothing yet."""
        if self._is_selling and await self._noted(self._since) is None and not await self._book.ids():
            await self._inbox.first_time(f"{self._since}{int(datetime.now(UTC).timestamp())}")

    async def _first_of(self, known: frozenset[str]) -> int:
        """For a house that sold before it compared: when its first payment came."""
        offset, since_s = 0, int(datetime.now(UTC).timestamp())
        while True:
            page = (await self._bot.get_star_transactions(offset, PAGE)).transactions
            first = next((each for each in page if each.id in known), None)
            if first is not None or len(page) < PAGE:
                since_s = since_s if first is None else int(first.date.timestamp())
                await self._inbox.first_time(f"{self._since}{since_s}")
                return since_s
            offset += PAGE

    async def _settle(self, each: StarTransaction) -> None:
        payer, receiver = _payer(each.source), _payer(each.receiver)
        charge = await self._book.find(each.id) if payer or receiver else None
        if payer is not None and charge is None:
            user, payload = payer
            bill = read_payload(payload, self._bot.token)
            if bill is None:
                log.info("stars for nothing known charge=%s stars=%d", each.id, each.amount)
                return
            log.warning("payment found that no update told charge=%s stars=%d", each.id, bill.stars)
            paid = Paid(
                charge_id=each.id,
                user_id=user.id,
                person=person_of_user(user),
                currency=CURRENCY,
                stars=bill.stars,  # an affiliate's part is taken off the amount that is listed
                payload=payload,
                place=chat_place(user.id),
                receipt=None,
            )
            await self._tell(await self._till.paid(paid))
        elif receiver is not None and charge is not None:
            user, payload = receiver
            back = PaidBack(charge_id=each.id, user_id=user.id, stars=charge.bill.stars, payload=payload)
            answer = await self._till.paid_back(back)
            if answer is not None:
                log.warning("refund found that no update told charge=%s", each.id)
                await self._tell(answer)

    async def _noted(self, prefix: str) -> int | None:
        """The highest number that was noted so; None: none was."""
        return max((int(note.removeprefix(prefix)) for note in await self._inbox.notes(prefix)), default=None)


async def _trying(work: Callable[[], Awaitable[None]]) -> None:
    """What goes wrong is in the log, and the next look finds what this one did not."""
    try:
        await work()
    except (TelegramError, StorageError) as error:
        log.warning("stars not compared: %s", error)
    except Exception:
        log.exception("comparing stars crashed")


def _payer(partner: object) -> tuple[User, str] | None:
    """Who paid an invoice, or has it back, and what the invoice said; None: it is about something else."""
    if not isinstance(partner, TransactionPartnerUser):
        return None
    is_invoice = partner.transaction_type == TransactionKind.INVOICE_PAYMENT
    return (partner.user, partner.invoice_payload or "") if is_invoice else None
