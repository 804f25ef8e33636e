"""What the page gets to read, without I/O: files are URLs of this server, and nothing of this machine is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.message import Export, Reply
from bot.web.ports import Post
from bot.web.translate import button_body, export_of, is_code, post_id_of, room_of
from engine.job_model import Job
from engine.model import Clip, Film, Story
from engine.views import ShotView, StoryView


def post_json(post: Post) -> dict[str, Any]:
    """A kept message."""
    body = post.body
    base = f"/media/{room_of(post.place)}/posts/{post.id}"
    video, export = body.get("video"), export_of(body)
    return {
        "id": post.id,
        "kind": body["kind"],
        "author": post.author,
        "name": body.get("name", ""),
        "text": body["text"],
        "reply_to": body.get("reply_to"),
        "pictures": body.get("pictures", 0),
        "sounds": body.get("sounds", 0),
        "videos": body.get("videos", 0),
        "buttons": body.get("buttons", []),
        "video": None if video is None or export is not None else _video_json(video, base),
        "file": None if video is None or export is None else _file_json(video, export, base),
        "picture": f"{base}/picture?v={post.revision}" if body.get("picture") else None,
        "percent": body.get("percent"),
        "is_error": body.get("is_error", False),
        "revision": post.revision,
        "created_at": _time(post.created_at),
        "changed_at": _time(post.changed_at),
    }


def private_json(reply: Reply) -> dict[str, Any]:
    """An answer for one tab only: it is kept nowhere, so it shows no files."""
    return {
        "kind": "reply",
        "text": reply.text,
        "buttons": [button_body(button) for button in reply.buttons],
        "is_error": reply.is_error,
    }


def _video_json(video: Mapping[str, Any], base: str) -> dict[str, Any]:
    shown = {name: video[name] for name in ("name", "seconds", "width", "height", "bytes")}
    code = Path(video["name"]).stem
    return {**shown, "src": f"{base}/video", "poster": f"{base}/thumbnail", "code": code if is_code(code) else None}


def _file_json(video: Mapping[str, Any], export: Export, base: str) -> dict[str, Any]:
    """A file that is made when it is first asked for."""
    name = f"{Path(video['name']).stem}{export.kind.suffix}"
    return {"name": name, "kind": export.kind.value, "src": f"{base}/{export.kind.value}"}


def story_json(view: StoryView, stories: Sequence[Story]) -> dict[str, Any]:
    """The strip: shots with parent and canon, films, and the other stories of the place."""
    room = room_of(view.story.place)
    return {
        "code": view.story.code,
        "title": view.story.title,
        "director": view.story.director.name,
        "is_current": view.is_current,
        "shots": [_shot_json(shot, room) for shot in view.shots],
        "films": [_film_json(film, room) for film in view.films],
        "others": [{"code": story.code, "title": story.title} for story in stories if story.code != view.story.code],
    }


def _shot_json(view: ShotView, room: str) -> dict[str, Any]:
    shot, job = view.shot, view.job
    return {
        "code": shot.code,
        "number": shot.number,
        "parent": view.parent_code,
        "author": shot.person.name,
        "prompt": shot.prompt,
        "seconds": shot.seconds,
        "on_canon": view.on_canon,
        "is_stale": view.is_stale,
        "takes": len(view.takes),
        "clip": _clip_json(view.clip, shot.code, room),
        "job": None if job is None else _job_json(job, room),
    }


def _job_json(job: Job, room: str) -> dict[str, Any]:
    return {
        "state": job.state.value,
        "percent": job.percent,
        "preview": f"/media/{room}/jobs/{job.id}/preview" if job.preview else None,
        "waits_for": job.waits_for,
        "post": None if job.receipt is None else post_id_of(job.receipt),
        "error": None if job.failure is None else job.failure.sentence,
    }


def _clip_json(clip: Clip | None, code: str, room: str) -> dict[str, Any] | None:
    if clip is None:
        return None
    base, version = f"/media/{room}/{code}", clip.file[:12]
    return {
        "src": f"{base}/video?v={version}",
        "thumbnail": f"{base}/thumbnail?v={version}",
        "seconds": clip.seconds,
        "width": clip.width,
        "height": clip.height,
        "bytes": clip.bytes,
    }


def _film_json(film: Film, room: str) -> dict[str, Any]:
    return {
        "code": film.code,
        "author": film.person.name,
        "shots": list(film.shots),
        "clip": _clip_json(film.clip, film.code, room),
        "created_at": _time(film.created_at),
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
