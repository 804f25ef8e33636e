"""Who may change what somebody made."""

from __future__ import annotations

from engine.errors import NotAllowed
from engine.job_model import Job, Payer
from engine.model import Person


def check_allowed(person: Person, owners: tuple[Person | None, ...], what: str) -> None:
    """Raises NotAllowed unless the person is one of the owners or an operator."""
    if person.is_operator or any(owner is not None and owner.key == person.key for owner in owners):
        return
    names = " or ".join(dict.fromkeys(owner.name for owner in owners if owner is not None))
    raise NotAllowed(f"{what} belongs to {names}; only they can do that.")


def check_own_pot(person: Person, job: Job, payer: Payer | None) -> None:
    """Raises NotAllowed where somebody's own pot would pay at another one's word, an operator's included."""
    if payer is Payer.PERSON and person.key != job.person.key:
        whose = job.person.name
        raise NotAllowed(f"{whose}'s own pot would pay for {job.subject}; only {whose} can agree to that.")
