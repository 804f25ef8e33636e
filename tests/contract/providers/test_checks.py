"""Looking at a render, over all services: what is done, what is not, and what nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import (
    AuthFailed,
    Billed,
    Lost,
    Misunderstood,
    ProviderError,
    Refused,
    RenderFailed,
    Unavailable,
    Withheld,
)
from engine.providers.base import CancelOutcome, Provider, Queued, Rendered, Rendering
from tests.contract.providers.orders import begun
from tests.contract.services import SERVICES
from tests.fakes.services.base import FakeService, Shown


async def test_a_render_is_taken_watched_and_fetched(provider: Provider, fake: FakeService, tmp_path: Path) -> None:
    """Queued, rendering, rendered; the file is the service's, byte for byte; one paid request."""
    task_id = await begun(provider)
    seen = [await provider.check(task_id) for _ in range(3)]
    first = Queued if Shown.QUEUED in fake.shows else Rendering
    assert [type(each) for each in seen] == [first, Rendering, Rendered]
    done = seen[-1]
    assert isinstance(done, Rendered)
    await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    assert fake.creates == 1


async def test_an_unknown_word_is_misunderstood(provider: Provider, fake: FakeService) -> None:
    """Not done, not waited for for ever."""
    task_id = await begun(provider)
    fake.put(Shown.UNKNOWN_WORD)
    with pytest.raises(Misunderstood):
        await provider.check(task_id)


async def test_a_storm_of_503_is_sat_out(provider: Provider, fake: FakeService) -> None:
    """Of requests that cost nothing; one that does not end is "ask again later", not a failure."""
    task_id = await begun(provider)
    fake.storm = 2
    assert not isinstance(await provider.check(task_id), Rendered)
    fake.storm = 100
    with pytest.raises(Unavailable):
        await provider.check(task_id)
    assert fake.creates == 1


FINAL: dict[Shown, type[ProviderError]] = {
    Shown.FAILED: RenderFailed, Shown.REFUSED: Refused, Shown.WITHHELD: Withheld, Shown.NO_VIDEO: ProviderError,
    Shown.UNKNOWN_WORD: Misunderstood, Shown.GONE: Lost, Shown.CANCELLED: ProviderError,
}  # fmt: skip


@pytest.mark.parametrize(
    ("fake", "shown"),
    [(name, shown) for name in sorted(SERVICES) for shown in FINAL if shown in SERVICES[name].fake.shows],
    indirect=["fake"],
)
async def test_an_end_without_a_video_is_told_as_what_it_is(
    provider: Provider, fake: FakeService, shown: Shown
) -> None:
    """Never done, never tried again by itself; and nobody says "nothing was charged" who does not know it."""
    task_id = await begun(provider)
    fake.put(shown)
    with pytest.raises(FINAL[shown]) as raised:
        await provider.check(task_id)
    assert not raised.value.retryable
    assert str(raised.value).endswith((".", "?"))
    if shown is Shown.WITHHELD:
        assert raised.value.billed is Billed.YES


@pytest.mark.parametrize("fake", [name for name in sorted(SERVICES) if SERVICES[name].fake.settings], indirect=True)
async def test_a_key_that_is_withdrawn_later_is_no_failed_render(provider: Provider, fake: FakeService) -> None:
    """The operator mends it, and the render is looked at again."""
    task_id = await begun(provider)
    fake.key_is_withdrawn = True
    with pytest.raises(AuthFailed):
        await provider.check(task_id)


@pytest.mark.parametrize("shown", [Shown.QUEUED, Shown.RENDERING, Shown.DONE])
async def test_a_cancel_says_honestly_what_it_did(provider: Provider, fake: FakeService, shown: Shown) -> None:
    """Before, during and after, twice each: stopped where the service stops at no cost, really stopped there, and only there."""
    task_id = await begun(provider)
    fake.put(shown)
    outcomes = [await provider.cancel(task_id) for _ in range(2)]
    is_stopped = shown in fake.stops_from
    assert outcomes[0] is (CancelOutcome.STOPPED if is_stopped else CancelOutcome.MAY_STILL_COST)
    if is_stopped or (fake.cancels and shown is Shown.QUEUED):
        assert fake.newest.is_cancelled or fake.newest.is_deleted
    if shown is Shown.DONE:
        assert not fake.newest.is_deleted, "a paid clip would be lost"
    assert fake.creates == 1


async def test_what_is_over_is_forgotten_twice_in_peace(fake: FakeService) -> None:
    """It is deleted where the service does that, and once is enough; also what the service does not know."""
    provider = SERVICES[fake.case].open(fake.setup(None, **fake.let_forget()))
    task_id = await begun(provider)
    fake.put(Shown.DONE)
    assert isinstance(await provider.check(task_id), Rendered)
    await provider.forget(task_id)
    assert fake.newest.is_deleted is fake.forgets
    await provider.forget(task_id)
    await provider.close()
