"""What a clip is, in numbers; and one sentence on a file that is none."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from engine import media
from engine.errors import BadMedia
from engine.media.inspection import inspect
from tests.media.makers import Recipe, damage, make, names, remux


async def test_it_measures_what_is_shown(tmp_path: Path) -> None:
    """Length and rate are the video's, also where the sound goes on."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=36, audio_s=3.0))
    measured = await media.probe(clip)
    assert measured == media.Probe(
        seconds=1.5,
        width=320,
        height=180,
        fps=24.0,
        frames=36,
        has_audio=True,
        codec="h264",
        bytes=clip.stat().st_size,
        ends=media.Ends(fault="", sharpest_s=None),
    )


RATES = [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]


@pytest.mark.parametrize(
    ("suffix", "fps"),
    # PyAV's transport stream muxer itself rounds a rate like 23.976, so that kind is not asked of it.
    [(suffix, fps) for suffix in ("mp4", "mkv", "ts") for fps in RATES if suffix != "ts" or fps.denominator == 1],
)
def test_the_rate_is_exact_in_every_container(tmp_path: Path, suffix: str, fps: Fraction) -> None:
    """A clock that counts in milliseconds does not turn 23.976 into 24."""
    found = inspect(make(tmp_path / f"clip.{suffix}", Recipe(fps=fps)))
    assert (found.rate, found.frames) == (fps, 24)


def test_uneven_times_are_an_obstacle_to_copying(tmp_path: Path) -> None:
    """And the length counts every gap."""
    found = inspect(make(tmp_path / "clip.mp4", Recipe(frames=24, gaps=(2, 9))))
    assert found.seconds == Fraction(26, 24)
    assert found.obstacles == ("its pictures are not evenly spaced",)


def test_a_house_clip_has_no_obstacle(tmp_path: Path) -> None:
    """Ordinary H.264 in MP4 and Matroska can be copied; the raw stream in a transport stream cannot."""
    clip = make(tmp_path / "clip.mp4")
    assert inspect(clip).obstacles == ()
    assert inspect(remux(clip, tmp_path / "clip.mkv")).obstacles == ()
    assert inspect(remux(clip, tmp_path / "clip.ts")).obstacles == ("its headers are inside the stream",)


def _cut(source: Path, target: Path, share: float) -> None:
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])


def _playlist(source: Path, target: Path) -> None:
    target.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{source.as_uri()}\n#EXT-X-ENDLIST\n")


def _only_sound(source: Path, target: Path) -> None:
    with av.open(str(source)) as container, av.open(str(target), "w") as film:
        sound = container.streams.audio[0]
        stream = film.add_stream_from_template(sound)
        for packet in container.demux(sound):
            if packet.size:
                packet.stream = stream
                film.mux(packet)


BAD: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "missing": (lambda _s, _t: None, "file is missing"),
    "empty": (lambda _s, t: t.touch(), "file is empty"),
    "a directory": (lambda _s, t: t.mkdir(), "file is missing"),
    "text": (lambda _s, t: t.write_text("once upon a time " * 100), "not a video"),
    "noise": (lambda _s, t: t.write_bytes(bytes(range(256)) * 400), "not a video"),
    "a playlist that names another file": (_playlist, "not a video"),
    "cut off before its index": (lambda s, t: _cut(s, t, 0.9), "cut off"),
    "cut off after its index": (
        lambda s, t: _cut(remux(s, t.with_name("fast.mp4"), {"movflags": "faststart"}), t, 0.6),
        "cut off after 0.[3-9] s",
    ),
    "cut off in Matroska": (lambda s, t: _cut(remux(s, t.with_name("source.mkv")), t, 0.3), "cut off|damaged"),
    "overwritten in the middle": (damage, "damaged"),
    "four bytes overwritten": (lambda s, t: damage(s, t, 0.0), "damaged"),
    "sound only": (_only_sound, "no video in it"),
}

DAMAGED_INSIDE = frozenset({"overwritten in the middle", "four bytes overwritten"})
"""Seen by decoding alone: that is done when a clip is stored, and not again for each film."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("good") / "good.mp4", Recipe(audio_s=1.0))


@pytest.mark.parametrize("kind", BAD)
async def test_what_is_no_whole_video_is_refused_with_a_sentence(tmp_path: Path, good: Path, kind: str) -> None:
    """It says what is wrong and what to do, and leaves nothing behind."""
    spoil, reason = BAD[kind]
    path = tmp_path / "clip.mp4"
    spoil(good, path)
    with pytest.raises(BadMedia, match=reason) as raised:
        await media.probe(path)
    assert str(raised.value).endswith(".")
    if kind in DAMAGED_INSIDE:
        return
    with pytest.raises(BadMedia, match="Clip 2 of 2 cannot be joined") as raised:
        await media.stitch(media.Script(clips=(good, path)), tmp_path / "film.mp4")
    assert raised.value.clip == 1
    assert not any("film" in name for name in names(tmp_path))


async def test_no_other_file_is_read(tmp_path: Path, good: Path) -> None:
    """A playlist by its own name, whose pieces lie beside it, could be played, and is refused."""
    remux(good, tmp_path / "piece.ts")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npiece.ts\n#EXT-X-ENDLIST\n")
    with av.open(str(playlist)) as followed:
        assert followed.streams.video
    with pytest.raises(BadMedia, match="not a video"):
        await media.probe(playlist)


@pytest.mark.parametrize(
    ("width", "height", "reason"), [(4112, 64, "4112x64, larger than"), (2400, 2400, "2400x2400, larger than")]
)
def test_what_is_too_large_is_refused_before_it_is_decoded(
    tmp_path: Path, width: int, height: int, reason: str
) -> None:
    """Neither side may be longer than a 4K picture's."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=1, width=width, height=height, options={"preset": "ultrafast"}))
    with pytest.raises(BadMedia, match=reason):
        inspect(clip)


def test_what_is_too_long_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """Twenty minutes is the most."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=3, fps=Fraction(1, 500)))
    with pytest.raises(BadMedia, match="25 minutes long, more than the 20"):
        inspect(clip)
