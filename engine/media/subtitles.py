"""Words as a track that a player can turn off, and as files that stand beside a film."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import OutputContainer
from av.packet import Packet
from av.subtitles.stream import SubtitleStream

from engine.media.captions import CLEAN_S
from engine.media.lettering import clean
from engine.media.source import open_packets

_WEBVTT = "webvtt"
_TIME_BASE = Fraction(1, 1000)
_LEAST_S = Fraction(1, 5)
_TRACK_BYTES, _CUE_BYTES = 1024, 64
"""Of a track, and of what stands in its tables for a cue and the pause after it."""
_TEXT_LENGTH = 300
_LINE_LENGTH = 42
"""Of letters, what television takes: longer ones are broken in two."""

# What ffmpeg makes the track's style from. Without it its mov_text encoder does not open.
_STYLE = (
    "[Script Info]\r\nScriptType: v4.00+\r\nPlayResX: {width}\r\nPlayResY: {height}\r\n\r\n[V4+ Styles]\r\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\r\n"
    "Style: Default,Arial,{size},&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0\r\n\r\n[Events]\r\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)


@dataclass(frozen=True, slots=True)
class Cue:
    """Words with the time at which they are shown, in seconds of the film."""

    start_s: Fraction
    end_s: Fraction
    text: str
    """One or two lines."""


def cues(texts: Sequence[str], spans: Sequence[tuple[Fraction, Fraction]]) -> list[Cue]:
    """One for each text that has something to read, over its shot's `spans` (begin and end in seconds, rising, without overlap).

    A cue ends a little before its shot: two shots' words are told apart by the pause.
    """
    found = []
    for text, (start_s, end_s) in zip(texts, spans, strict=True):
        lines = _lines(text)
        rest_s = min(Fraction(CLEAN_S), (end_s - start_s) / 6)
        if lines and end_s - start_s >= _LEAST_S:
            found.append(Cue(start_s, end_s - rest_s, "\n".join(lines)))
    return found


def _lines(text: str) -> list[str]:
    """At most two, of about the same length; what is left over is cut at a word."""
    words = clean(text)
    if len(words) > _TEXT_LENGTH:
        words = words[:_TEXT_LENGTH].rpartition(" ")[0] or words[:_TEXT_LENGTH]
        words += "…"
    if len(words) <= _LINE_LENGTH:
        return [words] if words else []
    breaks = [place for place, letter in enumerate(words) if letter == " "]
    if not breaks:
        return [words]
    middle = min(breaks, key=lambda place: abs(2 * place - len(words)))
    return [words[:middle], words[middle + 1 :]]


def to_srt(written: Sequence[Cue]) -> str:
    """SubRip, which has tags and no way to escape them: what looks like one is broken by a space that cannot be seen."""
    blocks = [
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{_harmless(cue.text)}\n"
        for number, cue in enumerate(written, 1)
    ]
    return "\n".join(blocks)


def to_vtt(written: Sequence[Cue]) -> str:
    """WebVTT, https://www.w3.org/TR/webvtt1/."""
    blocks = [
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{html.escape(cue.text, quote=False)}\n"
        for cue in written
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _harmless(text: str) -> str:
    return text.replace("<", "<\u2060").replace("{", "{\u2060").replace("-->", "--\u2060>")


def _clock(time_s: Fraction, point: str) -> str:
    milliseconds = round(time_s * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{point}{milliseconds:03}"


def add_track(film: OutputContainer, size: tuple[int, int], language: str = "und") -> SubtitleStream:
    """A track of timed text for a picture of `size` (width, height): WebVTT in a WebM, else 3GPP's (TS 26.245, mov_text, tx3g).

    To be added after the tracks of the pictures and the sound. `language` is of three letters, ISO 639-2.
    """
    stream = film.add_stream(_WEBVTT if film.format.name == "webm" else "mov_text")
    assert isinstance(stream, SubtitleStream)  # noqa: S101  # of such a codec
    width, height = size
    style = _STYLE.format(width=width, height=height, size=max(10, round(height * 0.05)))
    stream.codec_context.subtitle_header = style.encode()
    stream.codec_context.time_base = stream.time_base = _TIME_BASE
    stream.metadata["language"] = language
    stream.metadata["handler_name"] = "Captions"
    return stream


def packets(written: Sequence[Cue], stream: SubtitleStream) -> Iterator[Packet[SubtitleStream]]:
    """The track's samples by time. The muxer fills the pauses between them."""
    for cue in written:
        packet: Packet[Any] = Packet(_sample(cue.text, stream.codec_context.name))
        packet.time_base = _TIME_BASE
        packet.pts = packet.dts = round(cue.start_s / _TIME_BASE)
        packet.duration = max(1, round(cue.end_s / _TIME_BASE) - packet.pts)
        packet.stream = stream
        yield packet


def _sample(text: str, codec: str) -> bytes:
    if codec == _WEBVTT:
        return html.escape(text, quote=False).encode()
    written = text.encode()
    return len(written).to_bytes(2, "big") + written


@dataclass(frozen=True, slots=True)
class Track:
    """What a track of timed text shows."""

    cues: tuple[Cue, ...]
    language: str
    """Of three letters, ISO 639-2; `und`: not told."""

    @property
    def bytes(self) -> int:
        """What the track takes in an MP4, at most."""
        return _TRACK_BYTES + sum(_CUE_BYTES + len(cue.text.encode()) for cue in self.cues)


def track_of(path: Path, start_s: Fraction, seconds: Fraction) -> Track | None:
    """What the first track of timed text in an MP4 shows in these seconds, from their beginning; None: there is none.

    `start_s` is on the container's clock.
    """
    with open_packets(path) as (container, _):
        found = next(
            (stream for stream in container.streams.subtitles if stream.codec_context.name == "mov_text"), None
        )
        if found is None:
            return None
        told = []
        for packet in container.demux(found):
            data = bytes(packet)
            text = data[2 : 2 + int.from_bytes(data[:2], "big")].decode(errors="replace").strip()
            if not text or packet.pts is None:
                continue  # a pause
            shown_s = packet.pts * packet.time_base - start_s
            gone_s = shown_s + (packet.duration or 0) * packet.time_base
            if max(shown_s, Fraction(0)) < min(gone_s, seconds):
                told.append(Cue(max(shown_s, Fraction(0)), min(gone_s, seconds), text))
        return Track(tuple(told), str(found.metadata.get("language", "und")))
