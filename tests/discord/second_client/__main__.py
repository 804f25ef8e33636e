"""Starts the fake of Discord and discord.js on it, plays the people, and tells what became of it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from tests.fakes.discord import FakeDiscord

FOLDER = Path(__file__).parent


async def heard(process: asyncio.subprocess.Process, word: str) -> str:
    """The next line of the client, which has to begin with this word."""
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    assert line.startswith(word), f"discord.js said {line!r}, not {word!r}"
    return line


async def act(server: FakeDiscord, process: asyncio.subprocess.Process) -> None:
    """Everything that this client is to be seen with."""
    ana = server.person("Ana")
    guild = server.guild("Film club", [ana])
    films = server.channel(guild, "films")
    await heard(process, "ready")
    assert await server.autocomplete(ana, films, "create", "prompt", "la") == [("la!", "a lamp")]
    interaction = server.slash(ana, films, "create", prompt="a lamp", seconds=5, frame=("frame.png", b"x"))
    status = await interaction.answered()
    await heard(process, "created")
    assert (status.text, status.buttons, status.select) == (
        "a lamp 5 frame.png",
        ["Continue", "Open"],
        ["Shot 1", "Shot 2"],
    )
    assert [message.content for message in interaction.messages[1:]] == ["changed"]
    [clip] = [message for message in server.bot_messages(films) if message.attachments]
    assert (clip.content, clip.edits, clip.reference) == ("edited once more", 2, status.id)
    assert clip.pings == {ana.id}
    assert clip.thread is not None
    assert (clip.thread.archived, [message.content for message in server.bot_messages(clip.thread)]) == (
        True,
        ["in the thread"],
    )
    assert [message.content for message in server.bot_messages(server.dm(ana))] == ["in private"]
    pressed = server.presses(ana, status, "Continue")
    assert (await pressed.showed_modal())["title"] == "Continue"
    assert (await server.submits(ana, pressed, "a boat").answered()).content == "next: a boat"
    await server.selects(ana, status, ["Shot 2", "Shot 1"]).answered()
    assert (status.content, status.buttons) == ("k7-2 k7-1", [])
    said = server.says(ana, films, "look", files=[("a.mp4", b"x")])
    assert (await server.message_command(ana, films, said, "Use it").answered()).content == "look 1"
    await server.drop_gateway()
    late = server.slash(ana, server.foreign_channel("elsewhere", [ana]), "create", prompt="elsewhere")
    assert (await late.answered()).text == "elsewhere null undefined"
    await heard(process, "resumed")


async def main() -> int:
    """0 where the client and the contracts had nothing to say."""
    begun_s = time.monotonic()
    async with FakeDiscord(ack_within_s=10) as server:
        process = await asyncio.create_subprocess_exec(
            "node", str(FOLDER / "second_client.mjs"), server.api_url, server.token, stdout=asyncio.subprocess.PIPE
        )
        try:
            await act(server, process)
        except (AssertionError, TimeoutError):
            print(server.report())
            raise
        finally:
            process.terminate()
            await process.wait()
        for complaint in server.complaints:
            print(complaint)
        routes = {(call.method, call.pattern) for call in server.calls}
        print(f"{len(server.calls)} requests on {len(routes)} routes, {server.resumes} resume(s), compression ", end="")
        print(
            f"{server.gateway.compressions[0]}, {len(server.complaints)} complaints, {time.monotonic() - begun_s:.1f} s"
        )
        return 1 if server.complaints else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
