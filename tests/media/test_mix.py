"""Music under a film gives way to its sound, a voice to which both give way stands over it, and nothing is too loud."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine import media
from engine.errors import BadMedia
from engine.media import audio
from engine.media.mix import bed
from engine.media.sound_file import check
from tests.media.makers import RATE, make, tone
from tests.media.sounds import Sound, chirps, heard, in_a_row, level, noise, r128, sound_clip, track


def sound_file(path: Path, sound: Sound, codec: str, rate: int = RATE, bits_per_s: int = 128_000) -> Path:
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=rate, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = bits_per_s
        resampler = av.AudioResampler(
            stream.format.name, "stereo", rate, frame_size=stream.codec_context.frame_size or 1024
        )
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            film.mux(stream.encode(piece))
        film.mux(stream.encode(None))
    return path


def without_its_length(path: Path, seconds: int) -> Path:
    """One packet every ten seconds, in a file that does not say how many seconds it has."""
    with av.open(str(path), "w", options={"live": "1"}) as film:
        stream = film.add_stream("libmp3lame", rate=8_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=576)
        frame.sample_rate, frame.pts, frame.time_base = 8_000, 0, Fraction(1, 8_000)
        packet = [*stream.encode(frame), *stream.encode(None)][0]
        for pts in range(0, seconds * 8_000, 80_000):
            packet.pts = packet.dts = pts
            packet.time_base, packet.duration = Fraction(1, 8_000), 576
            film.mux_one(packet)
    return path


def of_tone(sound: Sound, hertz: float, begin_s: float, end_s: float) -> float:
    """How loud one tone is in it, in dBFS of its peak."""
    piece = sound[0, round(begin_s * RATE) : round(end_s * RATE)]
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) * 4 / len(piece)
    place = round(hertz * len(piece) / RATE)
    return 20 * float(np.log10(spectrum[place - 2 : place + 3].max() + 1e-9))


def test_music_lies_under_the_whole_film_and_gives_way_to_its_sound(tmp_path: Path) -> None:
    """Rises in a second, falls in three, is repeated without a hole, and is lower while a shot sounds."""
    music = sound_file(tmp_path / "music.flac", tone(3.1, 2000) * 2, "flac")
    shot = np.zeros((2, 10 * RATE), np.float32)
    shot[:, 3 * RATE : 5 * RATE] = 1.6 * tone(2.0, 300)
    clip = sound_clip(tmp_path / "clip.mp4", shot)
    track(tmp_path / "film.mp4", in_a_row([clip], [240]), audio.Mix(music=music, music_volume=0.5))
    got = heard(tmp_path / "film.mp4")
    assert 10 * RATE <= got.shape[1] < 10 * RATE + 1024
    own = of_tone(got, 2000, 1.2, 1.7)
    assert own == pytest.approx(20 * np.log10(0.25), abs=0.5)
    assert of_tone(got, 2000, 3.5, 4.5) == pytest.approx(own - 13, abs=2)
    assert of_tone(got, 300, 3.5, 4.5) == pytest.approx(20 * np.log10(0.4), abs=0.5)
    assert of_tone(got, 2000, 6.4, 6.9) == pytest.approx(own, abs=1)
    assert min(level(got, place / 20, place / 20 + 0.05) for place in range(20, 140)) > -32
    assert level(got, 0, 0.1) < level(got, 1.2, 1.7) - 12
    assert level(got, 9.8, 10) < level(got, 1.2, 1.7) - 12


def test_a_voice_pushes_shots_and_music_down(tmp_path: Path) -> None:
    """From the film's beginning; where it ends both come back."""
    music = sound_file(tmp_path / "music.wav", tone(4.5, 2000), "pcm_s16le", 44_100)
    voice = sound_file(tmp_path / "voice.mp3", 2 * tone(2.0, 300), "libmp3lame")
    clip = sound_clip(tmp_path / "clip.mp4", tone(4.5, 5000) * 0.2)
    track(tmp_path / "film.mp4", in_a_row([clip], [108]), audio.Mix(music=music, music_volume=1.0, voice=voice))
    got = heard(tmp_path / "film.mp4")
    assert of_tone(got, 300, 0.5, 1.5) == pytest.approx(20 * np.log10(0.5), abs=1)
    assert of_tone(got, 300, 3.0, 4.2) < -60
    for hertz in (2000, 5000):
        assert of_tone(got, hertz, 1.0, 1.8) < of_tone(got, hertz, 2.6, 2.9) - 6


@pytest.mark.parametrize("volume", [0.0, 0.5, 4.0])
def test_the_shots_are_as_loud_as_asked_and_never_too_loud(tmp_path: Path, volume: float) -> None:
    """What would be cut off is pressed down instead, whatever the decoder adds."""
    sound = chirps(1.5) + noise(1.5, 0.03)
    clip = sound_clip(tmp_path / "clip.mp4", sound)
    track(tmp_path / "film.mp4", in_a_row([clip], [36]), audio.Mix(volume=volume))
    got = heard(tmp_path / "film.mp4")
    assert np.abs(got).max() < 1
    if volume <= 1:
        assert level(got, 0.1, 1.4) == pytest.approx(max(-120, level(volume * sound, 0.1, 1.4)), abs=0.5)
    else:
        assert r128(got)[-1] > r128(sound)[-1] + 6


@pytest.mark.parametrize("seconds", [0.02, 0.7, 1.0, 31.0])
def test_music_of_any_length_is_repeated_without_a_hole(tmp_path: Path, seconds: float) -> None:
    """Its end goes into its beginning with even power, and it ends to the sample."""
    music = sound_file(tmp_path / "music.wav", noise(seconds, 0.1), "pcm_s16le")
    total = 36 * RATE if seconds > 1 else 5 * RATE
    made = np.concatenate(list(bed(music, total)), axis=1)
    assert made.shape == (2, total)
    levels = [level(made, begin, begin + 0.1) for begin in np.arange(1, total / RATE - 3.2, 0.1)]
    assert max(levels) - min(levels) < 2.5
    wave = sound_file(tmp_path / "tone.wav", tone(max(0.1, min(seconds, 1.1)) + 0.0007), "pcm_s16le")
    repeated = np.concatenate(list(bed(wave, 5 * RATE)), axis=1)
    assert np.abs(np.diff(repeated)).max() < 2 * 0.25 * 2 * np.pi * 440 / RATE


@pytest.mark.parametrize("codec", ["libmp3lame", "pcm_s16le", "flac", "libopus", "aac"])
def test_any_usual_sound_file_is_taken(tmp_path: Path, codec: str) -> None:
    """And measured."""
    ends = {"libmp3lame": "mp3", "pcm_s16le": "wav", "flac": "flac", "libopus": "ogg", "aac": "m4a"}
    path = sound_file(tmp_path / f"music.{ends[codec]}", tone(1.5), codec)
    assert check(path=str(path))["seconds"] == pytest.approx(1.5, abs=0.06)


async def test_the_sound_of_a_video_can_be_music(tmp_path: Path) -> None:
    """It is looked at in a process of its own, like any file from outside."""
    assert await media.check_sound(sound_clip(tmp_path / "clip.mp4", tone(1.0))) == pytest.approx(1.0, abs=0.03)
    with pytest.raises(BadMedia, match="missing"):
        await media.check_sound(tmp_path / "missing.mp3")


def test_files_that_cannot_be_music_are_refused_with_a_sentence(tmp_path: Path) -> None:
    """No sound, nothing, too long, cut off, another file's name in it: the file is to blame, and nothing else is opened."""
    silent = make(tmp_path / "silent.mp4")
    (tmp_path / "empty.mp3").write_bytes(b"")
    (tmp_path / "text.mp3").write_bytes(b"no sound " * 1000)
    sound_file(tmp_path / "good.wav", tone(1.0), "pcm_s16le")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\ngood.wav\n")
    (tmp_path / "list.mp3").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ngood.wav\n#EXT-X-ENDLIST\n")
    (tmp_path / "concat.wav").write_text("ffconcat version 1.0\nfile good.wav\n")
    hours = tmp_path / "ten hours.wav"
    header = bytearray((tmp_path / "good.wav").read_bytes()[:100])
    size = header.index(b"data") + 4
    header[size : size + 4] = (4_000_000_000).to_bytes(4, "little")
    hours.write_bytes(header)
    os.truncate(hours, 4_000_000_000)  # a file of one great hole
    untold = without_its_length(tmp_path / "untold.mkv", 1_300)
    refused = {
        silent: "no sound in it",
        tmp_path / "missing.mp3": "missing",
        tmp_path / "empty.mp3": "empty",
        tmp_path / "text.mp3": "not sound",
        tmp_path / "list.m3u8": "not sound",
        tmp_path / "list.mp3": "not sound",
        tmp_path / "concat.wav": "not sound",
        hours: "longer than",
        untold: "longer than",
    }
    for path, words in refused.items():
        with pytest.raises(BadMedia, match=words):
            check(path=str(path))
