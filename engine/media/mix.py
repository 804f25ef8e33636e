"""What is laid over the sound of the shots: a music bed that gives way to it, and a voice to which both give way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext

from engine.errors import BadMedia
from engine.media.aac import FRAME, Sound, to_frame
from engine.media.house import SAMPLE_RATE
from engine.media.sound_file import samples

# From -34 dBFS on the louder one pushes the other down, by 13 dB at most; it comes back within a second.
_DUCK = "threshold=0.02:ratio=8:mix=0.78:attack=20:release=500"
# A dB and a half is left for what AAC adds to a peak.
_LIMIT = "limit=0.84:level=disabled:attack=5:release=50:latency=1"
_FADE_IN = SAMPLE_RATE
_FADE_OUT = 3 * SAMPLE_RATE
_CROSSING = SAMPLE_RATE
"""Over so many samples the music's end goes into its beginning; over a quarter of it where it is short."""
_SHORTEST = SAMPLE_RATE // 100
_KEPT = 30 * SAMPLE_RATE
"""Music of at most so many samples is decoded once and kept, however often it is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How a film sounds beside its shots. Volumes: times as loud, 1 is as it is."""

    music: Path | None = None
    music_volume: float = 0.5
    voice: Path | None = None
    volume: float = 1.0
    """Of the shots."""
    levels: bool = True
    """Even out steps of loudness at the seams."""

    @property
    def is_plain(self) -> bool:
        """Whether what is heard is the shots as they are."""
        return self.music is None and self.voice is None and self.volume == 1


def mixed(shots: Iterator[Sound], mix: Mix, total: int) -> Iterator[Sound]:
    """The film's sound of `total` samples, FRAME at a time, nowhere louder than a player can play; `shots` come the same way.

    Raises:
        BadMedia: the music or the voice cannot be read.
    """
    if mix.is_plain:
        yield from shots
        return
    desk = _Desk(has_voice=mix.voice is not None, has_music=mix.music is not None)
    inputs: list[Iterator[Sound]] = [(frame * mix.volume for frame in shots)]
    if mix.voice:
        inputs.append(framed(samples(mix.voice), total))
    if mix.music:
        inputs.append(frame * mix.music_volume for frame in framed(bed(mix.music, total), total))
    for number, tracks in enumerate(zip(*inputs, strict=True)):
        yield from desk.take(tracks, number * FRAME)
    yield from desk.end()


def framed(blocks: Iterator[Sound], total: int) -> Iterator[Sound]:
    """Exactly `total` samples of it, FRAME at a time, the last ones maybe fewer; silence where it ends earlier."""
    held = np.zeros((2, 0), np.float32)
    for done in range(0, total, FRAME):
        wanted = min(FRAME, total - done)
        while held.shape[1] < wanted:
            block = next(blocks, None)
            held = np.concatenate([held, np.zeros((2, wanted), np.float32) if block is None else block], axis=1)
        yield held[:, :wanted]
        held = held[:, wanted:]


def bed(path: Path, total: int) -> Iterator[Sound]:
    """Music of `total` samples in blocks, repeated as often as it takes, faded in and out.

    Raises:
        BadMedia: it cannot be read, or there is no sound in it.
    """
    fade_in, fade_out = min(_FADE_IN, total // 4), min(_FADE_OUT, total // 2)
    done = 0
    for block in _repeated(path):
        piece = block[:, : total - done]
        places = np.arange(done, done + piece.shape[1])
        rise = np.clip((places + 0.5) / max(1, fade_in), 0, 1)
        fall = np.clip((total - places - 0.5) / max(1, fade_out), 0, 1)
        yield (piece * np.sin(np.pi / 2 * rise) * np.sin(np.pi / 2 * fall)).astype(np.float32)
        done += piece.shape[1]
        if done >= total:
            return


def _repeated(path: Path) -> Iterator[Sound]:
    """Without an end: the last second of each time lies over the first of the next one, with equal power."""
    kept: list[Sound] | None = None
    ending = np.zeros((2, 0), np.float32)
    while True:
        held, heard, blocks = np.zeros((2, 0), np.float32), 0, []
        for block in _gathered(samples(path)) if kept is None else kept:
            heard += block.shape[1]
            if heard <= _KEPT:
                blocks.append(block)
            held = np.concatenate([held, block], axis=1)
            if 0 < (crossing := ending.shape[1]) <= held.shape[1]:
                held[:, :crossing] = _crossed(ending, held[:, :crossing])
                ending = ending[:, :0]
            if held.shape[1] > 2 * _CROSSING:
                yield held[:, :-_CROSSING]
                held = held[:, -_CROSSING:]
        if heard < _SHORTEST:
            raise BadMedia("The music holds no sound that can be played; use another file.")
        kept = blocks if heard <= _KEPT else None
        until = held.shape[1] - min(_CROSSING, heard // 4)
        yield held[:, :until]
        ending = held[:, until:]


def _gathered(blocks: Iterator[Sound]) -> Iterator[Sound]:
    """The same in blocks of about a second: joining them costs by the block."""
    gathered: list[Sound] = []
    for block in blocks:
        gathered.append(block)
        if sum(piece.shape[1] for piece in gathered) >= SAMPLE_RATE:
            yield np.concatenate(gathered, axis=1)
            gathered = []
    if gathered:
        yield np.concatenate(gathered, axis=1)


def _crossed(before: Sound, after: Sound) -> Sound:
    way = np.pi / 2 * (np.arange(before.shape[1]) + 0.5) / before.shape[1]
    down, up = np.cos(way).astype(np.float32), np.sin(way).astype(np.float32)
    crossed: Sound = before * down + after * up
    return crossed


class _Desk:
    """The filters through which shots, voice and music go, a frame of each at a time."""

    def __init__(self, *, has_voice: bool, has_music: bool) -> None:
        self._graph = Graph()
        self._sources = [self._source() for _ in range(1 + has_voice + has_music)]
        shots, *others = [(source, 0) for source in self._sources]
        heard = []
        if has_voice:
            voice = self._add("asplit", str(2 + has_music), others[0])
            shots = self._add("sidechaincompress", _DUCK, shots, (voice, 0)), 0
            heard.append((voice, 1))
        if has_music:
            split = self._add("asplit", "2", shots)
            shots, key = (split, 0), (split, 1)
            if has_voice:
                key = self._add("amix", "inputs=2:normalize=0", key, (voice, 2)), 0
            heard.append((self._add("sidechaincompress", _DUCK, others[-1], key), 0))
        heard.append(shots)
        together = (self._add("amix", f"inputs={len(heard)}:normalize=0", *heard), 0) if len(heard) > 1 else shots
        limited = self._add("alimiter", _LIMIT, together), 0
        cut = self._add("asetnsamples", f"n={FRAME}:p=0", limited), 0
        kind = f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={SAMPLE_RATE}"
        self._sink = self._add("abuffersink", None, (self._add("aformat", kind, cut), 0))
        self._graph.configure()

    def take(self, tracks: Sequence[Sound], place: int) -> Iterator[Sound]:
        """Give a frame of each input; what has come through."""
        for source, track in zip(self._sources, tracks, strict=True):
            source.push(to_frame(track, place))
        return self._heard()

    def end(self) -> Iterator[Sound]:
        """What is still in the filters."""
        for source in self._sources:
            source.push(None)
        return self._heard()

    def _heard(self) -> Iterator[Sound]:
        while True:
            try:
                frame = self._sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            block: Sound = np.asarray(cast(AudioFrame, frame).to_ndarray(), dtype=np.float32)
            yield block

    def _source(self) -> FilterContext:
        return self._graph.add_abuffer(
            sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=Fraction(1, SAMPLE_RATE)
        )

    def _add(self, name: str, arguments: str | None, *inputs: tuple[FilterContext, int]) -> FilterContext:
        added = self._graph.add(name, arguments) if arguments else self._graph.add(name)
        for pad, (source, output) in enumerate(inputs):
            source.link_to(added, output, pad)
        return added
