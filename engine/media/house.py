"""The house profile: H.264 High, yuv420p, tagged BT.709, constant rate, closed groups; AAC 48 kHz stereo.

One fixed set of options gives every clip of a size and rate the same headers, so that house clips always join by copy. The last
picture is a key picture: it is found at once, and it can be left out at a seam without touching any other.
"""

from __future__ import annotations

from fractions import Fraction

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

SAMPLE_RATE = 48_000
_AUDIO_BITS = 160_000
_KEY_S = 4
_LEVEL_4_BLOCKS, _LEVEL_4_BLOCKS_PER_S = 8_192, 245_760
# `stitchable` keeps what depends on the content out of the headers.
_X264 = "keyint={keyint}:min-keyint=12:bframes=3:ref=2:open-gop=0:scenecut=40:stitchable=1"


def add_video(film: OutputContainer, width: int, height: int, rate: Fraction) -> VideoStream:
    """A stream of the house profile; it takes yuv420p pictures that really are BT.709, numbered by their `pts`."""
    options = {
        "preset": "veryfast",
        "crf": "18",
        "profile": "high",
        "forced-idr": "1",
        "x264-params": _X264.format(keyint=round(rate * _KEY_S)),
    }
    if _blocks(width, height) <= _LEVEL_4_BLOCKS and _blocks(width, height) * rate <= _LEVEL_4_BLOCKS_PER_S:
        options["level"] = "4.0"  # what every phone plays; a larger picture gets the level that it needs
    stream = film.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = 1 / rate
    context = stream.codec_context
    context.time_base = 1 / rate
    context.colorspace = context.color_primaries = context.color_trc = 1
    context.color_range = 1
    return stream


def _blocks(width: int, height: int) -> int:
    return -(-width // 16) * -(-height // 16)


def add_audio(film: OutputContainer) -> AudioStream:
    # The fast coder takes a fifth of the other's time, which would be most of a stitch.
    stream = film.add_stream("aac", rate=SAMPLE_RATE, layout="stereo", options={"aac_coder": "fast"})
    stream.bit_rate = _AUDIO_BITS
    return stream


def number(frame: VideoFrame, place: int, rate: Fraction, *, is_last: bool) -> VideoFrame:
    """The picture, ready for the encoder as number `place` of its clip."""
    frame.pts = place
    frame.time_base = 1 / rate
    # Else the kind that it had in the file it came from would be forced on it.
    frame.pict_type = PictureType.I if is_last else PictureType.NONE
    return frame
