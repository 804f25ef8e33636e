"""One clip from a spec: paint the scene, then put together every frame in order and hand it to the encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from engine.providers.animatic.camera import Camera, ease, ease_softly, margins, story_time
from engine.providers.animatic.canvas import Canvas, Moment, to_mask
from engine.providers.animatic.caption import Caption
from engine.providers.animatic.encode import Encoder
from engine.providers.animatic.ideas import Idea, read_prompt
from engine.providers.animatic.noise import Dice
from engine.providers.animatic.palette import Palette, make_palette, mix
from engine.providers.animatic.particles import Particles
from engine.providers.animatic.pictures import Dissolve, Still
from engine.providers.animatic.placing import place_subjects
from engine.providers.animatic.scenes import SCENE_PAINTERS
from engine.providers.animatic.sound import SAMPLE_RATE, make_sound
from engine.providers.animatic.spec import FPS, RenderSpec
from engine.providers.animatic.stage import Stage

PREVIEW_WIDTH = 480
_PAINTING_SHARE = 0.12
"""How much of the work is done before the first frame, as measured for 8 s of 720p."""

Report = Callable[[float, "Canvas | None"], None]
"""Told of the part done, 0 to 1, and now and then of the newest frame."""


@dataclass(frozen=True, slots=True)
class Seam:
    """When a given picture is on screen, in seconds: alone until `alone_s`, gone at `gone_s`."""

    alone_s: float
    gone_s: float


def seam_of(seconds: float) -> Seam:
    """The times for a clip of this length."""
    alone_s = min(0.5, 0.08 * seconds)
    return Seam(alone_s, alone_s + min(2.0, 0.28 * seconds))


class Film:
    """Everything painted; `frame(number)` puts one frame together."""

    def __init__(self, spec: RenderSpec, first: Path | None, last: Path | None) -> None:
        self.spec = spec
        width, height = spec.width, spec.height
        self.first = None if first is None else Still(first, width, height)
        self.last = None if last is None else Still(last, width, height)
        near = self.first or self.last
        self.idea: Idea = read_prompt(spec.prompt, spec.seed, is_dark_before=None if near is None else near.is_dark)
        self.palette: Palette = make_palette(
            self.idea.mood, spec.style, None if near is None else (near.upper, near.lower)
        )
        self.dice = Dice("film", spec.prompt, spec.seed)
        margin_x, margin_y = margins(self.idea.camera, width, height)
        self.camera = Camera(self.idea.camera, margin_x, margin_y)
        self.stage = Stage(width=width, height=height, margin_x=margin_x, margin_y=margin_y, palette=self.palette,
                           dice=self.dice, idea=self.idea, seconds=spec.seconds)  # fmt: skip
        self.stays_in_picture = self.first is not None and not self.idea.is_known
        if not self.stays_in_picture:
            SCENE_PAINTERS[self.idea.scene](self.stage)
            place_subjects(self.stage)
        names = self.idea.particles or (("dust",) if self.stays_in_picture else ())
        self.particles = [Particles(name, width, height, self.dice, self.palette) for name in names]
        accent = mix(self.palette.light, self.palette.ink("#ffb454"), 0.4)
        tag = f"DRAFT · {spec.caption}" if spec.caption else "DRAFT"
        self.caption = Caption(spec.prompt, tag, width, height, accent)
        self.vignette = _vignette(width, height, 0.62 if spec.style == "noir" else 0.42)
        self.seam = seam_of(spec.seconds)
        self.dissolve = Dissolve(width, height, self.dice) if self.first or self.last else None

    def sound(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """Exactly as long as the frames."""
        samples = self.spec.frames * SAMPLE_RATE // FPS
        return make_sound(self.idea, Dice("sound", self.spec.prompt, self.spec.seed), samples)

    @property
    def exact_frames(self) -> frozenset[int]:
        """The frames that are the given pictures."""
        given = {0} if self.first is not None else set()
        return frozenset(given | ({self.spec.frames - 1} if self.last is not None else set()))

    def frame(self, number: int) -> Canvas:
        """The frame with this number, from 0."""
        spec, seam = self.spec, self.seam
        seconds = spec.seconds
        time_s = number / FPS
        story_s = story_time(time_s, (spec.frames - 1) / FPS)
        total_s = story_time((spec.frames - 1) / FPS, (spec.frames - 1) / FPS)
        moment = self.camera.look(story_s / total_s, story_s)
        canvas = Canvas(spec.width, spec.height)
        begins = self.first is not None and time_s < seam.gone_s
        left_s = (spec.frames - 1 - number) / FPS
        ends = self.last is not None and left_s < seam.gone_s
        only_first = self.first is not None and (self.stays_in_picture or time_s <= seam.alone_s)
        only_last = self.last is not None and left_s <= seam.alone_s
        if not only_first and not only_last:
            self._draw_scene(canvas, moment)
        if self.first is not None and (begins or self.stays_in_picture) and not only_last:
            self._draw_first(canvas, time_s, moment.progress, is_alone=only_first)
        if self.stays_in_picture:
            strength = ease(time_s / 1.2) * ease((seconds - time_s - 0.15) / 0.8)
            for sheet in self.particles:
                sheet.draw(canvas, story_s, strength)
        if ends and self.last is not None and self.dissolve is not None:
            zoom = 1 + 0.06 * ease_softly(left_s / seam.gone_s)
            shown = 1 - ease((left_s - seam.alone_s) / (seam.gone_s - seam.alone_s))
            self.last.draw(canvas, zoom, None if only_last else self.dissolve.masks(shown))
        self.caption.draw(canvas, ease((time_s - 0.35) / 0.5) * ease((seconds - 0.35 - time_s) / 0.5))
        return canvas

    def _draw_scene(self, canvas: Canvas, moment: Moment) -> None:
        for thing in (*self.stage.things, *self.stage.front):
            thing.draw(canvas, moment)
        canvas.zoom(self.camera.zoom(moment.progress), self.stage.focus)
        # The weather thins out as the clip comes to rest: the next one begins on this frame, where rain cannot hang still.
        strength = 0.25 + 0.75 * ease((self.spec.seconds - 0.2 - moment.progress * self.spec.seconds) / 0.9)
        for sheet in self.particles:
            sheet.draw(canvas, moment.story_s, strength)
        canvas.lay_light(16, (0, 0), self.vignette)

    def _draw_first(self, canvas: Canvas, time_s: float, progress: float, *, is_alone: bool) -> None:
        assert self.first is not None  # noqa: S101 - for the type checker
        if self.stays_in_picture:
            self.first.draw(canvas, 1 + 0.075 * progress * progress * (3 - 2 * progress))
            return
        zoom = 1 + 0.08 * ease_softly(time_s / (self.seam.gone_s * 1.4))
        shown = 1 - ease((time_s - self.seam.alone_s) / (self.seam.gone_s - self.seam.alone_s))
        self.first.draw(canvas, zoom, None if is_alone or self.dissolve is None else self.dissolve.masks(shown))


def _vignette(width: int, height: int, strength: float) -> Image.Image:
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    rows = np.linspace(-0.8, 0.8, height, dtype=np.float32)[:, None]
    return to_mask(np.clip((np.sqrt(columns**2 + rows**2) - 0.55) / 0.9, 0, 1) ** 1.6 * np.float32(strength))


def render(spec: RenderSpec, out: Path, report: Report, first: Path | None, last: Path | None) -> None:
    """Write the clip to `out`.

    Raises:
        BadMedia: a given picture cannot be used.
    """
    report(0.0, None)
    film = Film(spec, first, last)
    report(_PAINTING_SHARE * 0.8, None)
    encoder = Encoder(out, (spec.width, spec.height), spec.frames, film.sound(), film.exact_frames)
    for number in range(spec.frames):
        canvas = film.frame(number)
        encoder.add(canvas)
        report(_PAINTING_SHARE + (1 - _PAINTING_SHARE) * (number + 1) / spec.frames * 0.99, canvas)
    encoder.finish()


def preview(canvas: Canvas) -> Image.Image:
    """The frame as a small RGB picture."""
    height = max(2, round(PREVIEW_WIDTH * canvas.height / canvas.width))
    width = PREVIEW_WIDTH
    if height > PREVIEW_WIDTH:
        width, height = round(PREVIEW_WIDTH * canvas.width / canvas.height), PREVIEW_WIDTH
    y, u, v = (
        np.asarray(plane.resize((width, height), Image.Resampling.BOX), np.float32)
        for plane in (canvas.y, canvas.u, canvas.v)
    )
    luma, blue, red = (y - 16) / 219, (u - 128) / 224 * 1.8556, (v - 128) / 224 * 1.5748
    green = luma - (0.2126 * red + 0.0722 * blue) / 0.7152
    rgb = np.stack([luma + red, green, luma + blue], axis=-1)
    return Image.fromarray((np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8))
