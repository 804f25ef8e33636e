"""What a person did with the bot, from their press to the last answer: the handle of a test, and the record of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from tests.fakes.discord_api.model import Channel, Choice, Json, Message, Person
from tests.fakes.discord_api.world import real_s

if TYPE_CHECKING:
    from tests.fakes.discord_api.world import World

T = TypeVar("T")
PING, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 1, 2, 3, 4, 5
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
FOLLOWUPS_OF_USER_INSTALL = 5
SAYS_NOTHING = "…"
"""What stands in front of all for a moment, while an answer is whispered, is no answer."""


@dataclass(frozen=True, slots=True)
class Ack:
    """The first answer: its callback type, whether it is ephemeral, and how long it took in real seconds."""

    type: int
    ephemeral: bool
    ack_s: float


@dataclass(eq=False, repr=False)
class Interaction:
    """One INTERACTION_CREATE and what became of it."""

    world: World
    id: int
    token: str
    kind: int
    """2 command, 3 component, 4 autocomplete, 5 modal."""
    person: Person
    channel: Channel
    data: Json
    payload: Json
    made_at_s: float
    """On the server's clock; the token lives 15 minutes of it."""
    sent_s: float
    """Real monotonic seconds; the acknowledgement has 3 of them."""
    attachment_size_limit: int
    user_install_only: bool = False
    pressed: Message | None = None
    """The message whose button or menu it was, or below whose button the modal was opened."""
    opener: Interaction | None = None
    """The interaction that opened the modal."""
    pressed_edits: int = 0
    """How often that message had been edited before."""
    ack: Ack | None = None
    original: Message | None = None
    """The first response, also where it was deleted; of a component's update the message itself."""
    messages: list[Message] = field(default_factory=list)
    """The original response and the followups, in their order."""
    modal: Json | None = None
    choices: list[Choice] | None = None
    followups: int = 0

    def __repr__(self) -> str:
        return f"Interaction({self.id}, {self.data.get('name') or self.data.get('custom_id')!r}, {self.ack})"

    @property
    def failed(self) -> bool:
        """Whether it was not acknowledged in time: the client shows "The application did not respond"."""
        return self.ack is None and real_s() - self.sent_s > self.world.ack_within_s

    @property
    def token_is_dead(self) -> bool:
        return self.world.clock() - self.made_at_s > self.world.tokens_live_s

    async def acked(self, timeout_s: float = 5.0) -> Ack:
        """Its acknowledgement.

        Raises:
            AssertionError: none came in time.
        """
        return await self._wait(lambda: self.ack, timeout_s, "was not acknowledged")

    async def answered(self, timeout_s: float = 5.0) -> Message:
        """Its final message: the response once it is no longer loading, or the first followup where that was deleted.

        Raises:
            AssertionError: none came in time.
        """
        return await self._wait(self._answer, timeout_s, "was not answered")

    async def showed_modal(self, timeout_s: float = 5.0) -> Json:
        """The modal that it opened.

        Raises:
            AssertionError: none came in time.
        """
        return await self._wait(lambda: self.modal, timeout_s, "opened no modal")

    async def chose(self, timeout_s: float = 5.0) -> list[Choice]:
        """The choices of an autocomplete, which may be none.

        Raises:
            AssertionError: they did not come in time.
        """
        await self.acked(timeout_s)
        return self.choices or []

    def _answer(self) -> Message | None:
        if self.ack is None or self.ack.type not in {MESSAGE, DEFERRED, UPDATE, DEFERRED_UPDATE}:
            return None
        followups = [message for message in self.messages if message is not self.original and not message.deleted]
        if self.ack.type == DEFERRED_UPDATE:
            is_new = self.original is not None and self.original.edits > self.pressed_edits
            return followups[0] if followups else (self.original if is_new else None)
        if self.original is not None and not self.original.deleted:
            return None if self.original.loading or self.original.content == SAYS_NOTHING else self.original
        return followups[0] if followups else None

    async def _wait(self, found: Callable[[], T | None], timeout_s: float, what: str) -> T:
        end_s = real_s() + timeout_s
        while True:
            changed = self.world.changed
            value = found()
            if value is not None:
                return value
            left_s = end_s - real_s()
            if left_s <= 0:
                raise AssertionError(f"{self!r} {what} in {timeout_s} s; its messages: {self.messages}")
            try:
                await asyncio.wait_for(changed.wait(), min(left_s, 0.05))
            except TimeoutError:
                continue
