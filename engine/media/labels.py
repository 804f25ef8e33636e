"""What is said in a video's file beside what it shows: its title, its chapters, its captions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import OutputContainer

from engine.media import subtitles
from engine.media.house import SAMPLE_RATE
from engine.media.join import clean
from engine.media.source import open_packets

_TEXT_BYTES = 512
_CHAPTER_BYTES = 160
"""What a chapter takes beside its title, which stands there twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Of a video, or of a stretch of it."""

    title: str
    chapters: tuple[tuple[Fraction, Fraction, str], ...]
    """Begin and end in seconds, and title."""
    captions: subtitles.Track | None

    @property
    def bytes(self) -> int:
        """What they take in an MP4, at most."""
        titles = (len(title.encode()) for _, _, title in self.chapters)
        chapters = sum(_CHAPTER_BYTES + 2 * length for length in titles)
        return _TEXT_BYTES + len(self.title.encode()) + chapters + (self.captions.bytes if self.captions else 0)


def labels_of(path: Path, start_s: Fraction, seconds: Fraction) -> Labels:
    """Those of the stretch that begins at `start_s` on the container's clock, from its beginning."""
    with open_packets(path) as (container, _):
        chapters = []
        for chapter in container.chapters():
            base = Fraction(chapter["time_base"] or 1)
            begin_s = max(Fraction(0), chapter["start"] * base - start_s)
            end_s = min(seconds, chapter["end"] * base - start_s)
            if begin_s < end_s:
                chapters.append((begin_s, end_s, clean(chapter["metadata"].get("title", ""))))
        title = clean(container.metadata.get("title", ""))
    return Labels(title=title, chapters=tuple(chapters), captions=subtitles.track_of(path, start_s, seconds))


def add_labels(film: OutputContainer, labels: Labels) -> None:
    """Title and chapters. The captions are a track, to be added after those of the pictures and the sound."""
    if labels.title:
        film.metadata["title"] = labels.title
    base = Fraction(1, SAMPLE_RATE)
    film.set_chapters(
        [
            {
                "id": number,
                "start": round(begin_s / base),
                "end": round(end_s / base),
                "time_base": base,
                "metadata": {"title": title or str(number)},
            }
            for number, (begin_s, end_s, title) in enumerate(labels.chapters, 1)
        ]
    )
