"""Fetching a clip, over all services: slow, cut, expired, lying; and what is told of it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from engine.errors import (
    ProviderError,
    Unavailable,
)
from engine.providers.base import Provider, Rendered
from tests.contract.providers.orders import begun
from tests.fakes.services.base import FakeService, FileFault, Shown


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


async def test_an_expired_address_is_asked_for_anew(provider: Provider, fake: FakeService, tmp_path: Path) -> None:
    """The next look gives a fresh one, and nothing is rendered again."""
    task_id = await begun(provider)
    fake.put(Shown.DONE)
    fake.file_faults = [FileFault.EXPIRED]
    old = await provider.check(task_id)
    assert isinstance(old, Rendered)
    with pytest.raises(Unavailable):
        await provider.fetch(task_id, old.where, tmp_path / "clip.mp4")
    fresh = await provider.check(task_id)
    assert isinstance(fresh, Rendered)
    await provider.fetch(task_id, fresh.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    assert fake.creates == 1


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
