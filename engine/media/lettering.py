"""Letters in pictures, in any script that a font here has: cleaned, broken into lines, measured and drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

OWN_FONT = Path(__file__).parent / "fonts" / "DejaVuSansCondensed.ttf"
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
_NON_JOINER = "\u200c"
"""A control character that is spelling: Persian words are wrong without it."""
_EMOJI_MARKS = frozenset({"\u200d", "\u20e3", "\ufe0e", "\ufe0f"})
_EMOJI_FROM, _EMOJI_TO = "\U0001f000", "\U0001fbff"
_FLAG_A, _FLAG_Z = "\U0001f1e6", "\U0001f1ff"
_NAMED_EMOJI = 3
_BALANCE_STEPS = 6

Run = tuple[ImageFont.FreeTypeFont, str]


@lru_cache(maxsize=1)
def _font_files() -> tuple[Path, ...]:
    return (OWN_FONT, *(path for path in map(Path, _SYSTEM_FONTS) if path.is_file()))


@lru_cache(maxsize=64)
def font_of(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """With letters that are joined and turned to their direction, where Pillow can."""
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    return ImageFont.truetype(str(path), size, layout_engine=engine)


@lru_cache(maxsize=4096)
def _has_letter(path: Path, letter: str) -> bool:
    """Whether the font draws this letter as something else than its empty box."""
    font = font_of(path, 32)
    drawn, missing = font.getmask(letter), font.getmask("\U0010ffff")
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


def clean(text: str) -> str:
    """The text on one line, without control characters and what cannot be drawn by itself; what is beyond 400 letters is cut."""
    plain = unicodedata.normalize("NFC", text[:_MAX_CHARS])
    kept = [
        " " if letter.isspace() else letter
        for letter in plain
        if letter not in _EMOJI_MARKS
        and (
            letter.isspace()
            or letter == _NON_JOINER
            or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn")
        )
    ]
    return " ".join("".join(kept).split())


def without_emoji(text: str) -> str:
    """The text without small coloured pictures: a font of one colour has few of them, and those look like stains."""
    return " ".join("".join(letter for letter in text if not _is_emoji(letter)).split())


def readable(text: str) -> str:
    """The text as it can be drawn here, cleaned; words that stand for it where most of it cannot; empty: nothing is in it.

    Letters in fancy dress become plain ones, a fox's head alone `Fox face`, and Thai without a font for it `(Thai letters)`.
    """
    cleaned = clean(text)
    worded = without_emoji(cleaned)
    spelled = "".join(_spelled(letter) for letter in worded)
    wanted = [letter for letter in worded if letter.isalnum()]
    drawn = [letter for letter in spelled if letter.isalnum()]
    if 2 * len(drawn) >= len(wanted) and spelled.strip():
        return " ".join(spelled.split())
    if wanted:
        return f"({_script(wanted[0])} letters)"
    flags = "".join(chr(ord("A") + ord(letter) - ord(_FLAG_A)) for letter in cleaned if _FLAG_A <= letter <= _FLAG_Z)
    named = [unicodedata.name(letter, "") for letter in cleaned if _is_emoji(letter)]
    return flags or ", ".join([name for name in named if name][:_NAMED_EMOJI]).capitalize()


def left_out(texts: Iterable[str]) -> str | None:
    """A sentence about the letters in these texts that no font here has; None: all of them can be drawn."""
    letters = {letter for text in texts for letter in without_emoji(clean(text)) if letter.isalnum()}
    scripts = sorted({_script(letter) for letter in letters if not _spelled(letter)})
    if not scripts:
        return None
    return f"No font on the server has {' or '.join(scripts)} letters, so cards and burned captions go without them."


def _script(letter: str) -> str:
    """`Thai`, by the letter's name; `CJK` stands for Chinese and what Japanese and Korean took of it."""
    script = unicodedata.name(letter, "unknown").partition(" ")[0]
    return script if script == "CJK" else script.capitalize()


def _spelled(letter: str) -> str:
    """The letter, or plainer ones that mean it, or nothing: no font here has it."""
    if _has_font(letter):
        return letter
    return "".join(plain for plain in unicodedata.normalize("NFKC", letter) if _has_font(plain))


def _has_font(letter: str) -> bool:
    return letter in (" ", _NON_JOINER) or any(_has_letter(path, letter) for path in _font_files())


def _is_emoji(letter: str) -> bool:
    return _EMOJI_FROM <= letter <= _EMOJI_TO and unicodedata.category(letter) in ("So", "Sk")


def runs_of(text: str, size: int) -> list[Run]:
    """The text in pieces, each with a font that has its letters; letters that no font has are left out."""
    runs: list[Run] = []
    for letter in text:
        if runs and (letter in (" ", _NON_JOINER) or _goes_on(runs[-1][0], letter)):
            runs[-1] = (runs[-1][0], runs[-1][1] + letter)
            continue
        path = next((path for path in _font_files() if letter == " " or _has_letter(path, letter)), None)
        if path is None:
            continue
        if runs and runs[-1][0].path == str(path):
            runs[-1] = (runs[-1][0], runs[-1][1] + letter)
        else:
            runs.append((font_of(path, size), letter))
    return runs


def _goes_on(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    """A mark belongs on the letter before it: drawn with another font it would stand beside it."""
    return unicodedata.category(letter).startswith("M") and _has_letter(Path(str(font.path)), letter)


def length(text: str, size: int) -> float:
    """In pixels."""
    return sum(font.getlength(part) for font, part in runs_of(text, size))


def wrap(text: str, size: int, width: float, lines: int = 2) -> list[str]:
    """At most `lines` lines that fit, the last one with an ellipsis where something was cut."""
    done: list[str] = []
    line = ""
    pieces = _pieces(text)
    for number, piece in enumerate(pieces):
        longer = line + piece
        if length(longer.strip(), size) <= width or not line:
            line = longer
            continue
        done.append(line.strip())
        line = piece
        if len(done) == lines:
            return [*done[:-1], shortened(done[-1] + " ", size, width, is_cut=True)]
        if number == len(pieces) - 1:
            break
    done.append(line.strip())
    return [shortened(line, size, width) for line in done if line]


def balanced(text: str, size: int, width: float, lines: int) -> list[str]:
    """As `wrap`, with lines of about the same length where nothing had to be cut: no word stands alone in the last one."""
    best = wrap(text, size, width, lines)
    if len(best) < 2 or best[-1].endswith("…"):
        return best
    narrow, wide = width / len(best) * 0.8, width
    for _ in range(_BALANCE_STEPS):
        middle = (narrow + wide) / 2
        tried = wrap(text, size, middle, lines)
        if len(tried) == len(best) and not any(line.endswith("…") for line in tried):
            best, wide = tried, middle
        else:
            narrow = middle
    return best


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


def shortened(line: str, size: int, width: float, *, is_cut: bool = False) -> str:
    """The line where it fits, else its beginning and an ellipsis. `is_cut`: something of it is missing already."""
    if not is_cut and length(line, size) <= width:
        return line
    while line and length(line.rstrip() + "…", size) > width:
        line = line[: -max(1, len(line) // 16)]
    return line.rstrip() + "…"


def write(
    draw: ImageDraw.ImageDraw, line: str, size: int, at: tuple[float, float], *, fill: int, stroke: int = 0
) -> None:
    """Draw one line on a picture of grey levels; `at` is the left end of the line on which its letters stand."""
    x, baseline = at
    for font, part in in_order(runs_of(line, size), line):
        draw.text((x, baseline), part, font=font, fill=fill, anchor="ls", stroke_width=stroke)
        x += font.getlength(part)


def in_order(runs: Sequence[Run], line: str) -> Sequence[Run]:
    """As they stand from left to right: a line that begins with Hebrew or Arabic is read from the right."""
    turns = next((unicodedata.bidirectional(letter) for letter in line if letter.isalpha()), "L")
    return runs[::-1] if turns in ("R", "AL") else runs
