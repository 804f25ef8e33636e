"""The commands that make something and watch it come: create, continue, add, retake, edit, stitch, resume, again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.film_wishes import stitch_options
from bot.parsing import NO, YES, UsageError
from bot.terminal import options as o
from bot.terminal.perform import perform
from bot.terminal.rows import shot_row
from bot.terminal.turn import ShotChoices, Turn
from engine.codes import is_story_code
from engine.film_options import Fill, FilmFormat, Transition
from engine.job_model import JobState
from engine.jobs import LIVE
from engine.model import Add, Continue, Create, Edit, FileKey, Retake, ShotOptions, Stitch


def create(
    prompt: o.Prompt,
    *,
    seconds: o.Seconds = None,
    ratio: o.Ratio = None,
    resolution: o.Resolution = None,
    seed: o.Seed = None,
    style: o.Style = None,
    provider: o.ProviderName = None,
    model: o.Model = None,
    first_frame: o.FirstFrame = None,
    last_frame: o.LastFrame = None,
    reference: o.Reference = None,
    negative: o.Negative = None,
    silent: o.Silent = None,
    still: o.Still = None,
    later: o.Later = None,
    yes: o.Yes = False,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Begin a new story with its first shot."""
    choices = ShotChoices(
        ShotOptions(
            seconds=seconds,
            ratio=ratio,
            resolution=resolution,
            seed=seed,
            style=style,
            provider=provider,
            model=model,
            negative=negative,
            is_silent=silent,
            still=still,
            later_s=later,
        ),
        first_frame,
        last_frame,
        tuple(reference or ()),
    )

    async def work(turn: Turn) -> None:
        settled = await turn.settle(choices)
        await turn.watch(
            await turn.desk.create(Create(asked=turn.asked, prompt=" ".join(prompt), options=settled)), agrees=yes
        )

    perform(as_json, place, work, at_work=True)


def continue_story(
    prompt: o.Prompt,
    *,
    from_shot: Annotated[
        str | None, typer.Option("--from", metavar="SHOT", help="The shot to go on from.", show_default="the last one")
    ] = None,
    seconds: o.Seconds = None,
    ratio: o.Ratio = None,
    resolution: o.Resolution = None,
    seed: o.Seed = None,
    style: o.Style = None,
    provider: o.ProviderName = None,
    model: o.Model = None,
    first_frame: o.FirstFrame = None,
    last_frame: o.LastFrame = None,
    reference: o.Reference = None,
    negative: o.Negative = None,
    silent: o.Silent = None,
    extend: o.Extend = False,
    text_only: o.TextOnly = False,
    still: o.Still = None,
    later: o.Later = None,
    at: o.At = None,
    sharp: o.Sharp = False,
    yes: o.Yes = False,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Add a shot that starts on the last frame of the one before."""
    choices = ShotChoices(
        ShotOptions(
            seconds=seconds,
            ratio=ratio,
            resolution=resolution,
            seed=seed,
            style=style,
            provider=provider,
            model=model,
            negative=negative,
            is_silent=silent,
            extend=extend,
            is_unseeded=text_only,
            still=still,
            later_s=later,
            from_s=at,
            from_sharpest=sharp or None,
        ),
        first_frame,
        last_frame,
        tuple(reference or ()),
    )

    async def work(turn: Turn) -> None:
        settled = await turn.settle(choices)
        request = Continue(asked=turn.asked, prompt=" ".join(prompt), shot=from_shot, options=settled)
        await turn.watch(await turn.desk.continue_story(request), agrees=yes)

    perform(as_json, place, work, at_work=True)


def add(
    file: o.VideoFile,
    words: Annotated[list[str] | None, typer.Argument(help="What it shows.", show_default=False)] = None,
    *,
    after: Annotated[
        str | None, typer.Option(metavar="SHOT", help="The shot that it follows.", show_default="the last one")
    ] = None,
    begin: Annotated[bool, typer.Option("--begin", help="Begin a new story with it.")] = False,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Make a video of yours a shot, to continue and to stitch."""

    async def work(turn: Turn) -> None:
        video = await turn.desk.keep_video(Path.cwd() / file)
        command = Add(asked=turn.asked, video=video, words=" ".join(words or ()), after=after, is_beginning=begin)
        view = await turn.desk.add(command)
        turn.voice.result(shot_row(view, await turn.desk.download(turn.place, view.shot.code, "video")))
        for note in view.notes:
            turn.voice.note(note)

    perform(as_json, place, work)


def retake(
    shot: Annotated[
        str | None, typer.Argument(metavar="SHOT", help="Default: the newest one.", show_default=False)
    ] = None,
    *,
    seed: o.Seed = None,
    provider: o.ProviderName = None,
    text_only: o.TextOnly = False,
    yes: o.Yes = False,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Render a shot again, differently."""

    async def work(turn: Turn) -> None:
        request = Retake(asked=turn.asked, shot=shot, seed=seed, provider=provider, is_text_only=text_only)
        await turn.watch(await turn.desk.retake(request), agrees=yes)

    perform(as_json, place, work, at_work=True)


def edit(
    shot: o.ShotCode, words: o.Prompt, *, yes: o.Yes = False, place: o.Place = None, as_json: o.AsJson = False
) -> None:
    """Change the clip of a shot by words, as a new take of it."""

    async def work(turn: Turn) -> None:
        await turn.watch(await turn.desk.edit(Edit(asked=turn.asked, shot=shot, words=" ".join(words))), agrees=yes)

    perform(as_json, place, work, at_work=True)


def stitch(
    codes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STORY | SHOTS…]",
            help="Default: the film of the current story. Shots as k7-1 k7-3..5.",
            show_default=False,
        ),
    ] = None,
    *,
    transition: o.Transition_ = Transition.CUT,
    over: o.Over = 0.5,
    seams: o.Seams = "",
    card: o.Card = None,
    with_credits: o.Credits = False,
    captions: o.CaptionsAs = None,
    texts: o.Texts = None,
    ratio: o.FilmRatio = None,
    fill: o.FillWith = Fill.BLUR,
    volume: o.Volume = 1.0,
    music: o.Music = None,
    music_volume: o.MusicVolume = 0.5,
    voice: o.Voice = None,
    levels: o.Levels = True,
    film_format: o.FormatAs = FilmFormat.MP4,
    fit: o.FitMb = None,
    preview: o.Preview = False,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Join the shots into one film."""
    named = tuple(codes or ())
    chosen = {
        "transition": transition.value,
        "over": str(over),
        "seams": seams,
        "card": card,
        "credits": YES if with_credits else NO,
        "captions": captions and captions.value,
        "texts": texts,
        "ratio": ratio,
        "fill": fill.value,
        "volume": str(volume),
        "music": str(music_volume) if music else None,
        "levels": YES if levels else NO,
        "format": film_format.value,
        "fit": None if fit is None else str(fit),
        "preview": YES if preview else NO,
    }
    said = {name: value for name, value in chosen.items() if value is not None}
    try:  # what cannot be understood is told before anything is kept
        stitch_options(said, music=FileKey("music"), voice=None)
    except UsageError as wrong:
        raise typer.BadParameter(str(wrong)) from None

    async def work(turn: Turn) -> None:
        is_story = len(named) == 1 and is_story_code(named[0])
        options = stitch_options(
            said,
            music=await turn.desk.keep_sound(Path.cwd() / music) if music else None,
            voice=await turn.desk.keep_sound(Path.cwd() / voice) if voice else None,
        )
        request = Stitch(
            asked=turn.asked,
            shots=() if is_story else named,
            story=named[0] if is_story else None,
            options=options,
        )
        await turn.watch(await turn.desk.stitch(request), film_format=film_format)

    perform(as_json, place, work, at_work=True)


def resume(
    target: Annotated[
        str | None, typer.Argument(metavar="ID", help="Default: everything unfinished.", show_default=False)
    ] = None,
    *,
    yes: o.Yes = False,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Go on with what was interrupted, and watch it to its end."""

    async def work(turn: Turn) -> None:
        jobs = (
            [await turn.find_job(target)]
            if target
            else [job for job in (await turn.desk.jobs(turn.place))[::-1] if job.state in LIVE]
        )
        # what is not agreed to must not keep the others waiting
        jobs.sort(key=lambda job: job.state is JobState.ASKING)
        if not jobs:
            turn.voice.note("Nothing is unfinished here.")
        for job in jobs:
            await turn.watch(job, agrees=yes, is_ours=False)

    perform(as_json, place, work, at_work=True)


def again(shot: o.Subject, *, yes: o.Yes = False, place: o.Place = None, as_json: o.AsJson = False) -> None:
    """Send a render again whose answer was lost; it may cost twice."""

    async def work(turn: Turn) -> None:
        await turn.watch(await turn.desk.again(turn.asked, shot), agrees=yes)

    perform(as_json, place, work, at_work=True, repeatable=False)
