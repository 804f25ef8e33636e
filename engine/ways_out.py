"""What else can be done with a shot that its provider did not render: without its picture, or elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.checks import settle_again
from engine.errors import NotPossible
from engine.job_model import Failure
from engine.model import TEXT_ONLY, Shot
from engine.possible import ModelsByProvider

ABOUT_SHOT = frozenset({"Refused", "Withheld", "BadShot"})
"""Failures that another picture, or none, may not meet."""
ABOUT_PROVIDER = frozenset({"OutOfCredit", "AuthFailed", "ModelRetired", "RateLimited", "Unavailable"})
"""Failures that another provider does not share."""
PROVIDERS_MOST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysOut:
    """Ways that are known to be possible."""

    text_only: bool = False
    providers: tuple[str, ...] = ()
    """Others that can render it, with a picture where it has one."""

    def __bool__(self) -> bool:
        return self.text_only or bool(self.providers)


def ways_out(shot: Shot, failure: Failure, models: ModelsByProvider, today: date) -> WaysOut:
    """The ways out of this failure of this shot."""
    if shot.deleted_at is not None or failure.kind not in ABOUT_SHOT | ABOUT_PROVIDER:
        return WaysOut()
    providers = [name for name in models if name != shot.provider and _can(shot, models, today, provider=name)]
    is_about_shot = failure.kind in ABOUT_SHOT and has_picture(shot)
    return WaysOut(
        text_only=is_about_shot and _can(shot, models, today, is_unseeded=True),
        providers=tuple(providers[:PROVIDERS_MOST]),
    )


def has_picture(shot: Shot) -> bool:
    """Whether a picture goes with its words, whosever."""
    if shot.work == TEXT_ONLY:
        return False
    starts_on_parent = shot.parent_id is not None and not shot.is_unseeded
    return starts_on_parent or bool(shot.first_frame or shot.last_frame or shot.references or shot.still)


def _can(
    shot: Shot, models: ModelsByProvider, today: date, *, provider: str | None = None, is_unseeded: bool = False
) -> bool:
    try:
        settle_again(shot, models=models, provider=provider, is_unseeded=is_unseeded, today=today)
    except NotPossible:
        return False
    return True
