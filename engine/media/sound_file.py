"""Opens somebody's sound file, which may be hostile: music or a voice for a film, or a video of which only the sound is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from engine.errors import BadMedia
from engine.media.aac import Sound
from engine.media.house import SAMPLE_RATE
from engine.media.results import MAX_LONG_SIDE, MAX_SECONDS, MAX_SHORT_SIDE, MAX_STREAMS

# Like those of a video; a cover picture may be in it, so pictures are bounded too.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mp3,wav,flac,ogg,aac",
    "max_pixels": str(MAX_LONG_SIDE * MAX_SHORT_SIDE),
}
_MOST_CHANNELS = 8
_HIGHEST_RATE = 192_000
_LEAST_S = 0.1
_HEARD_S = 1.0
_ANOTHER = "use another file"


def check(*, path: str, **_: Any) -> dict[str, Any]:
    """How many seconds a sound file has, read to its end; its beginning is decoded.

    Raises:
        BadMedia: it cannot be laid under a film; the sentence says why.
    """
    end_s = 0.0
    with open_sound(Path(path)) as (container, stream):
        try:
            for packet in container.demux(stream):
                if packet.size and packet.pts is not None:
                    end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                    _check_length(end_s)
        except (av.FFmpegError, EOFError) as error:
            raise BadMedia(f"The sound file is damaged or cut off; {_ANOTHER}.") from error
    heard = 0
    for block in samples(Path(path)):
        heard += block.shape[1]
        if heard >= _HEARD_S * SAMPLE_RATE:
            break
    if min(end_s, heard / SAMPLE_RATE) < _LEAST_S:
        raise BadMedia(f"The file holds no sound that can be played; {_ANOTHER}.")
    return {"seconds": end_s}


def samples(path: Path) -> Iterator[Sound]:
    """All of its sound, in blocks; it ends where it is damaged.

    Raises:
        BadMedia: it cannot be opened.
    """
    with open_sound(path) as (container, stream):
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
        left = MAX_SECONDS * SAMPLE_RATE
        try:
            for frame in container.decode(stream):
                frame.pts = None  # what counts is how much there is, not when: a hole would be silence in the loop
                for piece in resampler.resample(frame):
                    yield np.asarray(piece.to_ndarray(), dtype=np.float32)
                    left -= piece.samples
                if left <= 0:
                    return
            for piece in resampler.resample(None):
                yield np.asarray(piece.to_ndarray(), dtype=np.float32)
        except (av.FFmpegError, EOFError):
            return


@contextmanager
def open_sound(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The container and its first sound track, ready to decode.

    Raises:
        BadMedia: missing, empty, without sound, too long, or of a kind that is not read here.
    """
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError as error:
        raise BadMedia(f"The sound file cannot be read ({error.strerror}); {_ANOTHER}.") from error
    if not size:
        raise BadMedia(f"The sound file is {'missing' if size is None else 'empty'}; {_ANOTHER}.")
    try:
        container = av.open(str(path), options=dict(_OPTIONS), metadata_errors="replace")
    except av.FFmpegError as error:
        raise BadMedia(f"The file is not sound that can be read, or it is cut off; {_ANOTHER}.") from error
    with container:
        if len(container.streams) > MAX_STREAMS:
            raise BadMedia(f"The file has {len(container.streams)} tracks, more than {MAX_STREAMS}; {_ANOTHER}.")
        if not container.streams.audio:
            raise BadMedia(f"The file has no sound in it; {_ANOTHER}.")
        stream = container.streams.audio[0]
        context = stream.codec_context
        # A stream whose format nobody here knows has no context, whatever the annotation says.
        if context is None or not context.sample_rate or not context.channels:
            raise BadMedia(f"The file's sound is damaged or of a kind that cannot be read here; {_ANOTHER}.")
        if context.channels > _MOST_CHANNELS or context.sample_rate > _HIGHEST_RATE:
            raise BadMedia(
                f"The file has {context.channels} channels at {context.sample_rate} Hz, "
                f"more than the {_MOST_CHANNELS} at {_HIGHEST_RATE} that we read; {_ANOTHER}."
            )
        _check_length((container.duration or 0) / av.time_base)
        yield container, stream


def _check_length(seconds: float) -> None:
    if seconds > MAX_SECONDS:
        raise BadMedia(f"The sound is longer than the {MAX_SECONDS // 60} minutes that we read; cut it, or {_ANOTHER}.")
