"""The house profile: H.264 High 4.0, BT.709 limited, 24 fps, AAC 48 kHz stereo, in one MP4 whose index stands first."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from engine.media.house import key_places
from engine.providers.animatic.canvas import Canvas
from engine.providers.animatic.noise import Field
from engine.providers.animatic.sound import SAMPLE_RATE
from engine.providers.animatic.spec import FPS

_BT709 = 1
_LIMITED = 1
# One set for all clips: what stands in the stream's headers must be equal, or clips of one size cannot be joined by copy.
_X264 = "keyint=96:min-keyint=12:bframes=3:ref=2:open-gop=0:scenecut=40:threads=1:sliced-threads=0:mbtree=0"
_X264 += ":stitchable=1"  # keeps what depends on the content out of the headers
# mbtree off: with it x264 gave other bytes on every run for some widths (480, 854) on a machine with AVX-512.
VIDEO_OPTIONS: dict[str, object] = {
    "preset": "veryfast",
    "crf": "23",
    "profile": "high",
    "level": "4.0",
    "forced-idr": "1",
    "x264-params": _X264,
}
_EXACT_QP = 12


class Encoder:
    """Writes one clip of `frames` frames. `exact` are those that must be kept as they are given, at whatever size.

    The last frame is a key picture: the next shot finds it at once, and a film can leave it out without touching any other. Two
    soon after the beginning are, so that a transition changes no more frames than it takes.
    """

    def __init__(self, path: Path, size: tuple[int, int], frames: int, sound: Field, exact: frozenset[int]) -> None:
        width, height = size
        self._key_places = key_places(frames, Fraction(FPS))
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._width, self._height = width, height
        self._video = self._container.add_stream("libx264", rate=FPS)
        self._video.width, self._video.height, self._video.pix_fmt = width, height, "yuv420p"
        context = self._video.codec_context
        context.time_base = Fraction(1, FPS)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        self._video.options = VIDEO_OPTIONS | {"x264-params": _X264 + _keeping(exact)}
        self._audio = self._container.add_stream(
            "aac", rate=SAMPLE_RATE, layout="stereo", options={"aac_coder": "fast"}
        )
        self._audio.bit_rate = 128_000
        self._sound, self._written = sound, 0
        self._frame = 0

    def add(self, canvas: Canvas) -> None:
        """The next frame, and the sound up to half a second beyond it."""
        frame = av.VideoFrame(self._width, self._height, "yuv420p")
        for plane, image in zip(frame.planes, (canvas.y, canvas.u, canvas.v), strict=True):
            plane.update(_padded(image, plane.line_size))
        frame.pts, frame.time_base = self._frame, Fraction(1, FPS)
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
        if self._frame in self._key_places:
            frame.pict_type = PictureType.I
        self._container.mux(self._video.encode(frame))
        self._frame += 1
        self._add_sound_until(self._frame * SAMPLE_RATE // FPS + SAMPLE_RATE // 2)

    def _add_sound_until(self, sample: int) -> None:
        total = self._sound.shape[1]
        while self._written < min(sample, total):
            part = np.ascontiguousarray(self._sound[:, self._written : self._written + 1024])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, self._written, Fraction(1, SAMPLE_RATE)
            self._container.mux(self._audio.encode(frame))
            self._written += part.shape[1]

    def finish(self) -> None:
        """Flush both streams and write the index."""
        self._add_sound_until(self._sound.shape[1])
        self._container.mux(self._video.encode(None))
        self._container.mux(self._audio.encode(None))
        self._container.close()


def _keeping(exact: frozenset[int]) -> str:
    """What makes x264 keep these frames. It has no zone for frame 0, whose size follows from the ratio of I to P frames only."""
    ratio = ":ipratio=3.2" if 0 in exact else ""
    zones = "/".join(f"{frame},{frame},q={_EXACT_QP}" for frame in sorted(exact - {0}))
    return ratio + (f":zones={zones}" if zones else "")


def _padded(image: Image.Image, line_size: int) -> bytes:
    """The plane's bytes with each row as long as the encoder's."""
    if line_size == image.width:
        return image.tobytes()
    rows = np.zeros((image.height, line_size), np.uint8)
    rows[:, : image.width] = np.asarray(image)
    return rows.tobytes()
