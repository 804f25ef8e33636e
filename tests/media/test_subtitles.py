"""Words at their times: as files, and as a track in an MP4 that a player can turn off."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from engine.media import subtitles
from engine.media.inspection import inspect
from engine.media.subtitles import Cue, cues, to_srt, to_vtt
from tests.media.makers import Recipe, decoded, make

LONG = "A keeper lights the lamp and waits for a ship that never comes back"
SPANS = [(Fraction(0), Fraction(1)), (Fraction(1), Fraction(4)), (Fraction(4), Fraction(5)), (Fraction(5), Fraction(9))]


def test_each_shot_with_words_has_a_cue_that_ends_before_it() -> None:
    """In one line or two of about the same length, without what no player shows."""
    found = cues([LONG, " ", "", "\x00Der\nFuchs\u202e"], SPANS)
    assert found == [
        Cue(Fraction(0), Fraction(5, 6), "A keeper lights the lamp and waits\nfor a ship that never comes back"),
        Cue(Fraction(5), Fraction(17, 2), "Der Fuchs"),
    ]


def test_a_text_that_nobody_can_read_in_time_is_cut() -> None:
    """At a word, with an ellipsis; one word of ten thousand letters too."""
    for text in ("word " * 2_000, "a" * 10_000):
        (cue,) = cues([text], SPANS[:1])
        assert cue.text.endswith("…")
        assert len(cue.text) <= 301


def test_words_cannot_be_taken_for_marks() -> None:
    """Tags, entities and arrows in a prompt are shown as they were written."""
    hostile = [Cue(Fraction(3723), Fraction(7447, 2), "<b>a & b</b> --> {x}")]
    assert to_vtt(hostile) == ("WEBVTT\n\n01:02:03.000 --> 01:02:03.500\n&lt;b&gt;a &amp; b&lt;/b&gt; --&gt; {x}\n")
    srt = to_srt(hostile)
    assert srt.startswith("1\n01:02:03,000 --> 01:02:03,500\n")
    assert "<b>" not in srt
    assert "{x" not in srt
    assert srt.count("-->") == 1
    assert srt.replace("\u2060", "").endswith("<b>a & b</b> --> {x}\n")


def test_cues_are_apart_in_a_file() -> None:
    """By an empty line, and numbered in SubRip."""
    two = cues(["one", "two"], SPANS[:2])
    assert to_srt(two).split("\n\n")[1].startswith("2\n00:00:01,000 --> 00:00:03,500\ntwo")
    assert to_vtt(two).split("\n\n")[2].startswith("00:00:01.000 --> 00:00:03.500\ntwo")


def test_a_film_has_its_words_as_a_track(tmp_path: Path) -> None:
    """Text and times come back as they went in; pictures, sound and length are not touched."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=48, width=160, height=90, audio_s=2.0))
    written = cues(["<i>Füchse</i> & {Eulen}", "маяк"], [(Fraction(0), Fraction(1)), (Fraction(1), Fraction(2))])
    with av.open(str(clip)) as source, av.open(str(tmp_path / "film.mp4"), "w") as film:
        streams = [film.add_stream_from_template(stream) for stream in source.streams]
        waiting = subtitles.packets(written, subtitles.add_track(film, (160, 90), "eng"))
        film.mux(next(waiting))
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                film.mux(packet)
        for words in waiting:
            film.mux(words)
    with av.open(str(tmp_path / "film.mp4")) as film:
        track = film.streams.subtitles[0]
        assert (track.codec_context.name, track.metadata["language"]) == ("mov_text", "eng")
        shown = [
            (packet.pts, packet.duration, bytes(packet)[2:].decode()) for packet in film.demux(track) if packet.size > 2
        ]
        assert track.time_base == Fraction(1, 1000)
    assert shown == [(0, 833, "<i>Füchse</i> & {Eulen}"), (1000, 833, "маяк")]
    assert decoded(tmp_path / "film.mp4") == decoded(clip)
    before, after = inspect(clip), inspect(tmp_path / "film.mp4")
    assert (after.seconds, after.frames, after.has_audio) == (before.seconds, before.frames, True)
