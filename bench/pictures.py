"""Makes `docs/web.png` and `docs/demo.webp`: the real page in a real Chromium, over a house that starts empty.

    python -m bench.pictures

Needs Chromium (NEXTSHOT_CHROMIUM names it) and about a minute. Everything that is seen is rendered while it runs.
"""

from __future__ import annotations

import io
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.web.browser import DemoHouse, Visitor, chromium, open_browser

DOCS = Path(__file__).parents[1] / "docs"
RENDER_MS = 180_000
SIZE = (1280, 860)
SHOWN = (960, 645)
FRAME_MS = 110
MOST_BYTES = 3_000_000


@dataclass
class Recorder:
    """Takes pictures of a page and plays them at one speed, so that waiting is a time lapse."""

    page: Page
    frames: list[Image.Image] = field(default_factory=list)
    durations_ms: list[int] = field(default_factory=list)

    def take(self, hold_ms: int = FRAME_MS) -> None:
        """One picture, shown for so long; an unchanged one makes the last one longer."""
        taken = Image.open(io.BytesIO(self.page.screenshot(animations="allow"))).convert("RGB")
        frame = taken.resize(SHOWN, Image.Resampling.LANCZOS)
        if self.frames and frame.tobytes() == self.frames[-1].tobytes():
            self.durations_ms[-1] += hold_ms
        else:
            self.frames.append(frame)
            self.durations_ms.append(hold_ms)

    def type(self, text: str) -> None:
        """Type it, three signs a picture, and send it."""
        box = self.page.locator("#say")
        box.fill("")
        for at in range(0, len(text), 3):
            box.press_sequentially(text[at : at + 3])
            self.take(90)
        self.take(500)
        box.press("Enter")

    def watch(self, seconds: float, every_s: float) -> None:
        """Take pictures for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            self.take()
            self.page.wait_for_timeout(max(0.0, every_s - (time.monotonic() - began)) * 1000)

    def until_clips(self, count: int) -> None:
        """A time lapse until so many clips are there."""
        until = time.monotonic() + RENDER_MS / 1000
        while self.page.locator(".card video").count() < count and time.monotonic() < until:
            self.take()
            self.page.wait_for_timeout(350)
        self.page.wait_for_timeout(600)
        self.take(900)

    def save(self, path: Path) -> None:
        """As an animated WebP, as good as fits."""
        for quality in (70, 60, 50, 40, 30, 20):
            self.frames[0].save(
                path,
                save_all=True,
                append_images=self.frames[1:],
                duration=self.durations_ms,
                loop=0,
                quality=quality,
                method=4,
            )
            if path.stat().st_size <= MOST_BYTES:
                break
        print(
            f"{path}: {len(self.frames)} frames, {sum(self.durations_ms) / 1000:.0f} s, {path.stat().st_size:,} bytes"
        )


def main() -> None:
    """Make both."""
    executable = chromium()
    if executable is None:
        raise SystemExit("There is no Chromium: install it, or name it in NEXTSHOT_CHROMIUM.")
    with tempfile.TemporaryDirectory(prefix="nextshot-pictures-") as directory, open_browser(executable) as browser:
        house = DemoHouse(Path(directory))
        house.start()
        try:
            _record(browser, house.url)
        finally:
            house.stop()


def _record(browser: Browser, url: str) -> None:
    ana = Visitor(browser, url, name="Ana", width=SIZE[0], height=SIZE[1])
    ben = Visitor(browser, url, name="Ben", width=SIZE[0], height=SIZE[1])
    recorder = Recorder(ana.page)
    recorder.take(1_200)
    recorder.type("/create a lighthouse keeper lights the lamp at dusk --seconds 4")
    recorder.until_clips(1)
    ben.say("/continue a boat answers from the fog")
    recorder.until_clips(2)
    recorder.type("/continue the storm breaks over the sea")
    recorder.until_clips(3)
    ben.say("/continue a1-1 a whale rises under the moon")
    recorder.until_clips(4)
    recorder.type("/stitch")
    recorder.until_clips(5)
    film = ana.page.locator(".card.is-film video")
    expect(film).to_be_visible()
    ana.page.locator(".card.is-film").scroll_into_view_if_needed()
    film.evaluate("video => { video.muted = true; video.controls = false; return video.play(); }")
    recorder.watch(9, 0.3)
    film.evaluate("video => { video.controls = true; video.pause(); video.currentTime = 2; }")
    ana.page.mouse.move(10, 10)
    ana.page.wait_for_timeout(1_500)
    picture = DOCS / "web.png"
    Image.open(io.BytesIO(ana.page.screenshot())).convert("RGB").save(picture, optimize=True)
    print(f"{picture}: {picture.stat().st_size:,} bytes")
    recorder.save(DOCS / "demo.webp")


if __name__ == "__main__":
    main()
