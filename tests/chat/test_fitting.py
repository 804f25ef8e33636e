"""What is made of a video for the place where it is shown, where that does not go well."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import fitting
from bot.fitting import Fitting
from bot.message import Limits, Reply, Video
from engine.errors import MediaLimit, NotPossible
from engine.model import FileKey
from storage import LocalFiles

KEY = FileKey("0" * 64 + ".mp4")


def reply_of(path: Path, size_bytes: int) -> Reply:
    video = Video(path=path, name="a1-1.mp4", seconds=1, width=64, height=36, bytes=size_bytes, file=KEY)
    return Reply(text="a1-1", video=video)


def limits_of(upload_bytes: int) -> Limits:
    return Limits(upload_bytes=upload_bytes, text_chars=4_096, edit_every_s=1, wants_sound=True)


@pytest.mark.parametrize("error", [MediaLimit("no memory"), TimeoutError()])
async def test_a_small_clip_is_shown_as_it_is_when_nothing_can_be_made_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Without a silent track it is an animation, which is better than a sentence."""

    async def breaks(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(fitting, "playable", breaks)
    reply = reply_of(tmp_path / "clip.mp4", 1_000)
    assert await Fitting(LocalFiles(tmp_path)).fit(reply, limits_of(50_000_000)) == reply
    with pytest.raises(MediaLimit):
        await Fitting(LocalFiles(tmp_path)).fit(reply_of(tmp_path / "clip.mp4", 60_000_000), limits_of(50_000_000))


async def test_only_what_can_never_fit_becomes_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With where the whole file is to be had."""

    async def never(*_: object, **__: object) -> None:
        raise NotPossible("too long")

    monkeypatch.setattr(fitting, "playable", never)
    files = Fitting(LocalFiles(tmp_path), lambda key, name: f"https://films.example.org/{name}")
    fitted = await files.fit(reply_of(tmp_path / "clip.mp4", 60_000_000), limits_of(50_000_000))
    assert fitted.video is None
    assert fitted.text.endswith("It has 60 MB, of which only 50 MB pass here: https://films.example.org/a1-1.mp4")
