"""Replies as Discord's messages: words, buttons, files and who may be called."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import discord

from bot.discord.buttons import view_of
from bot.discord.markdown import fitted
from bot.message import NotSent, Reply

NOBODY = discord.AllowedMentions.none()


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, ready to go. Sent once: its files are read by that."""

    content: str
    files: tuple[discord.File, ...]
    view: discord.ui.View | None
    calls: int | None
    """The one who is called; None: nobody."""

    def as_new(self) -> dict[str, Any]:
        """What `send` takes."""
        more: dict[str, Any] = {} if self.view is None else {"view": self.view}
        if self.files:
            more["files"] = list(self.files)
        return {"content": self.content, "allowed_mentions": self._allowed(), "suppress_embeds": True, **more}

    def as_change(self, *, keeps_files: bool = False) -> dict[str, Any]:
        """What `edit` takes: whatever the message showed before is gone, but for its files where they are to stay."""
        files = {} if keeps_files else {"attachments": list(self.files)}
        return {"content": self.content, "view": self.view, "allowed_mentions": self._allowed(), **files}

    def names(self) -> list[str]:
        """Of its files, as the server has them."""
        return [file.filename for file in self.files]

    def close(self) -> None:
        """Let go of the files that were not sent."""
        for file in self.files:
            file.close()

    def _allowed(self) -> discord.AllowedMentions:
        if self.calls is None:
            return NOBODY
        return discord.AllowedMentions(
            everyone=False, roles=False, users=[discord.Object(self.calls)], replied_user=False
        )


async def letter_of(reply: Reply, *, calls: int | None = None, note: str = "") -> Letter:
    """A reply as a message. `note` is a last line of ours.

    Raises:
        NotSent: its file is gone.
    """
    files = []
    if reply.video is not None:
        files.append(await _file(str(reply.video.path), reply.video.name))
    elif reply.picture is not None:
        files.append(await _file(str(reply.picture), reply.picture.name))
    text = f"{reply.text}\n{note}" if note else reply.text
    head = f"<@{calls}> " if calls is not None else ""
    return Letter(fitted(text, head=head) or "…", tuple(files), view_of(reply.buttons), calls)


async def _file(path: str, name: str) -> discord.File:
    """The library reads it in pieces, in a thread."""
    try:
        return await asyncio.to_thread(discord.File, path, filename=name)
    except OSError as error:
        raise NotSent(f"{name} cannot be read ({error.strerror})", retry_after_s=None) from error
