"""The web chat over a house whose parts are moved by hand, and a reader of its stream of news."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, ClientSession, CookieJar

from bot.commands import hints
from bot.message import Reply, Video
from bot.web.adapter import WebAdapter
from bot.web.site import WebSettings
from engine.model import FileKey
from storage import Transcript
from tests.fakes.clock import FakeClock
from tests.fakes.provider import write_clip
from tests.house import House, opened_house

HOME = "local:home"


@dataclass
class Event:
    """One server-sent event."""

    name: str = ""
    id: str = ""
    data: Any = None


class Events:
    """Reads a stream of news."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response

    async def next(self, name: str, within_s: float = 5) -> Event:
        """The next event of this name; others are passed over."""
        async with asyncio.timeout(within_s):
            while True:
                event = await self._read()
                if event is None:
                    raise EOFError(f"the stream ended before {name}")
                if event.name == name:
                    return event

    async def ends(self, within_s: float) -> None:
        """Returns when the server has closed the stream."""
        async with asyncio.timeout(within_s):
            while await self._read() is not None:
                pass

    async def _read(self) -> Event | None:
        event = Event()
        while line := (await self._response.content.readline()).decode():
            field_name, _, value = line.rstrip("\n").partition(": ")
            match field_name:
                case "event":
                    event.name = value
                case "id":
                    event.id = value
                case "data":
                    event.data = json.loads(value)
                case "" if event.name:
                    return event
        return None


@dataclass
class WebHouse:
    """A served page and the house behind it."""

    url: str
    adapter: WebAdapter
    house: House
    session: ClientSession
    transcript: Transcript
    uploads: Path
    keys: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def get(self, path: str, **options: Any) -> Any:
        return self.session.get(self.url + path.lstrip("/"), **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.session.post(self.url + path.lstrip("/"), **options)

    def message(self, text: str, name: str = "Ana", **changes: Any) -> dict[str, Any]:
        """What the page sends."""
        return {"name": name, "text": text, "key": f"key-{next(self.keys):08}", **changes}

    async def say(self, text: str, name: str = "Ana", room: str = "home", **changes: Any) -> dict[str, Any]:
        """Say something and give the answer, which must be a good one."""
        async with self.post(f"/api/room/{room}/say", json=self.message(text, name, **changes)) as answer:
            data: dict[str, Any] = await answer.json()
            assert answer.status == 200, data
            return data

    async def room(self, room: str = "home") -> dict[str, Any]:
        """Everything that the page needs."""
        async with self.get(f"/api/room/{room}") as answer:
            assert answer.status == 200
            return dict(await answer.json())

    @asynccontextmanager
    async def events(self, room: str = "home", after: str | None = None, **headers: str) -> AsyncIterator[Events]:
        """The stream of news, from the word of greeting on."""
        query = {} if after is None else {"after": after}
        async with self.get(f"/api/room/{room}/events", params=query, headers=headers) as response:
            assert response.status == 200, await response.text()
            stream = Events(response)
            await stream.next("hello")
            yield stream

    async def clip(self, seconds: float = 1.0) -> FileKey:
        """A kept video."""
        path = self.house.files.work("test") / "clip.mp4"
        await asyncio.to_thread(write_clip, path, seconds=seconds, colour=90)
        return await self.house.files.adopt(path)

    async def show(self, key: FileKey, name: str = "k7-1.mp4") -> int:
        """The bot shows a video; the post's number."""
        path = self.house.files.path(key)
        video = Video(path=path, name=name, seconds=1.0, width=64, height=36, bytes=path.stat().st_size, file=key)
        receipt = await self.adapter.send(HOME, Reply(text="here", video=video), nonce=f"show-{key}-{name}")
        return int(receipt.partition(":")[2])


@asynccontextmanager
async def opened_page(tmp_path: Path, clock: FakeClock, settings: WebSettings) -> AsyncIterator[WebHouse]:
    """A page that is closed when the block is left."""
    async with opened_house(tmp_path, clock) as house, ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        transcript = Transcript(house.store)
        adapter = WebAdapter(settings, transcript=transcript, studio=house.studio, files=house.files)
        adapter.connect(dispatch=house.dispatch, hints=hints)
        url = await adapter.open()
        try:
            yield WebHouse(url, adapter, house, session, transcript, house.files.work("web-uploads"))
        finally:
            await adapter.close()
