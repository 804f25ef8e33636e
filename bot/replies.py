"""Engine values as replies: the words of `texts`, the video, and the buttons that go with them."""

from __future__ import annotations

from pathlib import Path

from bot import texts
from bot.message import Button, Reply, Video
from engine.model import Clip, Film, Job, JobState, Shot, Story, Take
from engine.place_options import PlaceOptions
from engine.views import ShotView
from engine.ways_out import WaysOut

NO_WAYS = WaysOut()


def shot_reply(shot: Shot, clip: Clip, take: Take | None, path: Path, job: Job | None = None) -> Reply:
    """A finished shot. `job` is what made it, where that is known."""
    return Reply(
        text=texts.shot_caption(shot, clip, take, job), video=_video(shot.code, clip, path), buttons=shot_buttons(shot)
    )


def film_reply(film: Film, story: Story | None, path: Path) -> Reply:
    """A finished film."""
    buttons = (Button("download", "Download", film.code), Button("delete", "Delete", film.code))
    return Reply(text=texts.film_caption(film, story), video=_video(film.code, film.clip, path), buttons=buttons)


def elsewhere_buttons(code: str) -> tuple[Button, ...]:
    """What can be done with a thing of another place: only to have it."""
    return (Button("download", "Download", code),)


def shot_buttons(shot: Shot) -> tuple[Button, ...]:
    """What can be done with a shot that has a clip; a video that was given cannot be rendered again."""
    retake = (Button("retake", "Retake", shot.code),) if shot.provider else ()
    return (
        Button("continue", "Continue", shot.code, asks="What happens next?"),
        *retake,
        Button("stitch", "Stitch", shot.story_code),
        Button("download", "Download", shot.code),
        Button("delete", "Delete", shot.code),
    )


def view_buttons(view: ShotView) -> tuple[Button, ...]:
    """`shot_buttons`, and on a branch the way into the film."""
    if view.clip is None:
        return (Button("retake", "Retake", view.shot.code),)
    branch = () if view.on_canon else (Button("choose", "Use in film", view.shot.code),)
    return (*branch, *shot_buttons(view.shot))


def added_reply(view: ShotView) -> Reply:
    """A video that became a shot."""
    return Reply(text=texts.added(view), buttons=view_buttons(view))


def question_reply(code: str) -> Reply:
    """Asks what happens next; the answer is the press of Continue with a text."""
    text = texts.question(code)
    return Reply(text=text, asks=Button("continue", "Continue", code, asks=text))


def settings_reply(place: PlaceOptions) -> Reply:
    """A place's options, with a button for every ratio that can be had."""
    ratios = (Button("settings", ratio, f"ratio={ratio}") for ratio in place.able.ratios)
    return Reply(text=texts.settings(place), buttons=tuple(ratios))


def failure_reply(job: Job, ways: WaysOut = NO_WAYS, *, is_edit: bool = False) -> Reply:
    """How a job ended without a clip, and the ways out. What was to be an edit is not rendered anew by a button."""
    buttons: tuple[Button, ...] = ()
    if job.state is JobState.FAILED and job.shot_code and not is_edit:
        buttons = (Button("retake", "Try again", job.shot_code),)
        if ways.text_only:
            buttons += (Button("textonly", "Text only", job.shot_code),)
        buttons += tuple(Button("with", f"With {name}", f"{job.shot_code}:{name}") for name in ways.providers)
    if job.state is JobState.UNCONFIRMED:
        buttons = (
            Button("again", "Send again (may cost twice)", job.subject),
            Button("cancel", "Leave it", job.subject),
        )
    return Reply(text=texts.failure(job, ways), buttons=buttons, is_error=job.state is not JobState.CANCELLED)


def example_reply() -> Reply:
    """How it begins, with a button that really renders."""
    return Reply(text=texts.welcome(), buttons=(Button("create", "Try it", "example"),))


def _video(code: str, clip: Clip, path: Path) -> Video:
    return Video(
        path=path,
        name=f"{code}{path.suffix}",
        seconds=clip.seconds,
        width=clip.width,
        height=clip.height,
        bytes=clip.bytes,
        file=clip.file,
    )
