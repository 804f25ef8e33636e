"""What is said in Discord only: the rest of what a person can read is in `bot/texts.py`."""

from __future__ import annotations

NO_ACCESS = (
    "(I cannot write here myself: what takes longer than a quarter of an hour comes to you as a private message)"
)
WENT_ALONE = "sent to its person alone, as I cannot show it here"


def told_alone(text: str) -> str:
    """Under what could not be said where it was asked for."""
    return f"{text}\n(sent to you alone, as I cannot write where you asked)"


TOO_LARGE = "The file is larger than what passes here; the operator has it."
PICKED_ALREADY = "This list was used already; /stitch with pick opens a new one."
NO_THREAD_HERE = "A thread of its own needs a text channel or a forum of a server; here /create begins a new story."
THREAD_PERHAPS = (
    "The thread may be open already: look for it in the channel's list of threads, or ask for it once more."
)
NO_VIDEO_THERE = "There is no video in that message."
NO_PICTURE_THERE = "There is no picture in that message."
FILE_LOST = "That took too long, or Nextshot was started anew since: choose the message once more."
THREAD_REFUSED = (
    "The thread could not be opened: I need the permission to create public threads and to write in them here."
)


def thread_failed(why: str) -> str:
    """For anything else that is in the way."""
    return f"The thread could not be opened: {why}"


def thread_opened(title: str, link: str) -> str:
    """Where a story is told from now on."""
    return f"“{title}” is told in a thread of its own: {link}"


WHAT_NEXT = "What happens next?"
WHAT_IS_SHOWN = "What does the shot show?"
PLACEHOLDER = "a boat answers from the fog"
BUSY = "Nextshot is too busy to take this now, and nothing was started. Try again in a minute."
NOTHING_TO_PICK = "There is no clip here to pick yet; begin a story with /create."


def unknown_entry(name: str) -> str:
    """For an entry of a menu that another version put there."""
    return f"This Nextshot does not know “{name}”; it was started anew since. Try again in a minute."
