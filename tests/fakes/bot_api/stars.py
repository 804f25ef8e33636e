"""Invoices in Telegram Stars, their checkout, what was paid, and the way back.

Words of the refusals: https://core.telegram.org/method/payments.refundStarsCharge and
https://core.telegram.org/method/messages.sendMedia; CHARGE_ALREADY_REFUNDED as seen in
https://github.com/tdlib/telegram-bot-api/issues/690. Invoices in any other currency need a payment provider, which nobody has.
"""

from __future__ import annotations

import time

from tests.fakes.bot_api.model import Json, Message, Payment, Person
from tests.fakes.bot_api.refusals import QUERY_TOO_OLD, bad_request
from tests.fakes.bot_api.sending import target_of
from tests.fakes.bot_api.shapes import message_json, user_json
from tests.fakes.bot_api.wire import Call
from tests.fakes.bot_api.world import World

CURRENCY = "XTR"
CHECKOUT_S = 10.0
TRANSACTIONS_MOST = 100
TITLE_CHARS, DESCRIPTION_CHARS, PAYLOAD_BYTES = 32, 255, 128


def send_invoice(world: World, call: Call) -> Json:
    target = target_of(world, call)
    prices, payload = call.rows("prices") or [], call.string("payload") or ""
    if call.string("currency") != CURRENCY:
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    if call.string("provider_token") or len(prices) != 1 or call.integer("max_tip_amount"):
        raise bad_request("STARS_INVOICE_INVALID")
    if not 1 <= len(payload.encode()) <= PAYLOAD_BYTES:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    title, words = call.string("title") or "", call.string("description") or ""
    if not 1 <= len(title) <= TITLE_CHARS or not 1 <= len(words) <= DESCRIPTION_CHARS:
        raise bad_request("invoice title or description is empty or too long")
    stars = prices[0]["amount"]
    if not isinstance(stars, int) or stars <= 0:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    world.charge(target.chat, call.method)
    invoice: Json = {
        "title": title,
        "description": words,
        "start_parameter": call.string("start_parameter") or "",
        "currency": CURRENCY,
        "total_amount": stars,
    }
    pay = {"inline_keyboard": [[{"text": f"Pay {stars}", "pay": True}]]}
    return message_json(target.post(world, invoice=invoice, payload=payload, markup=pay))


def begin_payment(world: World, person: Person, invoice: Message, *, is_told: bool = True) -> Payment:
    """The bot is asked whether that is all right."""
    if invoice.invoice is None:
        raise ValueError(f"Message {invoice.id} is no invoice.")
    number = next(world.numbers)
    payment = Payment(str(6_000_000_000_000_000_000 + number), person, invoice, f"stx/{number}+aQ==", world.clock())
    payment.is_told = is_told
    world.payments[payment.id] = payment
    world.updates.push(
        "pre_checkout_query",
        {
            "id": payment.id,
            "from": user_json(person),
            "currency": CURRENCY,
            "total_amount": payment.stars,
            "invoice_payload": invoice.payload,
        },
    )
    return payment


def answer_pre_checkout_query(world: World, call: Call) -> bool:
    """Once, within ten seconds of the server; a yes pays."""
    payment = world.payments.get(call.string("pre_checkout_query_id") or "")
    if payment is None or payment.settled.is_set() or world.clock() - payment.asked_at_s > CHECKOUT_S:
        raise bad_request(QUERY_TOO_OLD)
    if not call.flag("ok"):
        if not call.string("error_message"):
            raise bad_request("error message must be non-empty")
        payment.refusal = call.string("error_message")
    else:
        payment.is_paid = True
        _list(world, payment, "source")
        _tell(world, payment, "successful_payment", {"provider_payment_charge_id": f"{payment.person.id}_11"})
    payment.settled.set()
    world.touch()
    return True


def refund_star_payment(world: World, call: Call) -> bool:
    user_id, charge_id = call.integer("user_id"), call.string("telegram_payment_charge_id") or ""
    if user_id not in world.people:
        raise bad_request("USER_ID_INVALID")
    if not charge_id:
        raise bad_request("CHARGE_ID_EMPTY")
    payment = next((each for each in world.payments.values() if each.charge_id == charge_id), None)
    if payment is None or not payment.is_paid or payment.person.id != user_id:
        raise bad_request("CHARGE_NOT_FOUND")
    if payment.is_refunded:
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    give_back(world, payment)
    return True


def give_back(world: World, payment: Payment) -> None:
    """The Stars go back, and the bot is told."""
    payment.is_refunded = True
    _list(world, payment, "receiver")
    _tell(world, payment, "refunded_payment", {})


def get_star_transactions(world: World, call: Call) -> Json:
    """The oldest first: https://core.telegram.org/bots/api#getstartransactions"""
    offset, limit = call.integer("offset") or 0, call.integer("limit")
    limit = TRANSACTIONS_MOST if limit is None else limit
    if offset < 0 or not 1 <= limit <= TRANSACTIONS_MOST:
        raise bad_request("LIMIT_INVALID")
    return {"transactions": world.transactions[offset : offset + limit]}


def _list(world: World, payment: Payment, side: str) -> None:
    """A payment has its user as source, and a refund, under the same id, as receiver."""
    user: Json = {"type": "user", "transaction_type": "invoice_payment", "user": user_json(payment.person)}
    partner = user | {"invoice_payload": payment.invoice.payload}
    world.transactions.append(
        {"id": payment.charge_id, "amount": payment.stars, "date": int(time.time()), side: partner}
    )


def _tell(world: World, payment: Payment, name: str, more: Json) -> None:
    """A service message in the private chat, wherever the invoice is: a bot need not see where it was paid."""
    told: Json = {
        "currency": CURRENCY,
        "total_amount": payment.stars,
        "invoice_payload": payment.invoice.payload,
        "telegram_payment_charge_id": payment.charge_id,
        **more,
    }
    message = world.post(world.chats[payment.person.id], payment.person, service={name: told})
    if payment.is_told:
        world.announce(message)
