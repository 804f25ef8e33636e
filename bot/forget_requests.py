"""The requests about being forgotten, beside those of `bot.requests`."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model import Asked


@dataclass(frozen=True, slots=True)
class AskForget:
    asked: Asked


@dataclass(frozen=True, slots=True)
class Forget:
    """`token` names the question that is answered."""

    asked: Asked
    token: str
