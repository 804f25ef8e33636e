"""What is said to who wants to be forgotten, and of stories whose time is nearly over: plain text, as in `bot.texts`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from bot.message import Button, Reply
from engine.forget_ports import Belongings
from engine.forgetting import QUESTION_LASTS_S, ForgetQuestion, Forgotten

FORGET_IN_PRIVATE = (
    "Several people read here: say /forget to me in a private chat, and only you see what I know of you."
)
_STAYS = (
    "What stays: messages that are in a chat already, which you delete there; shots of others, also where they begin on a frame of "
    "yours; sums of money without your name; copies at a video service that cannot delete, in the operator's backups and in the "
    "log (numbers and names of accounts, never prompts); and your number in the operator's settings, if it stands there."
)


def question_reply(question: ForgetQuestion) -> Reply:
    """What would go, what stays, and the button."""
    return Reply(
        text=f"{what_goes(question.belongings)}\n{_STAYS}\n{_pot(question.left_usd)}"
        f"This cannot be undone. The button works for {QUESTION_LASTS_S / 60:.0f} minutes, and for you alone.",
        buttons=(Button("forget", "Forget me", question.token),),
        private=True,
    )


def what_goes(found: Belongings) -> str:
    """`Forgotten would be: your name and accounts, 12 shots with 10 clips in 3 places, …`"""
    where = f" in {_count(found.places, 'place')}" if found.places else ""
    parts = [
        "name and accounts",
        f"{_count(found.shots, 'shot')} with their prompts and pictures, and {_count(found.clips, 'clip')}{where}",
        f"the titles of {_count(found.stories, 'story', 'stories')}",
        _films(found),
        "the history",
        "what was said on the web page",
    ]
    after = f" {_count(found.others_shots, 'shot')} of others that follow stay." if found.others_shots else ""
    live = f" {_count(found.jobs, 'render')} under way would be stopped first." if found.jobs else ""
    return f"What would go: {'; '.join(parts)}.{after}{live}"


def forgotten(done: Forgotten) -> str:
    """It was confirmed."""
    if not done.is_done:
        return (
            "You are forgotten as soon as what is being rendered is stopped; your name and accounts are gone already. "
            "Nothing more is to be done, and what you say from now on is a new person's."
        )
    gone = done.belongings
    return (
        f"You are forgotten: {_count(gone.shots, 'shot')}, {_count(gone.clips, 'clip')} and "
        f"{_count(gone.films, 'film')} are gone. {_STAYS}"
    )


def ending(days: Mapping[str, date]) -> str:
    """Of which stories the words and clips go soon, a line each; empty: of none."""
    return "".join(
        f"\n{code} is kept until {day:%d %B %Y}: nobody has touched it for long. /continue it, or download it."
        for code, day in days.items()
    )


def _pot(left_usd: Decimal) -> str:
    if left_usd <= 0:
        return ""
    return (
        f"Your pot still holds ${left_usd:.2f}: have it paid back first. Afterwards nobody can tell whose it was, and it stays "
        "with the operator.\n"
    )


def _films(found: Belongings) -> str:
    others = f", {found.others_films} of them asked for by others" if found.others_films else ""
    return f"{_count(found.films, 'film')} that you asked for, or with a shot or a title of yours{others}"


def _count(number: int, word: str, words: str | None = None) -> str:
    return f"{number} {word if number == 1 else words or f'{word}s'}"
