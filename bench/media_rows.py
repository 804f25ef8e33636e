"""The rows of `bench.media`: each makes the same with the field's way and with ours, and says whether the goal is met."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import av
import numpy as np

from bench import media_clips as clips
from bench import media_peers as peers
from bench.media_cost import Cost, alone, beside, our_fit, our_last, our_stitch, timed, watched
from bench.media_looks import hashes, is_last, largest_step, played, quality
from engine import media
from engine.film_options import Transition
from engine.media import house
from engine.media.level import drift, levelled
from engine.media.seam import shrink

_CLICK = 2.0
"""A step of the sound so many times as large as the tone's own is heard."""
_LEVEL_MS = 6.0
_ALIKE_DB = 0.5
"""Of PSNR, which stands for one VMAF: that is between a third of a dB (few bits) and one dB (many)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One goal, and what was measured."""

    work: str
    field: str
    ours: str
    ratio: str
    limit: str
    is_met: bool
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How much is measured."""

    runs: int
    is_quick: bool
    scratch: Path


def last_frame(how: How) -> Iterator[Row]:
    short: Cost | None = None
    for group in (250, 30):
        clip, png = clips.full_hd(group), how.scratch / "last.png"
        ours, field = _last(how, clip)
        short = short or ours
        exact = is_last(png, clip)
        yield Row(
            work=f"last frame, 1080p30 10 s, key picture every {group}",
            field=f"{peers.NAME} reverse {field}",
            ours=str(ours),
            ratio=f"{field.wall_s / ours.wall_s:.1f}x faster",
            limit=">= 8x, < 120 MB, exact",
            is_met=field.wall_s / ours.wall_s >= 8 and ours.peak_mb < 120 and exact,
            notes=[f"{'the same pixels as' if exact else 'NOT'} the last picture of a full decode"],
        )
    assert short is not None
    clip, png = clips.full_hd_minute(), how.scratch / "minute.png"
    asyncio.run(media.last_frame(clip, png))
    walls = [timed(lambda: media.last_frame(clip, png)) for _ in range(how.runs)]
    ours = alone(our_last(clip, png))
    exact = png.read_bytes() == (how.scratch / "last-250.png").read_bytes()
    wall_s = statistics.median(walls)
    field_words = "reverse: not run (quick, or less than 8 GB of memory free)"
    if not how.is_quick and _free_mb() > 8000:
        field_words = f"{peers.NAME} reverse {watched(peers.reverse(clip, how.scratch / 'peer.png'))}"
    yield Row(
        work="last frame, 1080p30 60 s",
        field=field_words,
        ours=str(Cost(wall_s=wall_s, cpu_s=ours.cpu_s, peak_mb=ours.peak_mb)),
        ratio=f"{wall_s / short.wall_s:.2f} of the 10 s",
        limit="<= 1.5 of the 10 s, exact",
        is_met=wall_s / short.wall_s <= 1.5 and exact,
        notes=[] if exact else ["NOT the last picture"],
    )


def _last(how: How, clip: Path) -> tuple[Cost, Cost]:
    png = how.scratch / "last.png"
    ours, field = beside(
        how.runs,
        lambda: media.last_frame(clip, png),
        our_last(clip, png),
        peers.reverse(clip, how.scratch / "peer.png"),
    )
    if "250" in clip.name:
        (how.scratch / "last-250.png").write_bytes(png.read_bytes())
    return ours, field


def stitch(how: How) -> Iterator[Row]:
    made, film, field_film = clips.agreeing(6), how.scratch / "film.mp4", how.scratch / "field.mp4"
    script = _as_measured(made, film)
    ours, field = beside(
        how.runs, lambda: media.stitch(script, film), our_stitch(script, film), peers.concat(made, field_film)
    )
    told = asyncio.run(media.stitch(script, film))
    step, field_step = (largest_step(path) / clips.LOUD_STEP for path in (film, field_film))
    ratio = ours.wall_s / field.wall_s
    yield Row(
        work="stitch 6 x 8 s 720p with sound",
        field=f"{peers.NAME} copy {field}",
        ours=str(ours),
        ratio=f"{ratio:.2f}",
        limit="<= 2, no click, doubled gone",
        is_met=ratio <= 2 and step < _CLICK and told.dropped_frames == len(made) - 1 and told.copied,
        notes=[
            f"largest step of the sound (click: {_CLICK:g}): the field {field_step:.1f}, ours {step:.1f} times the tone's own",
            f"pictures: the field {played(field_film).frames}, ours {told.frames}: {told.dropped_frames} doubled ones left out",
        ],
    )


def silent(how: How) -> Iterator[Row]:
    made, film, field_film = clips.agreeing(6, has_sound=False), how.scratch / "film.mp4", how.scratch / "field.mp4"
    script, unmeasured = _as_measured(made, film), media.Script(clips=tuple(made))
    strange = replace(script, clips=tuple(Path(shutil.copy(clip, how.scratch)) for clip in made))
    ours, started = beside(
        how.runs, lambda: media.stitch(script, film), our_stitch(script, film), peers.concat(made, field_film)
    )
    warm_s = float(watched(peers.concat_warm(made, field_film, how.runs)).said)
    bytes_s = statistics.median(
        timed(lambda: asyncio.to_thread(peers.bytes_alone, made, film)) for _ in range(how.runs)
    )
    read_s = statistics.median(timed(lambda: media.stitch(strange, film)) for _ in range(how.runs))
    looked_s = statistics.median(timed(lambda: media.stitch(unmeasured, film)) for _ in range(how.runs))
    yield Row(
        work="the same, silent",
        field=f"PyAV copy in a running process {warm_s * 1000:.0f} ms",
        ours=str(ours),
        ratio=f"{ours.wall_s / warm_s:.2f}, of bytes {ours.wall_s / bytes_s:.2f}",
        limit="<= 1 of PyAV's, <= 3 of the bytes",
        is_met=ours.wall_s <= warm_s and ours.wall_s <= 3 * bytes_s,
        notes=[
            f"{peers.NAME} copy in a process of its own {started}; the bytes alone, to the disk: {bytes_s * 1000:.0f} ms",
            f"of clips that came to another process: {read_s * 1000:.0f} ms; whose seams nobody measured: {looked_s * 1000:.0f} ms",
        ],
    )


def _as_measured(made: Sequence[Path], film: Path) -> media.Script:
    """The script that the engine writes for clips that go on from each other: they and how they do were measured when they came."""
    for clip in made:
        asyncio.run(media.probe(clip))
    looked = asyncio.run(media.stitch(media.Script(clips=tuple(made)), film))
    return media.Script(clips=tuple(made), scores=tuple(seam.score for seam in looked.seams))


def dissolve(how: How) -> Iterator[Row]:
    made, film, field_film = clips.agreeing(6), how.scratch / "film.mp4", how.scratch / "field.mp4"
    script = media.Script(clips=tuple(made), transitions=(Transition.DISSOLVE,) * 5, transition_s=0.5)
    field = watched(peers.dissolve(made, field_film))
    told = asyncio.run(media.stitch(script, film))
    ours = alone(our_stitch(script, film), min(3, how.runs))
    known = {one for clip in made for one in hashes(clip)}
    same = sum(one in known for one in hashes(film))
    wanted = told.frames - told.made_frames
    yield Row(
        work="stitch 6 x 8 s, 0.5 s dissolve at every seam",
        field=f"PyAV xfade, all encoded {field}",
        ours=str(ours),
        ratio=f"{ours.cpu_s / field.cpu_s:.2f} of the CPU",
        limit="<= 0.2 of the CPU, copies identical",
        is_met=ours.cpu_s / field.cpu_s <= 0.2 and same >= wanted,
        notes=[
            f"{told.made_frames} of {told.frames} pictures made; {same} are the same as in the clips, {wanted} were to be"
        ],
    )


def fit(how: How) -> Iterator[Row]:
    seconds, limit = (12, 2_000_000) if how.is_quick else (60, 10_000_000)
    source = clips.hard(seconds)
    film, slow, found = (how.scratch / f"{name}.mp4" for name in ("fitted", "slow", "found"))
    ours = alone(our_fit(source, film, limit))
    best = watched(peers.two_pass(source, slow, limit))
    field = watched(peers.crf_search(source, found, limit))
    sentence, encodes = ours.said.split("|")
    sizes = {path: path.stat().st_size for path in (film, slow, found)}
    seen = {path: quality(source, path) for path in sizes}
    less_db, worst_less_db = seen[film].mean_db - seen[slow].mean_db, seen[film].worst_db - seen[slow].worst_db
    ratio = ours.cpu_s / field.cpu_s
    yield Row(
        work=f"{seconds} s of 720p into {limit / 1e6:g} MB",
        field=f"CRF search {field}",
        ours=str(ours),
        ratio=f"{ratio:.2f} of the CPU, {less_db:+.2f} dB",
        limit=f"<= 0.25 of the CPU, >= -{_ALIKE_DB} dB of two-pass slow",
        is_met=ratio <= 0.25 and less_db >= -_ALIKE_DB and sizes[film] <= limit,
        notes=[
            f"{sentence} {encodes} encode(s); two-pass slow took {best}",
            *(
                f"{path.stem}: {sizes[path] / limit:.1%} of the cap, PSNR {one.mean_db:.2f} dB, worst {one.worst_db:.2f}"
                for path, one in seen.items()
            ),
            f"worst hundredth {worst_less_db:+.2f} dB; PSNR stands for VMAF, which is not in PyAV: {_ALIKE_DB} dB for one VMAF",
        ],
    )


def hundred(how: How) -> Iterator[Row]:
    ten = clips.agreeing(10)
    film, field_film = how.scratch / "film.mp4", how.scratch / "field.mp4"
    found: dict[int, Cost] = {}
    field: dict[int, Cost] = {}
    for count in (10, 100):
        links = [how.scratch / f"{count}-{number}.mp4" for number in range(count)]
        for number, link in enumerate(links):
            link.symlink_to(ten[number % 10])
        script = media.Script(clips=tuple(links))
        runs = min(3, how.runs) if count == 10 or not how.is_quick else 1
        found[count], field[count] = beside(
            runs,
            lambda script=script: media.stitch(script, film),  # type: ignore[misc]  # bound early
            our_stitch(script, film),
            peers.concat(links, field_film),
        )
    time_ratio = found[100].wall_s / found[10].wall_s / 10
    memory_ratio = found[100].peak_mb / found[10].peak_mb
    shown = played(film)
    apart_ms = abs(shown.seconds - shown.sound_s) * 1000
    yield Row(
        work="100 clips of 8 s, beside 10",
        field=f"{peers.NAME} copy {field[10]}, of 100 {field[100]}",
        ours=f"{found[10]}, of 100 {found[100]}",
        ratio=f"{time_ratio:.2f} time a clip, {memory_ratio:.2f} memory",
        limit="time and memory a clip as for 10 (<= 1.2; memory of all <= 2)",
        is_met=time_ratio <= 1.2 and memory_ratio <= 2 and apart_ms <= 1000 / 24,
        notes=[f"at the end of 100 clips sound and picture are {apart_ms:.1f} ms apart"],
    )


def mixed(how: How) -> Iterator[Row]:
    made, film, field_film = clips.mixed(), how.scratch / "film.mp4", how.scratch / "field.mp4"
    script = media.Script(clips=tuple(made))
    try:
        field, field_shown = f"{peers.NAME} copy {watched(peers.concat(made, field_film))}", str(played(field_film))
    except RuntimeError as error:  # ffmpeg ends well with a broken film; PyAV breaks off
        field, field_shown = f"{peers.NAME} copy breaks off", str(error).strip().splitlines()[-1]
    ours = alone(our_stitch(script, film))
    told = asyncio.run(media.stitch(script, film))
    wanted_s = sum(asyncio.run(media.probe(clip, decode=False)).seconds for clip in made)
    wanted_s -= told.dropped_frames / told.fps
    ours_shown = played(film)
    off_s = abs(ours_shown.seconds - wanted_s)
    is_whole = not ours_shown.error and ours_shown.frames == told.frames and ours_shown.is_even
    together = abs(ours_shown.seconds - ours_shown.sound_s) <= 1 / told.fps
    yield Row(
        work="mixed rate, size, codec, sound",
        field=field,
        ours=str(ours),
        ratio=f"{off_s * 1000:.0f} ms off",
        limit="plays to its end, length within a picture a seam",
        is_met=is_whole and together and off_s <= (len(made) - 1) / told.fps,
        notes=[
            f"the field's film: {field_shown}",
            f"ours: {ours_shown}, of {wanted_s:.2f} s",
            *told.notes,
        ],
    )


def level(how: How) -> Iterator[Row]:
    """In this process, by its processor time: it is a part of making a picture, and no call of its own."""
    with av.open(str(clips.agreeing(1)[0])) as clip:
        frames = list(islice(clip.decode(video=0), 12))
    later = shrink(frames[0])
    warmer = np.clip(later * np.array([1.08, 1.02, 0.93]) + 4, 0, 255).astype(np.uint8)
    seen = drift(warmer, later)
    with av.open(str(how.scratch / "field.mp4"), "w") as film:
        video = house.add_video(film, *clips.HD, clips.RATE, house.Kind(effort=house.Effort.SEAM, threads=1))
        begun = time.process_time()
        for place, frame in enumerate(frames):
            film.mux(video.encode(house.number(frame, place, clips.RATE, None)))
        film.mux(video.encode(None))
        field_ms = (time.process_time() - begun) / len(frames) * 1000
    costs = []
    for _ in range(how.runs + 1):
        begun = time.process_time()
        for frame in frames:
            levelled(frame, seen, 0.7)
        costs.append((time.process_time() - begun) / len(frames) * 1000)
    ours_ms = statistics.median(costs[1:])
    yield Row(
        work="a 720p picture of a seam levelled in light and colour",
        field=f"to encode it (x264 superfast) {field_ms:.1f} CPU-ms",
        ours=f"{ours_ms:.1f} CPU-ms",
        ratio=f"{ours_ms / field_ms:.2f}",
        limit=f"<= {_LEVEL_MS:g} CPU-ms",
        is_met=seen.is_visible and ours_ms <= _LEVEL_MS,
    )


def _free_mb() -> float:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6


ROWS: Mapping[str, Callable[[How], Iterator[Row]]] = {
    "last": last_frame,
    "stitch": stitch,
    "silent": silent,
    "dissolve": dissolve,
    "level": level,
    "hundred": hundred,
    "mixed": mixed,
    "fit": fit,
}
