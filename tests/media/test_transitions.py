"""Only what a seam changes is encoded; the rest of every clip is in the film bit by bit, whoever encoded it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from engine import media
from engine.errors import NotPossible
from engine.film_options import Captions, Fill, Transition
from engine.media.headers import parse
from tests.media.makers import Recipe, Rgb, decoded, make, scene

FOREIGN = {"crf": "18", "x264-params": "keyint=12:min-keyint=12:bframes=2:b-adapt=0:cabac=0:ref=1:scenecut=0"}
"""Another encoder's headers, under the number that ours would have too."""
SMALL = Recipe(width=96, height=64, frames=36, options=FOREIGN)
Greys = npt.NDArray[np.float64]


def plain(grey: int) -> Callable[[int], Rgb]:
    """Noise around one grey, another one in each picture."""

    def picture(place: int) -> Rgb:
        rng = np.random.default_rng(1000 * grey + place)
        small = rng.integers(grey - 6, grey + 7, (16, 24, 1)).repeat(4, 0).repeat(4, 1)
        return np.asarray(np.broadcast_to(small, (64, 96, 3)), np.uint8)

    return picture


def clip(path: Path, grey: int, recipe: Recipe = SMALL) -> Path:
    return make(path, recipe, plain(grey))


def pixels(path: Path) -> Greys:
    """The luma of every picture, in the order in which they are shown."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray()[: frame.height].astype(np.float64) for frame in container.decode(video=0)])


def hashes(path: Path) -> list[str]:
    return [shown for _, shown in decoded(path)]


def is_even(path: Path, frames: int) -> bool:
    """Whether the film has so many pictures, each at its time."""
    return [time for time, _ in decoded(path)] == [Fraction(number, 24) for number in range(frames)]


async def test_a_dissolve_encodes_only_the_pictures_that_it_changes(tmp_path: Path) -> None:
    """Both shots show at once, so the film is that much shorter; all others are the clips' own, beside our parameter sets."""
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180), clip(tmp_path / "2.mp4", 100))
    script = media.Script(clips=clips, transitions=(Transition.DISSOLVE, Transition.CUT), transition_s=0.5)
    film = await media.stitch(script, tmp_path / "film.mp4")
    assert (film.frames, film.copied, film.notes) == (96, False, ())
    assert film.made_frames <= 14
    assert is_even(tmp_path / "film.mp4", 96)
    got, own = hashes(tmp_path / "film.mp4"), [hashes(path) for path in clips]
    assert got[:22] == own[0][:22]
    assert got[36:60] == own[1][12:]
    assert got[60:] == own[2]
    shown, before, after = pixels(tmp_path / "film.mp4"), pixels(clips[0]), pixels(clips[1])
    for number in range(12):
        share = (number + 1) / 13
        wanted = before[24 + number] * (1 - share) + after[number] * share
        assert np.abs(shown[24 + number] - wanted).mean() < 3
    with av.open(str(tmp_path / "film.mp4")) as container:
        header = parse(bytes(container.streams.video[0].codec_context.extradata or b""))
    assert (sorted(header.sps), sorted(header.pps)) == ([0, 1], [0, 1])
    assert [seam.score is None for seam in film.seams] == [True, False]


async def test_a_fade_goes_through_black_and_takes_no_time_from_the_film(tmp_path: Path) -> None:
    """The last pictures get darker, the first ones lighter; the two at the seam are black."""
    clips = (clip(tmp_path / "0.mp4", 120), clip(tmp_path / "1.mp4", 200))
    script = media.Script(clips=clips, transitions=(Transition.FADE,), transition_s=0.5)
    film = await media.stitch(script, tmp_path / "film.mp4")
    assert film.frames == 72
    assert is_even(tmp_path / "film.mp4", 72)
    light = pixels(tmp_path / "film.mp4").mean(axis=(1, 2))
    assert light[35] == pytest.approx(16, abs=1)
    assert light[36] == pytest.approx(16, abs=1)
    assert all(before > after for before, after in pairwise(light[29:36]))
    assert all(before < after for before, after in pairwise(light[36:43]))
    got, own = hashes(tmp_path / "film.mp4"), [hashes(path) for path in clips]
    assert got[:28] == own[0][:28]
    assert got[48:] == own[1][12:]


async def test_a_wipe_comes_from_the_left(tmp_path: Path) -> None:
    """In its middle the left is the later shot's and the right the earlier one's, with a soft edge between."""
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180))
    script = media.Script(clips=clips, transitions=(Transition.WIPE,), transition_s=0.5)
    film = await media.stitch(script, tmp_path / "film.mp4")
    assert film.frames == 60
    middle = pixels(tmp_path / "film.mp4")[30].mean(axis=0)
    before, after = pixels(clips[0])[30].mean(), pixels(clips[1])[6].mean()
    assert middle[:36].mean() == pytest.approx(after, abs=4)
    assert middle[-36:].mean() == pytest.approx(before, abs=4)


async def test_a_transition_is_never_longer_than_half_of_a_shot(tmp_path: Path) -> None:
    """A short shot between two transitions is still there."""
    short = Recipe(width=96, height=64, frames=8, options=FOREIGN)
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180, short), clip(tmp_path / "2.mp4", 100))
    script = media.Script(clips=clips, transitions=(Transition.DISSOLVE, Transition.WIPE), transition_s=3.0)
    film = await media.stitch(script, tmp_path / "film.mp4")
    assert film.frames == 36 + 8 + 36 - 4 - 4
    assert is_even(tmp_path / "film.mp4", film.frames)


async def test_only_the_clip_that_differs_is_encoded(tmp_path: Path) -> None:
    """It takes the shape, the rate and the colours of most of the film, and it is said why. The others stay as they are."""
    odd = Recipe(width=64, height=96, frames=30, fps=Fraction(30))
    tall = make(tmp_path / "0.mp4", odd, lambda _: np.full((96, 64, 3), 180, np.uint8))
    clips = (tall, clip(tmp_path / "1.mp4", 60), clip(tmp_path / "2.mp4", 100))
    film = await media.stitch(media.Script(clips=clips, fill=Fill.PAD), tmp_path / "film.mp4")
    assert (film.width, film.height, film.fps, film.frames, film.made_frames) == (96, 64, 24.0, 96, 24)
    assert film.notes == ("Clip 1 was encoded again: 64 x 96 brought to 96 x 64; 30 pictures a second brought to 24.",)
    assert hashes(tmp_path / "film.mp4")[24:] == hashes(clips[1]) + hashes(clips[2])
    assert is_even(tmp_path / "film.mp4", 96)
    shown = pixels(tmp_path / "film.mp4")[12]
    assert shown[32, 48] == pytest.approx(16 + 180 * 219 / 255, abs=2)
    assert shown[32, 4] == pytest.approx(16, abs=1)


async def test_headers_that_collide_cost_the_smaller_part_of_the_film(tmp_path: Path) -> None:
    """Two encoders' sets under one number: the longer clips stay, the others are encoded, and decode as they should."""
    other = Recipe(width=96, height=64, frames=24, options={"crf": "18", "x264-params": "bframes=0:ref=3:8x8dct=0"})
    clips = (clip(tmp_path / "0.mp4", 60, other), clip(tmp_path / "1.mp4", 180))
    film = await media.stitch(media.Script(clips=clips), tmp_path / "film.mp4")
    assert film.made_frames == 24
    assert "headers" in film.notes[0]
    assert hashes(tmp_path / "film.mp4")[24:] == hashes(clips[1])
    assert np.abs(pixels(tmp_path / "film.mp4")[:24] - pixels(clips[0])).mean() < 3


async def test_different_headers_with_numbers_of_their_own_stand_side_by_side(tmp_path: Path) -> None:
    """Nothing is encoded again: one header holds both."""
    options = {"crf": "18", "x264-params": "bframes=0:ref=3:8x8dct=0:sps-id=3"}
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180, Recipe(width=96, height=64, options=options)))
    film = await media.stitch(media.Script(clips=clips), tmp_path / "film.mp4")
    assert film.copied
    assert hashes(tmp_path / "film.mp4") == hashes(clips[0]) + hashes(clips[1])


@pytest.mark.parametrize("tags", [(5, 6, 5, 1), (2, 2, 2, 0)])
async def test_made_pictures_are_in_the_colours_of_the_film(tmp_path: Path, tags: tuple[int, int, int, int]) -> None:
    """Most of the film is of an older standard, or says nothing: what is converted looks the same as it did."""

    def colour(_: int) -> Rgb:
        return np.full((64, 96, 3), (200, 60, 30), np.uint8)

    old = _retagged(tmp_path / "old.mp4", tags)
    odd = make(tmp_path / "odd.mp4", Recipe(width=96, height=64, frames=12, fps=Fraction(12)), colour)
    film = await media.stitch(media.Script(clips=(old, odd)), tmp_path / "film.mp4")
    assert film.made_frames == 24
    with av.open(str(tmp_path / "film.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == tags
    await media.last_frame(tmp_path / "film.mp4", tmp_path / "film.png")
    await media.last_frame(odd, tmp_path / "odd.png")
    with av.open(str(tmp_path / "film.png")) as one, av.open(str(tmp_path / "odd.png")) as other:
        got, wanted = (next(shown.decode(video=0)).to_ndarray(format="rgb24").astype(int) for shown in (one, other))
    assert np.abs(got - wanted).max() <= 4


def _retagged(path: Path, tags: tuple[int, int, int, int]) -> Path:
    """A clip with these tags, whatever its pixels are."""
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=24, options=FOREIGN)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        context = video.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        for place in range(48):
            frame = av.VideoFrame.from_ndarray(plain(90)(place), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = place, Fraction(1, 24)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
    return path


async def test_a_step_of_light_at_a_cut_is_led_over(tmp_path: Path) -> None:
    """The doubled picture goes, the next ones come from the earlier clip's light to their own, and the rest is copied."""

    def dark(place: int) -> Rgb:
        return scene(place, 160, 96)

    def light(place: int) -> Rgb:
        return np.asarray(np.clip(scene(35 + place, 160, 96) * 1.1, 0, 255), np.uint8)

    recipe = Recipe(width=160, height=96, frames=36, options=FOREIGN)
    clips = (make(tmp_path / "0.mp4", recipe, dark), make(tmp_path / "1.mp4", recipe, light))
    film = await media.stitch(media.Script(clips=clips), tmp_path / "film.mp4")
    assert [(seam.is_doubled, seam.is_levelled) for seam in film.seams] == [(True, True)]
    assert (film.frames, film.dropped_frames) == (71, 1)
    shown, after = pixels(tmp_path / "film.mp4"), pixels(clips[1])
    steps = (after - shown[35:]).mean(axis=(1, 2))
    assert steps[0] > 6
    assert all(before >= step - 0.3 for before, step in pairwise(steps))
    assert hashes(tmp_path / "film.mp4")[59:] == hashes(clips[1])[24:]
    untouched = await media.stitch(media.Script(clips=clips, levels=False), tmp_path / "plain.mp4")
    assert (untouched.seams[0].is_levelled, untouched.seams[0].is_doubled) == (False, True)
    assert hashes(tmp_path / "plain.mp4")[35:] == hashes(clips[1])


async def test_a_seam_that_was_measured_before_is_not_looked_at_again(tmp_path: Path) -> None:
    """What is known to be one picture twice is taken for it; what is not good enough is looked at."""
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180), clip(tmp_path / "2.mp4", 120))
    film = await media.stitch(media.Script(clips=clips, scores=(99.0, 91.0)), tmp_path / "film.mp4")
    assert [seam.is_doubled for seam in film.seams] == [True, False]
    assert film.seams[0].score == 99.0
    assert (film.frames, film.dropped_frames) == (107, 1)


async def test_a_clip_can_end_early(tmp_path: Path) -> None:
    """The picture shown at that time is the last one, whether anything depends on it or not."""
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180))
    film = await media.stitch(media.Script(clips=clips, ends=(20 / 24, None)), tmp_path / "film.mp4")
    assert film.frames == 21 + 36
    assert film.made_frames <= 2
    assert hashes(tmp_path / "film.mp4")[21:] == hashes(clips[1])
    assert np.abs(pixels(tmp_path / "film.mp4")[:21] - pixels(clips[0])[:21]).mean() < 2
    assert is_even(tmp_path / "film.mp4", 57)


async def test_a_film_has_a_card_names_words_and_chapters(tmp_path: Path) -> None:
    """The card before and the names after are its own pictures; words are a track; chapters have no gap. The clips stay."""
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180))
    script = media.Script(
        clips=clips,
        title="Lamp",
        chapters=("one", "two"),
        card="The lamp",
        credits=("Ana", "Bo"),
        captions=Captions.TRACK,
        caption_texts=("a lamp is lit", "a boat answers"),
    )
    film = await media.stitch(script, tmp_path / "film.mp4")
    own = hashes(clips[0]) + hashes(clips[1])
    assert film.made_frames == film.frames - len(own)
    assert film.seconds > 3 + 2 + 2
    assert hashes(tmp_path / "film.mp4")[60 : 60 + len(own)] == own
    with av.open(str(tmp_path / "film.mp4")) as container:
        chapters = [
            (float(one["start"] * (one["time_base"] or 1)), one["metadata"]["title"]) for one in container.chapters()
        ]
        words = [bytes(packet)[2:].decode() for packet in container.demux(subtitles=0) if packet.size > 2]
    assert chapters == [(0.0, "one"), (4.0, "two")]
    assert words == ["a lamp is lit", "a boat answers"]


async def test_words_that_are_drawn_change_only_the_clip_that_has_some(tmp_path: Path) -> None:
    """The other one is copied."""
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180))
    script = media.Script(clips=clips, captions=Captions.BURNED, caption_texts=("", "a boat answers"))
    film = await media.stitch(script, tmp_path / "film.mp4")
    assert (film.made_frames, film.notes) == (36, ("Clip 2 was encoded again: its words are drawn into it.",))
    assert hashes(tmp_path / "film.mp4")[:36] == hashes(clips[0])
    lit = np.abs(pixels(tmp_path / "film.mp4")[54] - pixels(clips[1])[18])
    assert lit.max() > 40


async def test_a_film_can_have_another_shape_and_be_small(tmp_path: Path) -> None:
    """A ratio that was asked for, and a preview of at most 360 lines."""
    recipe = Recipe(width=720, height=480, frames=4)
    clips = tuple(make(tmp_path / f"{number}.mp4", recipe) for number in range(2))
    film = await media.stitch(media.Script(clips=clips, ratio=(9, 16), is_preview=True), tmp_path / "film.mp4")
    assert (film.width, film.height, film.made_frames) == (360, 640, film.frames)
    small = await media.stitch(media.Script(clips=clips, is_preview=True), tmp_path / "small.mp4")
    assert (small.width, small.height) == (540, 360)
    assert small.notes == ("Every clip was encoded again: the film is a small preview.",)


async def test_a_film_comes_under_its_cap_or_not_at_all(tmp_path: Path) -> None:
    """It is encoded again only where it has to be, and progress goes on through it."""
    clips = (clip(tmp_path / "0.mp4", 60), clip(tmp_path / "1.mp4", 180))
    whole = await media.stitch(media.Script(clips=clips, limit_bytes=10_000_000), tmp_path / "film.mp4")
    assert whole.copied
    size = (tmp_path / "film.mp4").stat().st_size
    told: list[float] = []
    fitted = await media.stitch(
        media.Script(clips=clips, limit_bytes=size * 3 // 4), tmp_path / "film.mp4", told.append
    )
    assert (tmp_path / "film.mp4").stat().st_size <= size * 3 // 4
    assert "encoded again to fit" in fitted.notes[-1]
    assert (fitted.frames, told[-1]) == (72, 100.0)
    with pytest.raises(NotPossible):
        await media.stitch(media.Script(clips=clips, limit_bytes=100), tmp_path / "never.mp4")
    assert not (tmp_path / "never.mp4").exists()
