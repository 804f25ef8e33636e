"""What is said about Stars: pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bot.telegram.places import read_place
from bot.telegram.stars_heard import STARS_MOST, Bill
from engine.ledger import ZERO, Pot
from engine.money_rules import dollars

OFF = "No Stars are taken here. Whoever runs this bot can put dollars into the pot."
NOT_ANY_MORE = "No Stars are taken here any more. Nothing was paid."
NOT_OURS = "This invoice is too old. Ask for a new one with /topup. Nothing was paid."
OTHER_PRICE = "A Star is worth another amount here by now. Ask for a new invoice with /topup. Nothing was paid."
NOT_LET_IN = "This bot is not open to everybody. Nothing was paid."
OPERATOR_ONLY = "Only whoever runs this bot can pay Stars back."
WHICH_REFUND = "Say it like this: /refund <transaction id>. It stands in the receipt, and /paysupport lists it."
UNKNOWN_PAYMENT = "No payment with this transaction id came here."
TERMS = (
    "Stars buy renders of this bot and nothing else; they are not paid out as money. What is left of a payment goes back in "
    "Stars if you ask with /paysupport."
)
"""Telegram wants terms that are easy to get at: https://core.telegram.org/bots/payments-stars#live-checklist"""
TOP_UP = "Top up with Stars"


def whose(place: str) -> str:
    """Whose pot that is, to those who read there."""
    return "your pot" if read_place(place)[0] > 0 else "the pot of this chat"


def how_many(star_usd: Decimal, place: str) -> str:
    """The question after `/topup` alone."""
    return (
        f"How many Stars for {whose(place)}? 100 are {dollars(100 * star_usd)} here: /topup 500, or press one.\n{TERMS}"
    )


def not_so_many() -> str:
    return f"Say it like this: /topup <Stars>, a whole number from 1 to {STARS_MOST}."


def invoice_title(bill: Bill) -> str:
    """At most 32 characters."""
    return f"{dollars(bill.usd)} for the pot"


def invoice_words(bill: Bill) -> str:
    """At most 255 characters. Who pays has read the terms: they stand on the invoice."""
    return f"Adds {dollars(bill.usd)} to {whose(bill.place)}. By paying you agree: {TERMS}"


def paid(name: str, bill: Bill, pot: Pot) -> str:
    """After a payment."""
    return f"{name} paid {bill.stars} Stars: {dollars(bill.usd)} more. {_has(bill.place, pot)}"


def paid_for_nothing(charge_id: str, stars: int) -> str:
    """For a payment whose invoice is not ours any more."""
    return f"{stars} Stars came, and this bot does not know any more what for. Whoever runs it can pay them back: {charge_id}"


def paid_back(bill: Bill, pot: Pot | None) -> str:
    """After a refund. `pot` None: none got anything for these Stars."""
    what = f"{bill.stars} Stars were paid back"
    return f"{what}." if pot is None else f"{what}: {dollars(bill.usd)} less. {_has(bill.place, pot)}"


def not_paid_back(reason: str, bill: Bill) -> str:
    """The server's word is final."""
    return f"Telegram does not pay these {bill.stars} Stars back: {reason}. The pot is as it was."


def spent_already(bill: Bill, pot: Pot | None, charge_id: str) -> str:
    """The pot does not hold it any more."""
    left = ZERO if pot is None else pot.balances.left
    return (
        f"That pot has {dollars(left)} left of these {dollars(bill.usd)}: the rest is spent, or set aside. "
        f"/refund {charge_id} --force pays all {bill.stars} Stars back and leaves the pot short."
    )


def support(payments: Sequence[tuple[str, int]] | None, *, is_passed_on: bool) -> str:
    """The answer to `/paysupport`; `payments` are the newest transaction ids of who asks, with their Stars.

    None: others read too.
    """
    who = (
        "Your message was passed on to whoever runs this bot."
        if is_passed_on
        else "Whoever runs this bot answers for what is paid here. Say what is wrong: /paysupport <what happened>."
    )
    listed = ["What you paid is listed when you ask in a private chat with me."]
    if payments is not None:
        yours = [f"{stars} Stars: {charge_id}" for charge_id, stars in payments]
        listed = ["Your payments here:", *yours] if yours else ["You have paid nothing here."]
    return "\n".join([who, "Telegram's own support cannot help with payments to a bot.", TERMS, *listed])


def asks_for_support(name: str, username: str | None, words: str, payments: Sequence[tuple[str, int]]) -> str:
    """For the operator."""
    who = f"{name} (@{username})" if username else name
    listed = [f"{stars} Stars: /refund {charge_id}" for charge_id, stars in payments]
    return "\n".join([f"{who} asks about a payment: “{words}”", *(listed or ["No payment of theirs is known here."])])


def _has(place: str, pot: Pot) -> str:
    owner = whose(place)
    return f"{owner[0].upper()}{owner[1:]} has {dollars(pot.balances.left)} left."
