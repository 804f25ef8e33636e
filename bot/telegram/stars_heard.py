"""Payments in Telegram Stars as words of the house, and what an invoice keeps of itself: pure.

https://core.telegram.org/bots/payments-stars
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from decimal import Decimal

from telegram import Message, PreCheckoutQuery, Update

from bot.telegram.places import chat_place, person_of_chat, person_of_user, place_of, read_place, receipt_of
from engine.job_model import Payer
from engine.ledger import PotKey, exact
from engine.model import Person

CURRENCY = "XTR"
STARS_MOST = 10_000
"""Our own limit for one invoice: more than that is a slip of the finger."""
PAYLOAD_BYTES = 128
"""https://core.telegram.org/bots/api#sendinvoice"""

_PAYLOAD = re.compile(r"(1 (\d{1,5}) (\d{1,6}(?:\.\d{1,6})?) (telegram:-?\d{1,19}(?:/\d{1,19})?)) ([0-9a-f]{24})")


@dataclass(frozen=True, slots=True)
class Bill:
    """So many Stars for so many US dollars in the pot of a place; that of a private chat is its person's own."""

    place: str
    stars: int
    usd: Decimal

    @property
    def pot(self) -> PotKey:
        return pot_of(self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Somebody is about to pay, and the server asks whether they may."""

    query_id: str
    user_id: int
    username: str | None
    currency: str
    stars: int
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Somebody paid."""

    charge_id: str
    user_id: int
    person: Person
    currency: str
    stars: int
    payload: str
    place: str
    receipt: str | None
    """Of the message that told it; None: none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBack:
    """Somebody has their Stars back, whoever did that."""

    charge_id: str
    user_id: int
    stars: int
    payload: str


Payment = Checkout | Paid | PaidBack


def bill_for(place: str, stars: int, star_usd: Decimal) -> Bill:
    """At this price of a Star."""
    return Bill(place, stars, exact(stars * star_usd))


def pot_of(place: str) -> PotKey:
    """In a private chat, whose id is its person's, the person's own."""
    chat_id, _ = read_place(place)
    return PotKey(Payer.PERSON, chat_place(chat_id)) if chat_id > 0 else PotKey(Payer.PLACE, place)


def payload_of(bill: Bill, token: str) -> str:
    """What an invoice says to us when it is paid, perhaps much later and under other settings; signed."""
    text = f"1 {bill.stars} {bill.usd.normalize():f} {bill.place}"
    payload = f"{text} {_signature(text, token)}"
    assert len(payload) <= PAYLOAD_BYTES, payload  # noqa: S101  # all its parts are ours and short
    return payload


def read_payload(payload: str, token: str) -> Bill | None:
    """The bill of an invoice of ours; None: it is none, or an older token's."""
    found = _PAYLOAD.fullmatch(payload)
    if found is None or not hmac.compare_digest(found[5], _signature(found[1], token)):
        return None
    return Bill(found[4], int(found[2]), exact(Decimal(found[3])))


def _signature(text: str, token: str) -> str:
    return hmac.new(token.encode(), b"nextshot stars " + text.encode(), hashlib.sha256).hexdigest()[:24]


def payment_in(update: Update) -> Payment | None:
    """What an update says about money; None: nothing."""
    if update.pre_checkout_query is not None:
        return _checkout(update.pre_checkout_query)
    message = update.message
    if message is None or message.from_user is None:
        return None
    if message.successful_payment is not None:
        return _paid(message)
    back = message.refunded_payment
    if back is not None:
        return PaidBack(
            charge_id=back.telegram_payment_charge_id,
            user_id=message.from_user.id,
            stars=back.total_amount,
            payload=back.invoice_payload,
        )
    return None


def _checkout(query: PreCheckoutQuery) -> Checkout:
    return Checkout(
        query_id=query.id,
        user_id=query.from_user.id,
        username=query.from_user.username,
        currency=query.currency,
        stars=query.total_amount,
        payload=query.invoice_payload,
    )


def _paid(message: Message) -> Paid:
    payment, payer = message.successful_payment, message.from_user
    assert payment is not None  # noqa: S101  # payment_in looked
    assert payer is not None  # noqa: S101
    person = person_of_chat(message.sender_chat) if message.sender_chat is not None else person_of_user(payer)
    return Paid(
        charge_id=payment.telegram_payment_charge_id,
        user_id=payer.id,
        person=person,
        currency=payment.currency,
        stars=payment.total_amount,
        payload=payment.invoice_payload,
        place=place_of(message),
        receipt=receipt_of(message.chat.id, message.message_id),
    )
