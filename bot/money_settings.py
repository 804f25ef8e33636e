"""The settings of money: what is asked about first, and what may be spent at most."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from bot.amounts import read_usd
from engine.ledger import Limits
from engine.money_rules import MoneyRules

NEVER = "never"
_CAPS = ("day_usd", "story_usd", "shot_usd", "person_day_usd", "house_day_usd")
_CAP = Field(default=None)


class MoneySettings(BaseSettings):
    """The part of the settings that is about money. Of a cap None means that there is none, and 0 means nothing at all."""

    ask_above_usd: Decimal | None = Decimal(1)
    """A render that costs more is asked about first, and so is one whose price nobody knows. None: nothing is."""
    day_usd: Decimal | None = _CAP
    """The most that every place may spend in a day."""
    story_usd: Decimal | None = _CAP
    shot_usd: Decimal | None = _CAP
    """The most for all takes of a shot."""
    person_day_usd: Decimal | None = _CAP
    """The most that every person may spend in a day, wherever that is."""
    house_day_usd: Decimal | None = _CAP
    """The most that everybody together may spend in a day."""
    pots_only: bool = False
    """Nothing is rendered on the operator's own account: a pot has to hold the price."""

    @field_validator("ask_above_usd", mode="before")
    @classmethod
    def _ask_above(cls, value: object) -> object:
        return None if str(value).strip().lower() == NEVER else _usd(value)

    @field_validator(*_CAPS, mode="before")
    @classmethod
    def _cap(cls, value: object) -> object:
        return _usd(value)

    @property
    def money_rules(self) -> MoneyRules:
        """What the engine goes by."""
        return MoneyRules(
            house=Limits(day_usd=self.house_day_usd),
            place=Limits(
                ask_above_usd=self.ask_above_usd,
                shot_usd=self.shot_usd,
                story_usd=self.story_usd,
                day_usd=self.day_usd,
            ),
            person=Limits(day_usd=self.person_day_usd),
            pots_only=self.pots_only,
        )


def _usd(value: Any) -> Decimal | None:
    """A number in a file stands for itself; `true` is no amount."""
    return None if value is None else read_usd("" if isinstance(value, bool) else str(value))
