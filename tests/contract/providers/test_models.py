"""Every row of every catalog, asked for in every way that it says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from engine.abilities import Abilities, narrowed
from engine.errors import ProviderError
from engine.providers.base import Provider
from tests.contract.providers.orders import key, order_of
from tests.contract.services import SERVICES
from tests.fakes.services.base import FakeService


async def test_every_model_does_what_its_row_says(fake: FakeService, tmp_path: Path) -> None:
    """Words alone, a first frame, both frames: in the form that the service takes, or the fake complains."""
    path = tmp_path / "frame.png"
    Image.effect_noise((640, 360), 60).convert("RGB").save(path)
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


def from_words(provider: Provider) -> Iterator[tuple[str, Abilities]]:
    """What each model can do where a shot begins with words alone."""
    for name, can in provider.models.items():
        if can.text and not can.closed:
            yield name, narrowed(can, ("text",))


def usual(can: Abilities) -> float:
    """The length that is asked for where nobody says one."""
    lengths = [each for each in can.steps or (can.default_seconds,) if can.min_seconds <= each <= can.max_seconds]
    return min(lengths or [can.min_seconds], key=lambda each: abs(each - can.default_seconds))


async def test_all_that_a_row_promises_can_be_asked_for(provider: Provider, fake: FakeService) -> None:
    """Each shape in each size and length: what would be refused here was promised before, and nothing is paid for."""
    broken = []
    for name, can in from_words(provider):
        lengths = sorted({can.min_seconds, usual(can), can.max_seconds})
        for ratio, resolution, seconds in itertools.product(can.ratios, can.resolutions, lengths):
            order = order_of(provider, model=name, ratio=ratio, resolution=resolution, seconds=seconds)
            try:
                assert (await provider.prepare(order, key())).request is not None
            except ProviderError as error:
                broken.append(f"{name} {ratio} {resolution} {seconds:g} s: {error}")
    assert broken == []
    assert fake.creates == 0


async def asked(provider: Provider, values: Mapping[str, Any]) -> str:
    """The request for such an order."""
    return repr((await provider.prepare(order_of(provider, **values), "1-key")).request)


async def test_what_a_row_says_of_seed_words_and_sound_is_in_its_request(provider: Provider, fake: FakeService) -> None:
    """An ability that changes nothing is none; and nothing else changes between two requests for the same."""
    idle = []
    for name, can in from_words(provider):
        plain: dict[str, Any] = {
            "model": name,
            "ratio": can.ratios[0],
            "resolution": can.resolutions[0],
            "seconds": usual(can),
        }
        first = await asked(provider, plain)
        assert await asked(provider, plain) == first
        changes: dict[str, tuple[bool, object]] = {
            "seed": (can.seed, 8), "negative": (can.negative, "rain"), "is_silent": (can.audio and can.audio_choice, True)
        }  # fmt: skip
        for what, (is_promised, value) in changes.items():
            if is_promised and await asked(provider, {**plain, what: value}) == first:
                idle.append(f"{name} {what}")
    assert idle == []
    assert fake.creates == 0
