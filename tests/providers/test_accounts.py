"""What the doctor tells of the operator's money at a service, and of a key that is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest

from bot.doctor.finding import Level
from bot.doctor.machine import _account, _opened
from engine.providers import kie, openai_videos
from engine.providers.base import Account
from tests.contract.services import SERVICES
from tests.fakes.services.kie import FakeKie
from tests.fakes.services.openai import FakeOpenai


@pytest.fixture
async def fake() -> AsyncIterator[FakeKie]:
    """KIE, whose credits are half a cent each."""
    async with FakeKie() as started:
        yield started


@pytest.mark.parametrize(
    ("credit", "level", "said"),
    [
        (4_000, Level.OK, "The account holds $20.00."),
        (20, Level.WARNING, "The account holds $0.10. Top it up, or renders will be refused."),
    ],
)
async def test_what_is_left_is_told(fake: FakeKie, credit: int, level: Level, said: str) -> None:
    """And that it is little before a render is refused for it."""
    fake.credits = credit
    provider = kie.open_provider(fake.setup())
    assert isinstance(provider, Account)
    (finding,) = await _account(provider)
    assert (finding.level, finding.says) == (level, said)
    await provider.close()


async def test_a_wrong_key_is_a_problem_and_a_silent_service_a_warning(fake: FakeKie) -> None:
    """Each in one sentence, without the key."""
    provider = kie.open_provider(fake.setup(key="of-somebody-else"))
    (finding,) = await _account(provider)
    assert finding.level is Level.PROBLEM
    assert "does not accept the key" in finding.says
    assert "of-somebody-else" not in finding.says
    await provider.close()
    gone = kie.open_provider(fake.setup())
    await fake.__aexit__()
    (finding,) = await _account(gone)
    assert finding.level is Level.WARNING
    await gone.close()


async def test_the_doctor_hears_from_the_service_when_a_model_ends() -> None:
    """The server's list of models knows it before any catalog does."""
    async with FakeOpenai() as fake:
        own = {"models": {"sora-2": {"closed": "", "ends_on": date(2030, 1, 1)}}}
        provider = openai_videos.open_provider(fake.setup(own))
        assert provider.models["sora-2"].ends_on == date(2030, 1, 1)
        models, findings = await _opened(lambda _: provider)
        assert (models["sora-2"].ends_on, findings) == (date(2026, 9, 24), [])


async def test_every_service_that_tells_its_balance_tells_it_in_dollars() -> None:
    """Three do."""
    found = []
    for name, case in SERVICES.items():
        async with case.fake() as started:
            provider = case.open(started.setup())
            if isinstance(provider, Account):
                found.append(name)
                usd = await provider.balance_usd()
                assert usd is None or usd >= 0
            await provider.close()
    assert found == ["getimg", "kie", "runway"]
