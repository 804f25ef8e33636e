"""Taking away what there is of a person who is forgotten, and of stories whose time is over.

Every piece is one transaction and can be repeated. What is under way is a row (`Writer.begin_forgetting`), so that whoever starts
after a crash goes on with it; files whose rows are gone and that were not removed any more are swept.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from engine.errors import StorageError
from engine.forget_ports import SCRUB_EVERY_S, Forgetting, Piece, Words
from engine.model import FileKey, Story
from engine.outcome import World
from engine.ports import Store, Writer
from engine.settle import retreat_tip

log = logging.getLogger(__name__)

TOLD_WITHIN = timedelta(minutes=2)
"""How long the end of a stopped job may take to be told before its message is dropped."""
TASK_S = 10.0
TASKS_AT_ONCE = 8
TELL_ALL_S = 60.0
"""How long the services may take for all that they keep of one person: everybody else who is forgotten waits."""
FAILURES = 3
"""A service that failed so often is not asked for the rest."""
FINISHED_WITHIN_S = 5.0
"""Who is forgotten waits so long for the end of it."""
WORDS_AT_ONCE = 1_000
_ONE_AT_A_TIME: WeakKeyDictionary[Store, asyncio.Lock] = WeakKeyDictionary()
"""Two at once would do the same, and the later one with what it knew of a person who may be back by then."""
SCRUB_AGAIN = timedelta(seconds=SCRUB_EVERY_S + 60)
"""So long after the last removal: a file that was made anew less than an hour before that was so after the removal."""
_STRAGGLERS: WeakKeyDictionary[Store, set[asyncio.Task[int]]] = WeakKeyDictionary()
"""What nobody waits for any more. The housekeeping ends it."""
_SCRUB_AT: WeakKeyDictionary[Store, datetime] = WeakKeyDictionary()
"""When the database file is to be scrubbed again, because something was removed since it was made anew."""


async def finish_forgettings(world: World) -> int:
    """Go on with everybody who is being forgotten; how many are not yet, because a job of theirs is still being stopped.

    Raises:
        StorageError
    """
    async with _ONE_AT_A_TIME.setdefault(world.store, asyncio.Lock()):
        under_way = await world.store.read(lambda tx: tx.forgettings())
        left = len(under_way) - sum([await _forget(world, each) for each in under_way])
        await _scrub_again(world)
        return left


async def finish_soon(world: World) -> bool:
    """Go on with everybody who is being forgotten; whether all are. What takes long goes on without the one who asked.

    Raises:
        StorageError
    """
    task = asyncio.create_task(finish_forgettings(world), name="forgetting")
    stragglers = _STRAGGLERS.setdefault(world.store, set())
    stragglers.add(task)
    task.add_done_callback(stragglers.discard)
    try:
        await asyncio.wait({task}, timeout=FINISHED_WITHIN_S)
    finally:
        if not task.done():
            task.add_done_callback(_note_end)
    return task.done() and task.result() == 0


async def stop_stragglers(world: World) -> None:
    """End what nobody waits for; the next start goes on with it."""
    tasks = tuple(_STRAGGLERS.get(world.store, ()))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _note_end(task: asyncio.Task[int]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("forgetting goes on later: %s", error)


async def empty_old_stories(world: World) -> int:
    """Take words and clips from stories that nobody has touched for `World.keep`, and drop what is as old and only tells.

    Raises:
        StorageError
    """
    if world.keep is None:
        return 0
    before = world.clock() - world.keep
    emptied = dropped = 0

    async def empty_one(tx: Writer) -> tuple[Story, Sequence[FileKey]] | None:
        # found in the transaction that empties it: nobody can go on with it in between
        for story in await tx.quiet_stories(before, 1):
            return story, await tx.empty_story(story.id)
        return None

    while (found := await world.store.write(empty_one)) is not None:
        emptied += 1
        await _remove(world, found[1])
    while count := await world.store.write(lambda tx: tx.drop_old_words(before, WORDS_AT_ONCE)):
        dropped += count
    if emptied or dropped:
        await _scrub(world)
        log.info("old stories emptied stories=%d messages=%d", emptied, dropped)
    return emptied


async def _forget(world: World, forgetting: Forgetting) -> bool:
    """Whether nothing is left to do."""
    if not await _is_still(world, forgetting):
        return False
    words = await world.store.read(lambda tx: tx.words_of(forgetting))
    if words.place_ids:
        if not await _take(world, forgetting, words):
            return False
        await world.store.write(lambda tx: tx.forget_rows(forgetting))
        await _scrub(world)
    else:  # who made and said nothing is a row or two, which are overwritten: the file need not be made anew at once
        await world.store.write(lambda tx: tx.forget_rows(forgetting))
        _SCRUB_AT[world.store] = world.clock() + SCRUB_AGAIN
    await world.store.write(lambda tx: tx.end_forgetting(forgetting))
    log.info("person forgotten forgetting=%d", forgetting.id)
    return True


async def _take(world: World, forgetting: Forgetting, words: Words) -> bool:
    """Take away what the person made and what was said about it. False: a job began meanwhile that needs some of it."""
    last_id: int | None = 0
    while last_id is not None:
        last_id = (await world.store.write(lambda tx, at=last_id: tx.forget_posts(forgetting, words, at))).last_id  # type: ignore[misc]  # a default is not inferred
    await _tell_providers(world, await world.store.read(lambda tx: tx.tasks_of(forgetting)))
    last_id = 0
    while last_id is not None:
        piece = await world.store.write(lambda tx, at=last_id: _shots(tx, forgetting, at))  # type: ignore[misc]  # as above
        await _remove(world, piece.files)
        last_id = piece.last_id
    if not await _is_still(world, forgetting):  # somebody rendered one of the shots again, or joined it, meanwhile
        return False
    await _remove(world, await world.store.write(lambda tx: tx.forget_films(forgetting)))
    return True


async def _is_still(world: World, forgetting: Forgetting) -> bool:
    """Whether no job of the person's is live and how they ended was told. Those that are live are stopped."""
    since = world.clock() - TOLD_WITHIN

    async def look(tx: Writer) -> bool:
        jobs = await tx.jobs_in_the_way(forgetting)
        await tx.stop_jobs([job.id for job in jobs if not job.is_unwanted])
        return not jobs and not await tx.is_news_owed(forgetting, since)

    return await world.store.write(look)


async def _shots(tx: Writer, forgetting: Forgetting, after_id: int) -> Piece:
    piece = await tx.forget_shots(forgetting, after_id)
    for shot_id in piece.shot_ids:
        shot = await tx.shot(shot_id)
        story = await tx.story(shot.story_code) if shot is not None else None
        if shot is not None and story is not None:
            await retreat_tip(tx, story, shot)
    return piece


async def _remove(world: World, files: Sequence[FileKey]) -> None:
    """Those that nothing refers to any more."""

    async def remove(tx: Writer) -> None:
        # inside a transaction, so that nobody can begin to refer to a file between the look and the removal
        unused = [key for key in files if not await tx.file_is_used(key)]
        await tx.drop_sent_files(unused)
        for key in unused:
            await world.files.delete(key)

    if files:
        await world.store.write(remove)


async def _tell_providers(world: World, tasks: Sequence[tuple[str, str]]) -> None:
    """Ask the services to drop what they keep. Best effort: some cannot, and of old renders most know nothing any more."""
    room = asyncio.Semaphore(TASKS_AT_ONCE)
    failures: Counter[str] = Counter()
    stayed: Counter[str] = Counter()

    async def tell(name: str, task_id: str) -> None:
        async with room:
            if failures[name] >= FAILURES or not world.circuits.is_closed(name):
                stayed[name] += 1
                return
            try:
                async with asyncio.timeout(TASK_S):
                    await world.providers[name].forget(task_id)
            except Exception as error:  # noqa: BLE001  # whatever it is, the person is forgotten here
                failures[name] += 1
                stayed[name] += 1
                log.warning("task stayed provider=%s: %s", name, type(error).__name__)

    try:
        async with asyncio.timeout(TELL_ALL_S):
            await asyncio.gather(*(tell(name, task_id) for name, task_id in tasks if name in world.providers))
    except TimeoutError:
        log.warning("tasks stayed: the services took longer than %g s", TELL_ALL_S)
    for name, count in stayed.items():
        log.warning("tasks stayed provider=%s tasks=%d", name, count)


async def _scrub_again(world: World) -> None:
    """Where it is time to."""
    at = _SCRUB_AT.get(world.store)
    if at is not None and at <= world.clock():
        del _SCRUB_AT[world.store]
        await _scrub(world, is_again=True)


async def _scrub(world: World, *, is_again: bool = False) -> None:
    """Now as far as the store does it, and whole once more after a while: a store makes its file anew only every so often."""
    if not is_again:
        _SCRUB_AT[world.store] = world.clock() + SCRUB_AGAIN
    try:
        await world.store.scrub()
    except StorageError as error:  # what was removed is overwritten in any case; the file is only not made smaller
        log.warning("database not scrubbed: %s", error)
