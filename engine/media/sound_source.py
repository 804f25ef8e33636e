"""A clip's sound: its packets where a film can take them as they are, and its samples from any place on."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from engine.media.aac import FRAME, Sound, is_house_kind
from engine.media.house import SAMPLE_RATE
from engine.media.results import MAX_SECONDS
from engine.media.source import open_packets

FARTHEST = FRAME // 2
"""Samples by which sound may be moved to lie on the film's grid of packets."""

_BLOCK = SAMPLE_RATE  # of silence at a time
_JITTER = SAMPLE_RATE // 200  # 5 ms: containers that count in milliseconds place sound this loosely
_EARLIER_S = Fraction(1, 2)
_MOST_PACKETS = MAX_SECONDS * SAMPLE_RATE // FRAME + 100
"""What the longest clip has. More are no sound, and would fill the memory."""


@dataclass(frozen=True, slots=True)
class ClipSound:
    """The sound of one clip. Places are samples from the moment at which the part of it begins."""

    path: Path
    start_s: Fraction
    """That moment on the clip's clock."""
    packets: tuple[Packet[AudioStream], ...] = ()
    """All of them, where they are of the house's kind; nothing: they are not, and only samples can be had."""
    places: tuple[int, ...] = ()
    """Where each packet's own 1024 samples begin."""
    run: range = range(0)
    """The longest stretch of packets without a gap."""
    config: bytes = b""

    def sound(self, first: int, last: int) -> Iterator[Sound]:
        """Exactly the samples from `first` to `last` in blocks: silence where there is none, the earlier where two overlap.

        Where packets are copied, the sound is up to FARTHEST samples beside its place: what that leaves open at the clip's own
        ends is filled with its mirror image, which neither steps nor falls silent.
        """
        done = first
        latest: Sound | None = None
        for place, block in self._decoded(first):
            if done >= last:
                return
            if self.packets and latest is None and done < 0 <= place <= FARTHEST and place - done < block.shape[1]:
                yield from _up_to(last, done, block[:, place - done : 0 : -1])
                done = min(place, last)
            for quiet in silence(min(place, last) - done):
                yield quiet
                done += quiet.shape[1]
            piece = block[:, max(0, done - place) :][:, : last - done]
            if piece.shape[1]:
                yield np.array(piece)
                done += piece.shape[1]
                is_enough = latest is None or piece.shape[1] > FARTHEST
                latest = piece if is_enough else np.concatenate([latest, piece], axis=1)
        if self.packets and latest is not None and 0 < last - done <= min(FARTHEST, latest.shape[1] - 1):
            yield latest[:, -2 : -2 - (last - done) : -1].copy()
            return
        yield from silence(last - done)

    def _decoded(self, first: int) -> Iterator[tuple[int, Sound]]:
        """Blocks with their places, from `first` or a little earlier on."""
        return self._of_packets(first) if self.packets else self._of_file(first)

    def _of_packets(self, first: int) -> Iterator[tuple[int, Sound]]:
        decoder = av.CodecContext.create("aac", "r")
        decoder.extradata = self.config
        at = max(0, bisect_right(self.places, max(first, 0)) - 1)
        end = self.places[-1] + _samples(self.packets[-1].duration or 0, self.packets[-1].time_base)
        for index in range(max(0, at - 2), len(self.packets)):
            try:
                # Without what is noted beside the bytes: it would have the decoder leave out samples.
                frames = decoder.decode(Packet(bytes(self.packets[index])))
            except av.FFmpegError:
                continue  # what cannot be decoded is silent; the picture decides whether a clip is damaged
            for frame in frames:
                if index >= at and frame.sample_rate == SAMPLE_RATE and frame.layout.name == "stereo":
                    place = self.places[index]
                    block = np.asarray(frame.to_ndarray(), dtype=np.float32)[:, : max(0, end - place)]
                    yield max(place, 0), block[:, max(0, -place) :]

    def _of_file(self, first: int) -> Iterator[tuple[int, Sound]]:
        with open_packets(self.path) as (container, video):
            if (source := _sound_stream(container)) is None:
                return
            video.discard = Discard.all
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
            begin_s = self.start_s + Fraction(first, SAMPLE_RATE) - _EARLIER_S
            if begin_s > 1:
                with contextlib.suppress(av.FFmpegError):  # then from the clip's beginning
                    container.seek(int(begin_s * av.time_base), backward=True)
            place: int | None = None
            try:
                for frame in container.decode(source):
                    if frame.pts is not None and frame.time_base is not None:
                        at = round((frame.pts * frame.time_base - self.start_s) * SAMPLE_RATE)
                        place = at if place is None or abs(at - place) > _JITTER else place
                    for piece in resampler.resample(frame):
                        block = np.asarray(piece.to_ndarray(), dtype=np.float32)
                        yield place or 0, block
                        place = (place or 0) + block.shape[1]
                for piece in resampler.resample(None):
                    yield place or 0, np.asarray(piece.to_ndarray(), dtype=np.float32)
            except (av.FFmpegError, EOFError):
                return


def listen(path: Path, start_s: Fraction) -> ClipSound | None:
    """The sound of a clip whose part begins at `start_s` of its clock. None: it has no sound track."""
    with open_packets(path) as (container, video):
        if (stream := _sound_stream(container)) is None:
            return None
        if not is_house_kind(stream.codec_context):
            return ClipSound(path, start_s)
        video.discard = Discard.all
        packets: list[Packet[AudioStream]] = []
        with contextlib.suppress(av.FFmpegError, EOFError):
            timed = (packet for packet in container.demux(stream) if packet.size and packet.pts is not None)
            packets += islice(timed, _MOST_PACKETS + 1)
        config = bytes(stream.codec_context.extradata or b"")
        ticks_s = Fraction(stream.time_base or 1)
    if not 0 < len(packets) <= _MOST_PACKETS or not _is_plain(packets[0], config):
        return ClipSound(path, start_s)
    # In whole numbers: fractions would take longer than reading the packets.
    ratio, begin = ticks_s * SAMPLE_RATE, start_s * SAMPLE_RATE
    scale = ratio.denominator * begin.denominator
    step, offset = ratio.numerator * begin.denominator, begin.numerator * ratio.denominator
    loose = [((packet.pts or 0) * step - offset + scale // 2) // scale for packet in packets]
    if any(later <= earlier for earlier, later in pairwise(loose)):
        return ClipSound(path, start_s)
    run = _longest_run(packets, loose)
    places = list(loose)
    places[run.start : run.stop] = range(loose[run.start], loose[run.start] + FRAME * len(run), FRAME)
    return ClipSound(path, start_s, tuple(packets), tuple(places), run, config)


def _sound_stream(container: InputContainer) -> AudioStream | None:
    """The first one. None: there is none, or nobody here knows its format; it has no context then, whatever is annotated."""
    stream = next(iter(container.streams.audio), None)
    return stream if stream is None or stream.codec_context is not None else None


def _is_plain(packet: Packet[AudioStream], config: bytes) -> bool:
    """Whether no SBR is hidden in it, which a file need not tell: it would come out at twice the rate."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = config
    try:
        frames = decoder.decode(Packet(bytes(packet)))
    except av.FFmpegError:
        return False
    return all((frame.sample_rate, frame.samples) == (SAMPLE_RATE, FRAME) for frame in frames)


def _longest_run(packets: list[Packet[AudioStream]], places: list[int]) -> range:
    longest, begin = range(0), 0
    for index in range(1, len(packets) + 1):
        is_next = index < len(packets) and abs(places[index] - places[begin] - FRAME * (index - begin)) <= _JITTER
        if is_next and not packets[index].is_discard and not packets[index].is_corrupt:
            continue
        if index - begin > len(longest):
            longest = range(begin, index)
        begin = index
    return longest


def _samples(duration: int, time_base: Fraction) -> int:
    return min(FRAME, round(duration * time_base * SAMPLE_RATE)) or FRAME


def silence(samples: int) -> Iterator[Sound]:
    """So much of it, in blocks; none where `samples` is less than one."""
    for done in range(0, samples, _BLOCK):
        yield np.zeros((2, min(_BLOCK, samples - done)), np.float32)


def _up_to(last: int, done: int, block: Sound) -> Iterator[Sound]:
    if (piece := block[:, : last - done]).shape[1]:
        yield np.array(piece)
