"""Engine values as replies: the words of `texts`, the video, and the buttons that go with them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bot import money_texts, texts
from bot.message import Button, Reply, Video
from bot.seam_texts import frame_code
from engine.abilities import Abilities, Quote, quote
from engine.checks import ModelsByProvider
from engine.film_options import GIF_MOST_S, FilmFormat
from engine.job_model import Job, JobState
from engine.model import Clip, Ending, Film, Shot, Story, Take
from engine.place_options import PlaceOptions
from engine.pots import sum_of
from engine.purse import DRAFTED_BY, Offered, Question
from engine.views import ShotView
from engine.ways_out import WaysOut

NO_WAYS = WaysOut()


def shot_reply(shot: Shot, clip: Clip, take: Take | None, path: Path, job: Job | None = None) -> Reply:
    """A finished shot. `job` is what made it, where that is known."""
    return Reply(
        text=texts.shot_caption(shot, clip, take, job),
        video=_video(shot.code, clip, path),
        buttons=shot_buttons(shot, None if take is not None and take.edit else job, clip.ending),
    )


def film_reply(film: Film, story: Story | None, path: Path) -> Reply:
    """A finished film."""
    kinds = {FilmFormat.GIF: "GIF", FilmFormat.WEBM: "WebM"}
    if film.clip.seconds > GIF_MOST_S:
        del kinds[FilmFormat.GIF]
    buttons = (
        Button("download", "Download", film.code),
        *(Button("download", label, f"{film.code}:{kind}") for kind, label in kinds.items()),
        Button("delete", "Delete", film.code),
    )
    return Reply(text=texts.film_caption(film, story), video=_video(film.code, film.clip, path), buttons=buttons)


def elsewhere_buttons(code: str) -> tuple[Button, ...]:
    """What can be done with a thing of another place: only to have it."""
    return (Button("download", "Download", code),)


def shot_buttons(shot: Shot, job: Job | None = None, ending: Ending | None = None) -> tuple[Button, ...]:
    """What can be done with a shot that has a clip; a video that was given cannot be rendered again.

    `job` is one that rendered it: what it cost is what another take will. `ending`: a better frame to go on from is offered.
    """
    asks = "What happens next?"
    earlier: tuple[Button, ...] = ()
    if ending is not None:
        label = f"Continue from {ending.sharpest_s:.1f} s"
        earlier = (Button("continue", label, frame_code(shot.code, ending.sharpest_s), asks=asks),)
    retake = (Button("retake", f"Retake{_price(job)}", shot.code),) if shot.provider else ()
    return (
        Button("continue", "Continue", shot.code, asks=asks),
        *earlier,
        *retake,
        Button("stitch", "Stitch", shot.story_code),
        Button("download", "Download", shot.code),
        Button("delete", "Delete", shot.code),
    )


def view_buttons(view: ShotView) -> tuple[Button, ...]:
    """`shot_buttons`, and on a branch the way into the film."""
    edited = {take.id for take in view.takes if take.edit}
    rendered = None if view.job is None or view.job.take_id in edited else view.job
    if view.clip is None:
        return (Button("retake", f"Retake{_price(rendered)}", view.shot.code),)
    branch = () if view.on_canon else (Button("choose", "Use in film", view.shot.code),)
    return (*branch, *shot_buttons(view.shot, rendered, view.clip.ending))


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
        buttons = (Button("retake", f"Try again{_price(job)}", job.shot_code),)
        if ways.text_only:
            buttons += (Button("textonly", "Text only", job.shot_code),)
        buttons += tuple(Button("with", f"With {name}", f"{job.shot_code}:{name}") for name in ways.providers)
    if job.state is JobState.UNCONFIRMED:
        price = _price(job)
        buttons = (
            Button(
                "again", f"Send again{price}, may cost twice" if price else "Send again (may cost twice)", job.subject
            ),
            Button("cancel", "Leave it", job.subject),
        )
    return Reply(text=texts.failure(job, ways), buttons=buttons, is_error=job.state is not JobState.CANCELLED)


def price_question(job: Job, question: Question, *, prompt: str, drafted_by: str | None) -> Reply:
    """The status message of a job that waits for somebody to agree to its price. `drafted_by`: who draws it for nothing, if any."""
    draft = (Button("draft", f"Draft as {drafted_by}, free", job.subject),) if drafted_by else ()
    everything = _agree_to_all(job.story_code, question.jobs, question.high_usd) if question.jobs > 1 else ()
    return Reply(
        text=money_texts.asked_about(job, question, prompt=prompt),
        buttons=(
            Button("agree", "Render", money_texts.offered(job.subject, job.quoted_usd)),
            *everything,
            *draft,
            Button("cancel", "Cancel", job.subject),
        ),
    )


def offer_reply(target: str, offered: Offered) -> Reply:
    """What an `/agree` without a price is answered with: what it would agree to, and the button that does."""
    jobs, usd = offered.jobs, sum_of(offered.jobs)
    buttons = _agree_to_all(target, len(jobs), usd)
    if len(jobs) == 1:
        target = jobs[0].subject
        buttons = (Button("agree", "Render", money_texts.offered(target, usd)),)
    return Reply(text=money_texts.offer(target, offered), buttons=buttons, private=True)


def _agree_to_all(story: str, jobs: int, usd: Decimal | None) -> tuple[Button, ...]:
    """What nobody knows the price of is agreed to one by one."""
    return () if usd is None else (Button("agree", f"Render all {jobs}", money_texts.offered(story, usd)),)


def free_provider(models: ModelsByProvider) -> str | None:
    """Who draws a draft for nothing: the animatic where it is set up, else who renders for free; None: nobody."""
    return next(
        (name for name in sorted(models, key=lambda name: name != DRAFTED_BY) if _is_free(*models[name].values())), None
    )


def _is_free(*models: Abilities) -> bool:
    """Whether the first of them, which is the one that renders when none is named, costs nothing."""
    return any(
        quote(can.price, seconds=can.default_seconds, resolution=can.resolutions[0]).usd == 0 for can in models[:1]
    )


def example_reply() -> Reply:
    """How it begins, with a button that really renders."""
    return Reply(text=texts.welcome(), buttons=(Button("create", "Try it", "example"),))


def _price(job: Job | None) -> str:
    """What it will cost to do that again, where that is known and not nothing."""
    return f" · {Quote(job.quoted_usd)}" if job is not None and job.quoted_usd else ""


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
