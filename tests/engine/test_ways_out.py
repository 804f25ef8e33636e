"""What a model cannot do is told before money, with what can be done instead; and what was refused has ways out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import About, Billed, NotPossible, OutOfCredit, Refused
from engine.job_model import JobState
from engine.model import Edit, Retake
from engine.providers.base import Order, Work
from engine.views import ShotView
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ABILITIES, NO_FRAMES, ScriptedProvider
from tests.house import BEN, HOME, House, opened_house

SHARP = replace(ABILITIES, extend=True, edit=True, negative=True, audio=True, audio_choice=True, references=2)


@pytest.fixture
def other() -> ScriptedProvider:
    return ScriptedProvider(name="other", models={"blind": NO_FRAMES, "Sharp-1": SHARP})


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock, other: ScriptedProvider) -> AsyncIterator[House]:
    """The scripted provider, and another one that can do more."""
    async with opened_house(tmp_path, clock, others=(other,)) as opened:
        yield opened


async def shot(house: House, code: str) -> ShotView:
    seen = await house.studio.show(HOME, code)
    assert isinstance(seen, ShotView)
    return seen


async def rendered(house: House, said: str) -> None:
    assert await house.say(said) is None
    await house.run(20)


def orders(provider: ScriptedProvider) -> list[Order]:
    return [render.order for render in provider.renders.values()]


def picture(path: Path) -> Path:
    Image.fromarray(np.full((64, 96, 3), 90, np.uint8)).save(path)
    return path


async def told(house: House, said: str) -> str:
    reply = await house.say(said)
    assert reply is not None
    return reply.text


async def test_a_blind_model_is_told_the_two_ways_out_of_a_continuation(house: House) -> None:
    """Before any request: another provider, or without the last frame, knowingly."""
    await rendered(house, "/create a lamp --model blind")
    assert await told(house, "/continue a boat") == (
        "scripted blind cannot start on a picture, so it cannot start on the last frame; choose one that can, such as "
        "--provider scripted --model one, or begin without that frame knowingly, with --text-only."
    )
    assert house.provider.submits == 1
    await rendered(house, "/continue a boat --text-only")
    second = await shot(house, "a1-2")
    assert (second.shot.is_unseeded, second.parent_code, second.clip is not None) == (True, "a1-1", True)
    assert orders(house.provider)[1].first_frame is None
    assert "continues a1-1, without its last frame" in await told(house, "/show a1-2")


async def test_a_continuation_elsewhere_takes_the_first_model_that_can(house: House, other: ScriptedProvider) -> None:
    """Where only the provider is named."""
    await rendered(house, "/create a lamp")
    await rendered(house, "/continue a boat --provider other")
    assert orders(other)[0].model == "Sharp-1"
    assert orders(other)[0].first_frame is not None


async def test_a_text_only_shot_does_not_wait_for_the_one_before(house: House) -> None:
    """It needs nothing of it."""
    house.provider.finishes_at_check = 10**6
    await house.say("/create a lamp")
    await house.run(3)
    await house.say("/continue a boat --text-only --provider other")
    await house.run(5)
    assert (await shot(house, "a1-2")).clip is not None
    assert (await shot(house, "a1-1")).clip is None


async def test_what_was_refused_with_a_picture_has_ways_out(house: House, other: ScriptedProvider) -> None:
    """It is said that nothing was rendered; without the picture, or with another provider."""
    await rendered(house, "/create a lamp")
    house.provider.submit_errors = [Refused("The service does not take this picture.", about=About.PICTURE)]
    await rendered(house, "/continue a boat")
    failure = list(house.chat.messages.values())[-1].reply
    assert failure.text == (
        "a1-2 · by Ana\nThe service does not take this picture. Nothing was rendered, and nothing was charged."
    )
    assert [(each.label, each.data) for each in failure.buttons] == [
        ("Try again", "retake:a1-2"),
        ("Text only", "textonly:a1-2"),
        ("With other", "with:a1-2:other"),
    ]
    refused = await house.press("with", "a1-2:other", BEN)
    assert refused is not None
    assert refused.text == "a1-2 belongs to Ana; only they can do that."
    assert await house.press("with", "a1-2:other") is None
    await house.run(20)
    seen = await shot(house, "a1-2")
    assert (seen.shot.provider, seen.shot.model, len(seen.takes)) == ("other", "Sharp-1", 2)
    assert orders(other)[0].first_frame is not None
    assert seen.on_canon


async def test_the_way_without_a_picture_leaves_every_picture_out(house: House, tmp_path: Path) -> None:
    """Of a given one, and of the last frame; later retakes stay so."""
    house.provider.submit_errors = [Refused("No.", about=About.PICTURE), Refused("No.")]
    await house.say("/create a lamp", pictures=(picture(tmp_path / "1.png"), picture(tmp_path / "2.png")))
    await house.run(5)
    assert await house.press("textonly", "a1-1") is None
    await house.run(5)
    assert (await shot(house, "a1-1")).clip is None
    failure = list(house.chat.messages.values())[-1].reply
    assert [each.data for each in failure.buttons] == ["retake:a1-1", "with:a1-1:other"]
    assert await house.press("retake", "a1-1") is None
    await house.run(10)
    (order,) = orders(house.provider)
    assert (order.first_frame, order.last_frame) == (None, None)


async def test_an_empty_account_leads_elsewhere(house: House) -> None:
    """Words alone are no reason to leave a picture out."""
    house.provider.submit_errors = [OutOfCredit("The account is empty.")]
    await rendered(house, "/create a lamp")
    failure = list(house.chat.messages.values())[-1].reply
    assert [each.data for each in failure.buttons] == ["retake:a1-1", "with:a1-1:other"]


@pytest.mark.parametrize(("verb", "target"), [("with", "a1-1:nobody"), ("with", "a1-1:"), ("textonly", "z9-9")])
async def test_a_button_of_another_time_is_told(house: House, verb: str, target: str) -> None:
    """A provider that is gone, a shot that never was: one sentence, or the plain retake."""
    await house.shot()
    reply = await house.press(verb, target)
    assert reply is None if target == "a1-1:" else reply is not None and reply.is_error


async def test_an_edit_is_a_new_take_by_the_shot_s_own_model(house: House, other: ScriptedProvider) -> None:
    """The service gets the clip, its own task and the words; the old take can be chosen again."""
    await rendered(house, "/create a lamp --provider other --model sharp-1")
    await rendered(house, "/edit a1-1 more fog")
    edit = orders(other)[1]
    assert edit.source is not None
    assert (edit.prompt, edit.source.work, edit.source.task_id, edit.first_frame) == (
        "more fog",
        Work.EDIT,
        "task-1",
        None,
    )
    assert edit.source.video.suffix == ".mp4"
    seen = await shot(house, "a1-1")
    assert [(take.edit, take.clip is not None) for take in seen.takes] == [("", True), ("more fog", True)]
    assert seen.shot.chosen_take_id == seen.takes[1].id
    assert "changed: “more fog”" in house.chat.videos[-1].reply.text
    assert "take 2 (chosen): “more fog”" in await told(house, "/show a1-1")
    assert await told(house, "/choose a1-1 1") == "a1-1 is take 1 now."


async def test_an_edit_starts_where_its_clip_started(house: House) -> None:
    """A shot before that was retaken since does not fit it any better."""
    await rendered(house, "/create a lamp --provider other --model sharp-1")
    await rendered(house, "/continue a boat")
    await rendered(house, "/retake a1-1")
    assert (await shot(house, "a1-2")).is_stale
    await rendered(house, "/edit a1-2 more fog")
    seen = await shot(house, "a1-2")
    assert (len(seen.takes), seen.is_stale) == (2, True)


async def test_a_model_that_cannot_edit_is_told_with_those_that_can(house: House) -> None:
    """Before anything is begun."""
    await house.shot()
    with pytest.raises(
        NotPossible, match=r"^scripted one cannot change a clip by words; these can.*: other Sharp-1\. /retake a1-1"
    ):
        await house.studio.edit(Edit(asked=house.asked(), shot="a1-1", words="more fog"))
    assert house.provider.submits == 1


async def test_an_edit_that_fails_is_not_rendered_anew_by_a_button(house: House, other: ScriptedProvider) -> None:
    """That would be another thing, and cost."""
    await rendered(house, "/create a lamp --provider other --model sharp-1")
    other.submit_errors = [Refused("No.", about=About.VIDEO)]
    await rendered(house, "/edit more fog")
    assert list(house.chat.messages.values())[-1].reply.buttons == ()
    assert (await shot(house, "a1-1")).clip is not None


async def test_what_one_shot_asks_for_is_in_its_order(house: House, other: ScriptedProvider, tmp_path: Path) -> None:
    """Negative words, silence and pictures that guide it; a continuation takes the words and the silence over."""
    guides = (picture(tmp_path / "1.png"), picture(tmp_path / "2.png"))
    said = "/create a lamp --provider other --model sharp-1 --silent --references --negative Fog, hands"
    await house.say(said, pictures=guides)
    await house.run(20)
    await rendered(house, "/continue a boat")
    first, second = orders(other)
    assert (first.negative, first.is_silent, len(first.references), first.first_frame) == ("Fog, hands", True, 2, None)
    assert (second.negative, second.is_silent, second.references) == ("Fog, hands", True, ())
    assert all(path.is_file() for path in first.references)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "--negative fog",
            "scripted one takes no words for what must not be seen; say it in the prompt instead. other",
        ),
        ("--provider other --model sharp-1 --seconds 99", "choose 0.5 to 10 seconds. The nearest is 10 s."),
    ],
)
async def test_what_cannot_be_done_names_who_can_or_what_is_nearest(house: House, said: str, sentence: str) -> None:
    """And nothing is begun."""
    assert sentence in await told(house, f"/create a lamp {said}")
    assert await house.studio.story(HOME) is None


@pytest.mark.parametrize("gives_whole", [True, False])
async def test_an_extended_clip_is_the_new_part_alone(
    house: House, other: ScriptedProvider, *, gives_whole: bool
) -> None:
    """Whether the service gives the whole or not; it gets its own task and the clip, and no first frame."""
    other.gives_whole = gives_whole
    await rendered(house, "/create a lamp --provider other --model sharp-1 --seconds 2")
    await rendered(house, "/continue a boat --extend --seconds 1")
    extended = orders(other)[1]
    assert extended.source is not None
    assert (extended.source.work, extended.source.task_id, extended.first_frame) == (Work.EXTEND, "task-1", None)
    clip = (await shot(house, "a1-2")).clip
    assert clip is not None
    assert clip.seconds == pytest.approx(1.0)
    await rendered(house, "/stitch")
    assert "a1-f1" in house.chat.videos[-1].reply.text


async def test_an_extension_is_for_a_model_that_can_and_a_shot_before(house: House) -> None:
    """Else it is said who can."""
    await house.shot()
    assert await told(house, "/continue a boat --extend") == (
        "scripted one cannot extend a clip; without --extend it starts on the last frame. other Sharp-1 can."
    )


async def test_a_retake_with_nobody_named_stays_as_it_is(house: House) -> None:
    """Its row is not touched."""
    await house.shot()
    before = (await shot(house, "a1-1")).shot
    await house.studio.retake(Retake(asked=house.asked(), shot="a1-1"))
    await house.run(20)
    after = (await shot(house, "a1-1")).shot
    assert replace(after, chosen_take_id=before.chosen_take_id) == before


async def test_a_refusal_after_the_render_says_so(house: House) -> None:
    """Where it was charged, it is not said that nothing was rendered."""
    await house.shot()
    house.provider.check_answers = [Refused("What came out is not shown.", billed=Billed.YES)]
    await rendered(house, "/continue a boat")
    failure = list(house.chat.messages.values())[-1].reply
    assert failure.text.endswith("What came out is not shown. The render was charged.")
    assert "textonly:a1-2" in [each.data for each in failure.buttons]
    assert JobState.FAILED in {
        job.state for job in await house.store.read(lambda tx: tx.jobs_of_place(HOME, frozenset(JobState)))
    }
