"""What may cost money, over all services: taken once, refused with its cause, and never sent twice when an answer is lost."""

from __future__ import annotations

import pytest

from engine.errors import (
    AuthFailed,
    BadShot,
    Misunderstood,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    Unavailable,
    Unconfirmed,
)
from engine.providers.base import Provider
from tests.contract.providers.orders import begun, key, order_of
from tests.contract.services import SERVICES
from tests.fakes.services.base import FakeService, No

REFUSALS: dict[No, type[ProviderError]] = {
    No.TEXT: Refused, No.PICTURE: Refused, No.CREDIT: OutOfCredit, No.RATE: RateLimited, No.KEY: AuthFailed,
    No.SHOT: BadShot, No.RETIRED: ModelRetired,
}  # fmt: skip


@pytest.mark.parametrize(
    ("fake", "no"),
    [(name, no) for name in sorted(SERVICES) for no in No if no in SERVICES[name].fake.refuses],
    indirect=["fake"],
)
async def test_a_no_to_a_request_has_its_cause(provider: Provider, fake: FakeService, no: No) -> None:
    """By class; and nothing was taken, so nothing was charged, unless the service fines for what it refuses."""
    fake.next_no = [no]
    with pytest.raises(REFUSALS[no]) as raised:
        await begun(provider)
    assert type(raised.value) is REFUSALS[no]
    assert raised.value.billed == ("unknown" if no in fake.fines else "no")
    assert (fake.creates, len(fake.tasks)) == (1, 0)


async def test_a_lost_answer_is_unconfirmed(provider: Provider, fake: FakeService) -> None:
    """Taken, and the connection cut: it may have been charged, and nothing is sent again."""
    fake.lose_answers = 1
    with pytest.raises(Unconfirmed):
        await begun(provider)
    assert (fake.creates, len(fake.tasks)) == (1, 1)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_gateway_that_lost_its_server_says_nothing(provider: Provider, fake: FakeService, status: int) -> None:
    """The request was taken behind it: it is not sent again, and nobody says that it failed."""
    fake.create_status = [status]
    with pytest.raises(Unconfirmed):
        await begun(provider)
    assert (fake.creates, len(fake.tasks)) == (1, 1)


async def test_a_web_page_instead_of_an_answer_says_nothing(provider: Provider, fake: FakeService) -> None:
    """200 and no task id: it may have been taken."""
    fake.garbage_answers = 1
    with pytest.raises((Misunderstood, Unconfirmed)):
        await begun(provider)
    assert (fake.creates, len(fake.tasks)) == (1, 1)


async def test_a_service_that_cannot_be_reached_took_nothing(provider: Provider, fake: FakeService) -> None:
    """No connection, no render: it may be asked again."""
    prepared = await provider.prepare(order_of(provider), key())
    await fake.__aexit__()
    with pytest.raises(Unavailable):
        await provider.submit(prepared)


async def test_a_price_is_told_before_and_never_raises(provider: Provider, fake: FakeService) -> None:
    """Known or unknown, with the service there and without it."""
    before = await provider.quote(order_of(provider))
    fake.storm = 100
    after = await provider.quote(order_of(provider))
    assert str(before)
    assert str(after)
    assert fake.creates == 0
