"""The page as a chat of the shared dialogues: its own requests, and its stream of news."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout, FormData

from bot.house import open_house
from bot.settings import Settings
from tests.contract.chat import CAL, WAIT_S, Answer, Message
from tests.fakes.provider import ScriptedProvider
from tests.web.page import Events


@dataclass
class WebChat:
    """One room of it, in one tab."""

    directory: Path
    provider: ScriptedProvider
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _session: ClientSession | None = None
    _posts: dict[int, dict[str, Any]] = field(default_factory=dict)
    _whispers: list[Message] = field(default_factory=list)
    _answers: dict[int, Message] = field(default_factory=dict)
    _keys: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    @asynccontextmanager
    async def opened(cls, directory: Path, provider: ScriptedProvider) -> AsyncIterator[WebChat]:
        chat = cls(directory, provider)
        await chat._open()
        try:
            yield chat
        finally:
            await chat._stack.aclose()

    async def _open(self) -> None:
        settings = Settings.model_validate({"data_dir": self.directory, "web_port": 0})
        makers = {self.provider.name: lambda _: self.provider}
        house = await self._stack.enter_async_context(open_house(settings, at_work=True, makers=makers))
        url = await house.web.open()
        self._stack.push_async_callback(house.web.close)
        self._session = ClientSession(url, timeout=ClientTimeout(total=WAIT_S))
        await self._stack.enter_async_context(self._session)
        room = await self._get("/api/room/home")
        self._posts |= {post["id"]: post for post in room["posts"]}
        listening = asyncio.create_task(self._listen(room["cursor"]), name="stream of a page")
        self._stack.push_async_callback(_ended, listening)

    async def restart(self) -> None:
        await self._stack.aclose()
        await self._open()

    async def _listen(self, cursor: str) -> None:
        assert self._session is not None
        forever = ClientTimeout(total=None)
        async with self._session.get("/api/room/home/events", params={"after": cursor}, timeout=forever) as response:
            stream = Events(response)
            while True:
                self._meet((await stream.next("post", within_s=10 * WAIT_S)).data)

    def name(self, person: str) -> str:
        return person

    def messages(self) -> list[Message]:
        posts = [_of_post(post) for _, post in sorted(self._posts.items()) if post["kind"] == "reply"]
        return [*posts, *self._whispers]

    def takes(self, text: str) -> bool:
        return text.startswith("/")

    async def say(
        self,
        person: str,
        text: str,
        *,
        reply_to: Message | None = None,
        picture: bytes | None = None,
        video: bytes | None = None,
    ) -> Message:
        data = {"name": person, "text": text, "key": self._key(), "reply_to": reply_to.id if reply_to else None}
        return await self._said(data, {"picture": picture, "video": video})

    async def say_twice(self, person: str, text: str) -> None:
        data = {"name": person, "text": text, "key": self._key()}
        first, second = [await self._said(data, {}) for _ in range(2)]
        assert first == second

    async def answer(self, said: Message) -> Message:
        return self._answers[said.id]

    async def answer_elsewhere(self, text: str) -> str:
        answer = await self._post("/api/room/attic/say", json={"name": CAL, "text": text, "key": self._key()})
        return str((answer["private"] or answer["answer"])["text"])

    async def press(self, person: str, message: Message, label: str, text: str = "") -> Answer:
        shown = self._posts[message.id]["buttons"]
        (button,) = [button for button in shown if button["label"] == label]
        if button["asks"]:  # the page begins the command in the field below, and the person goes on writing
            said = await self.say(person, f"/{button['verb']} {button['target']} {text}")
            heard = self._answers.get(said.id)
        else:
            data = {"verb": button["verb"], "target": button["target"], "name": person, "key": self._key()}
            heard = self._heard(await self._post("/api/room/home/press", json=data))
        return Answer(heard.text if heard is not None and heard.is_private else None)

    async def download(self, person: str, message: Message, label: str = "Download") -> tuple[str, bytes]:
        """The page makes a link of Download; what another button gives is fetched once its message is in sight."""
        assert self._session is not None
        where = f"/media/home/{(self._posts[message.id]['video'] or {}).get('code')}/video"
        if label != "Download":
            before = {*self._posts}
            await self.press(person, message, label)
            (new,) = {*self._posts} - before
            where = self._posts[new]["file"]["src"]
        async with self._session.get(where, params={"download": "1"}) as answer:
            assert answer.status == 200
            assert answer.content_disposition is not None
            assert answer.content_disposition.type == "attachment"
            return answer.content_disposition.filename or "", await answer.read()

    async def _said(self, data: Mapping[str, Any], files: Mapping[str, bytes | None]) -> Message:
        form = FormData()
        form.add_field("say", json.dumps(data))
        brought = {kind: content for kind, content in files.items() if content is not None}
        for kind, content in brought.items():
            form.add_field(kind, content, filename=f"../{kind}")
        answer = await self._post("/api/room/home/say", **({"data": form} if brought else {"json": data}))
        said = _of_post(answer["post"])
        heard = self._heard(answer)
        if heard is not None:
            self._answers[said.id] = heard
        return said

    def _heard(self, answer: Mapping[str, Any]) -> Message | None:
        """What a request was answered with, for all or for this tab alone."""
        if answer["private"] is not None:
            self._whispers.append(_of_post({"id": -len(self._whispers) - 1, "video": None, **answer["private"]}))
            return self._whispers[-1]
        if answer["answer"] is None:
            return None
        self._meet(answer["answer"])
        return _of_post(answer["answer"])

    def _meet(self, post: dict[str, Any]) -> None:
        """Request and stream may bring the same message in any order: the newest wording stays."""
        known = self._posts.get(post["id"])
        if known is None or known["revision"] <= post["revision"]:
            self._posts[post["id"]] = post

    def _key(self) -> str:
        return f"key-{next(self._keys):08}"

    async def _get(self, path: str) -> dict[str, Any]:
        assert self._session is not None
        async with self._session.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def _post(self, path: str, **content: Any) -> dict[str, Any]:
        assert self._session is not None
        async with self._session.post(path, **content) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())


def _of_post(post: Mapping[str, Any]) -> Message:
    return Message(
        id=post["id"],
        text=post["text"],
        buttons=tuple(button["label"] for button in post["buttons"]),
        has_video=post["video"] is not None,
        is_private="author" not in post,
    )


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
