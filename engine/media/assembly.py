"""Puts a planned film together: makes what is to be made, writes the packets of all stretches, and reads the film back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path

from engine.errors import BadMedia
from engine.film_options import Captions, Transition
from engine.media import pieces, subtitles
from engine.media.audio import Mix, Part
from engine.media.clips import Source, named
from engine.media.cores import side_by_side
from engine.media.cutlist import Copied, Cut, Made, Stretch
from engine.media.headers import merge
from engine.media.inspection import Inspection, inspect
from engine.media.join import Run, Sound, Words, join
from engine.media.report import Report
from engine.media.script import Script
from engine.media.timeline import Grid, Piece, place
from engine.media.verify import Planned, verify

# Costs of one picture relative to each other, for a percentage that runs evenly.
_MAKE, _WRITE, _VERIFY = 20.0, 1.0, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A film, decided down to its packets."""

    wanted: Script
    sources: Sequence[Source]
    clips: range
    """Which of the plan's layers they are."""
    plan: pieces.Plan
    stretches: Sequence[Stretch]

    @property
    def frames(self) -> int:
        """How many pictures the film has."""
        return self.plan.layers[-1].end

    @property
    def made_frames(self) -> int:
        """How many of them are encoded."""
        return sum(stretch.end - stretch.start for stretch in self.stretches if isinstance(stretch, Made))

    @property
    def work(self) -> float:
        """What `assemble` will report, in all."""
        return self.made_frames * _MAKE + self.frames * (_WRITE + _VERIFY)


@dataclass(frozen=True, slots=True)
class _File:
    """Where the packets of a stretch are."""

    path: Path
    packets: range
    ranks: tuple[int, ...]
    """Of these packets, from 0."""
    checksums: tuple[int, ...]
    header: bytes


def assemble(film: Assembly, out: Path, scratch: Path, report: Report) -> None:
    """Write the film.

    Raises:
        BadMedia: a clip turned out to be damaged; `clip` on it says which.
        MediaError: the written film is not what was planned.
    """
    files = _files(film, scratch, report)
    grid = Grid.of(film.plan.shape.rate)
    placed = place(
        [
            Piece(file.ranks, hides_last=len(file.ranks) > stretch.end - stretch.start)
            for file, stretch in zip(files, film.stretches, strict=True)
        ],
        grid.step,
    )
    header = merge([file.header for file in files])
    sound = _sound(film)
    join(
        [Run(video=file.path, packets=file.packets, placed=piece) for file, piece in zip(files, placed, strict=True)],
        out,
        grid,
        header=header,
        sound=sound,
        words=_words(film),
        on_packets=lambda count: report.advance(count * _WRITE),
    )
    planned = Planned(
        placed=placed,
        grid=grid,
        checksums=list(chain.from_iterable(file.checksums for file in files)),
        header=header,
        has_sound=sound.is_there,
        unseen=_unseen(film.stretches, files, header),
    )
    # What is read back comes from memory: the disk can be waited for meanwhile.
    with ThreadPoolExecutor(1) as disk:
        written = disk.submit(_flush, out)
        verify(out, planned, lambda count: report.advance(count * _VERIFY))
        written.result()


def _flush(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _files(film: Assembly, scratch: Path, report: Report) -> list[_File]:
    """The packets of all stretches; those that are not there yet are made now."""
    made = [
        partial(_make, film, scratch, report, number, stretch)
        for number, stretch in enumerate(film.stretches)
        if isinstance(stretch, Made)
    ]
    new = iter(side_by_side(made))
    return [_copied(film, stretch) if isinstance(stretch, Copied) else next(new) for stretch in film.stretches]


def _copied(film: Assembly, stretch: Copied) -> _File:
    source = film.sources[stretch.shot - film.clips.start]
    return _cut_out(source.path, source.found, stretch.packets)


def _make(film: Assembly, scratch: Path, report: Report, number: int, stretch: Made) -> _File:
    made = scratch / f"{number}.mp4"
    try:
        pieces.make(film.plan, stretch.start, stretch.end, made, lambda: report.advance(_MAKE))
    except BadMedia as error:
        layer = film.clips.start if error.clip is None else error.clip
        raise named(error, layer - film.clips.start, len(film.sources)) from error
    found = inspect(made, decode_frames=0)
    return _cut_out(made, found, range(len(found.ranks)))


def _cut_out(path: Path, found: Inspection, packets: range) -> _File:
    ranks = found.ranks[packets.start : packets.stop]
    checksums = found.checksums[packets.start : packets.stop]
    return _File(path, packets, tuple(rank - packets.start for rank in ranks), checksums, found.headers)


def _unseen(stretches: Sequence[Stretch], files: Sequence[_File], header: bytes) -> set[int]:
    """Stretches whose first picture was never decoded just as it stands in the film, byte for byte and with this header, as that of
    a clip was when it came.
    """
    return {
        number
        for number, (stretch, file) in enumerate(zip(stretches, files, strict=True))
        if isinstance(stretch, Made) or file.packets.start or file.header != header
    }


def _sound(film: Assembly) -> Sound:
    wanted, plan = film.wanted, film.plan
    rate = plan.shape.rate
    parts = []
    for number, layer in enumerate(plan.layers):
        before = plan.seams[number - 1].cut if number else Cut()
        after = plan.seams[number].cut if number < len(plan.seams) else Cut()
        source = film.sources[number - film.clips.start] if number in film.clips else None
        parts.append(
            Part(
                source.path if source and source.found.has_audio else None,
                source.found.start_s if source else Fraction(0),
                layer.end / rate,
                overlap_s=after.overlap / rate,
                fade_in_s=before.head / rate if before.head and _fades(plan, number - 1) else Fraction(0),
                fade_out_s=after.tail / rate if after.tail and _fades(plan, number) else Fraction(0),
            )
        )
    mix = Mix(
        music=wanted.music,
        music_volume=wanted.music_volume,
        voice=wanted.voice,
        volume=wanted.volume,
        levels=wanted.levels,
    )
    return Sound(parts=parts, mix=mix)


def _fades(plan: pieces.Plan, seam: int) -> bool:
    return plan.seams[seam].transition is Transition.FADE


def _words(film: Assembly) -> Words:
    """A chapter a clip: the first one begins with the film, the last one ends with it."""
    wanted, plan, clips = film.wanted, film.plan, film.clips
    rate = plan.shape.rate
    starts = [0, *(plan.layers[number].start for number in clips[1:])]
    ends = [*starts[1:], plan.layers[-1].end]
    chapters = []
    if len(wanted.chapters) == len(clips):
        chapters = list(zip(starts, ends, wanted.chapters, strict=True))
    cues: list[subtitles.Cue] = []
    if wanted.captions in {Captions.TRACK, Captions.BOTH} and wanted.caption_texts:
        begins = [plan.layers[number].start for number in clips]
        stops = [*begins[1:], plan.layers[clips[-1]].end]
        spans = [(start / rate, end / rate) for start, end in zip(begins, stops, strict=True)]
        cues = subtitles.cues(wanted.caption_texts, spans)
    return Words(title=wanted.title, chapters=chapters, cues=cues)
