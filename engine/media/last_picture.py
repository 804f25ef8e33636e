"""Finds the last picture of a clip: exactly the one that a full decode shows last, and decodes little more than that takes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
import av.logging
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import BadMedia
from engine.media.cores import CORES
from engine.media.source import check_frame_size, open_packets

BACK_S = (0.0, 2.0, 8.0, 30.0)
"""So long before the end, or another time, decoding begins: as late as it goes."""
NO_PICTURE = "No picture of the video can be decoded; render it again or use another file."
_TRUE_S = 0.25
"""A declared end that is no more than this too late, and three pictures, is believed."""
_MOST_THREADS = 12


def last_picture(path: Path, *, alone: bool = False) -> VideoFrame:
    """The displayed picture with the greatest time, found by decoding from a key picture near the end up to the end.

    The end is that of the video stream: sound may go on longer. `alone`: nothing else in this process decodes meanwhile, so it may
    take all cores. What libav says is listened to then, for which its threads have to wait for Python; and another decoder, that is
    closed just then, waits with Python in its hands for its own threads, for ever. Raises BadMedia where no picture can be decoded.
    """
    return (_of_an_undamaged_one(path) if alone else None) or _of_any(path)


def _of_an_undamaged_one(path: Path) -> VideoFrame | None:
    """The last picture of H.264, decoded by several cores. None: it has to be looked for with more care.

    A decoder that takes several pictures at once may hand one out before its damage is known. But it says whatever it misses in its
    log: one line, and nothing of this counts.
    """
    with open_packets(path) as (container, stream):
        position = next(iter(positions(container, stream)), None)
        if stream.codec_context.codec.canonical_name != "h264" or position is None:
            return None
        needed = _latest(container, stream, position)
        if needed is None:
            return None
        with _log() as said:
            last = _shared_out(container, stream, position, needed)
        return None if said else last


def _latest(container: InputContainer, stream: VideoStream, position: int) -> int | None:
    """The greatest time of a displayed packet from there to the end; None where one says none, or anything is amiss."""
    try:
        container.seek(position, stream=stream, backward=True)
        times = [packet.pts for packet in container.demux(stream) if packet.size and not packet.is_discard]
    except (av.FFmpegError, EOFError):
        return None
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


def _shared_out(container: InputContainer, stream: VideoStream, position: int, needed: int) -> VideoFrame | None:
    """The last picture, by as many cores as there are; None where anything is amiss."""
    stream.thread_type = "FRAME"
    # Many more than cores: most of them wait for rows of another one's picture.
    stream.codec_context.thread_count = min(_MOST_THREADS, 6 * CORES)
    try:
        container.seek(position, stream=stream, backward=True)
        return _decoded_last(container, stream, needed)
    except (av.FFmpegError, EOFError):
        return None
    finally:
        # This waits for the threads and lets them speak meanwhile: where closing waits for them, they cannot, and it never ends.
        stream.codec_context.flush_buffers()


def _decoded_last(container: InputContainer, stream: VideoStream, needed: int) -> VideoFrame | None:
    """The last picture from where the container stands to its end; None where anything is amiss."""
    last: VideoFrame | None = None
    for packet in container.demux(stream):
        _skip_unneeded(stream, packet.pts, needed)
        for frame in packet.decode():
            check_frame_size(frame)
            if packet.is_corrupt or frame.is_corrupt or frame.pts is None:
                return None
            if frame.pts >= needed and (last is None or frame.pts >= (last.pts or 0)):
                last = frame
    return last


@contextmanager
def _log() -> Iterator[list[tuple[int, str, str]]]:
    """What libav says meanwhile, in all threads."""
    level, repeated = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_skip_repeated(False)
    av.logging.set_level(av.logging.INFO)
    try:
        with av.logging.Capture(local=False) as said:
            yield said
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(repeated)


def _of_any(path: Path) -> VideoFrame:
    """The same by one core, whatever is damaged."""
    with open_packets(path) as (container, stream):
        for position, needed in _approaches(container, stream):
            try:
                container.seek(position, stream=stream, backward=True)
            except av.FFmpegError:
                continue
            last = _greatest(container, stream, needed)
            if last is not None:
                return last
    for damaged_too in (False, True):
        with open_packets(path) as (container, stream):  # without an index: from the start
            last = _greatest(container, stream, damaged_too=damaged_too)
        if last is not None:
            return last
    raise BadMedia(NO_PICTURE)


def _greatest(
    container: InputContainer, stream: VideoStream, needed: int | None = None, *, damaged_too: bool = False
) -> VideoFrame | None:
    """The latest picture from where the container stands to its end. A damaged one, half of it grey, counts only if so told.

    With `needed`, a time in ticks, what is shown earlier is only decoded where others need it, and is none to give.
    """
    last: VideoFrame | None = None
    for frame in _to_the_end(container, stream, needed):
        check_frame_size(frame)
        if frame.pts is None or (frame.is_corrupt and not damaged_too) or (needed is not None and frame.pts < needed):
            continue
        if last is None or frame.pts >= (last.pts or 0):
            last = frame
    return last


def _to_the_end(container: InputContainer, stream: VideoStream, needed: int | None) -> Iterator[VideoFrame]:
    """Decoded pictures; those after a damaged packet too."""
    with contextlib.suppress(av.FFmpegError, EOFError):
        for packet in container.demux(stream):
            _skip_unneeded(stream, packet.pts, needed)
            with contextlib.suppress(av.InvalidDataError):
                yield from packet.decode()


def _skip_unneeded(stream: VideoStream, pts: int | None, needed: int | None) -> None:
    """What is shown before that time, and nothing depends on, is not decoded."""
    is_needed = needed is None or pts is None or pts >= needed
    stream.codec_context.skip_frame = "DEFAULT" if is_needed else "NONREF"


def _approaches(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int, int | None]]:
    """Where to begin decoding, and from when on all pictures are needed: first as if the declared end were true."""
    start_s, seconds = span(container, stream)
    before_s = _TRUE_S + 3 / float(stream.guessed_rate or 24)
    for number, position in enumerate(positions(container, stream)):
        if number == 0 and stream.time_base:
            yield position, int((start_s + seconds - before_s) / stream.time_base)
        yield position, None


def positions(container: InputContainer, stream: VideoStream, least_s: float = 0.0) -> Sequence[int]:
    """Where to begin decoding, nearest to the end first but `least_s` before it, in the stream's time base."""
    start_s, seconds = span(container, stream)
    base = stream.time_base
    if not base or not seconds:
        return []
    return list(dict.fromkeys(int(max(start_s, start_s + seconds - back - least_s) / base) for back in BACK_S))


def span(container: InputContainer, stream: VideoStream) -> tuple[float, float]:
    """When the video begins and how long it lasts, in seconds, as declared; 0 where nothing is."""
    base = float(stream.time_base or 0)
    start_s = (stream.start_time or 0) * base
    seconds = stream.duration * base if stream.duration else (container.duration or 0) / av.time_base
    return start_s, seconds
