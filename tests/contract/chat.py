"""One conversation, whatever the front end: people say and press, and see plain values."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

ANA, BEN, CAL = "Ana", "Ben", "Cal"
ADA = "Ada"
"""An admin, where a place has any."""
WAIT_S = 20.0
"""A render takes about a second; a busy machine may be slow."""
LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one sees of a message, in its newest wording."""

    id: int
    text: str
    buttons: tuple[str, ...] = ()
    """Their labels."""
    has_video: bool = False
    markup: tuple[str, ...] = ()
    """What was taken for markup in it."""
    is_private: bool = False
    """Only who asked sees it, where the front end can do that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What who pressed a button hears alone; None: nothing, the others see it too."""

    alert: str | None


class Chat(Protocol):
    """One place where people talk to the bot."""

    def name(self, person: str) -> str:
        """How this person is called there: in a private chat there is only one."""
        ...

    def messages(self) -> list[Message]:
        """What the bot said, oldest first."""
        ...

    def takes(self, text: str) -> bool:
        """Whether its client lets out such a command at all; some ask for each part of it in a field of its own."""
        ...

    async def say(
        self,
        person: str,
        text: str,
        *,
        reply_to: Message | None = None,
        picture: bytes | None = None,
        video: bytes | None = None,
    ) -> Message:
        """Somebody says something; it."""
        ...

    async def say_twice(self, person: str, text: str) -> None:
        """Somebody says something, and the platform hands it over twice."""
        ...

    async def answer(self, said: Message) -> Message:
        """What the bot answered to it."""
        ...

    async def answer_elsewhere(self, text: str) -> str:
        """What the bot answers when somebody else says this in another place."""
        ...

    async def press(self, person: str, message: Message, label: str, text: str = "") -> Answer:
        """Somebody presses a button, and writes `text` where it asks for one."""
        ...

    async def download(self, person: str, message: Message, label: str = "Download") -> tuple[str, bytes]:
        """The name and content of the file that this button gives."""
        ...

    async def restart(self) -> None:
        """The program ends and is started again on the same directory."""
        ...


async def wait_for(chat: Chat, predicate: Callable[[Message], bool], what: str = "such a message") -> Message:
    """The first message of the bot for which it is true.

    Raises:
        AssertionError: none came; tells what there is.
    """
    try:
        async with asyncio.timeout(WAIT_S):
            while True:
                for message in chat.messages():
                    if predicate(message):
                        return message
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        said = "\n---\n".join(f"{each.text} {each.buttons}" for each in chat.messages())
        raise AssertionError(f"There is no {what}; the bot said:\n{said}") from None
