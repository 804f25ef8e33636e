"""What every video service has to be, run over all of them against fakes that count what costs money."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

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
from engine.providers.base import Order, Provider, Queued, Rendered, Rendering
from tests.contract.services import SERVICES
from tests.fakes.services.base import FakeService, FileFault, No, Shown


@pytest.fixture(params=sorted(SERVICES))
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeService]:
    """The service, as a server on loopback; what no client may do fails the test."""
    async with SERVICES[request.param].fake() as started:
        yield started
        assert started.complaints == []
        assert started.inside_hits == 0


@pytest.fixture
async def provider(fake: FakeService) -> AsyncIterator[Provider]:
    """The provider, speaking to the fake."""
    made = SERVICES[fake.kind].open(fake.setup())
    yield made
    await made.close()


def order_of(provider: Provider, **changes: object) -> Order:
    """A render with the defaults of the provider's first model."""
    name, can = next(iter(provider.models.items()))
    values = {
        "prompt": "a lamp", "seconds": can.default_seconds, "ratio": can.ratios[0], "resolution": can.resolutions[0],
        "seed": 7, "style": can.styles[0], "model": name,
    }  # fmt: skip
    return Order(**{**values, **changes})  # type: ignore[arg-type]  # as the caller names them


async def begun(provider: Provider, **changes: object) -> str:
    """The task id of a render that was taken."""
    return (await provider.submit(await provider.prepare(order_of(provider, **changes), "1-abcdef0123456789"))).task_id


async def test_a_render_is_taken_watched_and_fetched(provider: Provider, fake: FakeService, tmp_path: Path) -> None:
    """Queued, rendering, rendered; the file is the service's, byte for byte; one paid request."""
    task_id = await begun(provider)
    seen = [await provider.check(task_id) for _ in range(3)]
    assert [type(each) for each in seen] == [Queued, Rendering, Rendered]
    done = seen[-1]
    assert isinstance(done, Rendered)
    await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    assert fake.creates == 1


REFUSALS: dict[No, type[ProviderError]] = {
    No.TEXT: Refused, No.PICTURE: Refused, No.CREDIT: OutOfCredit, No.RATE: RateLimited, No.KEY: AuthFailed,
    No.SHOT: BadShot, No.RETIRED: ModelRetired,
}  # fmt: skip


@pytest.mark.parametrize("no", No)
async def test_a_no_to_a_request_has_its_cause(provider: Provider, fake: FakeService, no: No) -> None:
    """By class; and nothing was taken, so nothing was charged."""
    if no not in fake.refuses:
        pytest.skip(f"{fake.kind} has no such answer")
    fake.next_no = [no]
    with pytest.raises(REFUSALS[no]) as raised:
        await begun(provider)
    assert type(raised.value) is REFUSALS[no]
    assert raised.value.billed == "no"
    assert (fake.creates, len(fake.tasks)) == (1, 0)


async def test_a_lost_answer_is_unconfirmed(provider: Provider, fake: FakeService) -> None:
    """Taken, and the connection cut: it may have been charged, and nothing is sent again."""
    fake.lose_answers = 1
    with pytest.raises(Unconfirmed):
        await begun(provider)
    assert (fake.creates, len(fake.tasks)) == (1, 1)


async def test_an_unknown_word_is_misunderstood(provider: Provider, fake: FakeService) -> None:
    """Not done, not waited for for ever."""
    task_id = await begun(provider)
    fake.put(Shown.UNKNOWN_WORD)
    with pytest.raises(Misunderstood):
        await provider.check(task_id)


@pytest.mark.parametrize("fault", [FileFault.HOME, FileFault.PAGE, FileFault.EXPIRED, FileFault.LOOP, FileFault.EMPTY])
async def test_a_file_that_cannot_be_had_is_asked_for_again(
    provider: Provider, fake: FakeService, tmp_path: Path, fault: FileFault
) -> None:
    """It is never taken for the clip, and nothing inside our own network is loaded."""
    task_id = await begun(provider)
    fake.put(Shown.DONE)
    fake.file_faults = [fault]
    done = await provider.check(task_id)
    assert isinstance(done, Rendered)
    with pytest.raises(Unavailable):
        await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")


@pytest.mark.parametrize("fault", [FileFault.CUT, FileFault.SLOW])
async def test_a_broken_download_is_gone_on_with(
    provider: Provider, fake: FakeService, tmp_path: Path, fault: FileFault
) -> None:
    """Whole in the end, or not at all."""
    task_id = await begun(provider)
    fake.put(Shown.DONE)
    fake.file_faults = [fault]
    done = await provider.check(task_id)
    assert isinstance(done, Rendered)
    await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
