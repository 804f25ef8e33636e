"""Books what a job comes to: the difference between what it should have in the ledger and what it has."""

from __future__ import annotations

from dataclasses import replace

from engine.job_model import Job, JobKind, JobState, Payer
from engine.ledger import HOUSE, PotKey, entries, moves, target
from engine.ports import Writer


def pot_of(job: Job) -> PotKey:
    """Whose pot its money is taken from."""
    match job.payer:
        case Payer.PLACE:
            return PotKey(Payer.PLACE, job.place)
        case Payer.PERSON:
            return PotKey(Payer.PERSON, job.person.key)
        case Payer.HOUSE | None:
            return HOUSE


def costs_nothing(job: Job) -> bool:
    """Whether there can be nothing to book, so that nobody has to look."""
    return job.kind is JobKind.STITCH or not (job.quoted_usd or job.cost_usd or job.payer)


async def book(tx: Writer, job: Job, *, note: str = "") -> None:
    """Post the difference between what this job should have in each bucket and what it has. A second time posts nothing.

    Belongs into the transaction that changes the job's state, price, cost or notes, or what is known of its requests.
    """
    if costs_nothing(job):
        return
    made = moves(await tx.job_balances(job.id), target(job, await tx.attempts(job.id)))
    if made:
        # a group may have a new id since its step began, and a person may have been joined to another: the pot went along
        fresh = await tx.job(job.id) or job
        pot = pot_of(replace(job, place=fresh.place, person=fresh.person))
        await tx.post(entries(pot, made, job_id=job.id, note=note))


async def release(tx: Writer, job: Job) -> None:
    """Give back what is held for it, so that another pot may hold it. What it has spent stays where it is."""
    await book(tx, replace(job, state=JobState.ASKING))
