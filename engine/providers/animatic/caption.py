"""The caption: the prompt and the word DRAFT, in any script that a font here has letters for."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from engine.providers.animatic.canvas import Canvas, Ink
from engine.providers.animatic.palette import Color

_OWN_FONT = Path(__file__).parent / "fonts" / "DejaVuSansCondensed.ttf"
_SYSTEM_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf",
    "/usr/share/fonts/truetype/nanum/NanumGothic.ttf",
    "/usr/share/fonts/truetype/unfonts-core/UnDotum.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "/System/Library/Fonts/AppleSDGothicNeo.ttc",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "/Library/Fonts/Arial Unicode.ttf",
)
"""Looked for where our own font has no letter: mostly Chinese, Japanese and Korean."""
_MAX_CHARS = 400
"""More than two lines ever hold."""
_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}

Run = tuple[ImageFont.FreeTypeFont, str]


@lru_cache(maxsize=1)
def _font_files() -> tuple[Path, ...]:
    return (_OWN_FONT, *(path for path in map(Path, _SYSTEM_FONTS) if path.is_file()))


@lru_cache(maxsize=64)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    return ImageFont.truetype(str(path), size, layout_engine=engine)


@lru_cache(maxsize=4096)
def _has_letter(path: Path, letter: str) -> bool:
    """Whether the font draws this letter as something else than its empty box."""
    font = _font(path, 32)
    drawn, missing = font.getmask(letter), font.getmask("\U0010ffff")
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


def clean(text: str) -> str:
    """The text on one line, without control characters and what cannot be drawn by itself."""
    plain = unicodedata.normalize("NFC", text[:_MAX_CHARS])
    kept = [
        " " if letter.isspace() else letter
        for letter in plain
        if letter not in _JOINERS
        and (letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    ]
    return " ".join("".join(kept).split())


def runs_of(text: str, size: int) -> list[Run]:
    """The text in pieces, each with a font that has its letters; letters that no font has are left out."""
    runs: list[Run] = []
    for letter in text:
        path = next((path for path in _font_files() if letter == " " or _has_letter(path, letter)), None)
        if path is None:
            continue
        if runs and runs[-1][0].path == str(path):
            runs[-1] = (runs[-1][0], runs[-1][1] + letter)
        elif runs and letter == " ":
            runs[-1] = (runs[-1][0], runs[-1][1] + " ")
        else:
            runs.append((_font(path, size), letter))
    return runs


def _length(runs: Sequence[Run]) -> float:
    return sum(font.getlength(text) for font, text in runs)


def wrap(text: str, size: int, width: float, lines: int = 2) -> list[str]:
    """At most `lines` lines that fit, the last one with an ellipsis where something was cut."""
    done: list[str] = []
    line = ""
    pieces = _pieces(text)
    for number, piece in enumerate(pieces):
        longer = line + piece
        if _length(runs_of(longer.strip(), size)) <= width or not line:
            line = longer
            continue
        done.append(line.strip())
        line = piece
        if len(done) == lines:
            return [*done[:-1], _shortened(done[-1] + " ", size, width)]
        if number == len(pieces) - 1:
            break
    done.append(line.strip())
    if _length(runs_of(done[-1], size)) > width:
        done[-1] = _shortened(done[-1], size, width)
    return [line for line in done if line]


def _pieces(text: str) -> list[str]:
    """Where a line may break: after a space, and around every character of a script without spaces."""
    pieces: list[str] = []
    word = ""
    for letter in text:
        if unicodedata.east_asian_width(letter) in ("W", "F"):
            pieces.extend(part for part in (word, letter) if part)
            word = ""
        elif letter == " ":
            pieces.append(word + " ")
            word = ""
        else:
            word += letter
    return [*pieces, word] if word else pieces


def _shortened(line: str, size: int, width: float) -> str:
    while line and _length(runs_of(line.rstrip() + "…", size)) > width:
        line = line[: -max(1, len(line) // 16)]
    return line.rstrip() + "…"


class Caption:
    """A bar, the tag and up to two lines over a soft dark edge at the bottom. Opacity comes in 16 steps."""

    def __init__(self, prompt: str, tag: str, width: int, height: int, accent: Color) -> None:
        unit = min(height, round(width * 0.75))
        size = max(12, round(unit * 0.036))
        text = clean(prompt)
        lines = wrap(text, size, width * 0.84)
        lines = [line for line in lines if runs_of(line, size)]
        step = int(size * 1.34)
        tall = int(step * len(lines) + unit * 0.105)
        self.top = (height - tall) // 2 * 2
        tall = height - self.top
        left, first = int(width * 0.06), tall - step * len(lines) - int(unit * 0.042)
        fade = np.linspace(0, 1, tall, dtype=np.float32)[:, None] ** 1.2 * 0.66
        self.shadow = Image.fromarray((np.repeat(fade, width, axis=1) * 255).astype(np.uint8))
        self.text = Image.new("L", (width, tall), 0)
        draw = ImageDraw.Draw(self.text)
        for number, line in enumerate(lines):
            x = float(left)
            for font, part in runs_of(line, size):
                draw.text((x, first + number * step + size), part, font=font, fill=246, anchor="ls")
                x += font.getlength(part)
        small = _font(_OWN_FONT, max(10, round(unit * 0.021)))
        draw.text((left, first - size * 0.10), tag, font=small, fill=176, anchor="ls")
        self.bar = Image.new("L", (width, tall), 0)
        bar_left = left - round(unit * 0.022)
        bar = [
            bar_left,
            first - int(size * 0.78),
            bar_left + max(2, unit // 240),
            first + step * len(lines) - int(size * 0.05),
        ]
        ImageDraw.Draw(self.bar).rectangle(bar, fill=255)
        self.accent = Ink.of(accent)
        self._faded: dict[int, tuple[Image.Image, Image.Image, Image.Image]] = {}

    def draw(self, canvas: Canvas, opacity: float) -> None:
        step = round(opacity * 16)
        if step <= 0:
            return
        if step not in self._faded:
            levels = [level * step // 16 for level in range(256)]
            self._faded[step] = (self.shadow.point(levels), self.text.point(levels), self.bar.point(levels))
        shadow, text, bar = self._faded[step]
        canvas.lay_ink(Ink(16, 128, 128), (0, self.top), shadow)
        canvas.lay_ink(self.accent, (0, self.top), bar)
        canvas.lay_ink(Ink(235, 128, 128), (0, self.top), text)
