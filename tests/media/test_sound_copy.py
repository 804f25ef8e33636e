"""A film takes the clips' own packets of sound, and makes new ones only around the seams; nobody can hear where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.media import audio
from engine.media.aac import windows
from tests.media.makers import RATE, remux, tone
from tests.media.sounds import (
    NO_NOISE,
    Sound,
    chirps,
    heard,
    in_a_row,
    level,
    noise,
    packets_of,
    sound_clip,
    track,
)

PLAIN = audio.Mix(levels=False)
FRAMES = [37, 30, 35]
KINDS: Mapping[str, Callable[[float, int], Sound]] = {
    "a tone": lambda seconds, seed: glide(seconds, 440 + 37 * seed),
    "chirps": chirps,
    "noise": lambda seconds, seed: noise(seconds, 0.05, seed),
}


def glide(seconds: float, hertz: float) -> Sound:
    """A tone that rises a little, so that no two packets are the same."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 0.25 * np.sin(2 * np.pi * (hertz * time + 4 * time * time))
    return np.stack([wave, wave]).astype(np.float32)


def copied_of(film: list[bytes], clip: Path) -> tuple[range, range]:
    """Which packets of the film are the clip's, and which of the clip they are."""
    own = packets_of(clip)
    places = {packet: place for place, packet in enumerate(own)}
    found = [(place, places[packet]) for place, packet in enumerate(film) if packet in places and len(packet) > 20]
    assert [second - first for first, second in found] == [found[0][1] - found[0][0]] * len(found)
    return range(found[0][0], found[-1][0] + 1), range(found[0][1], found[-1][1] + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_copied_sound_is_the_clips_own_and_joins_without_a_trace(tmp_path: Path, kind: str) -> None:
    """Bit by bit inside the copied stretches; where they meet made ones it is off by no more than AAC is anyway."""
    sounds = [KINDS[kind](frames / 24, number) for number, frames in enumerate(FRAMES)]
    clips = [sound_clip(tmp_path / f"{number}.mp4", sound, bits_per_s=320_000) for number, sound in enumerate(sounds)]
    film = track(tmp_path / "film.mp4", in_a_row(clips, FRAMES), PLAIN, 320_000)
    got = heard(tmp_path / "film.mp4")
    end = 0
    for clip, sound, frames in zip(clips, sounds, FRAMES, strict=True):
        begin, end = end, end + frames * 2000
        mine, theirs = copied_of(film, clip)
        assert len(mine) > frames * 2000 / 1024 - 8
        own = heard(clip)
        late = (mine.start - theirs.start) * 1024 - begin
        assert abs(late) <= 512
        inside = slice(mine.start * 1024, (mine.stop - 1) * 1024)
        moved = slice(inside.start - begin - late, inside.stop - begin - late)
        assert np.array_equal(got[:, inside], own[:, moved])
        assert -120 < off(got, own, begin, end, late) < max(-50, coding(own, sound) + 3)


def off(got: Sound, own: Sound, begin: int, end: int, late: int) -> float:
    """By how much a film differs from its clip, where most, in dBFS: between the fades, and without what is mirrored there."""
    first, last = begin + max(250, late), end - max(250, -late)
    return worst(got[:, first:last] - own[:, first - begin - late : last - begin - late])


def coding(own: Sound, sound: Sound) -> float:
    """The same for a clip and what was encoded."""
    return worst(own[:, 4096 : sound.shape[1] - 4096] - sound[:, 4096:-4096])


def worst(sound: Sound) -> float:
    return max(level(sound[:, place : place + 256], 0, 1) for place in range(0, sound.shape[1], 256))


def test_a_film_of_one_clip_is_its_packets(tmp_path: Path) -> None:
    """From the first one on, which a decoder needs before time 0, to the last."""
    clip = sound_clip(tmp_path / "clip.mp4", chirps(1.5))
    film = track(tmp_path / "film.mp4", in_a_row([clip], [36]))
    assert film == packets_of(clip)[: len(film)]
    assert len(film) == 72  # 70.3 of them, and the first
    assert np.array_equal(heard(tmp_path / "film.mp4")[:, :71_000], heard(clip)[:, :71_000])
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert container.streams.audio[0].start_time == 0
        assert container.streams.audio[0].duration == 72_000


def test_a_hundred_clips_do_not_drift(tmp_path: Path) -> None:
    """Every click is within 10.7 ms of its place, the hundredth like the first, and the film is as long as the clips."""
    frames = [9, 11, 10, 13]
    clips = []
    for count in frames:
        sound = np.zeros((2, count * 2000), np.float32)
        sound[:, 8000:8400] = tone(400 / RATE, 2400)
        clips.append(sound_clip(tmp_path / f"{count}.mp4", sound))
    parts = in_a_row(clips * 25, frames * 25)
    track(tmp_path / "film.mp4", parts, PLAIN)
    got = heard(tmp_path / "film.mp4")
    total = 25 * sum(frames) * 2000
    assert 0 <= got.shape[1] - total < 1024
    loud = np.flatnonzero(np.abs(got[0]) > 0.05)
    clicks = loud[np.diff(loud, prepend=-9000) > 3000]
    expected = [round(part.end_s * RATE) - frames[place % 4] * 2000 + 8000 for place, part in enumerate(parts)]
    off = clicks - np.array(expected)
    assert len(clicks) == 100
    assert np.abs(off).max() <= 512 + 48
    assert abs(off[:50].mean() - off[50:].mean()) < 100


@pytest.mark.parametrize("other", ["mono", "mp3", "opus in Matroska", "44.1 kHz"])
def test_only_the_sound_of_another_kind_is_made_anew(tmp_path: Path, other: str) -> None:
    """The clips beside it keep their packets, and it sounds as it did."""
    sound = tone(1.5, 700)
    own = [sound_clip(tmp_path / f"{number}.mp4", chirps(1.5, number)) for number in range(2)]
    match other:
        case "mono":
            clip = sound_clip(tmp_path / "other.mp4", sound, layout="mono")
        case "mp3":
            clip = sound_clip(tmp_path / "other.mp4", sound, codec="libmp3lame", options={})
        case "44.1 kHz":
            clip = tmp_path / "other.mp4"
            sound_clip_441(clip, sound)
        case _:
            clip = sound_clip(tmp_path / "other.mkv", sound, codec="libopus", options={})
    film = track(tmp_path / "film.mp4", in_a_row([own[0], clip, own[1]], [36, 36, 36]), PLAIN)
    got = heard(tmp_path / "film.mp4")
    assert len(copied_of(film, own[0])[0]) > 60
    assert len(copied_of(film, own[1])[0]) > 60
    assert level(got, 1.6, 2.9) == pytest.approx(level(sound, 0.1, 1.4), abs=0.6)
    spectrum = np.abs(np.fft.rfft(got[0, round(1.6 * RATE) : round(2.6 * RATE)]))
    assert abs(int(spectrum.argmax()) - 700) <= 1
    assert np.abs(np.diff(got[:, round(1.55 * RATE) : round(2.9 * RATE)])).max() < 0.25 * 2 * np.pi * 700 / RATE * 1.2


def sound_clip_441(path: Path, sound: Sound) -> None:
    whole = sound_clip(path.with_name("whole.mp4"), sound)
    with av.open(str(whole)) as container, av.open(str(path), "w") as film:
        video = film.add_stream_from_template(container.streams.video[0])
        stream = film.add_stream("aac", rate=44_100, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                packet.stream = video
                film.mux(packet)
        resampler = av.AudioResampler("fltp", "stereo", 44_100, frame_size=1024)
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            film.mux(stream.encode(piece))
        film.mux(stream.encode(None))


def test_clocks_in_milliseconds_do_not_keep_packets_from_being_copied(tmp_path: Path) -> None:
    """As Matroska has them."""
    clips = [sound_clip(tmp_path / f"{number}.mp4", chirps(1.5, number)) for number in range(2)]
    loose = remux(clips[1], tmp_path / "loose.mkv")
    exact = track(tmp_path / "exact.mp4", in_a_row(clips, [36, 36]), PLAIN)
    first, second = in_a_row([clips[0], loose], [36, 36])
    later = audio.Part(loose, Fraction(21, 1000), second.end_s)  # Matroska counts from the first packet of all
    film = track(tmp_path / "film.mp4", [first, later], PLAIN)
    assert copied_of(film, loose) == copied_of(exact, clips[1])
    step = heard(tmp_path / "film.mp4") - heard(tmp_path / "exact.mp4")
    assert worst(step[:, : 36 * 2000 - 600]) < -50
    assert worst(step[:, 36 * 2000 + 600 :]) < -50


def test_a_hole_in_a_clips_sound_is_silent_and_as_long(tmp_path: Path) -> None:
    """What is around it stays at its time."""
    whole = sound_clip(tmp_path / "whole.mp4", tone(2.0, 500))
    holed = tmp_path / "holed.mp4"
    with av.open(str(whole)) as container, av.open(str(holed), "w") as film:
        streams = {stream.index: film.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            is_lost = packet.stream.type == "audio" and 24_000 <= (packet.pts or 0) < 48_000
            if packet.size and not is_lost:
                packet.stream = streams[packet.stream.index]
                film.mux(packet)
    track(tmp_path / "film.mp4", in_a_row([holed], [48]))
    got = heard(tmp_path / "film.mp4")
    assert level(got, 0.6, 0.9) < -70
    for begin_s in (0.1, 1.1, 1.6):
        assert level(got, begin_s, begin_s + 0.3) == pytest.approx(level(tone(1.0), 0, 1), abs=0.5)
    assert 96_000 <= got.shape[1] < 97_024


def test_drums_at_a_seam_are_joined_where_the_windows_are_long(tmp_path: Path) -> None:
    """Short windows do not fit to long ones: the next packets that do are taken, so that nothing is off by more than elsewhere."""
    sound = np.zeros((2, 40 * 2000), np.float32)
    for place in range(0, sound.shape[1] - 3000, 5000):
        sound[:, place : place + 3000] = noise(3000 / RATE, 0.3, place) * np.exp(-np.arange(3000) / 300)
    clips = [sound_clip(tmp_path / f"{number}.mp4", np.roll(sound, 900 * number, axis=1)) for number in range(2)]
    own = [heard(clip) for clip in clips]
    bound = max(coding(own[0], sound), coding(own[1], np.roll(sound, 900, axis=1))) + 3
    for frames in range(33, 40):
        film = track(tmp_path / "film.mp4", in_a_row(clips, [frames, 40]), PLAIN)
        got = heard(tmp_path / "film.mp4")
        mine, theirs = copied_of(film, clips[1])
        assert len(mine) > 60
        seam = frames * 2000
        assert off(got, own[0], 0, seam, 0) < bound
        assert off(got, own[1], seam, seam + 80_000, (mine.start - theirs.start) * 1024 - seam) < bound


def test_a_blow_right_after_a_seam_does_not_spoil_what_is_before(tmp_path: Path) -> None:
    """The encoder takes short windows there, to which the soft clip's long ones do not fit: its packets end earlier."""
    soft, blow = chirps(1.5) * 0.1, noise(1.5, 0.3) * np.exp(-np.arange(72_000, dtype=np.float32) / 3000)
    clips = [sound_clip(tmp_path / "soft.mp4", soft), sound_clip(tmp_path / "blow.mp4", blow)]
    own = heard(clips[0])
    for frames in range(30, 36):
        track(tmp_path / "film.mp4", in_a_row(clips, [frames, 36]), PLAIN)
        assert off(heard(tmp_path / "film.mp4"), own, 0, frames * 2000, 0) < -50


def test_a_clip_may_be_left_and_entered_in_its_middle(tmp_path: Path) -> None:
    """At any picture: its own packets begin after the fade and end before it, wherever these lie on the grid."""
    clips = [sound_clip(tmp_path / f"{number}.mp4", chirps(1.5, number)) for number in range(2)]
    own = [heard(clip) for clip in clips]
    for frames in (21, 24, 25):
        cut_off = 3 * (frames - 19)
        parts = [
            audio.Part(clips[0], Fraction(0), Fraction(frames, 24)),
            audio.Part(clips[1], Fraction(cut_off, 24), Fraction(frames + 18, 24)),
        ]
        film = track(tmp_path / "film.mp4", parts, PLAIN, 320_000)
        got, seam, skipped = heard(tmp_path / "film.mp4"), frames * 2000, cut_off * 2000
        mine, theirs = copied_of(film, clips[1])
        late = (mine.start - theirs.start) * 1024 - seam + skipped
        assert abs(late) <= 512
        assert off(got, own[0], 0, seam, 0) < -60
        assert off(got, own[1][:, skipped:], seam, seam + 36_000, late) < -60


def test_no_gap_where_two_clips_are_moved_apart(tmp_path: Path) -> None:
    """One sounds earlier and the next one later than its pictures; all that is heard of it are the fades of 5 ms."""
    for frames in ([37, 30], [30, 37], [31, 37]):
        clips = [
            sound_clip(tmp_path / f"{number}.mp4", noise(count / 24, 0.05, number))
            for number, count in enumerate(frames)
        ]
        track(tmp_path / "film.mp4", in_a_row(clips, frames), PLAIN)
        got = heard(tmp_path / "film.mp4")
        seam_s = frames[0] / 24
        levels = [level(got, seam_s + place / 1000, seam_s + (place + 5) / 1000) for place in range(-25, 25, 5)]
        assert min(levels[:4] + levels[6:]) > level(got, 0.5, 1.2) - 4.5
        assert min(levels) > level(got, 0.5, 1.2) - 15


def test_a_stream_whose_bytes_are_counted_gets_no_packets_of_others(tmp_path: Path) -> None:
    """Else a film under a cap would be larger than planned."""
    clip = sound_clip(tmp_path / "clip.mp4", noise(1.0, 0.05))
    film = track(tmp_path / "film.mp4", in_a_row([clip], [24]), None, 64_000)
    assert not set(film) & set(packets_of(clip))
    assert sum(map(len, film)) * 8 < 80_000


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 40, b"\xde\x04" * 9, bytes(400)])
def test_whatever_is_no_packet_has_no_long_windows(data: bytes) -> None:
    """It is read like any other, and nothing is copied beside it."""
    found = windows(data)
    assert not found.is_long_at_start or not found.is_long_at_end


def test_sound_of_a_kind_that_nobody_knows_is_silent(tmp_path: Path) -> None:
    """The picture decides whether a clip is damaged; the clips beside it sound on."""
    clips = [sound_clip(tmp_path / f"{number}.mp4", chirps(1.5, number)) for number in range(2)]
    clips[1].write_bytes(clips[1].read_bytes().replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"))
    track(tmp_path / "film.mp4", in_a_row([clips[0], clips[1], clips[0]], [36, 36, 36]))
    got = heard(tmp_path / "film.mp4")
    assert level(got, 1.52, 2.98) < -80
    assert min(level(got, 0.1, 1.4), level(got, 3.1, 4.4)) > -30


def test_silence_between_clips_has_their_length(tmp_path: Path) -> None:
    """A card without sound stands between them; the clip after it begins on time."""
    clips = [sound_clip(tmp_path / f"{number}.mp4", tone(1.0, 600), options=NO_NOISE) for number in range(2)]
    parts = [
        audio.Part(clips[0], Fraction(0), Fraction(1)),
        audio.Part(None, Fraction(0), Fraction(3)),
        audio.Part(clips[1], Fraction(0), Fraction(4)),
    ]
    track(tmp_path / "film.mp4", parts)
    got = heard(tmp_path / "film.mp4")
    assert level(got, 1.02, 2.98) < -80
    loud = np.flatnonzero(np.abs(got[0]) > 0.05)
    again = int(loud[np.diff(loud, prepend=0) > 48_000][0])
    assert abs(again - 3 * RATE) <= 512 + 100
