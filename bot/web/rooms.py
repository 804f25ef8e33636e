"""The rooms of the page: what is said in them is kept first and then told to everybody who listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from bot.web.hub import Hub
from bot.web.ports import Post, Studio, Transcript
from bot.web.show import post_json, story_json

log = logging.getLogger(__name__)

GATHER_S = 0.15
"""How long changes of a story are gathered before the page is told."""
SETTLE_S = 1.5
"""How long after the last change a story is looked at once more: a job moves a little after its message was sent."""


class Rooms:
    """Keeps and tells. Studio news arrive through `story_changed`."""

    def __init__(self, transcript: Transcript, studio: Studio, hub: Hub) -> None:
        self.transcript = transcript
        self.studio = studio
        self.hub = hub
        self._changed: dict[str, asyncio.Event] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}

    async def add(self, place: str, *, author: str, body: Mapping[str, Any], nonce: str) -> Post:
        """Keep a message and tell it; the same nonce again gives the first one and tells nothing new."""
        post = await self.transcript.add(place, author=author, body=body, nonce=nonce)
        self._tell(post)
        return post

    async def change(self, post_id: int, body: Mapping[str, Any]) -> Post | None:
        """Replace what a message says and tell it; None: there is no such message."""
        post = await self.transcript.change(post_id, body)
        if post is not None:
            self._tell(post)
        return post

    async def story(self, place: str, code: str | None = None) -> dict[str, Any] | None:
        """The strip of a story (None: of the current one); None: there is none."""
        view = await self.studio.story(place, code)
        if view is None:
            return None
        return story_json(view, await self.studio.stories(place))

    def story_changed(self, place: str) -> None:
        """Something in this place's story may look different now: its listeners are told soon."""
        if not self.hub.has_listeners(place):
            return
        self._changed.setdefault(place, asyncio.Event()).set()
        if place not in self._watchers:
            task = asyncio.create_task(self._watch(place), name=f"web-story-{place}")
            self._watchers[place] = task

    async def close(self) -> None:
        """End what runs for the listeners."""
        self.hub.close()
        watchers = list(self._watchers.values())
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)

    def _tell(self, post: Post) -> None:
        self.hub.tell(post.place, "post", f"post {post.id}", post_json(post))
        self.story_changed(post.place)

    async def _watch(self, place: str) -> None:
        """Tell the story after every change, until none came for a while."""
        try:
            await self._tell_until_settled(place, self._changed[place])
        finally:  # at once, so that the next change finds no watcher that is about to end
            del self._watchers[place], self._changed[place]

    async def _tell_until_settled(self, place: str, changed: asyncio.Event) -> None:
        told: object = None
        while True:
            await asyncio.sleep(GATHER_S)
            changed.clear()
            try:
                async with asyncio.timeout(10):
                    story = await self.story(place)
            except Exception:  # the next change looks again; a page without its strip still works
                log.exception("story not read place=%s", place)
                return
            if story != told:
                self.hub.tell(place, "story", "story", {"story": story})
                told = story
            try:
                async with asyncio.timeout(SETTLE_S):
                    await changed.wait()
            except TimeoutError:
                if await self._settled(place, told) and not changed.is_set():
                    return

    async def _settled(self, place: str, told: object) -> bool:
        """Whether the story still looks as it was told."""
        try:
            async with asyncio.timeout(10):
                return await self.story(place) == told
        except Exception:  # as above
            log.exception("story not read place=%s", place)
            return True
