"""What a place chose for its new stories, and the use cases about a place: its options, another name for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from engine.abilities import Abilities
from engine.checks import ModelsByProvider, Settled, settle_options
from engine.errors import NotPossible
from engine.forgetting import ForgetMe
from engine.model import Asked, ShotOptions
from engine.outcome import World
from engine.ports import Writer

KEPT = ("seconds", "ratio", "resolution", "style", "provider", "model")
"""The options that a place can choose; a seed or a picture belongs to one shot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOptions:
    """A place's options as a person sees them."""

    chosen: ShotOptions
    """None where nothing was chosen."""
    used: Settled
    """What a new story gets."""
    able: Abilities
    """What the model that is used can do."""


def change(before: ShotOptions, changes: ShotOptions, reset: frozenset[str]) -> ShotOptions:
    """The options after `changes`; those named in `reset` are chosen no more. Another provider comes without the old one's model.

    Raises:
        NotPossible: an option that no place keeps.
    """
    said: dict[str, Any] = {
        field.name: value for field in fields(changes) if (value := getattr(changes, field.name)) not in (None, ())
    }
    foreign = sorted((said.keys() | reset) - set(KEPT))
    if foreign:
        raise NotPossible(f"A place chooses no {foreign[0]}; it can choose: {', '.join(KEPT)}.")
    kept: dict[str, Any] = {name: getattr(before, name) for name in KEPT}
    if "provider" in reset or said.get("provider", before.provider) != before.provider:
        kept["model"] = None
    return ShotOptions(**{**kept, **said, **dict.fromkeys(reset)})


class Places(ForgetMe):
    """What can be asked about a place."""

    def __init__(self, world: World, *, default_provider: str, wake: Callable[[], None]) -> None:
        super().__init__(world, wake=wake)
        self._default_provider = default_provider

    async def settings(self, place: str) -> PlaceOptions:
        """What is chosen here, and what a new story gets."""
        return self._seen(await self._store.read(lambda tx: tx.place_options(place)))

    async def set_settings(
        self, asked: Asked, changes: ShotOptions, reset: frozenset[str] = frozenset()
    ) -> PlaceOptions:
        """Choose options for the place's new stories; those named in `reset` follow the provider's default again.

        Raises:
            NotPossible: the provider cannot do it, or no place keeps it; nothing is changed.
        """

        async def work(tx: Writer) -> ShotOptions:
            before = await tx.place_options(asked.place)
            if not await tx.first_time(asked.key):
                return before
            chosen = change(before, changes, reset)
            # strictly, as if it were asked for one shot: what is said here is not to give way silently later
            settled = settle_options(
                chosen,
                parent=None,
                models=self.models(),
                default_provider=self._default_provider,
                today=self._world.clock().date(),
                is_shot=False,
            )
            if chosen.model:
                chosen = replace(chosen, model=settled.model)  # as the service writes it
            await tx.know(asked.place, asked.person)
            await tx.set_place_options(asked.place, chosen)
            return chosen

        return self._seen(await self._store.write(work))

    async def move_place(self, old: str, new: str) -> None:
        """The conversation goes on under another name, with its stories, clips, jobs and messages."""
        await self._store.write(lambda tx: tx.move_place(old, new))
        self._wake()

    def _seen(self, chosen: ShotOptions) -> PlaceOptions:
        models: ModelsByProvider = self.models()
        used = settle_options(
            ShotOptions(),
            parent=None,
            models=models,
            default_provider=self._default_provider,
            chosen=chosen,
            is_shot=False,
        )
        return PlaceOptions(chosen=chosen, used=used, able=models[used.provider][used.model])
