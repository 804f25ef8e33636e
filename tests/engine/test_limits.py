"""What a model cannot do in one certain way of beginning is refused before any job; what was only inherited gives way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.providers import KINDS
from engine.abilities import Limit, narrowed
from engine.checks import Settled, settle_again, settle_options
from engine.errors import NotPossible
from engine.model import EXTEND, TEXT_ONLY, FileKey, Shot, ShotOptions
from engine.providers.catalog import CatalogError, read_catalog
from engine.views import ShotView
from tests.engine.test_checks import a_shot as any_shot
from tests.fakes.clock import FakeClock
from tests.fakes.painter import ScriptedPainter
from tests.fakes.provider import ABILITIES, ScriptedProvider
from tests.house import BEN, HOME, OPERATOR, House, opened_house

MODELS = {kind: read_catalog(kind).abilities for kind in KINDS}
PICTURE = FileKey("a.png")


def a_shot(**changes: Any) -> Shot:
    return replace(any_shot(), **changes)


def settled(
    provider: str, model: str, *, references: int = 0, last: bool = False, extend: bool = False, **asked: object
) -> Settled:
    """`asked`: options beside what it begins with."""
    options = ShotOptions(
        provider=provider,
        model=model,
        references=(PICTURE,) * references,
        first_frame=PICTURE if last else None,
        last_frame=PICTURE if last else None,
        extend=extend or None,
        **asked,  # type: ignore[arg-type]  # as the table has them
    )
    parent = a_shot(provider=provider, model=model, seconds=15, ratio="16:9", resolution="1080p") if extend else None
    return settle_options(options, parent=parent, models=MODELS, default_provider=provider)


@pytest.mark.parametrize(
    ("provider", "model", "asked", "nearest"),
    [
        ("xai", "grok-imagine-video", {"references": 1, "seconds": 15}, "from references; .* The nearest is 10 s"),
        ("xai", "grok-imagine-video-1.5", {"references": 1, "resolution": "1080p"}, "1080p from references; .*720p"),
        ("xai", "grok-imagine-video", {"extend": True, "seconds": 15}, "when it extends a clip; .*nearest is 10 s"),
        ("xai", "grok-imagine-video", {"extend": True, "seconds": 1}, "The nearest is 2 s"),
        ("kie", "wan-2.7", {"references": 1, "seconds": 15}, "The nearest is 10 s"),
        ("kie", "grok-imagine-1.5", {"references": 1, "resolution": "1080p"}, "The nearest is 720p"),
        ("kie", "veo3-fast", {"references": 1, "seconds": 4}, "one of: 8 seconds"),
        ("kie", "veo3-lite", {"references": 1, "seconds": 4}, "one of: 8 seconds"),
        ("kie", "veo-3.1-fast", {"references": 1, "seconds": 6}, "one of: 8 seconds"),
        ("runway", "gen4.5", {"ratio": "1:1"}, "without a picture; choose one of: 16:9, 9:16"),
        ("google", "gemini-omni-1.2-flash", {"last": True, "seconds": 15}, "with a last frame; .*nearest is 10 s"),
        ("google", "gemini-omni-1.2-flash", {"extend": True, "seconds": 15}, "The nearest is 10 s"),
        ("veo", "veo-3.1-generate-001", {"references": 1, "seconds": 4}, "one of: 8 seconds"),
        ("veo", "veo-3.1-generate-001", {"references": 1, "ratio": "9:16"}, "The nearest is 16:9"),
        ("veo", "veo-3.1-fast-generate-001", {"extend": True, "resolution": "1080p", "seconds": 8}, "nearest is 720p"),
    ],
)
def test_what_a_beginning_cannot_have_is_refused(
    provider: str, model: str, asked: dict[str, object], nearest: str
) -> None:
    """With the nearest that it can have; the same is possible where it begins otherwise."""
    with pytest.raises(NotPossible, match=nearest):
        settled(provider, model, **asked)  # type: ignore[arg-type]  # as the table has them


def test_what_is_inherited_gives_way_and_is_told() -> None:
    """Nobody asked for 15 s and 1080p in this command."""
    veo = settled("veo", "veo-3.1-generate-001", extend=True)
    assert (veo.resolution, veo.seconds) == ("720p", 8)
    assert [note.split(" so ")[1] for note in veo.notes] == ["this shot has 720p.", "this shot has 8 s."]
    assert settled("xai", "grok-imagine-video", extend=True).seconds == 10
    assert settled("veo", "veo-3.1-generate-001", references=1).seconds == 8


def test_limits_are_laid_over_each_other() -> None:
    """A shot may begin in two ways at once; what no limit names stays."""
    can = replace(
        ABILITIES,
        limits={"first": Limit(min_seconds=2, max_seconds=8), "last": Limit(only_seconds=(4, 9), ratios=("9:16",))},
    )
    both = narrowed(can, ("first", "last"))
    assert (both.steps, both.min_seconds, both.max_seconds) == ((4,), 4, 4)
    assert (both.ratios, both.resolutions) == (("9:16",), can.resolutions)
    assert narrowed(can, ("text",)) == can


def test_a_limit_is_among_what_its_model_can() -> None:
    """Else a table of the operator's could promise what is refused."""
    wrong = {"models": {"grok-imagine-video": {"limits": {"extend": {"resolutions": ["4k"]}}}}}
    with pytest.raises(CatalogError, match=r"limits\.extend"):
        read_catalog("xai", wrong)


def test_a_model_that_left_its_catalog_is_told() -> None:
    """Another one goes on, not silently."""
    found = settle_options(
        ShotOptions(), parent=a_shot(provider="xai", model="grok-1"), models=MODELS, default_provider="xai"
    )
    assert found.notes[0] == "xai grok-1 is not here any more, so xai grok-imagine-video-1.5 renders this shot."


def test_only_words_are_left_and_the_pictures_stay() -> None:
    """A shot that goes on without pictures may have them again some day; another service does not bring them back."""
    shot = a_shot(provider="xai", model="grok-imagine-video-1.5", first_frame=PICTURE, references=(PICTURE,))
    again = settle_again(shot, models=MODELS, is_unseeded=True).shot
    assert (again.work, again.first_frame, again.references) == (TEXT_ONLY, PICTURE, (PICTURE,))
    elsewhere = settle_again(again, models=MODELS, provider="google").shot
    assert (elsewhere.work, elsewhere.provider) == (TEXT_ONLY, "google")
    extended = settle_again(replace(shot, work=EXTEND), models=MODELS, provider="google").shot
    assert extended.work == ""


@pytest.fixture
def odd() -> ScriptedProvider:
    can = replace(ABILITIES, ratios=("9:16",), resolutions=("480p",), min_seconds=5)
    return ScriptedProvider(name="odd", models={"m": can})


@pytest.fixture
def painter() -> ScriptedPainter:
    return ScriptedPainter()


@pytest.fixture
async def house(
    tmp_path: Path, clock: FakeClock, odd: ScriptedProvider, painter: ScriptedPainter
) -> AsyncIterator[House]:
    """A house with a provider that can do little, and a painter."""
    async with opened_house(tmp_path, clock, others=(odd,), painters=(painter,)) as opened:
        yield opened


async def test_only_those_to_whom_it_belongs_send_a_shot_elsewhere(house: House) -> None:
    """For good; anybody may have it rendered again as it is. What gave way is told with the clip."""
    await house.say("/create a lamp --resolution 720p --seconds 2")
    await house.run(10)
    for said in ("--provider odd", "--text-only"):
        refused = await house.say(f"/retake a1-1 {said}", person=BEN)
        assert refused is not None
        assert refused.text == "a1-1 belongs to Ana; only they can do that."
    assert await house.say("/retake a1-1", person=BEN) is None
    await house.run(10)
    assert await house.say("/retake a1-1 --provider odd", person=OPERATOR) is None
    await house.run(20)
    assert (await house.job(3)).notes == (
        "odd m cannot do the ratio 16:9, so this shot has 9:16.",
        "odd m cannot do 720p here, so this shot has 480p.",
        "odd m cannot do 2 s here, so this shot has 5 s.",
    )


async def test_a_provider_that_is_gone_is_told_with_a_way_on(house: House) -> None:
    """A way that works."""
    await house.say("/create a lamp --provider odd")
    await house.run(10)
    del house.stepper._world.providers["odd"]  # type: ignore[attr-defined]  # it is a dict here
    told = {}
    for said in ("/continue a1-1 a boat", "/retake a1-1", "/edit a1-1 at night"):
        reply = await house.say(said)
        assert reply is not None
        told[said.split()[0]] = reply.text
    assert told == {
        "/continue": "odd, which rendered a1-1, is not here any more; /continue a1-1 --provider scripted does it there.",
        "/retake": "odd m is not here any more; /retake a1-1 --provider scripted does it there.",
        "/edit": "odd m is not here any more; /retake a1-1 --provider scripted does it there.",
    }
    assert await house.say("/retake a1-1 --provider scripted") is None
    await house.run(10)
    seen = await house.studio.show(HOME, "a1-1")
    assert isinstance(seen, ShotView)
    assert (seen.shot.provider, len(seen.takes)) == ("scripted", 2)


async def test_what_is_painted_for_a_provider_that_is_gone_costs_nothing(
    house: House, painter: ScriptedPainter
) -> None:
    """It is looked at before the painter is asked."""
    await house.say("/create a lamp --still fine --provider odd")
    del house.stepper._world.providers["odd"]  # type: ignore[attr-defined]  # it is a dict here
    await house.run(30)
    failure = (await house.job(1)).failure
    assert failure is not None
    assert "odd is not set up here any more" in failure.sentence
    assert painter.calls == 0


async def test_a_frame_from_words_does_not_wait_for_the_shot_before(house: House, painter: ScriptedPainter) -> None:
    """It does not use it."""
    house.provider.finishes_at_check = 100
    await house.say("/create a lamp")
    await house.run(2)
    await house.say("/continue a boat --still fine")
    await house.run(3)
    assert (painter.calls, len(house.provider.renders)) == (1, 2)
    assert painter.orders[0].frame is None
