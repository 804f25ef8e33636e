"""What is said of one person on two platforms: plain text, as in `bot.texts`."""

from __future__ import annotations

from collections.abc import Sequence

from engine.linking import CODE_LASTS_S, Linked, Parted

LINK_IN_PRIVATE = "Several people read here: say /link to me in a private chat, and only you see the code."


def link_code(code: str) -> str:
    """How two accounts become one person; the code is only for who asked."""
    return (
        f"Say this to the bot on the other platform within {CODE_LASTS_S / 60:.0f} minutes:\n/link {code}\n"
        "Show it to nobody: whoever says it becomes one person with you."
    )


def linked(found: Linked) -> str:
    """The accounts are one person."""
    if not found.is_new:
        return f"You are one person on {_platforms(found.platforms)} already."
    return f"You are one person on {_platforms(found.platforms)} now: what you made on one is yours on the other too."


def parted(found: Parted) -> str:
    """They are not one person any more."""
    return (
        f"You are somebody else again on {_platforms(found.platforms)}. "
        f"What was made so far stays with you on {_platforms((found.keeper,))}; /link joins them again."
    )


def _platforms(names: Sequence[str]) -> str:
    """`Telegram and Discord`"""
    *first, last = (name.capitalize() for name in names)
    return f"{', '.join(first)} and {last}" if first else last
