"""Topics are places of their own: what is asked in one is answered there, and each tells its own story."""

from __future__ import annotations

from pathlib import Path

from engine.job_model import JobState
from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import WAIT_S, endless, film_of, quick, told, until
from tests.telegram.house import opened_bot


async def test_everything_stays_in_its_topic_and_two_topics_tell_two_stories(
    telegram: FakeTelegram, tmp_path: Path
) -> None:
    """Status, video and answers; General is named by no id."""
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana], forum=True)
    sea, sky = telegram.topic(chat, "Sea"), telegram.topic(chat, "Sky")
    async with opened_bot(telegram, tmp_path, provider=quick()) as house:
        for prompt, topic in (("a boat", sea), ("a cloud", sky), ("a town", None)):
            telegram.says(ana, chat, f"/create {prompt}", topic=topic)
        films = [await film_of(telegram, chat, code) for code in ("a1-1", "b1-1", "c1-1")]
        assert [film.thread for film in sorted(films, key=lambda film: film.id)].count(sea) == 1
        for prompt, topic in (("a boat", sea), ("a cloud", sky), ("a town", None)):
            about = [message for message in telegram.bot_messages(chat) if f"“{prompt}”" in message.text]
            assert len(about) == 2
            assert {message.thread for message in about} == {topic}
        telegram.says(ana, chat, "/story", topic=sky)
        outline = await told(telegram, chat, "“a cloud” · by Ana")
        assert outline.thread == sky
        in_sea = next(film for film in films if film.thread == sea)
        telegram.says(ana, chat, "it sinks", reply_to=in_sea)
        second = await film_of(telegram, chat, f"{in_sea.text.split('-')[0]}-2")
        assert second.thread == sea
        query = telegram.presses(ana, second, "Continue")
        await query.answered(WAIT_S)
        assert (await told(telegram, chat, "What happens after")).thread == sea
        for place in (f"telegram:{chat.id}/{sea}", f"telegram:{chat.id}/{sky}", f"telegram:{chat.id}"):
            assert len(await house.studio.stories(place)) == 1
    named = [call.params.get("message_thread_id") for call in telegram.calls_of("sendMessage", "sendVideo")]
    assert set(named) == {None, sea, sky}


async def test_a_chain_of_replies_is_no_topic(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Groups without topics number their chains of replies like topics."""
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana])
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        telegram.says(ana, chat, "/create a lamp")
        status = await told(telegram, chat, "a1-1")
        below = telegram.says(ana, chat, "/create a boat", reply_to=status)
        assert below.thread is not None
        answer = await told(telegram, chat, "“a boat”")
        assert answer.reply_to == below.id
        assert len(await house.studio.jobs(f"telegram:{chat.id}")) == 2
    assert all("message_thread_id" not in call.params for call in telegram.calls_of("sendMessage"))


async def test_a_clip_whose_topic_was_deleted_is_found_elsewhere(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The job stays ready; in a private chat /history mine lists the clip and /show shows it."""
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana], forum=True)
    sea = telegram.topic(chat, "Sea")
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider) as house:
        telegram.says(ana, chat, "/create a boat", topic=sea)
        await told(telegram, chat, "a1-1")
        telegram.deletes_topic(chat, sea)
        provider.finishes_at_check = 1
        await until(telegram, lambda: _refusals(telegram, "message thread not found"), "The refusal")
        job = await house.studio.job(1)
        assert job is not None
        assert job.state is JobState.READY
        private = telegram.private(ana)
        telegram.says(ana, private, "/history mine")
        listed = await told(telegram, private, "a1-1 · Ana · a boat")
        telegram.says(ana, private, "/show a1-1")
        shown = await film_of(telegram, private, "a1-1", after=listed)
        assert shown.video is not None
        assert [label for label, _ in shown.buttons] == ["Download"]


def _refusals(telegram: FakeTelegram, words: str) -> list[str]:
    calls = telegram.calls_of("sendVideo", "sendMessage")
    return [call.description for call in calls if call.description and words in call.description]
