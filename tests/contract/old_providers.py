"""What every video service has to be, run over all of them against fakes that count what costs money."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from PIL import Image

from engine.attempts import AttemptOutcome
from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
    Lost,
    Misunderstood,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    RenderFailed,
    Unavailable,
    Unconfirmed,
    Withheld,
)
from engine.model import JobState
from engine.providers.base import CancelOutcome, Order, Provider, Queued, Recovery, Rendered, Rendering
from tests.contract.services import SERVICES
from tests.fakes.clock import FakeClock
from tests.fakes.services.base import FakeService, FileFault, No, Shown
from tests.house import opened_house


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture(params=sorted(SERVICES))
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeService]:
    """The service, as a server on loopback; what no client may do fails the test."""
    async with SERVICES[request.param].fake() as started:
        started.case = request.param
        yield started
        assert started.complaints == []
        assert started.inside_hits == 0


@pytest.fixture
async def provider(fake: FakeService) -> AsyncIterator[Provider]:
    """The provider, speaking to the fake."""
    made = SERVICES[fake.case].open(fake.setup())
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


def key() -> str:
    """One of ours, as the engine writes them."""
    return "1-abcdef0123456789"


async def begun(provider: Provider, **changes: object) -> str:
    """The task id of a render that was taken."""
    return (await provider.submit(await provider.prepare(order_of(provider, **changes), key()))).task_id


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


@pytest.mark.parametrize(
    ("fake", "no"),
    [(name, no) for name in sorted(SERVICES) for no in No if no in SERVICES[name].fake.refuses],
    indirect=["fake"],
)
async def test_a_no_to_a_request_has_its_cause(provider: Provider, fake: FakeService, no: No) -> None:
    """By class; and nothing was taken, so nothing was charged."""
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


async def test_a_key_that_is_withdrawn_later_is_no_failed_render(provider: Provider, fake: FakeService) -> None:
    """The operator mends it, and the render is looked at again."""
    task_id = await begun(provider)
    if not fake.settings:
        pytest.skip(f"{fake.kind} has no key")
    fake.key_is_withdrawn = True
    with pytest.raises(AuthFailed):
        await provider.check(task_id)


async def test_an_expired_address_is_asked_for_anew(provider: Provider, fake: FakeService, tmp_path: Path) -> None:
    """The next look gives a fresh one, and nothing is rendered again."""
    task_id = await begun(provider)
    fake.put(Shown.DONE)
    fake.file_faults = [FileFault.EXPIRED]
    for _ in range(2):
        done = await provider.check(task_id)
        assert isinstance(done, Rendered)
        try:
            await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
        except Unavailable:
            continue
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    assert fake.creates == 1


@pytest.mark.parametrize("shown", [Shown.QUEUED, Shown.RENDERING, Shown.DONE])
async def test_a_cancel_says_honestly_what_it_did(provider: Provider, fake: FakeService, shown: Shown) -> None:
    """Before, during and after, twice each: stopped only where the service stops."""
    task_id = await begun(provider)
    fake.put(shown)
    outcomes = [await provider.cancel(task_id) for _ in range(2)]
    if CancelOutcome.STOPPED in outcomes:
        assert fake.cancels
        assert fake.newest.is_cancelled or fake.newest.is_deleted
    assert fake.creates == 1


async def test_what_is_over_is_forgotten_twice_in_peace(provider: Provider, fake: FakeService) -> None:
    """Also what the service does not know."""
    task_id = await begun(provider)
    fake.put(Shown.DONE)
    await provider.check(task_id)
    await provider.forget(task_id)
    await provider.forget(task_id)


async def test_every_model_does_what_its_row_says(fake: FakeService, tmp_path: Path) -> None:
    """Words alone, a first frame, both frames: in the form that the service takes, or the fake complains."""
    path = tmp_path / "frame.png"
    Image.effect_noise((1280, 720), 60).convert("RGB").save(path)
    provider = SERVICES[fake.case].open(fake.setup({"rate": {"count": 1_000, "per_s": 1}}))
    asked = 0
    for name, can in provider.models.items():
        if can.closed:
            continue
        usual: dict[str, Any] = {
            "model": name,
            "seconds": can.default_seconds,
            "ratio": can.ratios[0],
            "resolution": can.resolutions[0],
        }
        ways: list[dict[str, Any]] = [
            *([{}] if can.text else []),
            *([{"first_frame": path}] if can.first_frame else []),
            *([{"first_frame": path, "last_frame": path}] if can.last_frame else []),
            *([{"references": (path,)}] if can.references else []),
        ]
        assert ways or can.edit, name  # what only changes a clip is shown by its provider's own tests
        for way in ways:
            await provider.submit(await provider.prepare(order_of(provider, **usual, **way), key()))
            asked += 1
    await provider.close()
    assert fake.creates == asked == len(fake.tasks)


async def test_a_price_is_told_before_and_never_raises(provider: Provider, fake: FakeService) -> None:
    """Known or unknown, with the service there and without it."""
    before = await provider.quote(order_of(provider))
    fake.storm = 100
    after = await provider.quote(order_of(provider))
    assert str(before)
    assert str(after)
    assert fake.creates == 0


async def test_no_secret_is_ever_logged(
    provider: Provider, fake: FakeService, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the key nor the signature of an address, at any level of ours, whatever goes wrong."""
    caplog.set_level(logging.DEBUG, logger="engine")
    told = []
    task_id = await begun(provider)
    for shown in (Shown.FAILED, Shown.UNKNOWN_WORD, Shown.DONE):
        if shown not in fake.shows:
            continue
        fake.put(shown)
        try:
            done = await provider.check(task_id)
        except ProviderError as error:
            told.append(f"{error} {error.detail}")
        else:
            assert isinstance(done, Rendered)
            fake.file_faults = [FileFault.EXPIRED]
            with pytest.raises(Unavailable) as raised:
                await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
            told.append(f"{raised.value} {getattr(raised.value, 'detail', '')}")
    everything = caplog.text + " ".join(told)
    assert "not-to-be-logged" not in everything
    assert not [name for name, secret in fake.settings.items() if name.endswith("key") and secret in everything]


@pytest.mark.parametrize("loss", ["the answer", "the process"])
async def test_a_lost_render_is_adopted_or_its_person_asked(
    provider: Provider, fake: FakeService, tmp_path: Path, loss: str
) -> None:
    """Through the whole engine: the connection is cut, or the process dies, between the request and its answer.

    Where the service can be asked, the render is found and delivered; else the person decides. Never a second request.
    """
    clock = FakeClock()
    url = f"sqlite:///{tmp_path / 'film.db'}"
    async with opened_house(tmp_path, clock, url=url, others=[provider]) as house:
        if loss == "the answer":
            fake.lose_answers = 1
            await house.say(f"/create a lamp --provider {provider.name}")
            await house.run(5)
        else:
            fake.hang_answers = 1
            await house.say(f"/create a lamp --provider {provider.name}")
            (claimed,) = await house.stepper.claim(1)
            step = asyncio.create_task(house.stepper.step(claimed))
            await asyncio.wait_for(fake.arrived.wait(), 10)
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
    fake.release.set()
    fake.put(Shown.DONE)
    clock.advance(300)
    async with opened_house(tmp_path, clock, url=url, others=[provider]) as house:
        await house.store.release_leases()
        await house.run(60)
        (job,) = await house.studio.jobs("local:home")
        attempts = await house.store.read(lambda tx: tx.attempts(job.id))
    if provider.recovery is Recovery.NONE:
        assert job.state is JobState.UNCONFIRMED
        assert [attempt.outcome for attempt in attempts] == [AttemptOutcome.UNKNOWN]
    else:
        assert job.state is JobState.DELIVERED
        assert [attempt.outcome for attempt in attempts] == [AttemptOutcome.ACCEPTED]
    assert (fake.creates, len(fake.tasks)) == (1, 1)
