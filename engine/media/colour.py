"""Which colours a decoded picture means, and its exact conversion to RGB (HDR toned down) and back to tagged BT.709."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image

from engine.media import hdr

Rgb = npt.NDArray[np.uint8]
"""Height x width x 3."""

# Without these flags the converter takes the chroma of the neighbouring pixel and rounds twice.
EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
_SMALL = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

# Matrix numbers of ITU-T H.273, as they stand on streams and frames.
RGB, BT709, UNSPECIFIED, FCC, BT470BG, SMPTE170M, SMPTE240M, BT2020, BT2020_CL = 0, 1, 2, 4, 5, 6, 7, 9, 10
_CONVERTERS = {
    BT709: Colorspace.ITU709,
    FCC: Colorspace.FCC,
    BT470BG: Colorspace.ITU601,
    SMPTE170M: Colorspace.ITU601,
    SMPTE240M: Colorspace.SMPTE240M,
    BT2020: Colorspace.BT2020,
    BT2020_CL: Colorspace.BT2020,
}
_FILTER_NAMES = {
    Colorspace.ITU709: "bt709",
    Colorspace.FCC: "fcc",
    Colorspace.ITU601: "smpte170m",
    Colorspace.SMPTE240M: "smpte240m",
    Colorspace.BT2020: "bt2020",
}
_HD_HEIGHT = 720


def matrix(colorspace: int, height: int) -> Colorspace:
    """The matrix that a picture uses: its tag, or what players take where there is none."""
    return _CONVERTERS.get(colorspace, Colorspace.ITU709 if height >= _HD_HEIGHT else Colorspace.ITU601)


def is_full_range(frame: VideoFrame) -> bool:
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")


def is_hdr(frame: VideoFrame) -> bool:
    """Whether its light is coded as BT.2100 has it (PQ, HLG)."""
    return frame.color_trc in hdr.NAMES and not frame.format.is_rgb


def to_sdr(frame: VideoFrame) -> VideoFrame:
    """An HDR picture as one of BT.709 in studio range, shown at the same time; not turned any more."""
    toned = to_bt709(to_rgb(frame))
    toned.pts, toned.time_base = frame.pts, frame.time_base
    toned.colorspace = toned.color_primaries = toned.color_trc = BT709
    toned.color_range = ColorRange.MPEG
    return toned


def filter_arguments(frame: VideoFrame) -> str:
    """What the `scale` filter must be told of its input; empty for RGB, which needs no telling."""
    if frame.format.is_rgb:
        return ""
    name = _FILTER_NAMES[matrix(frame.colorspace, frame.height)]
    return f":in_color_matrix={name}:in_range={'pc' if is_full_range(frame) else 'tv'}"


def to_rgb(frame: VideoFrame) -> Rgb:
    """The picture as shown, before rotation; tagged and untagged BT.709 come within 2 of 255, of 10 bits within 3."""
    return _convert(frame, interpolation=EXACT)


def to_small_rgb(frame: VideoFrame, width: int, height: int) -> Rgb:
    """The picture shrunk by area to exactly this size, before rotation."""
    return _convert(frame, interpolation=_SMALL, width=width, height=height)


def to_image(frame: VideoFrame) -> Image.Image:
    """The picture as shown: RGB, rotated as the file asks, square pixels or not."""
    image = Image.fromarray(to_rgb(frame))
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image


def to_bt709(rgb: Rgb) -> VideoFrame:
    """A yuv420p picture that really is BT.709 in studio range, to go with tags that say so."""
    return VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=EXACT,
    )


def _convert(frame: VideoFrame, **how: Any) -> Rgb:
    tones = is_hdr(frame)
    if not frame.format.is_rgb:
        space = matrix(frame.colorspace, frame.height)
        how |= {
            "src_colorspace": space,
            "dst_colorspace": space,
            "src_color_range": ColorRange.JPEG if is_full_range(frame) else ColorRange.MPEG,
            "dst_color_range": ColorRange.JPEG,
        }
    if tones:
        return hdr.toned(np.asarray(frame.reformat(format="rgb48le", **how).to_ndarray(), np.uint16), frame.color_trc)
    return np.asarray(frame.reformat(format="rgb24", **how).to_ndarray(), dtype=np.uint8)
