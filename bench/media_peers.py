"""The field's ways of `bench.media`, each as a program of its own: the ffmpeg on the PATH, or PyAV that does the same.

What has to encode is PyAV everywhere: libx264 is the same in both.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

FFMPEG = shutil.which("ffmpeg")
NAME = "ffmpeg" if FFMPEG else "PyAV"
_HEAD = """
import sys, av
from av.filter import Graph
def pulled(sink):
    while True:
        try:
            yield sink.pull()
        except (av.BlockingIOError, av.EOFError):
            return
"""
_REVERSE = """
with av.open(sys.argv[1]) as clip:
    stream = clip.streams.video[0]
    stream.thread_type = "AUTO"
    graph = Graph()
    source = graph.add_buffer(template=stream, time_base=stream.time_base)
    reverse, sink = graph.add("reverse"), graph.add("buffersink")
    source.link_to(reverse)
    reverse.link_to(sink)
    graph.configure()
    for frame in clip.decode(stream):
        graph.push(frame)
    graph.push(None)
    graph.pull().to_image().save(sys.argv[2], compress_level=3)
"""
_CONCAT = """
def concat(clips, film):
    with av.open(film, "w", options={"movflags": "+faststart"}) as out:
        streams, start, latest = {}, 0.0, {}
        for name in clips:
            with av.open(name) as clip:
                for stream in clip.streams:
                    if stream.type not in streams:
                        streams[stream.type] = out.add_stream_from_template(stream)
                for packet in clip.demux():
                    if packet.size and packet.stream.type in streams:
                        shift = round(start / packet.time_base)
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        # as ffmpeg does where a clip's first packet of sound lies over the last one of the clip before
                        packet.dts = max(packet.dts, latest.get(packet.stream.type, packet.dts - 1) + 1)
                        packet.pts = max(packet.pts, packet.dts)
                        latest[packet.stream.type] = packet.dts
                        packet.stream = streams[packet.stream.type]
                        out.mux(packet)
                start += clip.duration / av.time_base
"""
_DISSOLVE = """
*clips, film = sys.argv[1:]
opened = [av.open(clip) for clip in clips]
graph = Graph()
sides = {"video": [], "audio": []}
for clip in opened:
    for kind, stream in (("video", clip.streams.video[0]), ("audio", clip.streams.audio[0])):
        stream.thread_type = "AUTO"
        add = graph.add_buffer if kind == "video" else graph.add_abuffer
        source = add(template=stream, time_base=stream.time_base)
        even = graph.add("fps", "24") if kind == "video" else graph.add("anull")
        source.link_to(even)
        sides[kind].append((source, even))
ends = {}
for kind in sides:
    last, length = sides[kind][0][1], 8.0
    for _, after in sides[kind][1:]:
        how = f"transition=fade:duration=0.5:offset={length - 0.5}"
        joined = graph.add("xfade", how) if kind == "video" else graph.add("acrossfade", "d=0.5:c1=qsin:c2=qsin")
        last.link_to(joined, 0, 0)
        after.link_to(joined, 0, 1)
        last, length = joined, length + 7.5
    ends[kind] = graph.add("buffersink" if kind == "video" else "abuffersink")
    last.link_to(ends[kind])
graph.configure()
with av.open(film, "w", options={"movflags": "+faststart"}) as out:
    first = opened[0].streams.video[0]
    video = out.add_stream("libx264", rate=24, options={"preset": "veryfast", "crf": "18"})
    video.width, video.height, video.pix_fmt = first.width, first.height, "yuv420p"
    sound = out.add_stream("aac", rate=48000, layout="stereo")
    sound.bit_rate = 160_000
    def take():
        for frame in pulled(ends["video"]):
            frame.pict_type = 0
            out.mux(video.encode(frame))
        for frame in pulled(ends["audio"]):
            out.mux(sound.encode(frame))
    for number, clip in enumerate(opened):
        for frame in clip.decode(clip.streams.video[0], clip.streams.audio[0]):
            sides["video" if isinstance(frame, av.VideoFrame) else "audio"][number][0].push(frame)
            take()
        for kind in sides:
            sides[kind][number][0].push(None)
        take()
    out.mux(video.encode(None))
    out.mux(sound.encode(None))
"""
_ENCODE = """
import os
def encoded(source, target, options, bits_per_s=0):
    with av.open(source) as film, av.open(target, "w", options={"movflags": "+faststart"}) as out:
        pictures, sounds = film.streams.video[0], film.streams.audio[:1]
        pictures.thread_type = "AUTO"
        video = out.add_stream("libx264", rate=pictures.average_rate, options=options)
        video.width, video.height, video.pix_fmt = pictures.width, pictures.height, "yuv420p"
        if bits_per_s:
            video.bit_rate = bits_per_s
        if sounds:
            track = out.add_stream("aac", rate=48000, layout="stereo", options={"aac_coder": "fast"})
            track.bit_rate = 96_000
        for frame in film.decode(pictures, *sounds):
            if isinstance(frame, av.VideoFrame):
                frame.pict_type = 0
                out.mux(video.encode(frame))
            else:
                out.mux(track.encode(frame))
        out.mux(video.encode(None))
        if sounds:
            out.mux(track.encode(None))
    return os.path.getsize(target)
"""
_SEARCH = """
source, target, limit = sys.argv[1:]
fine, coarse = 14.0, 46.0
for _ in range(6):
    crf = (fine + coarse) / 2
    size = encoded(source, target + ".mp4", {"preset": "medium", "crf": str(crf)})
    if size > int(limit):
        fine = crf
    else:
        coarse = crf
        os.replace(target + ".mp4", target)
        if size > 0.98 * int(limit):
            break
"""
_TWICE = """
source, target, limit, preset = sys.argv[1:]
with av.open(source) as film:
    seconds = film.duration / av.time_base
bits_per_s = int((int(limit) * 0.985 - 5000 - seconds * 900) * 8 / seconds) - 96_000
for number in (1, 2):
    options = {"preset": preset, "flags": f"+pass{number}", "passlogfile": target + ".log"}
    encoded(source, target, options, bits_per_s)
"""


def python(script: str, *words: str | Path) -> list[str]:
    return [sys.executable, "-c", script, *map(str, words)]


def reverse(clip: Path, png: Path) -> list[str]:
    if FFMPEG:
        words = ("-v", "error", "-y", "-i", str(clip), "-an", "-vf", "reverse", "-frames:v", "1", str(png))
        return [FFMPEG, *words]
    return python(_HEAD + _REVERSE, clip, png)


def concat(clips: Sequence[Path], film: Path) -> list[str]:
    """Every packet copied, one clip after the other."""
    if not FFMPEG:
        return python(_HEAD + _CONCAT + "concat(sys.argv[1:-1], sys.argv[-1])", *clips, film)
    listing = film.with_suffix(".txt")
    listing.write_text("".join(f"file '{clip}'\n" for clip in clips), encoding="utf-8")
    options = ("-f", "concat", "-safe", "0", "-i", str(listing), "-c", "copy", "-movflags", "+faststart")
    return [FFMPEG, "-v", "error", "-y", *options, str(film)]


def concat_warm(clips: Sequence[Path], film: Path, runs: int) -> list[str]:
    """Prints the median seconds of the copy alone, of a PyAV that is loaded, with the file on the disk at its end as ours is."""
    script = """
import os, statistics, time
walls = []
for _ in range(int(sys.argv[1])):
    begun = time.perf_counter()
    concat(sys.argv[2:-1], sys.argv[-1])
    with open(sys.argv[-1], "rb") as film:
        os.fsync(film.fileno())
    walls.append(time.perf_counter() - begun)
print(statistics.median(walls))
"""
    return python(_HEAD + _CONCAT + script, str(runs), *clips, film)


def bytes_alone(clips: Sequence[Path], film: Path) -> None:
    """What no way of joining can do without: the clips' bytes in one file, on the disk, under its name."""
    begun = film.with_suffix(".begun")
    with begun.open("wb") as out:
        for clip in clips:
            with clip.open("rb") as source:
                size, done = clip.stat().st_size, 0
                while done < size:
                    done += os.sendfile(out.fileno(), source.fileno(), done, size - done)
        os.fsync(out.fileno())
    begun.rename(film)
    directory = os.open(film.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def dissolve(clips: Sequence[Path], film: Path) -> list[str]:
    """All pictures decoded, laid over each other by `xfade`, encoded."""
    return python(_HEAD + _DISSOLVE, *clips, film)


def crf_search(source: Path, film: Path, limit_bytes: int) -> list[str]:
    """One quality after the other, until the largest film under the cap is found."""
    return python(_HEAD + _ENCODE + _SEARCH, source, film, str(limit_bytes))


def two_pass(source: Path, film: Path, limit_bytes: int, preset: str = "slow") -> list[str]:
    return python(_HEAD + _ENCODE + _TWICE, source, film, str(limit_bytes), preset)
