"""Forgetting: what every store promises of a person who is taken away piece by piece, and of stories whose time is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.forget_ports import FORGOTTEN, SOMEONE, Forgetting, Piece
from engine.job_model import MAY_STILL_COST, Job, JobKind, JobState, Payer, SayKind, SayState
from engine.jobs import finish, move
from engine.ledger import Bucket, Move, PotKey, entries
from engine.model import Clip, FileKey, Person, Shot, Story
from engine.new_rows import NewJob
from engine.ports import Writer
from storage import Inbox, SentFiles, SqlStore, Transcript
from storage.tables import METADATA
from tests.databases import add_render, new_clip, new_shot
from tests.fakes.clock import FakeClock

ANA, BEN = Person("telegram:717171", "Anabel"), Person("discord:2", "Ben")
ANA_TOO = Person("discord:727272", "Anabelle")
ROOM, PRIVATE = "local:room", "telegram:717171"
ZEBRA = "a zebra in the rain"


async def begun(store: SqlStore, key: str = ANA.key) -> Forgetting:
    forgetting = await store.write(lambda tx: tx.begin_forgetting(key))
    assert forgetting is not None
    return forgetting


async def all_pieces(store: SqlStore, forgetting: Forgetting) -> list[FileKey]:
    """Everything, as the engine does it; the files that were named on the way."""
    words = await store.read(lambda tx: tx.words_of(forgetting))
    files: list[FileKey] = []

    async def piece(tx: Writer, at: int, *, of_posts: bool) -> Piece:
        return await (tx.forget_posts(forgetting, words, at) if of_posts else tx.forget_shots(forgetting, at))

    for of_posts in (True, False):
        last: int | None = 0
        while last is not None:
            done = await store.write(lambda tx, at=last, posts=of_posts: piece(tx, at, of_posts=posts))  # type: ignore[misc]
            files += done.files
            last = done.last_id
    files += await store.write(lambda tx: tx.forget_films(forgetting))
    await store.write(lambda tx: tx.forget_rows(forgetting))
    await store.write(lambda tx: tx.end_forgetting(forgetting))
    return files


async def dump(store: SqlStore) -> str:
    """All cells of all tables."""

    async def work(connection: AsyncConnection) -> str:
        found: list[str] = []
        for name, table in METADATA.tables.items():
            rows = (await connection.execute(select(table).order_by(table.c.id))).mappings().all()
            found += [f"{name} {dict(row)}" for row in rows]
        return "\n".join(found)

    return await store.database.read(work)


async def tell(
    store: SqlStore, person: Person, place: str, prompt: str, name: str, *, after: Shot | None = None
) -> tuple[Story, Shot]:
    """A shot with a clip, made by a job that is over, in a story of its own or after another shot."""

    async def work(tx: Writer) -> tuple[Story, Shot]:
        if after is None:
            story: Story | None = await tx.add_story(place, person, prompt)
        else:
            story = await tx.story(after.story_code)
        assert story is not None
        shot = await tx.add_shot(
            new_shot(story, parent=after, person=person, prompt=prompt, negative=f"no {prompt}", references=(key("r"),))
        )
        take = await tx.add_take(shot.id, 7, None)
        new = NewJob(
            kind=JobKind.RENDER,
            request_key=f"{place}/{shot.id}",
            place=place,
            person=person,
            story_id=story.id,
            shot_id=shot.id,
            take_id=take.id,
            provider="animatic",
            model="animatic-1",
            asked_receipt=f"{place}/77",
        )
        job = await tx.add_job(new)
        await tx.first_time(f"{job.request_key} said")
        await tx.owe(job.id, SayKind.STATUS)
        await tx.add_clip(take.id, new_clip(name))
        await tx.choose_take(shot.id, take.id)
        job = move(job, JobState.SAVING) if job.state is JobState.RENDERING else job
        gone = finish(job, JobState.CANCELLED, store.clock(), notes=(MAY_STILL_COST, f"about {prompt}"))
        await tx.save_job(gone, detail=f"by {person.key}")
        return story, shot

    return await store.write(work)


def key(letter: str) -> FileKey:
    return FileKey(f"{letter * 64}.png")


async def test_nothing_of_a_person_is_left_but_sums(store: SqlStore) -> None:
    """Of both identities: no words, no names, no ids, in no table; what others made is as it was."""
    await store.write(lambda tx: tx.join_persons(ANA, ANA_TOO))
    story, shot = await tell(store, ANA, ROOM, ZEBRA, "a")
    await tell(store, ANA_TOO, PRIVATE, f"{ZEBRA} again", "b")
    _, bens = await tell(store, BEN, ROOM, "a boat answers", "c", after=shot)
    await store.write(lambda tx: tx.add_film(story.id, BEN, (shot.code, bens.code), new_clip("d")))
    await store.write(lambda tx: tx.put_link_code(ANA_TOO, "hash", store.clock()))
    await store.write(lambda tx: tx.put_forget_question("t0", ANA.key, store.clock()))
    await Inbox(store).first_time("telegram:9/turned-away/717171")
    before = await store.read(lambda tx: tx.belongings(ANA_TOO.key))
    assert before is not None
    assert (before.shots, before.clips, before.stories, before.places) == (2, 2, 2, 2)
    assert (before.films, before.others_films, before.others_shots) == (1, 1, 1)

    files = await all_pieces(store, await begun(store, ANA_TOO.key))
    assert {f"{letter * 64}.mp4" for letter in "abd"} | {key("r")} == set(files)
    left = await dump(store)
    for trace in ("zebra", "717171", "727272", "Anabel", "hash", "no a z"):
        assert trace not in left, [line for line in left.splitlines() if trace in line]
    assert await store.read(lambda tx: tx.forgettings()) == []
    kept = await store.read(lambda tx: tx.shot(bens.id))
    assert kept is not None
    assert (kept.prompt, kept.parent_id, kept.person, kept.references) == ("a boat answers", shot.id, BEN, (key("r"),))
    gone = await store.read(lambda tx: tx.shot(shot.id))
    assert gone is not None
    assert (gone.person.name, gone.prompt, gone.deleted_at is not None) == (SOMEONE, "", True)
    assert await store.read(lambda tx: tx.film_by_code(story.code, 1)) is None


async def test_a_pot_keeps_its_sums_without_a_name(store: SqlStore) -> None:
    """The notes of a job by which its money is told stay; others go."""
    _, shot = await tell(store, ANA, ROOM, ZEBRA, "a")
    await all_pieces(store, await begun(store))
    (job,) = await store.read(lambda tx: tx.jobs_of_shots([shot.id]))
    assert (job.notes, job.state, job.person.name) == ((MAY_STILL_COST,), JobState.CANCELLED, SOMEONE)
    assert job.request_key == f"forgotten/{job.id}"


async def test_who_speaks_again_is_a_new_person(store: SqlStore) -> None:
    """From the moment at which it began; what the new person makes is not taken, in the private chat neither."""
    await tell(store, ANA, PRIVATE, ZEBRA, "a")
    forgetting = await begun(store)
    story, shot = await tell(store, ANA, PRIVATE, "a whale", "b")
    await all_pieces(store, forgetting)
    found = await store.read(lambda tx: tx.story(story.code))
    assert found is not None
    assert (found.title, found.place, found.director) == ("a whale", PRIVATE, ANA)
    assert [each.code for each in await store.read(lambda tx: tx.stories(PRIVATE))] == [story.code]
    page = await store.read(lambda tx: tx.history(place=None, person=ANA.key, before=None, limit=9))
    assert [item.prompt for item in page.items] == ["a whale"]
    assert (await store.read(lambda tx: tx.shot(shot.id)) or shot).prompt == "a whale"
    assert "zebra" not in await dump(store)


async def test_messages_of_the_web_chat_go(store: SqlStore) -> None:
    """Those of the person, answers to them, and ours that quote a prompt or name a shot; other people's words stay."""
    _, shot = await tell(store, ANA, ROOM, ZEBRA, "a")
    transcript = Transcript(store)

    async def say(author: str, text: str, **more: Any) -> int:
        body = {"kind": "said", "text": text, **more}
        post = await transcript.add(ROOM, author=author, body=body, nonce=f"{author}{text}")
        return post.id

    hers = await say(ANA.key, "hello")
    await say("", "you are welcome", reply_to=hers)
    await say("", f"see {shot.code}.")
    await say("", f"“{ZEBRA}” by nobody")
    await say("", "k7 · “The lamp” · by Anabel (current)")
    stay = [await say("", f"see {shot.code}0"), await say(BEN.key, "a zebra in the rain!"), await say("", "Anabelina")]
    stay.append(await say("", "k7 · “The lamp” · by Anabelina"))
    await all_pieces(store, await begun(store))
    assert [post.id for post in await transcript.posts(ROOM)] == stay


@pytest.mark.parametrize(("name", "prompt"), [("ready", "i"), ("", "film"), (" ", "")])
async def test_what_is_said_to_strangers_stays(store: SqlStore, name: str, prompt: str) -> None:
    """However a person is called and whatever it makes: in other rooms nothing is looked at, in its own only its words."""
    evil = Person("local:evil", name)
    await tell(store, evil, ROOM, prompt, "a")
    await tell(store, evil, ROOM, ZEBRA, "b")
    transcript = Transcript(store)

    async def say(place: str, text: str) -> int:
        body = {"kind": "said", "text": text, "reply_to": None}
        return (await transcript.add(place, author="", body=body, nonce=f"{place}{text}")).id

    stay = [await say("local:theirs", text) for text in ("b7-2 is ready", "film stitched", f"“{prompt}”", ZEBRA)]
    here = [await say(ROOM, "b7-2 is ready"), await say(ROOM, "film stitched")]
    for text in (f"“{prompt or ZEBRA}”\nwaits", f"of that:\n{prompt or ZEBRA}\n", f"see {ZEBRA}!"):
        await say(ROOM, text)
    await all_pieces(store, await begun(store, evil.key))
    assert [post.id for post in await transcript.posts("local:theirs")] == stay
    assert [post.id for post in await transcript.posts(ROOM)] == here


async def test_an_answer_goes_that_is_far_from_its_question(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said tells of the answers to it until the last piece."""
    monkeypatch.setattr("storage.forgetting_words._ROWS_AT_ONCE", 1)
    transcript = Transcript(store)
    await store.write(lambda tx: tx.know(ROOM, ANA))
    hers = await transcript.add(ROOM, author=ANA.key, body={"text": "hello"}, nonce="n1")
    other = await transcript.add(ROOM, author="", body={"text": "hear ye", "reply_to": None}, nonce="n2")
    await transcript.add(ROOM, author="", body={"text": "you are welcome", "reply_to": hers.id}, nonce="n3")
    await all_pieces(store, await begun(store))
    assert [post.id for post in await transcript.posts(ROOM)] == [other.id]


async def test_who_has_a_longer_key_stays_in_the_records(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """`local:a` is not `local:ana`, in events of others' jobs and in notes of payments, over as many pages as there are."""
    monkeypatch.setattr("storage.forgetting_words._ROWS_AT_ONCE", 2)
    others = ("by local:ana", "again, by local:a-b", "by telegram:local:a", "by local:a.b", "by local:a1")
    named = ("by local:a", "again, by local:a", "agreed to by local:a", "drafted, by local:a", "(local:a): said so")

    async def work(tx: Writer) -> int:
        story = await tx.add_story(ROOM, BEN, "The lamp")
        _, _, job = await add_render(tx, story, "k", person=BEN, place=ROOM)
        for index, text in enumerate((*others, *named)):
            await tx.save_job(job := replace(job, tries=index + 1), detail=text)
            moves = [Move(Bucket.OUTSIDE, Bucket.LEFT, Decimal(1))]
            await tx.post(entries(PotKey(Payer.PERSON, BEN.key), moves, note=text, key=f"payment {index}"))
        await tx.know(ROOM, Person("local:a", "A"))
        return job.id

    job_id = await store.write(work)
    await all_pieces(store, await begun(store, "local:a"))
    details = [event.detail for event in await store.read(lambda tx: tx.events(job_id)) if event.detail]
    assert details == [*others, *[f"by {SOMEONE}"] * len(named)]
    kept = await store.read(lambda tx: tx.entries(pot=PotKey(Payer.PERSON, BEN.key)))
    assert {entry.note for entry in kept} == {*others, FORGOTTEN}


@pytest.mark.parametrize("whose", ["own", "another's on the shot", "a stitch of the shot"])
async def test_live_jobs_are_in_the_way_and_stopped(store: SqlStore, whose: str) -> None:
    """The person's, those of others on the person's shots, and films of others that would have them."""
    _, shot = await tell(store, ANA, ROOM, ZEBRA, "a")

    async def work(tx: Writer) -> Job:
        story = await tx.story(shot.story_code)
        assert story is not None
        if whose == "own":
            return (await add_render(tx, story, "k", person=ANA, place=ROOM))[2]
        fresh = await tx.shot(shot.id)
        assert fresh is not None
        kind, plan = (JobKind.STITCH, (fresh.chosen_take_id or 0,)) if "stitch" in whose else (JobKind.RENDER, ())
        of_shot = None if plan else shot.id
        return await tx.add_job(
            NewJob(
                kind=kind, request_key="k", place=ROOM, person=BEN, story_id=story.id, shot_id=of_shot, plan=plan
            )
        )  # fmt: skip

    job = await store.write(work)
    forgetting = await begun(store)
    found = await store.read(lambda tx: tx.jobs_in_the_way(forgetting))
    assert [each.id for each in found] == [job.id]
    await store.write(lambda tx: tx.stop_jobs([job.id]))
    (claimed,) = await store.claim_jobs(9, 30)
    assert (claimed.id, claimed.is_unwanted) == (job.id, True)
    await store.write(lambda tx: tx.save_job(finish(claimed, JobState.CANCELLED, store.clock())))
    assert await store.read(lambda tx: tx.jobs_in_the_way(forgetting)) == []


async def test_a_request_that_is_on_its_way_is_left_to_its_step(store: SqlStore, clock: FakeClock) -> None:
    """Nobody takes it away from the only one that will know whether it was paid for; right after that step it is looked at."""
    story, _ = await tell(store, ANA, ROOM, ZEBRA, "a")
    await store.write(lambda tx: add_render(tx, story, "k", person=ANA, place=ROOM))
    (claimed,) = await store.claim_jobs(9, 30)
    leaves = replace(claimed, state=JobState.SUBMITTING, due_at=clock() + timedelta(seconds=65))
    await store.write(lambda tx: tx.save_job(leaves))
    await store.write(lambda tx: tx.stop_jobs([claimed.id]))
    assert await store.claim_jobs(9, 30) == []
    taken = replace(leaves, state=JobState.RENDERING, task_id="task-1", due_at=clock() + timedelta(seconds=600))
    await store.write(lambda tx: tx.save_job(taken))
    (again,) = await store.claim_jobs(9, 30)
    assert (again.id, again.task_id, again.is_unwanted) == (claimed.id, "task-1", True)


async def test_the_end_of_a_stopped_job_is_told_first(store: SqlStore, clock: FakeClock) -> None:
    """For a while: then its message is dropped."""
    await tell(store, ANA, ROOM, ZEBRA, "a")
    forgetting = await begun(store)
    ago = clock() - timedelta(seconds=60)
    assert await store.read(lambda tx: tx.is_news_owed(forgetting, ago))
    (say,) = await store.claim_says(9, 30)
    await store.write(lambda tx: tx.save_say(say, SayState.SENT, receipt="r"))
    assert not await store.read(lambda tx: tx.is_news_owed(forgetting, ago))
    clock.advance(120)
    assert not await store.read(lambda tx: tx.is_news_owed(forgetting, clock() - timedelta(seconds=60)))


async def test_a_question_is_one_person_s_and_the_newest(store: SqlStore, clock: FakeClock) -> None:
    """An older one is not answered any more; it is forgotten with the person."""
    end = clock() + timedelta(seconds=600)
    await store.write(lambda tx: tx.know(ROOM, ANA))
    for token in ("t1", "t2"):
        await store.write(lambda tx, token=token: tx.put_forget_question(token, ANA.key, end))  # type: ignore[misc]
    await store.write(lambda tx: tx.put_forget_question("t3", BEN.key, end))
    assert await store.read(lambda tx: tx.forget_question("t1")) is None
    assert await store.read(lambda tx: tx.forget_question("t2")) == (ANA.key, end)
    await begun(store)
    assert await store.read(lambda tx: tx.forget_question("t2")) is None
    assert await store.read(lambda tx: tx.forget_question("t3")) == (BEN.key, end)
    assert await store.write(lambda tx: tx.begin_forgetting("telegram:5")) is None


async def test_what_platforms_call_a_file_is_forgotten(store: SqlStore) -> None:
    """Of these files alone."""
    sent = SentFiles(store)
    for letter in "ab":
        await sent.keep("telegram:9", key(letter), "video", f"id of {letter}")
    await store.write(lambda tx: tx.drop_sent_files([key("a")]))
    assert await sent.find("telegram:9", key("a"), "video") is None
    assert await sent.find("telegram:9", key("b"), "video") == "id of b"


async def quiet(store: SqlStore, days: float) -> Sequence[str]:
    before = store.clock() - timedelta(days=days)
    return [story.code for story in await store.read(lambda tx: tx.quiet_stories(before, 9))]


async def test_a_story_is_quiet_when_nothing_was_made_in_it(store: SqlStore, clock: FakeClock) -> None:
    """A new shot, a retake, or a job that goes on keep it; so does a question that its person may answer."""
    story, shot = await tell(store, ANA, ROOM, ZEBRA, "a")
    made_at = clock()
    clock.advance(9 * 86_400)
    assert await quiet(store, 10) == []
    clock.advance(2 * 86_400)
    assert await quiet(store, 10) == [story.code]
    assert await store.read(lambda tx: tx.touched([story.id])) == {story.id: made_at}
    await store.write(lambda tx: tx.add_take(shot.id, 8, None))
    assert await quiet(store, 10) == []
    assert await store.read(lambda tx: tx.touched([story.id])) == {story.id: clock()}
    clock.advance(11 * 86_400)
    _, _, job = await store.write(lambda tx: add_render(tx, story, "k", person=BEN, place=ROOM))
    clock.advance(11 * 86_400)
    assert await quiet(store, 10) == []
    (claimed,) = await store.claim_jobs(9, 30)
    await store.write(lambda tx: tx.save_job(finish(claimed, JobState.CANCELLED, made_at)))
    assert await quiet(store, 10) == [story.code], job


async def test_an_emptied_story_has_no_words_and_no_clips(store: SqlStore, clock: FakeClock) -> None:
    """Its jobs stay; its files are named; it is not found again, and its place has no current story."""
    story, shot = await tell(store, ANA, ROOM, ZEBRA, "a")
    await store.write(lambda tx: tx.add_film(story.id, BEN, (shot.code,), new_clip("d")))
    files = await store.write(lambda tx: tx.empty_story(story.id))
    assert set(files) == {key("r"), new_clip("a").file, new_clip("d").file}
    assert "zebra" not in await dump(store)
    assert len(await store.read(lambda tx: tx.jobs_of_shots([shot.id]))) == 1
    assert await store.read(lambda tx: tx.current_story(ROOM)) is None
    found = await store.read(lambda tx: tx.story(story.code))
    assert found is not None
    assert found.title == FORGOTTEN
    clock.advance(86_400)
    assert await quiet(store, 0.5) == []
    assert await store.read(lambda tx: tx.touched([story.id])) == {}


async def test_old_events_and_messages_go(store: SqlStore, clock: FakeClock) -> None:
    """A bounded number at a time; what a live job needs stays."""
    await tell(store, ANA, ROOM, ZEBRA, "a")
    transcript = Transcript(store)
    await transcript.add(ROOM, author=ANA.key, body={"text": "old"}, nonce="n1")
    at = clock()
    clock.advance(10)
    young = await transcript.add(ROOM, author=ANA.key, body={"text": "young"}, nonce="n2")
    assert await store.write(lambda tx: tx.drop_old_words(at + timedelta(seconds=5), 1)) == 2
    assert await store.write(lambda tx: tx.drop_old_words(at + timedelta(seconds=5), 1)) == 0
    assert [post.id for post in await transcript.posts(ROOM)] == [young.id]


async def test_a_forgetting_that_ends_twice_takes_no_update_with_it(store: SqlStore) -> None:
    """Two processes may go on with it after a start, and an update may have its row's id by then."""
    await store.write(lambda tx: tx.add_story("telegram:5", Person("telegram:5", "Eve"), "Fog"))
    forgetting = await store.write(lambda tx: tx.begin_forgetting("telegram:5"))
    assert forgetting is not None
    await store.write(lambda tx: tx.end_forgetting(forgetting))
    inbox = Inbox(store)
    kept = await inbox.keep("telegram", [("update-1", {"text": "/create a lamp"})])
    await store.write(lambda tx: tx.end_forgetting(forgetting))
    assert await inbox.waiting("telegram") == kept


async def test_files_that_others_refer_to_are_in_use(store: SqlStore) -> None:
    """The same picture in two people's shots stays with the other one."""
    _, shot = await tell(store, ANA, ROOM, ZEBRA, "a")
    await tell(store, BEN, ROOM, "a boat", "a", after=shot)
    shared: Clip = new_clip("a")
    files = await all_pieces(store, await begun(store))
    assert {shared.file, key("r")} <= set(files)
    assert await store.read(lambda tx: tx.file_is_used(shared.file))
    assert await store.read(lambda tx: tx.file_is_used(key("r")))
