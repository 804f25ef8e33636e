"""Joins clips into one film: measures each, looks at the seams, and decides what is copied and what is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.errors import BadMedia
from engine.film_options import Transition
from engine.media import house, pieces, transitions
from engine.media.agreeing import Agreement, notes
from engine.media.assembly import Assembly, assemble
from engine.media.casting import Cast, cast, lettering_notes
from engine.media.clips import Source, named, read, shown
from engine.media.cores import side_by_side
from engine.media.cutlist import Cut, Made, cut_list, lay
from engine.media.fitting import fit
from engine.media.report import Report
from engine.media.results import Stitched
from engine.media.script import Script

_LONGEST_PIECE_S = 8
_MOST_S = 10.0
"""Of work for a second of 720p."""


def stitch(
    *, script: dict[str, Any], known: dict[str, str], out: Path, scratch: Path, report: Report, **_: Any
) -> dict[str, Any]:
    """`known`: of clips, under the stamps of their files, what was read of them before."""
    wanted = Script.from_json(script)
    count = len(wanted.clips)
    sources = _read(wanted.clips, known)
    pixels = max(source.found.width * source.found.height for source in sources)
    report.allow(float(sum(source.found.seconds for source in sources)), pixels, cost=_MOST_S)
    whole = cast(wanted, sources)
    seen = _look(wanted, sources, whole)
    film = _planned(wanted, sources, whole, seen)
    report.expect(film.work)
    written = scratch / "joined.mp4" if wanted.limit_bytes else out
    assemble(film, written, scratch, report)
    shape = film.plan.shape
    result = Stitched(
        seconds=float(film.frames / shape.rate),
        width=shape.width,
        height=shape.height,
        fps=float(shape.rate),
        frames=film.frames,
        dropped_frames=sum(seam.cut.drops for seam in film.plan.seams),
        copied=not film.made_frames,
        made_frames=film.made_frames,
        seams=tuple(seam for seam, _ in seen),
        notes=(*notes(whole.agreement.converted, count), *lettering_notes(wanted)),
    )
    if wanted.limit_bytes:
        result = _fitted(result, written, out, limit_bytes=wanted.limit_bytes, report=_Later(report, film.work))
    report.expect(0)
    report.advance(0)
    return asdict(result)


def _read(clips: Sequence[Path], known: Mapping[str, str]) -> list[Source]:
    """One after the other: two at once would wait for each other's Python most of the time."""
    sources: list[Source] = []
    for number, clip in enumerate(clips):
        try:
            sources.append(read(clip, known))
        except BadMedia as error:
            raise named(error, number, len(clips)) from error
    return sources


def _look(wanted: Script, sources: Sequence[Source], whole: Cast) -> list[transitions.Looked]:
    """What the pictures at each seam say. At a transition nobody looks."""

    def known(number: int) -> transitions.Looked | None:
        kind = wanted.transitions[number] if wanted.transitions else Transition.CUT
        if kind is not Transition.CUT:
            return transitions.unseen(kind)
        score = wanted.scores[number] if wanted.scores else None
        return transitions.known(sources[number], sources[number + 1], score)

    def look(number: int) -> transitions.Looked:
        levels = wanted.levels and whole.agreement.can_make
        before, after = sources[number], sources[number + 1]
        until_s = wanted.ends[number] if wanted.ends else None
        last = shown(before.found.rate, until_s, before.found.frames) - 1
        try:
            return transitions.look(before, after, last, levels=levels)
        except BadMedia as error:
            raise named(error, number, len(sources)) from error

    found = {number: known(number) for number in range(len(sources) - 1)}
    unknown = [number for number, seen in found.items() if seen is None]
    looked = dict(zip(unknown, side_by_side([partial(look, number) for number in unknown]), strict=True))
    return [seen or looked[number] for number, seen in found.items()]


def _planned(wanted: Script, sources: Sequence[Source], whole: Cast, seen: Sequence[transitions.Looked]) -> Assembly:
    """Which pictures of the film are copied, which are made, and what they are made of."""
    agreement = whole.agreement
    rate = agreement.shape.rate
    counts = [whole.shots[number].count for number in whole.clips]
    seams = _with_cards(transitions.plan(counts, seen, transition_s=wanted.transition_s, rate=rate), whole)
    cuts = [seam.cut for seam in seams]
    layers = lay(whole.shots, cuts)
    stretches = cut_list(whole.shots, layers, cuts, longest=round(rate * _LONGEST_PIECE_S), can_make=agreement.can_make)
    made = sum(isinstance(stretch, Made) for stretch in stretches)
    plan = pieces.Plan(
        shape=agreement.shape,
        kind=_kind(agreement, made, is_preview=wanted.is_preview),
        layers=layers,
        footage=whole.footage,
        seams=seams,
    )
    return Assembly(wanted=wanted, sources=sources, clips=whole.clips, plan=plan, stretches=stretches)


def _with_cards(between: Sequence[pieces.Seam], whole: Cast) -> list[pieces.Seam]:
    """The seams of all shots: what comes before and after the clips fades by itself."""
    plain = pieces.Seam(transition=Transition.CUT, cut=Cut())
    return [*[plain] * whole.clips.start, *between, *[plain] * (len(whole.shots) - whole.clips.stop)]


def _kind(agreement: Agreement, made: int, *, is_preview: bool) -> house.Kind:
    """What made pictures have to be: their parameter sets stand under a number of their own, unless they are the clips' too."""
    shape = agreement.shape
    # Several at once take a core each.
    effort = house.Effort.PREVIEW if is_preview else house.Effort.USUAL
    kind = house.Kind(pixels=shape.pixels, colours=shape.colours, effort=effort, threads=1 if made > 1 else 0)
    if not made or agreement.headers is None or agreement.headers.agrees_with(pieces.headers(shape, kind)):
        return kind
    return replace(kind, sets=agreement.headers.free_number)


class _Later:
    """Reports work that comes after other work."""

    def __init__(self, report: Report, done: float) -> None:
        self._report = report
        self._done = done
        self.allow = report.allow
        self.advance = report.advance

    def expect(self, total: float) -> None:
        self._report.expect(self._done + total)


def _fitted(result: Stitched, film: Path, out: Path, *, limit_bytes: int, report: _Later) -> Stitched:
    """The film under its cap, encoded again only where it is too large."""
    if film.stat().st_size <= limit_bytes:
        film.replace(out)
        return result
    made = fit(
        source=str(film),
        limit_bytes=limit_bytes,
        part=1,
        parts=1,
        needs_sound=False,
        out=out,
        scratch=film.parent,
        report=report,  # type: ignore[arg-type]  # it has all that is asked of one
    )
    return replace(
        result,
        width=made["width"],
        height=made["height"],
        seconds=made["seconds"],
        copied=False,
        made_frames=result.frames,
        notes=(*result.notes, made["sentence"]),
    )
