"""A clip or film as another kind of file: made once, kept beside it, and made smaller only for who cannot take it."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine import media
from engine.derive import EXPORTS, derived, exported
from engine.errors import NotPossible
from engine.film_options import FilmFormat
from engine.model import FileKey
from storage import LocalFiles
from tests.media.makers import Recipe, make

SMALL = Recipe(width=64, height=36, frames=6)


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "data")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The caps under which something was made."""
    begun: list[int | None] = []
    really = media.export

    async def export(*arguments: Any, limit_bytes: int | None = None, **options: Any) -> media.Exported:
        begun.append(limit_bytes)
        return await really(*arguments, limit_bytes=limit_bytes, **options)

    monkeypatch.setattr(media, "export", export)
    return begun


async def kept(files: LocalFiles, recipe: Recipe = SMALL, name: str = "clip") -> FileKey:
    key = await files.adopt(make(files.work("job-1") / f"{name}.mp4", recipe))
    files.release(key)
    return key


async def test_a_file_is_made_once_for_everybody_who_can_take_it(files: LocalFiles, made: list[int | None]) -> None:
    """Also when two ask at once, and after a restart, when only what stands on the disk is known; made again when that is gone."""
    clip = await kept(files)
    both = [exported(files, clip, FilmFormat.GIF), exported(files, clip, FilmFormat.GIF, limit_bytes=50_000_000)]
    first, second = await asyncio.gather(*both)
    assert first == second
    assert first.path.read_bytes()[:6] == b"GIF89a"
    assert (first.path.suffix, first.bytes) == (".gif", first.path.stat().st_size)
    assert first.sentence == "GIF without sound, 64x36 at 12.5 pictures a second."
    assert await derived(files, clip, "gif") == first.path
    assert made == [None]
    first.path.write_bytes(b"half of i")
    assert await exported(files, clip, FilmFormat.GIF) == first
    assert made == [None, None]


async def test_who_cannot_take_it_gets_a_smaller_one_or_a_sentence(files: LocalFiles, made: list[int | None]) -> None:
    """The large one stays for the others; a cap that nothing fits under leaves nothing behind."""
    clip = await kept(files, Recipe(width=320, height=180, frames=12))
    whole = await exported(files, clip, FilmFormat.GIF)
    cap = whole.bytes * 2 // 3
    for _ in range(2):
        smaller = await exported(files, clip, FilmFormat.GIF, limit_bytes=cap)
        assert smaller.bytes <= cap < whole.bytes
        assert smaller.path != whole.path
    assert made == [None, cap]
    assert "to fit" in smaller.sentence
    before = sorted(path.name for path in whole.path.parent.iterdir())
    with pytest.raises(NotPossible, match="choose webm or mp4"):
        await exported(files, clip, FilmFormat.GIF, limit_bytes=100)
    assert sorted(path.name for path in whole.path.parent.iterdir()) == before


async def test_pictures_are_named_by_their_shots(files: LocalFiles) -> None:
    """The first one of each, and the last one's last."""
    film, shots = await kept(files), [("k7-1", await kept(files)), ("k7-3", await kept(files, Recipe(frames=3)))]
    pictures = await derived(files, film, "frames", shots)
    with zipfile.ZipFile(pictures) as file:
        names = file.namelist()
    assert [name[:7] for name in names] == ["01-k7-1", "02-k7-3", "03-last"]


async def test_a_film_that_fits_is_one_webm_for_all_places(files: LocalFiles, made: list[int | None]) -> None:
    """Only what is larger than the cap as it is gets one that is made to fit at once."""
    clip = await kept(files)
    webm = await exported(files, clip, FilmFormat.WEBM, limit_bytes=10_000_000)
    assert webm == await exported(files, clip, FilmFormat.WEBM)
    assert webm.path.read_bytes()[:4] == b"\x1a\x45\xdf\xa3"
    assert made == [None]
    assert {kind: FilmFormat(kind) for kind in ("webm", "gif", "frames")} == EXPORTS
