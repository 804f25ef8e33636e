"""What `python -m bench.kills` looks for afterwards: in the rows, in the files, among the processes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine import media
from engine.errors import MediaError

MAKING = ("/create", "/continue", "/retake", "/stitch")


@dataclass
class Command:
    """One thing that somebody says; `is_accepted` is None until an answer came."""

    key: str
    name: str
    text: str
    tries: int = 0
    is_accepted: bool | None = None


def processes_in(data: Path) -> list[int]:
    """Living processes that work in this directory or were told of it, but for the servers themselves."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told, at = (entry / "cmdline").read_bytes().decode(errors="replace"), (entry / "cwd").readlink()
        except OSError:
            continue
        if str(data) in told or at.is_relative_to(data):
            found.append(int(entry.name))
    return found


def rows(data: Path, query: str) -> list[tuple[object, ...]]:
    """Read the database as a stranger."""
    with sqlite3.connect(f"file:{data / 'nextshot.db'}?mode=ro", uri=True, timeout=30) as connection:
        return connection.execute(query).fetchall()


def wrongs(data: Path, said: list[Command], videos: int) -> tuple[list[str], list[str]]:
    """What was lost, and what was doubled, as sentences."""
    lost, doubled = list[str](), list[str]()
    by_key = Counter(str(key) for (key,) in rows(data, "SELECT request_key FROM job"))
    for command in said:
        jobs = by_key.pop(f"local:home:{command.key}", 0)
        is_making = command.text.split()[0] in MAKING
        if command.is_accepted and jobs < is_making:
            lost.append(f"{command.text!r} was accepted and has no job")
        if jobs > is_making:
            doubled.append(f"{command.text!r} has {jobs} jobs")
    doubled += [f"a job of nobody: {key}" for key in by_key]
    results = (
        "(SELECT count(*) FROM outbox o JOIN post p ON p.nonce = o.nonce WHERE o.job_id = j.id AND o.kind = 'result')"
    )
    query = f"SELECT j.id, j.state, j.failure_sentence, {results} FROM job j"  # noqa: S608  # our own constant
    for job, state, reason, posts in rows(data, query):
        if state not in {"delivered", "cancelled", "failed"} or (state == "failed" and not reason):
            lost.append(f"job {job} stands in {state}, reason {reason!r}")
        if posts != (state == "delivered"):
            (doubled if int(str(posts)) > 1 else lost).append(f"job {job} in {state} has {posts} results on the page")
    ((delivered,),) = rows(data, "SELECT count(*) FROM job WHERE state = 'delivered'")
    if videos != delivered:
        doubled.append(f"the page shows {videos} videos of {delivered} delivered jobs")
    missing = (
        "SELECT id FROM job WHERE kind = 'render' AND state = 'delivered' AND take_id NOT IN (SELECT take_id FROM clip)"
    )
    lost += [f"job {job} was delivered and has no clip" for (job,) in rows(data, missing)]
    kept = rows(data, "SELECT file, bytes, seconds FROM clip UNION SELECT file, bytes, seconds FROM film")
    lost += asyncio.run(broken(data, kept))
    lost += [f"a process is left: {pid}" for pid in processes_in(data)]
    work = data / "work"
    lost += [f"a directory is left: {path}" for path in (*work.glob("job-*"), *work.glob("animatic/*"))]
    return lost, doubled


async def broken(data: Path, kept: list[tuple[object, ...]]) -> list[str]:
    """Clips that are not the file that the row says, or whose end does not decode."""
    found = []
    for name, size, seconds in kept:
        path = data / "files" / str(name)[:2] / str(name)
        try:
            seen = await media.probe(path)
            await media.last_frame(path, data / "last.png")
        except (MediaError, OSError) as error:
            found.append(f"{path.name}: {error}")
            continue
        if (seen.bytes, round(seen.seconds, 3)) != (size, round(float(str(seconds)), 3)):
            found.append(f"{path.name} has {seen.bytes} bytes and {seen.seconds} s instead of {size} and {seconds}")
    return found
