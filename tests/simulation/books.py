"""What must hold of the ledger: to the cent, against what the services truly charged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from engine.job_model import JobState
from engine.jobs import WITH_CLIP
from tests.simulation.service import PRICE_USD, Render, Service

MICROS = 1_000_000
PRICE = int(PRICE_USD * MICROS)
LEAST_CHARGE = PRICE - 30_000
"""A service may charge three cents less than it told."""


_UNKNOWN_ATTEMPTS = (
    "SELECT count(*) FROM attempt JOIN job ON job.id = attempt.job_id WHERE job_id = ? AND settled_usd IS NULL"
    " AND (outcome IN ('unknown', 'intended') OR attempt.task_id IS NOT job.task_id AND attempt.task_id IS NOT NULL)"
)
"""Those whose answers were lost, and those that were answered when the job had gone another way."""


class Books:
    """Looks after every posting, and adds up at the end."""

    def __init__(self, raw: sqlite3.Connection, services: Mapping[str, Service], wrong: Callable[[str], None]) -> None:
        self._raw = raw
        self._services = services
        self._wrong = wrong
        self._seen = 0

    def look(self) -> None:
        """After a transaction."""
        newest = self._raw.execute("SELECT max(id) FROM entry").fetchone()[0] or 0
        if newest == self._seen:
            return
        if newest < self._seen:
            self._wrong("entries are gone")
        for job_id, micros in self._raw.execute(
            "SELECT job_id, sum(micros) FROM entry GROUP BY job_id HAVING sum(micros) <> 0"
        ).fetchall():
            self._wrong(f"the entries of job {job_id} come to {micros}, not to nothing")
        for job_id, bucket, micros in self._raw.execute(
            "SELECT job_id, bucket, min(micros) FROM ("
            " SELECT job_id, bucket, sum(micros) AS micros FROM entry"
            " WHERE job_id IS NOT NULL AND bucket NOT IN ('left', 'outside') GROUP BY job_id, pot_id, bucket, day"
            ") WHERE micros < 0 GROUP BY job_id, bucket"
        ).fetchall():
            self._wrong(f"job {job_id} has {micros} in {bucket} of a pot, by what left that pot on one day")
        for pot_id, left in self._raw.execute(
            "SELECT pot_id, sum(micros) FROM entry WHERE bucket = 'left'"
            " AND pot_id IN (SELECT pot_id FROM entry WHERE why = 'top-up')"
            " GROUP BY pot_id HAVING sum(micros) < 0"
        ).fetchall():
            holds = self._raw.execute(
                "SELECT count(*) FROM entry WHERE pot_id = ? AND id > ? AND bucket = 'left' AND why = 'hold'",
                (pot_id, self._seen),
            ).fetchone()[0]
            if holds:
                self._wrong(f"pot {pot_id} was overdrawn by a hold, to {left}")
        self._seen = newest

    def of_job(self, job_id: int) -> dict[str, int]:
        """What a job has in each bucket, in micros."""
        rows = self._raw.execute("SELECT bucket, sum(micros) FROM entry WHERE job_id = ? GROUP BY bucket", (job_id,))
        return {"held": 0, "spent": 0, "unknown": 0, **dict(rows.fetchall())}

    def judge(self, tasks: Mapping[int, Sequence[Render]]) -> None:
        """At the end: held is nothing, spent is what was charged, and unknown is what nobody can know."""
        for job_id, kind, word, provider, task_id, billed in self._raw.execute(
            "SELECT id, kind, state, provider, task_id, failure_billed FROM job"
        ).fetchall():
            have = self.of_job(job_id)
            charged = [each for each in tasks.get(job_id, ()) if each.is_charged]
            told = f"job {job_id} ({word}, billed {billed}): {have}, and {len(charged)} were charged"
            if have["held"]:
                self._wrong(f"{told}: something is still held")
            if kind == "stitch":
                continue
            unknown_attempts = self._raw.execute(_UNKNOWN_ATTEMPTS, (job_id,)).fetchone()[0]
            if have["spent"] + have["unknown"] < LEAST_CHARGE * len(charged):
                self._wrong(f"{told}: more was charged than is known of")
            if JobState(word) in WITH_CLIP:
                adopted = self._services[provider].renders[task_id]
                usd = int(adopted.usd * MICROS) if self._services[provider].says_cost else PRICE
                if have["spent"] != usd:
                    self._wrong(f"{told}: its clip cost {usd}")
                if have["unknown"] and not unknown_attempts:
                    self._wrong(f"{told}: there is nothing that nobody knows")
            elif not charged and not unknown_attempts and billed in (None, "no") and have["spent"]:
                self._wrong(f"{told}: nothing was charged")

    def unknown_jobs(self) -> list[int]:
        """Jobs with money of which nobody knows."""
        rows = self._raw.execute(
            "SELECT job_id FROM entry WHERE bucket = 'unknown' AND job_id IS NOT NULL GROUP BY job_id HAVING sum(micros) <> 0"
        )
        return [row[0] for row in rows.fetchall()]

    def judge_resolved(self, job_id: int, usd: Decimal) -> None:
        """After the operator has said what the requests of which nobody knew cost, all together."""
        have = self.of_job(job_id)
        if have["unknown"]:
            self._wrong(f"job {job_id} was settled at {usd} and is unknown still: {have}")
