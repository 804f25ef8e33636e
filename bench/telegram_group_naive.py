"""A bot as one writes it first: it sends and edits at once, every 3 s while a clip renders, and tries again after `retry_after`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from telegram import Bot, Message, ReplyParameters
from telegram.error import RetryAfter
from telegram.request import HTTPXRequest

from bench.telegram_group_script import Group, Kind, Step, now_s
from tests.fakes.telegram import FakeTelegram

EDIT_EVERY_S = 3.0


class Naive:
    """The same commands, and renders of the same length, without a budget."""

    def __init__(self, telegram: FakeTelegram, group: Group, clip: Path, render_s: float) -> None:
        request = HTTPXRequest(connection_pool_size=128, pool_timeout=60)
        self._bot = Bot(telegram.token, base_url=telegram.base_url, request=request, get_updates_request=request)
        self._group = group
        self._clip = clip
        self._render_s = render_s
        self.results_s: list[float] = []
        """From a clip that is ready to its delivery."""
        self.last_result_s = 0.0
        """From the first command."""
        self.last_answer_s = 0.0

    async def run(self, steps: list[Step]) -> None:
        """Until everything is said."""
        began_s = now_s()
        async with self._bot, asyncio.TaskGroup() as tasks:
            for step in steps:
                await asyncio.sleep(max(0.0, began_s + step.at_s - now_s()))
                if step.kind is Kind.JOB:
                    tasks.create_task(self._job(step, began_s), name=f"naive {step.text}")
                elif step.kind is not Kind.ALERT:
                    tasks.create_task(self._answer(step, began_s), name=f"naive {step.text or step.label}")

    async def _answer(self, step: Step, began_s: float) -> None:
        await self._said(step, f"the answer to {step.text or step.label}")
        self.last_answer_s = max(self.last_answer_s, now_s() - began_s)

    async def _job(self, step: Step, began_s: float) -> None:
        chat_id, ready_s = self._group.chat.id, now_s() + self._render_s
        status = await self._said(step, "queued")
        while now_s() < ready_s:
            text = f"rendering · {now_s() - began_s:.0f} s"
            await _insisting(partial(self._bot.edit_message_text, text, chat_id, status.message_id))
            await asyncio.sleep(EDIT_EVERY_S)
        await _insisting(lambda: self._bot.edit_message_text("done", chat_id, status.message_id))
        await _insisting(lambda: self._bot.send_video(chat_id, self._clip, width=64, height=36, duration=1))
        self.results_s.append(now_s() - ready_s)
        self.last_result_s = now_s() - began_s

    async def _said(self, step: Step, text: str) -> Message:
        asked = self._group.telegram.says(self._group.people[0], self._group.chat, step.text or step.label)
        under = ReplyParameters(asked.id)
        return await _insisting(lambda: self._bot.send_message(self._group.chat.id, text, reply_parameters=under))


T = TypeVar("T")


async def _insisting(call: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await call()
        except RetryAfter as error:
            after = error.retry_after
            await asyncio.sleep(after if isinstance(after, int) else after.total_seconds())
