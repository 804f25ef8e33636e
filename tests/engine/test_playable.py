"""What a chat is given to play: the clip itself where it can, else what is made from it once and kept beside it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine import derive, media
from engine.derive import EXPORTS, POSTER, SMALL, VARIANTS, Piece, derived, playable, still
from engine.errors import BadMedia, NotPossible
from engine.model import FileKey
from storage import LocalFiles
from tests.media.makers import Recipe, Rgb, make, scene

ROOMY = 50_000_000


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "data")


async def kept(files: LocalFiles, recipe: Recipe, picture: Any = None) -> FileKey:
    """A clip that the house has adopted."""
    key = await files.adopt(make(files.work("job-1") / "clip.mp4", recipe, picture))
    files.release(key)
    return key


def made_from(files: LocalFiles, clip: FileKey) -> list[str]:
    return sorted(path.name for path in files.derived(clip, "x").parent.iterdir())


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The parts that are encoded, as they are."""
    begun: list[int] = []
    really = media.fit

    async def fit(*arguments: Any, part: int = 1, **options: Any) -> media.Fitted:
        begun.append(part)
        return await really(*arguments, part=part, **options)

    monkeypatch.setattr(media, "fit", fit)
    return begun


@pytest.mark.parametrize(("audio_s", "needs_sound"), [(None, False), (1.0, True)])
async def test_a_clip_that_fits_is_played_as_it_is(files: LocalFiles, audio_s: float | None, needs_sound: bool) -> None:
    """No file is made of it, and its measures are there, also from the note of the first time."""
    clip = await kept(files, Recipe(audio_s=audio_s))
    for _ in range(2):
        shown = await playable(files, clip, limit_bytes=ROOMY, needs_sound=needs_sound)
        path = files.path(clip)
        assert shown.pieces == (Piece(path=path, seconds=1.0, width=320, height=180, bytes=path.stat().st_size),)
        assert (shown.lines, shown.parts) == (None, 1)
    assert [Path(name).suffix for name in made_from(files, clip)] == [".json"]


async def test_a_silent_clip_gets_its_track_once(files: LocalFiles) -> None:
    """Where the chat needs one; the next cap takes the same file."""
    clip = await kept(files, Recipe())
    shown = await playable(files, clip, limit_bytes=ROOMY, needs_sound=True)
    assert shown.pieces[0].path == files.derived(clip, "sounded.mp4")
    assert shown.pieces[0].seconds == pytest.approx(1.0)
    assert shown.lines is None
    assert await media.has_sound(shown.pieces[0].path)
    before = shown.pieces[0].path.stat().st_mtime_ns
    assert (await playable(files, clip, limit_bytes=10_000_000, needs_sound=True)) == shown
    assert shown.pieces[0].path.stat().st_mtime_ns == before


async def test_a_film_over_the_cap_is_fitted_once(files: LocalFiles, fits: list[int]) -> None:
    """Five who ask at the same time get one encode; a later one, and one after a start, too."""
    clip = await kept(files, Recipe(frames=72, options={"qp": "8"}))
    limit_bytes = files.path(clip).stat().st_size // 2
    shown = await asyncio.gather(*(playable(files, clip, limit_bytes=limit_bytes, needs_sound=False) for _ in range(5)))
    assert set(shown) == {shown[0]}
    assert (shown[0].lines, shown[0].parts, shown[0].pieces[0].bytes <= limit_bytes) == (180, 1, True)
    assert await playable(files, clip, limit_bytes=limit_bytes, needs_sound=False) == shown[0]
    assert fits == [1]


async def test_a_silent_film_over_the_cap_is_fitted_with_a_track(files: LocalFiles) -> None:
    """Both wishes in one encode, apart from the file without sound."""
    clip = await kept(files, Recipe(frames=72, options={"qp": "8"}))
    limit_bytes = files.path(clip).stat().st_size // 2
    silent = await playable(files, clip, limit_bytes=limit_bytes, needs_sound=False)
    sounding = await playable(files, clip, limit_bytes=limit_bytes, needs_sound=True)
    assert [await media.has_sound(shown.pieces[0].path) for shown in (silent, sounding)] == [False, True]


async def test_a_clip_just_under_the_cap_still_fits_with_its_track(files: LocalFiles) -> None:
    """The silent track would carry it over the cap, so it is fitted."""
    clip = await kept(files, Recipe(frames=72, options={"qp": "8"}))
    limit_bytes = files.path(clip).stat().st_size
    shown = await playable(files, clip, limit_bytes=limit_bytes, needs_sound=True)
    assert shown.pieces[0].bytes <= limit_bytes
    assert await media.has_sound(shown.pieces[0].path)
    assert shown.lines == 180


async def test_parts_that_are_there_are_not_made_again_after_a_crash(files: LocalFiles, fits: list[int]) -> None:
    """The note is written last; what it does not know yet is taken from the disk, and what is missing is made."""
    clip = await kept(files, Recipe(frames=96, options={"qp": "8"}, audio_s=4.0))
    whole = await playable(files, clip, limit_bytes=40_000, needs_sound=True)
    assert whole.parts > 1
    assert sum(piece.seconds for piece in whole.pieces) == pytest.approx(4.0, abs=0.01)
    assert all(piece.bytes <= 40_000 for piece in whole.pieces)
    names = [f"fit-40000-{part}of{whole.parts}.mp4" for part in range(1, whole.parts + 1)]
    assert [piece.path.name for piece in whole.pieces] == names
    fits.clear()
    files.derived(clip, "play-40000-sounded.json").unlink()
    whole.pieces[-1].path.unlink()
    again = await playable(files, clip, limit_bytes=40_000, needs_sound=True)
    assert fits == [whole.parts]
    assert [piece.seconds for piece in again.pieces] == [piece.seconds for piece in whole.pieces]


@pytest.mark.parametrize("damage", ["missing", "cut", "note"])
async def test_what_was_lost_or_cut_off_is_made_again(files: LocalFiles, damage: str) -> None:
    """A file that is gone, one that is not as it was, and a note that cannot be read."""
    clip = await kept(files, Recipe(frames=72, options={"qp": "8"}))
    limit_bytes = files.path(clip).stat().st_size // 2
    first = await playable(files, clip, limit_bytes=limit_bytes, needs_sound=False)
    piece = first.pieces[0].path
    match damage:
        case "missing":
            piece.unlink()
        case "cut":
            piece.write_bytes(piece.read_bytes()[:5000])
        case _:
            files.derived(clip, f"play-{limit_bytes}.json").write_text("{", encoding="ascii")
    second = await playable(files, clip, limit_bytes=limit_bytes, needs_sound=False)
    assert (second.parts, second.pieces[0].path) == (1, piece)
    found = await media.probe(piece)
    assert (found.frames, found.bytes) == (72, second.pieces[0].bytes)


async def test_it_goes_with_the_clip(files: LocalFiles) -> None:
    """Pictures, parts and notes are deleted with it."""
    clip = await kept(files, Recipe(frames=72, options={"qp": "8"}))
    await playable(files, clip, limit_bytes=files.path(clip).stat().st_size // 2, needs_sound=True)
    directory = (await still(files, clip, POSTER)).parent
    assert len(list(directory.iterdir())) == 3
    assert await files.delete(clip)
    assert not directory.exists()


async def test_what_cannot_be_played_is_said(files: LocalFiles) -> None:
    """A cap that no number of parts keeps to, and a clip that is gone."""
    clip = await kept(files, Recipe(frames=72))
    with pytest.raises(NotPossible, match="too long for 2 kB"):
        await playable(files, clip, limit_bytes=2000, needs_sound=False)
    files.path(clip).unlink()
    with pytest.raises(BadMedia, match="missing"):
        await playable(files, clip, limit_bytes=ROOMY, needs_sound=False)
    with pytest.raises(BadMedia, match="missing"):
        await still(files, clip, SMALL)


@pytest.mark.parametrize(
    ("size", "poster", "small"),
    [((1920, 1080), (1280, 720), (320, 180)), ((640, 1136), (640, 1136), (180, 320)), ((96, 96), (96, 96), (96, 96))],
)
async def test_poster_and_small_picture_keep_to_the_chats_sizes(
    files: LocalFiles, size: tuple[int, int], poster: tuple[int, int], small: tuple[int, int]
) -> None:
    """Both JPEG, never enlarged, of the picture on which playing begins."""
    clip = await kept(files, Recipe(frames=3, width=size[0], height=size[1], start=20))
    for variant, wanted in ((POSTER, poster), (SMALL, small)):
        path = await still(files, clip, variant)
        assert path.name == f"{variant}.jpg"
        with Image.open(path) as image:
            assert (image.format, image.size) == ("JPEG", wanted)
            shrunk, first = (
                picture.convert("L").resize((16, 16), Image.Resampling.BOX)
                for picture in (image, Image.fromarray(scene(20, *size)))
            )
        differences = [abs(one - other) for one, other in zip(shrunk.tobytes(), first.tobytes(), strict=True)]
        assert sum(differences) / 256 < 4
    assert (await still(files, clip, SMALL)).stat().st_size < 200_000


async def test_a_film_that_begins_black_has_another_poster(files: LocalFiles) -> None:
    """A black rectangle says nothing in a chat."""

    def fading_in(place: int) -> Rgb:
        return scene(place) if place else scene(0) * 0

    clip = await kept(files, Recipe(), fading_in)
    with Image.open(await still(files, clip, POSTER)) as image:
        assert image.convert("L").tobytes().count(0) < 100
        assert max(image.convert("L").tobytes()) > 100


async def test_people_are_not_offered_what_only_platforms_need(files: LocalFiles) -> None:
    """`/download k7-1 poster` is refused with the list of what there is."""
    clip = await kept(files, Recipe())
    assert {POSTER, SMALL}.isdisjoint(VARIANTS)
    for variant in (POSTER, SMALL):
        with pytest.raises(NotPossible, match="video, thumbnail, spritesheet, last-frame"):
            await derived(files, clip, variant)
    assert {*derive._MAKERS, *EXPORTS} == {*VARIANTS[1:], POSTER, SMALL}
