"""What the animatic renderer draws: the stream, the given frames, the seam, every script."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from engine import media
from engine.errors import BadMedia
from engine.providers.animatic.ideas import read_prompt
from engine.providers.animatic.scenes import SCENE_PAINTERS
from tests.media.makers import Recipe, make
from tests.providers.watching import busy_picture, draw, frames, save, ssim

SHAPES = [
    ("16:9", "480p", 854, 480), ("9:16", "480p", 480, 854), ("1:1", "480p", 480, 480),
    ("16:9", "720p", 1280, 720), ("9:16", "720p", 720, 1280), ("1:1", "720p", 720, 720),
    ("16:9", "1080p", 1920, 1080), ("9:16", "1080p", 1080, 1920), ("1:1", "1080p", 1080, 1080),
]  # fmt: skip


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip to go on from."""
    return draw(tmp_path_factory.mktemp("parent") / "clip.mp4", "a lighthouse keeper lights the lamp")


@pytest.fixture(scope="module")
def last_frame(parent: Path) -> Path:
    return save(frames(parent)[-1], parent.with_name("last.png"))


def test_the_same_order_gives_the_same_bytes(parent: Path, tmp_path: Path) -> None:
    """A render is a function of its order: prompt, seed, size, seconds, style."""
    again = draw(tmp_path / "again.mp4", "a lighthouse keeper lights the lamp")
    assert again.read_bytes() == parent.read_bytes()
    other = draw(tmp_path / "other.mp4", "a lighthouse keeper lights the lamp", seed=2)
    assert other.read_bytes() != parent.read_bytes()


@pytest.mark.parametrize(("ratio", "resolution", "width", "height"), SHAPES)
def test_every_shape_has_its_size(ratio: str, resolution: str, width: int, height: int, tmp_path: Path) -> None:
    """The resolution is the shorter side. The large ones are asked of the first frames only, to be quick."""
    from engine.providers.animatic.film import Film
    from engine.providers.animatic.spec import RenderSpec, frame_size

    assert frame_size(ratio, resolution) == (width, height)
    spec = RenderSpec(
        prompt="a fox runs through the forest", seed=1, style="painting", width=width, height=height, frames=48
    )
    canvas = Film(spec, None, None).frame(30)
    assert canvas.y.size == (width, height)
    assert canvas.u.size == (width // 2, height // 2)
    assert np.asarray(canvas.y).std() > 4, "nothing is drawn"


def test_the_stream_is_in_the_house_profile(tmp_path: Path) -> None:
    """H.264 High 4.0 yuv420p, tagged BT.709 limited, 24 frames a second, exactly as many as asked; sound as long as the picture."""
    path = draw(tmp_path / "clip.mp4", "a whale glides under water", seconds=2.5)
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        context = video.codec_context
        assert (context.codec.canonical_name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        assert (video.average_rate, video.guessed_rate) == (Fraction(24), Fraction(24))
        assert (audio.codec_context.name, audio.sample_rate, audio.layout.name) == ("aac", 48_000, "stereo")
        picture_s = float((video.duration or 0) * (video.time_base or 0))
        sound_s = float((audio.duration or 0) * (audio.time_base or 0))
        times = sorted(packet.pts for packet in container.demux(video) if packet.pts is not None)
    assert len(times) == 60
    step = times[1] - times[0]
    assert times == list(range(times[0], times[0] + 60 * step, step)), "the frame rate is not constant"
    assert picture_s == pytest.approx(2.5, abs=1e-6)
    assert sound_s == pytest.approx(2.5, abs=1024 / 48_000)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index does not stand first"


def test_the_colours_are_what_the_tags_say(tmp_path: Path) -> None:
    """A given picture of flat colours comes back with the same colours, read by its tags."""
    patches = np.zeros((480, 854, 3), np.uint8)
    for column, color in enumerate(((200, 30, 30), (30, 180, 40), (40, 60, 210), (230, 200, 60), (128, 128, 128))):
        patches[:, column * 171 : (column + 1) * 171] = color
    clip = draw(tmp_path / "clip.mp4", "she smiles", first=save(patches, tmp_path / "patches.png"))
    shown = frames(clip)[0]
    for column in range(5):
        middle = (slice(200, 280), slice(column * 171 + 60, column * 171 + 110))
        assert np.abs(shown[middle].astype(int) - patches[middle].astype(int)).max() <= 3


def test_all_clips_of_one_size_can_be_joined_by_copy(parent: Path, last_frame: Path, tmp_path: Path) -> None:
    """Their stream headers are equal whatever they show, however long they are, with given frames and without."""
    clips = [
        parent,
        draw(tmp_path / "a.mp4", "a fox in the snow at night", seconds=3, seed=9, style="neon"),
        draw(tmp_path / "b.mp4", "a boat answers from the fog", first=last_frame, last=last_frame),
    ]
    headers = set()
    for clip in clips:
        with av.open(str(clip)) as container:
            headers.add(tuple(bytes(stream.codec_context.extradata or b"") for stream in container.streams))
    assert len(headers) == 1


def test_the_last_frame_is_a_key_picture(parent: Path) -> None:
    """So the next shot finds it at once, and a film leaves the doubled picture out without touching any other."""
    with av.open(str(parent)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert max(packets, key=lambda packet: packet.pts or 0).is_keyframe


async def test_a_film_with_a_foreign_clip_copies_the_drawn_ones(parent: Path, tmp_path: Path) -> None:
    """What media work converts has the headers of what is drawn here, so only the foreign clip is encoded again."""
    foreign = make(tmp_path / "foreign.mp4", Recipe(width=640, height=360, fps=Fraction(30)))
    await media.stitch(media.Script(clips=(parent, foreign)), tmp_path / "film.mp4")
    assert [frame.tobytes() for frame in frames(tmp_path / "film.mp4")[:20]] == [
        frame.tobytes() for frame in frames(parent)[:20]
    ]


@pytest.mark.parametrize("prompt", ["a boat answers from the fog", "she smiles"])
def test_a_continued_clip_begins_on_the_frame_and_starts_from_rest(
    prompt: str, last_frame: Path, parent: Path, tmp_path: Path
) -> None:
    """Frame 0 is the given frame; the first steps are no larger than the last ones of the parent, so the cut is not seen."""
    shown = frames(draw(tmp_path / "clip.mp4", prompt, first=last_frame, seconds=3))
    given = frames(parent)
    assert ssim(shown[0], given[-1]) >= 0.98
    steps = [float(np.abs(after.astype(int) - before).mean()) for before, after in pairwise(shown[:6])]
    rest = [float(np.abs(after.astype(int) - before).mean()) for before, after in pairwise(given[-4:])]
    assert max(rest) < 2.0, "the parent does not come to rest"
    assert max(steps) < 2.0, "the picture jumps after the cut"
    assert float(np.abs(shown[0].astype(int) - given[-1]).mean()) < 1.0
    assert ssim(shown[40], given[-1]) < 0.97, "it never moves on"


@pytest.mark.parametrize(
    "prompt", ["a horse runs over the hill in the rain", "a boat on the sea", "a bird over the city"]
)
def test_the_world_comes_to_rest_before_the_cut(prompt: str) -> None:
    """The last step of a clip is much smaller than one in its middle, so that the next clip can begin at rest."""
    from engine.providers.animatic.film import Film
    from engine.providers.animatic.spec import RenderSpec

    film = Film(RenderSpec(prompt=prompt, seed=1, style="painting", width=854, height=480, frames=48), None, None)

    def step(number: int) -> float:
        before, after = (np.asarray(film.frame(at).y).astype(int) for at in (number - 1, number))
        return float(np.abs(after - before).mean())

    assert step(47) < 0.34 * step(20)


def test_a_busy_picture_is_kept_at_both_ends(tmp_path: Path) -> None:
    """Strong grain does not cost likeness: 0.99 at the first and at the last frame, for a picture of another size too."""
    busy = busy_picture(854, 480)
    first, last = save(busy, tmp_path / "first.png"), save(busy[:, ::-1], tmp_path / "last.png")
    shown = frames(draw(tmp_path / "clip.mp4", "a horse runs over the hill", first=first, last=last))
    assert ssim(shown[0], busy) >= 0.99
    assert ssim(shown[-1], busy[:, ::-1]) >= 0.99
    assert len(shown) == 48


def test_a_picture_of_another_shape_is_cut_to_cover(tmp_path: Path) -> None:
    """A tall picture fills a wide frame; nothing is stretched or left black."""
    tall = np.full((900, 300, 3), 60, np.uint8)
    tall[400:500] = 220
    shown = frames(draw(tmp_path / "clip.mp4", "she smiles", first=save(tall, tmp_path / "tall.png")))[0]
    assert shown[240, 427, 0] > 210
    assert abs(int(shown[20, 20, 0]) - 60) < 8


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_file_that_is_no_picture_is_refused_with_a_sentence(content: bytes, tmp_path: Path) -> None:
    """Empty, foreign and torn files."""
    (tmp_path / "first.png").write_bytes(content)
    with pytest.raises(BadMedia, match="cannot be read as a picture; give a PNG"):
        draw(tmp_path / "clip.mp4", "she smiles", first=tmp_path / "first.png")


def test_the_caption_is_gone_before_the_end(tmp_path: Path) -> None:
    """In the middle the words stand on the picture; the last frame is clean, so the next clip begins without them."""
    from engine.providers.animatic.film import Film
    from engine.providers.animatic.spec import RenderSpec

    spec = RenderSpec(prompt="a fox", seed=3, style="painting", width=854, height=480, frames=72, caption="k7-1")
    film = Film(spec, None, None)
    without = Film(spec, None, None)
    without.caption.text = without.caption.shadow = without.caption.bar = without.caption.text.point([0] * 256)
    for number, is_there in ((36, True), (0, False), (71, False), (70, False)):
        alike = np.array_equal(np.asarray(film.frame(number).y), np.asarray(without.frame(number).y))
        assert alike is not is_there, f"frame {number}"


@pytest.mark.parametrize("scene", sorted(SCENE_PAINTERS))
@pytest.mark.parametrize(("width", "height"), [(480, 854), (480, 480)])
def test_every_scene_can_be_drawn_in_every_shape(scene: str, width: int, height: int) -> None:
    """No scene needs a wide frame."""
    from engine.providers.animatic.film import Film
    from engine.providers.animatic.spec import RenderSpec

    prompts = {"depths": "space", "doorway": "the keeper opens the door", "mountains": "a castle in the mountains"}
    prompt = prompts.get(scene, f"{scene} with a person and a dragon in the rain")
    assert read_prompt(prompt, 1).scene == scene
    spec = RenderSpec(prompt=prompt, seed=1, style="painting", width=width, height=height, frames=48)
    film = Film(spec, None, None)
    first, last = np.asarray(film.frame(0).y).astype(int), np.asarray(film.frame(40).y).astype(int)
    assert np.abs(first - last).mean() > 0.3, "nothing moves"


@pytest.mark.parametrize("style", ["noir", "sepia", "pastel", "neon"])
def test_styles_are_seen(style: str, tmp_path: Path) -> None:
    """Each style changes the colours; noir has none."""
    from engine.providers.animatic.film import Film, preview
    from engine.providers.animatic.spec import RenderSpec

    def look(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        spec = RenderSpec(prompt="a castle at sunset", seed=1, style=name, width=480, height=480, frames=48)
        return np.asarray(preview(Film(spec, None, None).frame(0))).astype(np.int64)

    shown = look(style)
    assert np.abs(shown - look("painting")).mean() > 6
    if style == "noir":
        assert (shown.max(axis=2) - shown.min(axis=2)).mean() < 6


def test_the_percentage_only_rises_and_reaches_the_end(tmp_path: Path) -> None:
    """From nothing to almost all, a step with every frame."""
    told: list[float] = []
    draw(tmp_path / "clip.mp4", "a fox", report=told.append)
    assert told == sorted(told)
    assert told[0] == 0.0
    assert told[-1] >= 0.98
    assert len(told) >= 48
