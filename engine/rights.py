"""Who may change what somebody made."""

from __future__ import annotations

from engine.errors import NotAllowed
from engine.model import Person


def check_allowed(person: Person, owners: tuple[Person | None, ...], what: str) -> None:
    """Raises NotAllowed unless the person is one of the owners or an operator."""
    if person.is_operator or any(owner is not None and owner.key == person.key for owner in owners):
        return
    names = " or ".join(dict.fromkeys(owner.name for owner in owners if owner is not None))
    raise NotAllowed(f"{what} belongs to {names}; only they can do that.")
