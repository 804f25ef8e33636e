"""A video is brought under any cap: never over it, in at most two encodes, whole or in parts that meet at exact pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from engine import media
from engine.errors import BadMedia, NotPossible
from engine.film_options import Captions
from engine.media.colour import to_small_rgb
from engine.media.fit_plan import PARTS_MOST, first_aim, next_aim
from engine.media.timeline import usual_rate
from tests.media.makers import Recipe, Rgb, flash_and_beep, make, names, scene, sound_of, turn_tag

MINUTE_720P = (60.0, 1280, 720, 24.0)
_WIDTH, _HEIGHT = 96, 54
_QUICK = {"preset": "ultrafast"}


def _noise(place: int) -> Rgb:
    return np.random.default_rng(place).integers(0, 255, (_HEIGHT, _WIDTH, 3), np.uint8)


def _black(place: int) -> Rgb:
    return np.zeros((_HEIGHT, _WIDTH, 3), np.uint8)


def _text(place: int) -> Rgb:
    image = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    for line in range(0, _HEIGHT, 10):
        draw.text(
            (2 - place % 9, line), "The quick brown fox jumps over the lazy dog, again and again. " * 2, fill="black"
        )
    return np.asarray(image)


def _calm_then_wild(place: int) -> Rgb:
    return _black(place) if place < 60 else _noise(place)


@pytest.mark.parametrize(
    ("seconds", "limit_bytes", "lines", "parts"),
    [
        (60, 50_000_000, 720, 1),
        (60, 10_000_000, 720, 1),
        (180, 10_000_000, 360, 1),
        (400, 10_000_000, 240, 1),
        (1200, 10_000_000, 240, 3),
        (1200, 50_000_000, 360, 1),
        (60, 1_000_000, 240, 2),
    ],
)
def test_lines_are_given_up_before_quality_and_the_whole_after_both(
    seconds: float, limit_bytes: int, lines: int, parts: int
) -> None:
    """The rule in figures, for 720p with sound."""
    plan = media.plan_fit(seconds, 1280, 720, 24.0, has_audio=True, limit_bytes=limit_bytes)
    assert (plan.height, plan.parts) == (lines, parts)


@given(
    seconds=st.floats(0.001, 1200),
    width=st.integers(16, 4096),
    height=st.integers(16, 2304),
    fps=st.sampled_from([10.0, 23.976, 24.0, 30.0, 60.0, 120.0]),
    has_audio=st.booleans(),
    limit_bytes=st.integers(1, 200_000_000),
)
def test_a_plan_keeps_to_its_cap_its_shape_and_its_floor(
    *, seconds: float, width: int, height: int, fps: float, has_audio: bool, limit_bytes: int
) -> None:
    """Or there is none, and then not with half the cap either."""
    try:
        plan = media.plan_fit(seconds, width, height, fps, has_audio=has_audio, limit_bytes=limit_bytes)
    except NotPossible:
        with pytest.raises(NotPossible):
            media.plan_fit(seconds, width, height, fps, has_audio=has_audio, limit_bytes=limit_bytes // 2)
        return
    assert 1 <= plan.parts <= PARTS_MOST
    assert plan.width % 2 == plan.height % 2 == 0
    assert plan.width <= width + 1
    assert plan.height <= height + 1
    assert min(plan.width, plan.height) >= min(width, height, 240) - 1
    assert abs(plan.width / width - plan.height / height) <= 2 / min(width, height)
    assert (plan.audio_bits_per_s > 0) == has_audio
    rate = float(usual_rate(Fraction(fps).limit_denominator(1001)))
    longest_s = -(-max(1, round(seconds * rate)) // plan.parts) / rate  # in whole pictures
    assert (plan.video_bits_per_s + plan.audio_bits_per_s) * longest_s / 8 <= limit_bytes
    # 60 pictures a second are the most that are kept.
    assert plan.video_bits_per_s >= 0.049 * plan.width * plan.height * min(fps, 59)


def test_few_bits_leave_few_for_the_sound() -> None:
    """An eighth at most, down to 32 kb/s."""
    told = [
        media.plan_fit(*MINUTE_720P, has_audio=True, limit_bytes=limit_bytes).audio_bits_per_s
        for limit_bytes in (50_000_000, 10_000_000, 5_000_000, 2_000_000)
    ]
    assert told == [160_000, 160_000, 64_000, 32_000]


def test_a_second_encode_has_fewer_pixels_where_the_first_was_at_its_coarsest() -> None:
    """And the same ones where it only missed by a little."""
    first = first_aim((1280, 720), 60.0, 1_000_000)
    near = next_aim(first, 60.0, 1_000_000, video_bytes=7_800_000, quantizer=30.0)
    assert (near.width, near.height, near.reads_log) == (1280, 720, True)
    late = next_aim(first, 60.0, 1_000_000, video_bytes=12_000_000, quantizer=20.0)  # it was hard only at the end
    assert (late.width, late.height, late.reads_log) == (1280, 720, True)
    far = next_aim(first, 60.0, 1_000_000, video_bytes=30_000_000, quantizer=50.0)
    assert far.width * far.height < 1280 * 720 / 4
    assert far.most_bits_per_s * 60 + far.buffer_bits <= 60_000_000


_ONE, _TWO, _HALF_A_SECOND, _LONG = (1, (0.9, 0.4)), (2, (0.7,)), (12, (0.5,)), (98, (0.8, 0.2))
"""Pictures, and shares of the source's size. From four seconds on a film may save bits up for later."""


@pytest.mark.parametrize(
    ("picture", "case"),
    [
        *((_noise, case) for case in (_ONE, _TWO, _HALF_A_SECOND, _LONG)),
        *((_black, case) for case in (_ONE, _LONG)),
        *((_text, case) for case in (_TWO, _HALF_A_SECOND, _LONG)),
        (_calm_then_wild, _LONG),
        *((None, case) for case in (_ONE, _HALF_A_SECOND, _LONG)),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_nothing_is_ever_over_its_cap(
    tmp_path: Path, picture: Callable[[int], Rgb] | None, case: tuple[int, tuple[float, ...]]
) -> None:
    """Whatever is shown, for however short; every picture stays, and what is refused is refused with a sentence."""
    frames, shares = case
    source = make(
        tmp_path / "source.mp4",
        Recipe(frames=frames, width=_WIDTH, height=_HEIGHT, options=_QUICK | {"qp": "20"}, audio_s=frames / 24),
        picture,
    )
    for share in shares:
        limit_bytes = int(source.stat().st_size * share)
        target = tmp_path / "fitted.mp4"
        try:
            fitted = await media.fit(source, target, limit_bytes)
        except NotPossible:
            assert limit_bytes < 50_000
            continue
        assert target.stat().st_size == fitted.bytes <= limit_bytes
        assert fitted.encodes in {1, 2}
        found = await media.probe(target)
        assert (found.frames, found.has_audio, found.width, found.height) == (frames, True, fitted.width, fitted.height)
        assert found.seconds == pytest.approx(frames / 24, abs=0.001)


async def test_a_video_that_fits_is_left_alone(tmp_path: Path) -> None:
    """Nothing is encoded or written; its own measures come back."""
    source = make(tmp_path / "source.mp4", Recipe(audio_s=1.0))
    size = source.stat().st_size
    fitted = await media.fit(source, tmp_path / "fitted.mp4", size)
    assert fitted == media.Fitted(seconds=1.0, width=320, height=180, bytes=size, encodes=0, parts=1)
    assert names(tmp_path) == ["source.mp4"]


async def test_a_cap_is_used_and_sound_title_chapters_and_captions_stay(tmp_path: Path) -> None:
    """The room is filled; flash and beep come together; colours are tagged; it begins to play before it is loaded."""
    clips = [
        make(tmp_path / "0.mp4", Recipe(frames=72, audio_s=3.0, options={"qp": "10"})),
        flash_and_beep(tmp_path / "1.mp4", frames=48, flash=20),
        make(tmp_path / "2.mp4", Recipe(frames=72, start=300, audio_s=3.0, options={"qp": "10"})),
    ]
    film = tmp_path / "film.mp4"
    script = media.Script(
        clips=tuple(clips),
        title="Two lamps",
        chapters=("Dusk", "Night", "Dawn"),
        captions=Captions.TRACK,
        caption_texts=("A lamp", "", "Füchse & <Eulen>"),
    )
    await media.stitch(script, film)
    told: list[float] = []
    fitted = await media.fit(film, tmp_path / "fitted.mp4", 140_000, on_progress=told.append)
    assert 0.8 * 140_000 < fitted.bytes <= 140_000
    assert fitted.seconds == pytest.approx(8.0, abs=0.001)
    assert told == sorted(told)
    assert told[-1] == 100
    with av.open(str(tmp_path / "fitted.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.profile, context.pix_fmt) == ("High", "yuv420p")
        assert {context.colorspace, context.color_primaries, context.color_trc, context.color_range} == {1}
        assert container.metadata["title"] == "Two lamps"
        chapters = [
            (chapter["start"] * (chapter["time_base"] or 1), chapter["metadata"]) for chapter in container.chapters()
        ]
        assert chapters == [(0, {"title": "Dusk"}), (3, {"title": "Night"}), (5, {"title": "Dawn"})]
        bright = [frame.time for frame in container.decode(video=0) if frame.to_ndarray()[: frame.height].mean() > 200]
    loud = np.flatnonzero(np.abs(sound_of(tmp_path / "fitted.mp4"))[int(3.3 * 48000) : int(4.7 * 48000)] > 0.05)
    assert bright == [pytest.approx(3 + 20 / 24, abs=0.001)]
    assert 3.3 + loud[0] / 48000 == pytest.approx(bright[0], abs=0.02)
    assert _captions(tmp_path / "fitted.mp4") == _captions(film)
    assert [text for _, _, text in _captions(film)] == ["A lamp", "Füchse & <Eulen>"]
    data = (tmp_path / "fitted.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def _captions(path: Path) -> list[tuple[int, int, str]]:
    """From when to when, in milliseconds, and the words."""
    with av.open(str(path)) as film:
        track = film.streams.subtitles[0]
        assert (track.codec_context.name, track.metadata["language"]) == ("mov_text", "und")
        return [
            (packet.pts, packet.pts + (packet.duration or 0), bytes(packet)[2:].decode())
            for packet in film.demux(track)
            if packet.size > 2 and packet.pts is not None
        ]


def _numbered(place: int) -> Rgb:
    """Its number as eight black and white stripes, over grain that costs bits."""
    stripes = np.repeat([255 * (place >> bit & 1) for bit in range(8)], _WIDTH // 8)
    return (stripes[None, :, None] * 0.75 + _noise(place) * 0.25).astype(np.uint8)


def _number(frame: av.VideoFrame) -> int:
    bright = frame.to_ndarray()[: frame.height, : frame.width].reshape(frame.height, 8, -1).mean(axis=(0, 2)) > 110
    return sum(1 << bit for bit in range(8) if bright[bit])


@pytest.mark.parametrize("group", [250, 12])
async def test_parts_meet_at_exact_pictures(tmp_path: Path, group: int) -> None:
    """Every picture is in exactly one part, in order, with key pictures near the cuts or only at the start."""
    source = tmp_path / "source.mp4"
    options = _QUICK | {"qp": "14", "g": str(group)}
    make(source, Recipe(frames=66, width=_WIDTH, height=_HEIGHT, options=options, audio_s=66 / 24), _numbered)
    seen: list[int] = []
    for part in (1, 2, 3):
        target = tmp_path / f"{part}.mp4"
        fitted = await media.fit(source, target, 60_000, part=part, parts=3)
        assert (fitted.parts, fitted.bytes <= 60_000) == (3, True)
        assert len(sound_of(target)) / 48000 == pytest.approx(fitted.seconds, abs=0.03)
        with av.open(str(target)) as container:
            seen += [_number(frame) for frame in container.decode(video=0)]
    assert seen == list(range(66))


async def test_the_chapters_and_captions_are_shared_out_to_the_parts(tmp_path: Path) -> None:
    """Each part has those that it shows, from its own start."""
    clips = [make(tmp_path / f"{number}.mp4", Recipe(frames=36, start=number * 90)) for number in range(2)]
    script = media.Script(
        clips=tuple(clips),
        title="Two lamps",
        chapters=("Dusk", "Night"),
        captions=Captions.TRACK,
        caption_texts=("lamp", "owl"),
    )
    await media.stitch(script, tmp_path / "film.mp4")
    found, captions = [], []
    for part in (1, 2, 3):
        await media.fit(tmp_path / "film.mp4", tmp_path / "part.mp4", 60_000, part=part, parts=3)
        with av.open(str(tmp_path / "part.mp4")) as container:
            assert container.metadata["title"] == "Two lamps"
            found.append(
                [
                    (
                        chapter["metadata"]["title"],
                        float(chapter["start"] * (chapter["time_base"] or 1)),
                        float(chapter["end"] * (chapter["time_base"] or 1)),
                    )
                    for chapter in container.chapters()
                ]
            )
        captions.append(_captions(tmp_path / "part.mp4"))
    # The first shot's last quarter of a second is without words.
    assert captions == [[(0, 1000, "lamp")], [(0, 250, "lamp"), (500, 1000, "owl")], [(0, 750, "owl")]]
    assert found == [[("Dusk", 0.0, 1.0)], [("Dusk", 0.0, 0.5), ("Night", 0.5, 1.0)], [("Night", 0.0, 1.0)]]


async def test_sound_goes_on_over_a_cut_into_parts(tmp_path: Path) -> None:
    """A beep in the second half comes with its flash there."""
    source = flash_and_beep(tmp_path / "source.mp4", frames=96, flash=70)
    await media.fit(source, tmp_path / "2.mp4", 60_000, part=2, parts=2)
    loud = np.flatnonzero(np.abs(sound_of(tmp_path / "2.mp4")) > 0.05)
    assert loud[0] / 48000 == pytest.approx((70 - 48) / 24, abs=0.02)


async def test_a_turned_video_is_written_upright(tmp_path: Path) -> None:
    """Its shape is as shown, in even numbers, and no player has to turn it."""
    source = turn_tag(make(tmp_path / "source.mp4", Recipe(frames=48, width=322, height=182, options={"qp": "8"})))
    fitted = await media.fit(source, tmp_path / "fitted.mp4", source.stat().st_size // 2)
    assert (fitted.width, fitted.height) == (182, 322)
    with av.open(str(tmp_path / "fitted.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (frame.rotation, frame.width, frame.height) == (0, 182, 322)
    upright = to_small_rgb(frame, 18, 32).astype(int)
    wanted = np.rot90(np.asarray(Image.fromarray(scene(0, 322, 182)).resize((32, 18), Image.Resampling.BOX)))
    either_way = min(np.abs(upright - turned).mean() for turned in (wanted, wanted[::-1, ::-1]))
    assert either_way < 12


async def test_uneven_pictures_keep_their_length(tmp_path: Path) -> None:
    """A clip of a rate that changes comes out at an even rate, as long as before."""
    source = make(tmp_path / "source.mp4", Recipe(frames=60, gaps=(4, 9, 13), options={"qp": "8"}))
    before = await media.probe(source)
    fitted = await media.fit(source, tmp_path / "fitted.mp4", source.stat().st_size // 2)
    assert fitted.seconds == pytest.approx(before.seconds, abs=1.5 / before.fps)


@pytest.mark.parametrize(("part", "parts"), [(1, 1), (2, 2)])
async def test_what_cannot_fit_is_said_and_leaves_nothing(tmp_path: Path, part: int, parts: int) -> None:
    """A person reads a sentence."""
    source = make(tmp_path / "source.mp4", Recipe(frames=72))
    with pytest.raises(NotPossible, match=r"too long for 3 kB.*fewer or shorter clips"):
        await media.fit(source, tmp_path / "fitted.mp4", 3000, part=part, parts=parts)
    assert names(tmp_path) == ["source.mp4"]


async def test_a_broken_file_is_named_as_such(tmp_path: Path) -> None:
    """Also one that would fit."""
    (tmp_path / "source.mp4").write_bytes(b"no video" * 100)
    for limit_bytes in (100, 10_000):
        with pytest.raises(BadMedia):
            await media.fit(tmp_path / "source.mp4", tmp_path / "fitted.mp4", limit_bytes)
    with pytest.raises(BadMedia):
        await media.fit(tmp_path / "missing.mp4", tmp_path / "fitted.mp4", 100)
    assert names(tmp_path) == ["source.mp4"]


async def test_a_fit_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    """Neither half a file nor the encoder's notes, and what stood there stays."""
    source = make(tmp_path / "source.mp4", Recipe(frames=240, options=_QUICK | {"qp": "8"}))
    target = tmp_path / "fitted.mp4"
    target.write_bytes(b"older")
    begun = asyncio.Event()
    work = asyncio.create_task(
        media.fit(source, target, source.stat().st_size // 2, on_progress=lambda _: begun.set()), name="fit"
    )
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert names(tmp_path) == ["fitted.mp4", "source.mp4"]
    assert target.read_bytes() == b"older"
