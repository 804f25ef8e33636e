"""The camera: how story time runs, and where it looks."""

from __future__ import annotations

from dataclasses import dataclass

from engine.providers.animatic.canvas import Moment, parallax

REST_S = 0.8
"""How long the world takes to come to rest at the end of a clip, so that the next clip can begin from rest."""


def ease(part: float) -> float:
    part = min(1.0, max(0.0, part))
    return part * part * (3 - 2 * part)


def ease_softly(part: float) -> float:
    part = min(1.0, max(0.0, part))
    return part**3 * (part * (6 * part - 15) + 10)


def story_time(time_s: float, seconds: float) -> float:
    """Story seconds at a time of the clip: as the clock, then slower and slower until it stands at the last frame."""
    rest = min(REST_S, seconds * 0.3)
    late = time_s - (seconds - rest)
    return time_s if late <= 0 else seconds - rest + late - late * late / (2 * rest)


@dataclass(frozen=True, slots=True)
class Camera:
    """One move over the whole clip."""

    move: str
    margin_x: int
    margin_y: int

    def look(self, progress: float, story_s: float) -> Moment:
        """`progress` 0 to 1, already at rest at its end."""
        part = progress * 0.65 + ease(progress) * 0.35
        reach_x = self.margin_x / 2 / parallax(1.15) * 0.98
        reach_y = self.margin_y / 2 / parallax(1.15) * 0.98
        x = y = 0.0
        match self.move:
            case "right":
                x = reach_x * (2 * part - 1)
            case "left":
                x = reach_x * (1 - 2 * part)
            case "up" | "push":
                y = reach_y * (1 - 2 * part)
            case _:
                y = reach_y * (2 * part - 1)
        return Moment(story_s, progress, x, y)

    def zoom(self, progress: float) -> float:
        part = progress * 0.65 + ease(progress) * 0.35
        match self.move:
            case "push":
                return 1.015 + 0.125 * part
            case "pull":
                return 1.14 - 0.125 * part
            case _:
                return 1.0


def margins(move: str, width: int, height: int) -> tuple[int, int]:
    """How much larger than the frame the plates must be, across and down, in even pixels."""
    if move in ("left", "right"):
        return int(width * 0.20) // 4 * 4, 0
    return 0, int(height * (0.09 if move in ("push", "pull") else 0.15)) // 4 * 4
