"""A film as WebM, as GIF and as pictures of its shots: all of it, within the cap, and said what was made smaller."""

from __future__ import annotations

import html
import io
import zipfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from engine import media
from engine.errors import NotPossible
from engine.film_options import FilmFormat
from engine.media import subtitles
from engine.media.exporting import write
from engine.media.results import Exported
from tests.media.makers import RATE, Recipe, flash_and_beep, make, scene, sound_of


def _film(
    path: Path,
    *,
    frames: int = 24,
    size: tuple[int, int] = (128, 72),
    titles: Sequence[str] = (),
    audio_s: float | None = None,
    captions: Sequence[subtitles.Cue] = (),
) -> Path:
    """With a chapter a second for each of the titles."""
    width, height = size
    plain = make(path.with_name("plain.mp4"), Recipe(frames=frames, width=width, height=height, audio_s=audio_s))
    with av.open(str(plain)) as source, av.open(str(path), "w") as film:
        film.metadata["title"] = "Fog"
        film.set_chapters(
            [
                {"id": n, "start": n, "end": n + 1, "time_base": Fraction(1), "metadata": {"title": title}}
                for n, title in enumerate(titles)
            ]
        )
        streams = [film.add_stream_from_template(stream) for stream in source.streams]
        if captions:
            film.mux(list(subtitles.packets(captions, subtitles.add_track(film, size, "eng"))))
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                film.mux(packet)
    return path


def _write(film: Path, kind: FilmFormat, limit_bytes: int | None = None) -> tuple[Path, Exported]:
    out, parts = film.with_name(f"out{kind.suffix}"), list[float]()
    made = write(kind, film, out, limit_bytes=limit_bytes, on_part=parts.append)
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(1)
    assert out.stat().st_size == made.bytes <= (limit_bytes or made.bytes)
    return out, made


def test_a_webm_is_the_whole_film(tmp_path: Path) -> None:
    """VP9 and Opus, every picture at its time, with its colours, title and chapters."""
    out, made = _write(_film(tmp_path / "film.mp4", titles=["k7-1"], audio_s=1.0), FilmFormat.WEBM)
    assert (made.seconds, made.width, made.height) == (1.0, 128, 72)
    assert made.sentence == "WebM (VP9 and Opus), 128x72."
    with av.open(str(out)) as webm:
        assert [stream.codec_context.codec.canonical_name for stream in webm.streams] == ["vp9", "opus"]
        assert (webm.metadata["title"], webm.chapters()[0]["metadata"]["title"]) == ("Fog", "k7-1")
        frames = list(webm.decode(video=0))
    assert len(frames) == 24
    assert max(abs(frame.time - number / 24) for number, frame in enumerate(frames)) < 0.001
    picture = frames[20].to_ndarray(format="rgb24").astype(np.int16)
    assert np.abs(picture - scene(20, 128, 72)).mean() < 12


def test_a_webm_has_the_captions_as_a_track(tmp_path: Path) -> None:
    """At their times; what looks like a tag is none."""
    said = subtitles.cues(["a <b>lamp</b> & an owl", "маяк"], [(Fraction(0), Fraction(1)), (Fraction(1), Fraction(2))])
    out, _ = _write(_film(tmp_path / "film.mp4", frames=48, audio_s=2.0, captions=said), FilmFormat.WEBM)
    with av.open(str(out)) as webm:
        track = webm.streams.subtitles[0]
        assert (track.codec_context.name, track.metadata["language"]) == ("webvtt", "eng")
        shown = [(packet.pts, packet.duration, bytes(packet).decode()) for packet in webm.demux(track) if packet.size]
    assert shown == [
        (round(cue.start_s * 1000), round((cue.end_s - cue.start_s) * 1000), html.escape(cue.text, quote=False))
        for cue in said
    ]


def test_the_sound_of_a_webm_is_in_step(tmp_path: Path) -> None:
    """A flash and a beep at the same time stay at the same time."""
    film = flash_and_beep(tmp_path / "film.mp4", frames=36, flash=24, size=(128, 72))
    out, made = _write(film, FilmFormat.WEBM)
    sound = np.abs(sound_of(out))
    assert np.flatnonzero(sound > 0.1)[0] / RATE == pytest.approx(1.0, abs=0.01)
    assert len(sound) / RATE == pytest.approx(made.seconds, abs=0.021)
    with av.open(str(out)) as webm:
        lit = [frame.time for frame in webm.decode(video=0) if frame.to_ndarray()[:72].mean() > 150]
    assert lit == [pytest.approx(1.0, abs=0.001)]


def test_a_webm_under_a_cap_has_fewer_lines(tmp_path: Path) -> None:
    """And says so; a film without sound has none afterwards."""
    film = _film(tmp_path / "film.mp4", frames=12, size=(640, 360))
    out, made = _write(film, FilmFormat.WEBM, 24_000)
    assert made.height == 240
    assert made.sentence.startswith(f"WebM (VP9), {made.width}x{made.height}, made smaller than 640x360 to fit ")
    with av.open(str(out)) as webm:
        assert not webm.streams.audio
        assert sum(1 for _ in webm.decode(video=0)) == 12


def test_a_gif_moves_as_long_as_the_film(tmp_path: Path) -> None:
    """Endlessly, in the film's colours, never larger than the film is."""
    out, made = _write(_film(tmp_path / "film.mp4"), FilmFormat.GIF)
    assert made.sentence == "GIF without sound, 128x72 at 12.5 pictures a second."
    with GifImageFile(out) as gif:
        assert gif.info["loop"] == 0
        durations = []
        for number in range(gif.n_frames):
            gif.seek(number)
            durations.append(gif.info["duration"])
        gif.seek(6)
        picture = np.asarray(gif.convert("RGB"), np.int16)
    assert sum(durations) / 1000 == pytest.approx(1.0, abs=0.08)
    assert np.abs(picture - scene(12, 128, 72)).mean() < 16


def test_a_gif_under_a_cap_is_smaller_and_says_what_it_was(tmp_path: Path) -> None:
    """Fewer pixels and pictures, down to where it is not worth having."""
    film = _film(tmp_path / "film.mp4", frames=6, size=(256, 144))
    free = _write(film, FilmFormat.GIF)[1]
    made = _write(film, FilmFormat.GIF, free.bytes // 2)[1]
    assert made.width < 256
    assert ", less than 256x144 at 12.5 pictures a second to fit " in made.sentence
    with pytest.raises(NotPossible, match="choose webm or mp4"):
        _write(film, FilmFormat.GIF, 900)


def test_a_long_gif_is_refused_before_any_work(tmp_path: Path) -> None:
    """Three minutes are the most."""
    long = make(
        tmp_path / "long.mp4", Recipe(frames=200, fps=Fraction(1), width=32, height=32), lambda _: scene(0, 32, 32)
    )
    with pytest.raises(NotPossible, match="200 s long"):
        _write(long, FilmFormat.GIF)


def test_the_pictures_of_the_shots_are_named_by_them(tmp_path: Path) -> None:
    """Each shot's first picture, exactly, and the film's last one, in order; names are made harmless."""
    film = _film(tmp_path / "film.mp4", frames=60, titles=["k7-1 Fog", "../..\\маяк: <2>", ""])
    out, made = _write(film, FilmFormat.FRAMES)
    assert made.sentence == "ZIP of 4 PNGs, 128x72."
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["01-k7-1-Fog.png", "02-маяк-2.png", "03-shot.png", "04-last.png"]
        for name, moment in zip(archive.namelist(), (0, 24, 48, 59), strict=True):
            picture = np.asarray(Image.open(io.BytesIO(archive.read(name))), np.int16)
            off = [np.abs(picture - scene(near, 128, 72)).mean() for near in (moment - 1, moment, moment + 1)]
            assert min(off) == off[1] < 9


async def test_the_pictures_of_clips_are_without_the_cards_of_the_film(tmp_path: Path) -> None:
    """Where the clips are known, their own first pictures are taken, each in its own size, and the last one's last."""
    film = _film(tmp_path / "film.mp4", frames=3)
    clips = [make(tmp_path / f"{n}.mp4", Recipe(start=n, frames=3, width=64 + n, height=64)) for n in (40, 80)]
    shots = [(f"k7-{number}", clip) for number, clip in enumerate(clips, 1)]
    made = await media.export(film, tmp_path / "film.zip", FilmFormat.FRAMES, shots=shots)
    assert made.sentence == "ZIP of 3 PNGs, 104x64."
    with zipfile.ZipFile(tmp_path / "film.zip") as archive:
        assert archive.namelist() == ["01-k7-1.png", "02-k7-2.png", "03-last.png"]
        for name, moment, width in zip(archive.namelist(), (40, 80, 82), (104, 144, 144), strict=True):
            picture = np.asarray(Image.open(io.BytesIO(archive.read(name))), np.int16)
            assert np.abs(picture - scene(moment, width, 64)).mean() < 9


def test_pictures_under_a_cap_are_smaller(tmp_path: Path) -> None:
    """And a film without chapters is one shot."""
    film = _film(tmp_path / "film.mp4", frames=3, size=(256, 144))
    free = _write(film, FilmFormat.FRAMES)[1]
    out, made = _write(film, FilmFormat.FRAMES, free.bytes // 2)
    assert "made smaller than 256x144 to fit" in made.sentence
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["01-Fog.png", "02-last.png"]
    with pytest.raises(NotPossible):
        _write(film, FilmFormat.FRAMES, 900)


async def test_an_export_is_made_in_a_child_of_its_own(tmp_path: Path) -> None:
    """With a true percentage; the file is there whole, or not at all."""
    percents: list[float] = []
    film = _film(tmp_path / "film.mp4")
    made = await media.export(film, tmp_path / "film.gif", FilmFormat.GIF, on_progress=percents.append)
    assert made.bytes == (tmp_path / "film.gif").stat().st_size
    assert percents == sorted(percents)
    assert percents[-1] == 100
    with pytest.raises(NotPossible, match="an MP4 already"):
        await media.export(film, tmp_path / "film2.mp4", FilmFormat.MP4)
    assert not (tmp_path / "film2.mp4").exists()
