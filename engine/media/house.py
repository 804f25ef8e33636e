"""The house profile: H.264 High, yuv420p, tagged BT.709, constant rate, closed groups; AAC 48 kHz stereo.

One fixed set of options gives every clip of a size and rate the same headers, so that house clips always join by copy. The last
picture is a key picture: it is found at once, and it can be left out at a seam without touching any other. So are two soon after
the beginning: where a seam changes the first pictures, those from the next key picture on stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from engine.media.fit_plan import Aim

SAMPLE_RATE = 48_000
_AUDIO_BITS = 160_000
_FEW_AUDIO_BITS = 96_000
_KEY_S = 4
_LEVEL_4_BLOCKS, _LEVEL_4_BLOCKS_PER_S = 8_192, 245_760
# `stitchable` keeps what depends on the content out of the headers.
_X264 = "keyint={keyint}:min-keyint=12:bframes=3:ref=2:open-gop=0:scenecut=40:stitchable=1"
# Who has few bits has them for the pictures between the key pictures. Both encodes have to agree in all of these.
_FIT_KEY_S = 10
_FIT_X264 = "keyint={keyint}:min-keyint=12:bframes=3:weightp=1:rc-lookahead=30:open-gop=0:scenecut=40:stitchable=1"
_NO_DEBTS, _FEW_DEBTS = "ratetol=0.1", "ratetol=0.2"
"""Who does not know what comes may not count on easier scenes later: a film that begins black came out a tenth too large. Who does
comes closer to what is wanted than with x264's own 1, which ended from 17 percent below it to 4 above.
"""


class Effort(Enum):
    """x264's presets."""

    USUAL = "veryfast"
    SEAM = "superfast"
    """For a few pictures: two thirds of the time, as good and a little larger, under the same headers."""
    PREVIEW = "ultrafast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What pictures beside those of others are: what their pixels mean, and under which number their parameter sets stand."""

    pixels: str = "yuv420p"
    """Or `yuvj420p`."""
    colours: tuple[int, int, int, int] = (1, 1, 1, 1)
    """Primaries, transfer, matrix (ITU-T H.273) and range (1: limited, 2: full), as tags."""
    sets: int = 0
    """The number of the parameter sets: in a track with another encoder's, none of theirs."""
    effort: Effort = Effort.USUAL
    threads: int = 0
    """0: as many as there are cores."""


HOUSE = Kind()


def add_video(film: OutputContainer, width: int, height: int, rate: Fraction, kind: Kind = HOUSE) -> VideoStream:
    """A stream of the house profile; it takes pictures that really are of its kind, by default BT.709, numbered by their `pts`."""
    params = _X264.format(keyint=round(rate * _KEY_S))
    options = {
        "preset": kind.effort.value,
        "crf": "26" if kind.effort is Effort.PREVIEW else "18",
        "profile": "high",
        "forced-idr": "1",
        "x264-params": f"{params}:sps-id={kind.sets}" if kind.sets else params,
    }
    if _blocks(width, height) <= _LEVEL_4_BLOCKS and _blocks(width, height) * rate <= _LEVEL_4_BLOCKS_PER_S:
        options["level"] = "4.0"  # what every phone plays; a larger picture gets the level that it needs
    stream = film.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, kind.pixels
    stream.time_base = 1 / rate
    context = stream.codec_context
    context.time_base = 1 / rate
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = kind.colours
    context.thread_count = kind.threads
    return stream


def hold_rate(stream: VideoStream, aim: Aim, log: Path) -> None:
    """Aim at a size rather than at a quality; to be said before the first picture. What each picture took is noted in `log`."""
    options = {key: value for key, value in stream.codec_context.options.items() if key != "crf"}
    params = _FIT_X264.format(keyint=round(stream.codec_context.rate * _FIT_KEY_S))
    options |= {
        "preset": aim.preset,
        "flags": "+pass2" if aim.reads_log else "+pass1",
        "fastfirstpass": "0",  # what the first encode writes is kept where it is good enough
        "passlogfile": str(log),
        "x264-params": f"{params}:{_FEW_DEBTS if aim.reads_log else _NO_DEBTS}",
    }
    if aim.most_bits_per_s:
        options |= {"maxrate": str(aim.most_bits_per_s), "bufsize": str(aim.buffer_bits)}
    stream.codec_context.options = options
    stream.codec_context.bit_rate = aim.bits_per_s


def _blocks(width: int, height: int) -> int:
    return -(-width // 16) * -(-height // 16)


def add_audio(film: OutputContainer, bits_per_s: int = _AUDIO_BITS) -> AudioStream:
    # The fast coder takes a fifth of the other's time, which would be most of a stitch; with few bits it is heard.
    coder = "fast" if bits_per_s > _FEW_AUDIO_BITS else "twoloop"
    stream = film.add_stream("aac", rate=SAMPLE_RATE, layout="stereo", options={"aac_coder": coder})
    stream.bit_rate = bits_per_s
    return stream


def number(frame: VideoFrame, place: int, rate: Fraction, total: int | None) -> VideoFrame:
    """The picture, ready for the encoder as number `place` of a clip of `total`. None: no picture of it need be a key picture."""
    frame.pts = place
    frame.time_base = 1 / rate
    # Else the kind that it had in the file it came from would be forced on it.
    frame.pict_type = PictureType.I if total is not None and place in key_places(total, rate) else PictureType.NONE
    return frame


def key_places(total: int, rate: Fraction) -> frozenset[int]:
    """Which pictures of a clip have to be key pictures: those half a second and a second from its beginning, and the last one."""
    return frozenset({total - 1} | ({round(rate / 2), round(rate)} if total > rate else set()))
