"""One story over three services, told on the web page; each shot starts on the last picture of the one before."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest
from aiohttp import ClientSession
from PIL import Image

from bot.house import House, open_house
from bot.services import Service
from bot.settings import Settings
from engine import media
from tests.contract.services import SERVICES
from tests.fakes.services.base import FakeService

NAMES = ("xai", "fal", "minimax")
QUICK = {"pace": {"first_s": 0.2, "every_s": 0.2}}


@pytest.fixture
async def fakes() -> AsyncIterator[Mapping[str, FakeService]]:
    """The three services."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(SERVICES[name].fake()) for name in NAMES}


async def said(session: ClientSession, number: int, text: str) -> None:
    """One message on the page."""
    data = {"name": "Ana", "text": text, "key": f"key0000{number}"}
    async with session.post("/api/room/home/say", json=data) as answer:
        assert answer.status == 200, await answer.text()


async def delivered(house: House, code: str) -> None:
    """Wait until this shot has its clip, or the story its film, and nothing is under way."""
    async with asyncio.timeout(60):
        while True:
            view = await house.studio.story("local:home")
            ready = [shot.shot.code for shot in view.shots if shot.clip] if view else []
            ready += [film.code for film in view.films] if view else []
            if code in ready and not await house.studio.jobs("local:home"):
                return
            await asyncio.sleep(0.1)


def picture_in(fake: FakeService) -> np.ndarray:
    """The first picture of the last paid request."""
    (found, *_) = re.findall(r"data:image/\w+;base64,([A-Za-z0-9+/=]+)", json.dumps(fake.newest.body))
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found))).convert("RGB"))


async def test_three_services_tell_one_story(fakes: Mapping[str, FakeService], tmp_path: Path) -> None:
    """Paid three times, stitched once; the second and third begin on the exact last frame of the one before."""
    services = []
    for number, (name, fake) in enumerate(fakes.items()):
        fake.clip_size, fake.clip_grey = (640, 360), 60 * (number + 1)
        setup = fake.setup(QUICK)
        services.append(Service(name=name, kind=fake.kind, catalog=setup.catalog, settings=setup.settings))
    settings = Settings.model_validate(
        {"data_dir": tmp_path / "data", "web_port": 0, "the services of this run": tuple(services), "provider": "xai"}
    )
    async with open_house(settings, at_work=True) as house:
        url = await house.web.open()
        async with ClientSession(url) as session:
            await said(session, 1, "/create a lighthouse keeper lights the lamp")
            await delivered(house, "a1-1")
            await said(session, 2, "/continue a boat answers from the fog --provider fal")
            await delivered(house, "a1-2")
            await said(session, 3, "/continue the boat lands --provider minimax")
            await delivered(house, "a1-3")
            await said(session, 4, "/stitch")
            await delivered(house, "a1-f1")
        await house.web.close()
        view = await house.studio.story("local:home")
        assert view is not None
        assert [shot.shot.provider for shot in view.shots] == list(NAMES)
        for before, name in zip(view.shots, NAMES[1:], strict=False):
            assert before.clip is not None
            png = tmp_path / f"{name}.png"
            await media.last_frame(house.files.path(before.clip.file), png)
            assert np.array_equal(picture_in(fakes[name]), np.asarray(Image.open(png).convert("RGB")))
        (film,) = view.films
        assert abs(film.clip.seconds - 3 * fakes["xai"].clip_seconds) < 0.2
    assert {name: (fake.creates, len(fake.tasks)) for name, fake in fakes.items()} == dict.fromkeys(NAMES, (1, 1))
    assert [complaint for fake in fakes.values() for complaint in fake.complaints] == []
