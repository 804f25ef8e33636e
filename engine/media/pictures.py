"""Somebody's picture, made safe and plain: RGB, upright, no metadata, at most 2048 pixels a side."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

from engine.errors import BadMedia

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_MIN_SIDE = 64
_MAX_SIDE = 16_384
_MAX_PIXELS = 80_000_000
"""A phone's largest photograph, about 240 MB as RGB."""
_MAX_RATIO = 4
_SIDE = 2048


def write_clean(*, source: str, out: Path, **_: Any) -> dict[str, Any]:
    image = _upright(Path(source))
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    image.save(out, "PNG", compress_level=3)
    return {"width": image.width, "height": image.height}


def write_cropped(*, source: str, out: Path, ratio: tuple[int, int], **_: Any) -> dict[str, Any]:
    """Cut the middle of exactly this shape, with even sides, at most `_SIDE` pixels each."""
    image = _upright(Path(source))
    shape = _largest(ratio, *image.size)
    left, top = (image.width - shape[0]) // 2, (image.height - shape[1]) // 2
    cut = image.crop((left, top, left + shape[0], top + shape[1]))
    size = _largest(ratio, min(shape[0], _SIDE), min(shape[1], _SIDE))
    if size != shape:
        cut = cut.resize(size, Image.Resampling.LANCZOS)
    cut.save(out, "PNG", compress_level=3)
    return {"width": size[0], "height": size[1], "was_width": image.width, "was_height": image.height}


def _largest(ratio: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """The largest size of exactly this ratio, with even sides, that fits in."""
    common = math.gcd(*ratio)
    across, down = ratio[0] // common, ratio[1] // common
    step = 1 if across % 2 == 0 and down % 2 == 0 else 2
    times = min(width // across, height // down) // step * step
    return across * times, down * times


def _upright(path: Path) -> Image.Image:
    """The first picture of the file, without its metadata. Raises BadMedia."""
    if not path.is_file():
        raise BadMedia("The picture's file is missing; send it again.")
    if not path.stat().st_size:
        raise BadMedia("The picture's file is empty; send it again.")
    Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes are checked here; the rest is about metadata that is dropped
        try:
            with Image.open(path, formats=_FORMATS) as image:
                _check_shape(image.width, image.height)
                if image.format == "JPEG":
                    image.draft("RGB", (_SIDE, _SIDE))  # decode at an eighth to a half where that is enough
                image.load()
                return _plain(ImageOps.exif_transpose(image))
        except MemoryError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise BadMedia("The picture has too many pixels; send one of at most 80 megapixels.") from error
        except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError) as error:
            raise BadMedia(
                "The file is not a JPEG, PNG, WebP or GIF picture, or it is damaged; send another."
            ) from error


def _check_shape(width: int, height: int) -> None:
    low, high = sorted((width, height))
    if low < _MIN_SIDE:
        raise BadMedia(f"The picture is {width}x{height}; send one of at least {_MIN_SIDE} pixels a side.")
    if high > _MAX_SIDE or width * height > _MAX_PIXELS:
        raise BadMedia(f"The picture is {width}x{height}; send one of at most {_MAX_PIXELS // 1_000_000} megapixels.")
    if high > low * _MAX_RATIO:
        raise BadMedia(f"The picture is {width}x{height}; send one at most {_MAX_RATIO} times as long as it is wide.")


def _plain(image: Image.Image) -> Image.Image:
    """RGB in sRGB on white; new, so that nothing else of the file goes with it."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    elif image.mode in {"RGB", "CMYK", "L"} and profile:
        image = _to_srgb(image, profile)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        plain = Image.new("RGB", image.size, "white")
        plain.paste(layer, mask=layer.getchannel("A"))
        return plain
    plain = Image.new("RGB", image.size)
    plain.paste(image.convert("RGB"))
    return plain


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours as they are meant; unchanged where the profile is broken."""
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image
