"""What the tests of the bot have in common: stories that are there already, waiting for answers, and what everybody sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.house import House
from engine.model import Clip, Story
from engine.model import Person as Member
from engine.new_rows import NewShot
from engine.ports import Reader, Writer
from tests.fakes.discord import Ack, Channel, FakeDiscord, Interaction, Message, Person
from tests.telegram.asking import clip, endless, quick

__all__ = ["WAIT_S", "clip", "endless", "quick"]

WAIT_S = 60.0
"""For a busy machine; nothing waits that long where all is well."""
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
CALLBACK = "/interactions/*/*/callback"


def place_of(channel: Channel) -> str:
    return f"discord:{channel.id}"


def member(person: Person) -> Member:
    """The person as the house knows them."""
    return Member(f"discord:{person.id}", person.name)


async def kept(house: House, data: bytes) -> Clip:
    """A file of a second as a clip of this house."""
    raw = house.files.work("made") / "clip.mp4"
    await asyncio.to_thread(raw.write_bytes, data)
    file = await house.files.adopt(raw)
    return Clip(file=file, bytes=len(data), seconds=1.0, width=64, height=36, fps=24)


async def shelved(house: House, channel: Channel, person: Person, prompts: Sequence[str]) -> Story:
    """A story with a clip for each prompt, one after the other, which nobody had to wait for."""
    made = await kept(house, clip())

    async def work(tx: Writer) -> Story:
        who = member(person)
        parent: int | None = None
        take_before: int | None = None
        await tx.know(place_of(channel), who)
        story = await tx.add_story(place_of(channel), who, prompts[0])
        for prompt in prompts:
            shot = await tx.add_shot(
                NewShot(
                    story_id=story.id,
                    parent_id=parent,
                    person=who,
                    prompt=prompt,
                    seconds=1,
                    ratio="16:9",
                    resolution="480p",
                    style="plain",
                    provider="scripted",
                    model="one",
                    first_frame=None,
                    last_frame=None,
                )
            )
            take = await tx.add_take(shot.id, 7, take_before)
            await tx.add_clip(take.id, made)
            await tx.choose_take(shot.id, take.id)
            parent, take_before = shot.id, take.id
        await tx.set_tip(story.id, parent)
        await tx.set_current(place_of(channel), story.id)
        return story

    return await house.store.write(work)


async def asked(discord: FakeDiscord, person: Person, channel: Channel, name: str, /, **options: Any) -> Message:
    """The answer to a slash command."""
    return await discord.slash(person, channel, name, **options).answered(WAIT_S)


async def told(discord: FakeDiscord, channel: Channel, words: str, *, after: Message | None = None) -> Message:
    """The bot's first message in this channel with these words in it, after that one."""

    def fits(message: Message) -> bool:
        return words in message.text and (after is None or message.id > after.id)

    return await discord.wait_for_message(channel, fits, WAIT_S, f"{words!r} in {channel.name}")


async def until(discord: FakeDiscord, claim: Callable[[], object], what: str = "") -> None:
    """Wait until it is true."""
    await discord.wait_until(lambda: bool(claim()), WAIT_S, what)


def public(discord: FakeDiscord, channel: Channel) -> list[str]:
    """What everybody sees of the bot there, also while it thinks."""
    return [message.text for message in discord.bot_messages(channel) if not message.ephemeral_to]


async def whispered(discord: FakeDiscord, interaction: Interaction) -> str:
    """What who asked is answered alone."""

    def found() -> Message | None:
        alone = [each for each in interaction.messages if each.ephemeral_to and not (each.loading or each.deleted)]
        return alone[0] if alone else None

    message = await discord.wait_until(found, WAIT_S, f"A whisper after {interaction}")
    assert message is not None
    assert message.ephemeral_to == interaction.person
    return message.text


async def refused(discord: FakeDiscord, interaction: Interaction) -> str:
    """The one sentence that who asked sees alone; nobody else sees anything new, nor that anything was there."""
    seen = public(discord, interaction.channel)
    sentence = await whispered(discord, interaction)
    await until(discord, lambda: len(public(discord, interaction.channel)) <= len(seen))
    assert not [message for message in discord.bot_messages(interaction.channel) if message.loading]
    assert len([message for message in interaction.messages if message.ephemeral_to and not message.deleted]) == 1
    return sentence


async def acked(interaction: Interaction) -> Ack:
    return await interaction.acked(WAIT_S)


async def jobs_of(house: House, channel: Channel) -> int:
    """How many jobs are running there."""
    return len(await house.studio.jobs(place_of(channel)))


async def handled(discord: FakeDiscord, person: Person, channel: Channel) -> None:
    """What this place was told before has been handled: it keeps its order."""
    await asked(discord, person, channel, "help")


@asynccontextmanager
async def stalled_reads(house: House, readers: int = 4) -> AsyncIterator[None]:
    """Nothing can be read from the database meanwhile."""
    began, over = [asyncio.Event() for _ in range(readers)], asyncio.Event()

    async def hold(began: asyncio.Event) -> None:
        async def work(tx: Reader) -> None:
            del tx
            began.set()
            await over.wait()

        await house.store.read(work)

    holders = [asyncio.create_task(hold(each), name="holder") for each in began]
    for each in began:
        await asyncio.wait_for(each.wait(), WAIT_S)
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*holders)
