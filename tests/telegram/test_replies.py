"""A reply is context: what is answered says which shot goes on, and what is sent along is a frame or a clip of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.provider import Render, ScriptedProvider
from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import WAIT_S, clip, endless, film_of, quick, told, until
from tests.telegram.house import opened_bot
from tests.telegram.plain_http import jpeg


async def _render_of(telegram: FakeTelegram, provider: ScriptedProvider, prompt: str) -> Render:
    """The render of this prompt, as soon as the provider has it."""

    def found() -> Render | None:
        return next((render for render in provider.renders.values() if render.order.prompt == prompt), None)

    render = await telegram.wait_until(found, WAIT_S, f"The render of {prompt!r}")
    assert render is not None
    return render


async def test_a_reply_to_a_clip_goes_on_from_it(telegram: FakeTelegram, tmp_path: Path) -> None:
    """By anybody, with text, with a photo as last frame, also to what /show said; talk that answers nothing is left alone."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    chat = telegram.group("Film", [ana, ben])
    provider = quick()
    async with opened_bot(telegram, tmp_path, provider=provider) as house:
        telegram.says(ana, chat, "/create a lamp")
        film = await film_of(telegram, chat, "a1-1")
        provider.finishes_at_check = 10**9
        telegram.says(ben, chat, "a boat answers", reply_to=film)
        await told(telegram, chat, "a1-2 · by Ben")
        with_text = await _render_of(telegram, provider, "a boat answers")
        assert with_text.order.first_frame is not None
        assert with_text.order.last_frame is None
        telegram.says(ana, chat, "it ends on this", reply_to=film, photo=jpeg())
        with_photo = await _render_of(telegram, provider, "it ends on this")
        assert with_photo.order.first_frame is not None
        assert with_photo.order.last_frame is not None
        shown = telegram.says(ben, chat, "/show a1-1")
        answer = await telegram.wait_for_message(chat, lambda message: message.reply_to == shown.id, WAIT_S)
        telegram.says(ana, chat, "it goes out -- or does it --never?", reply_to=answer)
        await told(telegram, chat, "a1-4 · by Ana")
        jobs = await house.studio.jobs(f"telegram:{chat.id}")
        assert len(jobs) == 3
        parents = {(await house.studio.show(job.place, job.shot_code or "")).parent_code for job in jobs}  # type: ignore[union-attr]  # shots, no films
        assert parents == {"a1-1"}


async def test_a_photo_with_create_is_the_first_frame(telegram: FakeTelegram, tmp_path: Path) -> None:
    """As its caption, or below somebody's photo."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    chat = telegram.group("Film", [ana, ben])
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider):
        telegram.says(ana, chat, "/create a lamp", photo=jpeg())
        captioned = await _render_of(telegram, provider, "a lamp")
        telegram.says(ben, chat, "/create a boat", reply_to=telegram.says(ana, chat, "look", photo=jpeg()))
        below = await _render_of(telegram, provider, "a boat")
        for render in (captioned, below):
            assert render.order.first_frame is not None
            assert render.order.last_frame is None


@pytest.mark.parametrize("way", ["caption", "reply", "document"])
async def test_somebodys_video_is_continued(telegram: FakeTelegram, tmp_path: Path, way: str) -> None:
    """It becomes the first shot, and what is said the second, which starts on its last frame."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    chat = telegram.group("Film", [ana, ben])
    provider = endless()
    film = clip(width=160, height=90)
    async with opened_bot(telegram, tmp_path, provider=provider):
        match way:
            case "caption":
                telegram.says(ben, chat, "/continue a boat answers", video=film)
            case "reply":
                telegram.says(ben, chat, "/continue a boat answers", reply_to=telegram.says(ana, chat, video=film))
            case _:
                telegram.says(ben, chat, "/continue a boat answers", document=film, name="x.mp4", mime="video/mp4")
        await told(telegram, chat, "a1-2 · by Ben")
        render = await _render_of(telegram, provider, "a boat answers")
        assert render.order.first_frame is not None


async def test_a_video_is_added_and_its_answer_is_continued(telegram: FakeTelegram, tmp_path: Path) -> None:
    """/add tells the shot that it made, with its buttons; a reply to that goes on from it, and /stitch takes it in."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    provider = quick()
    async with opened_bot(telegram, tmp_path, provider=provider):
        telegram.says(ana, chat, "/add a pier at dawn", video=clip(width=160, height=90))
        added = await told(telegram, chat, "a1-1 · given by Ana")
        assert "Retake" not in [label for label, _ in added.buttons]
        telegram.says(ana, chat, "a boat answers", reply_to=added)
        await film_of(telegram, chat, "a1-2")
        telegram.says(ana, chat, "/stitch")
        film = await film_of(telegram, chat, "a1-f1")
        assert "2 shots" in film.text


async def test_a_question_is_answered_after_a_restart(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Continue on a button asks who pressed it alone; whatever is answered is a prompt, of the shot that was asked about."""
    ana, ben = telegram.person("Ana"), telegram.person("B\u202een @all")
    chat = telegram.group("Film", [ana, ben])
    provider = quick()
    async with opened_bot(telegram, tmp_path, provider=provider):
        telegram.says(ana, chat, "/create a lamp")
        film = await film_of(telegram, chat, "a1-1")
        query = telegram.presses(ben, film, "Continue")
        assert (await query.answered(WAIT_S)).text is None
        question = await told(telegram, chat, "What happens after a1-1?")
        assert question.force == {
            "force_reply": True,
            "selective": True,
            "input_field_placeholder": "What happens after a1-1?",
        }
        assert question.text.startswith("Ben @\u2060all,\n")
        (mention,) = question.entities
        assert (mention["type"], mention["user"]["id"]) == ("text_mention", ben.id)
        assert mention["length"] == len("Ben @\u2060all")
    provider.finishes_at_check = 10**9
    async with opened_bot(telegram, tmp_path, provider=provider):
        telegram.says(ben, chat, "a boat --slowly-- answers", reply_to=question)
        await told(telegram, chat, "a1-2 · by Ben")
        render = await _render_of(telegram, provider, "a boat --slowly-- answers")
        assert render.order.first_frame is not None
        telegram.says(ana, chat, "/continue it rains", reply_to=question)
        await told(telegram, chat, "a1-3 · by Ana")
        telegram.says(ana, chat, "/story")
        story = await told(telegram, chat, "a1 · “a lamp”")
        assert "a1-2" in story.text
        await until(telegram, lambda: len(provider.renders) == 3)
