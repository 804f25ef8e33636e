"""The contact sheet of the animatic renderer for the documentation: `python -m bench.animatic_sheet [docs/animatic.webp]`."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from engine.providers.animatic.film import Film, preview
from engine.providers.animatic.spec import RenderSpec

TILE = (480, 270)
COLUMNS = 3
SHOTS = (
    ("a lighthouse keeper lights the lamp", 7, "painting"),
    ("a boat answers from the fog at night", 1, "painting"),
    ("the keeper opens the door", 3, "painting"),
    ("a traveler walks toward a castle in the mountains at sunset", 2, "painting"),
    ("a fox trots through a misty pine forest at dawn", 1, "painting"),
    ("neon tokyo street at night in the rain, a woman crosses", 1, "painting"),
    ("a whale glides over a coral reef underwater", 1, "painting"),
    ("a rocket flies past a planet in deep space", 2, "painting"),
    ("two children by a campfire in the woods at night with fireflies", 2, "painting"),
    ("a detective waits in a room at dusk", 4, "noir"),
    ("a horse runs through an autumn meadow", 1, "sepia"),
    ("a dragon over the snowy mountains at dawn", 5, "pastel"),
)


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/animatic.webp")
    rows = -(-len(SHOTS) // COLUMNS)
    sheet = Image.new("RGB", (TILE[0] * COLUMNS, TILE[1] * rows))
    for number, (prompt, seed, style) in enumerate(SHOTS):
        spec = RenderSpec(prompt=prompt, seed=seed, style=style, width=1280, height=720, frames=144)
        picture = preview(Film(spec, None, None).frame(78))
        sheet.paste(picture.resize(TILE), (number % COLUMNS * TILE[0], number // COLUMNS * TILE[1]))
    sheet.save(out, quality=80, method=6)
    print(f"{out}: {out.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
