"""What people ask about money, as values, and what is done with them: agree, draft, the pot and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

from bot import money_texts, replies
from bot.amounts import read_usd
from bot.commands import DEFAULT
from bot.message import Reply
from engine.model import Asked
from engine.purse import Offer
from engine.studio import Studio

LIMITS: Mapping[str, str] = {"ask": "ask_above_usd", "day": "day_usd", "story": "story_usd", "shot": "shot_usd"}
"""The field of `engine.ledger.Limits` that each option of /pot sets."""


@dataclass(frozen=True, slots=True)
class Agree:
    """Somebody agrees to the price of a shot, or of all that wait in a story."""

    asked: Asked
    target: str
    shown: Offer | None = None
    """The price that the button told. None: it told none, or it was typed; then it is told first."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Drawn for nothing instead."""

    asked: Asked
    target: str


@dataclass(frozen=True, slots=True)
class Pot:
    asked: Asked
    is_private: bool = False
    """Nobody else reads the answer, so that the person's own pot is in it, too."""


@dataclass(frozen=True, slots=True)
class ChangePot:
    """Limits of a place by their names in `engine.ledger.Limits`; None: it is not set any more."""

    asked: Asked
    changes: Mapping[str, Decimal | None]


Paying = Agree | Draft | Pot | ChangePot


def pot_request(asked: Asked, options: Mapping[str, str]) -> Pot | ChangePot:
    """`/pot`, or `/pot --day 5 --shot default`: amounts are checked already."""
    changes = {LIMITS[name]: None if text == DEFAULT else read_usd(text) for name, text in options.items()}
    return ChangePot(asked, changes) if changes else Pot(asked)


async def act_on_money(studio: Studio, request: Paying) -> Reply | None:
    """Do it. None: the jobs speak for themselves.

    Raises:
        EngineError
    """
    match request:
        case Agree(asked, target, None):
            return replies.offer_reply(target, await studio.offer(asked, target))
        case Agree(asked, target, shown):
            await studio.agree(asked, target, shown)
        case Draft(asked, target):
            await studio.draft(asked, target)
        case Pot(asked, is_private):
            return Reply(text=money_texts.pot(await studio.pot(asked), is_private=is_private))
        case ChangePot(asked, changes):
            await studio.set_limits(asked, changes)
            return Reply(text=money_texts.pot(await studio.pot(asked), is_private=False))
        case _:
            assert_never(request)
    return None
