"""Given first and last frames: read, fitted, kept as planes, zoomed and dissolved."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image, ImageOps

from engine.errors import BadMedia
from engine.providers.animatic.canvas import BICUBIC, BILINEAR, Canvas
from engine.providers.animatic.noise import Dice, Field, clouds
from engine.providers.animatic.palette import Color

MAX_PIXELS = 40_000_000
_EXACT = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)


class Still:
    """A picture in the film's size and colour space."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        """Cut to cover the frame.

        Raises:
            BadMedia: it cannot be read or is too large.
        """
        picture = _read(path)
        if picture.size != (width, height):
            picture = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
        small = np.asarray(picture.resize((32, 18), Image.Resampling.BOX), np.float32) / 255
        self.upper: Color = small[:7].mean((0, 1))
        self.lower: Color = small[8:14].mean((0, 1))
        frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_EXACT,
        )
        planes = [
            np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            for plane in frame.planes
        ]
        self.y, self.u, self.v = (Image.fromarray(np.ascontiguousarray(plane)) for plane in planes)

    @property
    def is_dark(self) -> bool:
        """Whether it looks like evening or night."""
        return float((self.upper + self.lower).mean()) / 2 < 0.5

    def draw(self, canvas: Canvas, zoom: float, masks: tuple[Image.Image, Image.Image] | None = None) -> None:
        """Lay it on the canvas, magnified around its middle; where masks are given, only there."""
        width, height = canvas.width, canvas.height
        y, u, v = self.y, self.u, self.v
        if zoom > 1.00001:
            wide, tall = width / zoom, height / zoom
            left, top = (width - wide) / 2, (height - tall) / 2
            half_box = (left / 2, top / 2, (left + wide) / 2, (top + tall) / 2)
            half_size = (width // 2, height // 2)
            y = y.resize((width, height), BICUBIC, box=(left, top, left + wide, top + tall))
            u, v = u.resize(half_size, BILINEAR, box=half_box), v.resize(half_size, BILINEAR, box=half_box)
        mask, half_mask = masks or (None, None)
        canvas.y.paste(y, (0, 0), mask)
        canvas.u.paste(u, (0, 0), half_mask)
        canvas.v.paste(v, (0, 0), half_mask)


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as opened:
            if opened.width * opened.height > MAX_PIXELS or min(opened.size) < 2:
                raise BadMedia(
                    "The given frame has too many or too few pixels; give a picture of at most 40 megapixels."
                )
            upright = ImageOps.exif_transpose(opened)
            return _on_black(upright)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise BadMedia("The given frame cannot be read as a picture; give a PNG, JPEG or WebP file.") from problem


def _on_black(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return picture.convert("RGB")


class Dissolve:
    """A change with an uneven edge, like ink that runs from the rim inwards."""

    _SOFT = 52

    def __init__(self, width: int, height: int, dice: Dice) -> None:
        quarter = (max(2, width // 4), max(2, height // 4))
        noise = clouds(dice, quarter[0], quarter[1], min(quarter) * 0.4, octaves=5, gain=0.55)
        rows = np.linspace(-0.5, 0.5, quarter[1], dtype=np.float32)[:, None]
        columns = np.linspace(-0.5, 0.5, quarter[0], dtype=np.float32)[None, :]
        order: Field = 0.5 * (1 - np.sqrt(columns**2 + (rows * 0.7) ** 2) / 0.62) + 0.5 * noise
        order = (order - order.min()) / (order.max() - order.min())
        small = Image.fromarray((order * 255).astype(np.uint8))
        self.order = small.resize((width, height), BICUBIC)
        self.half_order = small.resize((width // 2, height // 2), BICUBIC)

    def masks(self, shown: float) -> tuple[Image.Image, Image.Image]:
        """Where the picture is still seen: `shown` 1 everywhere, 0 nowhere."""
        edge = (1 - shown) * (255 + self._SOFT)
        levels = [max(0, min(255, round(255 * (level - edge + self._SOFT) / self._SOFT))) for level in range(256)]
        return self.order.point(levels), self.half_order.point(levels)
