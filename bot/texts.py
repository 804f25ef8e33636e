"""Every sentence that a person reads, as functions of engine values: plain text, no markup, escaped by each front end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.commands import help_text
from bot.seam_texts import ending_line, seam_lines
from engine.abilities import Quote
from engine.errors import Billed
from engine.job_model import MAY_STILL_COST, NOBODY_AGREED, WAS_CHARGED, Job, JobKind, JobState
from engine.jobs import LIVE
from engine.model import Clip, Film, Shot, ShotOptions, Story, Take
from engine.money_rules import dollars
from engine.place_options import KEPT, PlaceOptions
from engine.views import HistoryPage, ShotView, StoryView
from engine.ways_out import WaysOut

EXAMPLE = "a lighthouse keeper lights the lamp"
PROMPT_SHOWN = 280
ONLY_HERE = "Only clips of this place are shown here; /history mine in a private chat with the bot lists all of yours."
ANOTHER_VERSION = "This button is from another version of Nextshot; /help lists what can be done."
ADMINS_ONLY = "Only an admin of this group can change its settings."
_ASKED = re.compile(r"(?:\A|\n)What happens after ([a-z]\d{1,12}-\d{1,9}(?:@[\d.]+)?)\?\Z", re.ASCII)
_ABOUT = re.compile(
    r"([a-z]\d{1,12}-\d{1,9}) · (?:(?:given )?by |(?:thumbnail|spritesheet|[a-z]+-frame|[\d.]+s?)\Z|(?:webm|gif|frames)\b)",
    re.ASCII,
)


def status(job: Job, *, prompt: str, place_in_line: int, now: datetime, usual_s: float | None = None) -> str:
    """The one message that counts a job's progress."""
    stands = stage(job, place_in_line=place_in_line, now=now, usual_s=usual_s)
    return f"{headline(job)}\n{quoted(prompt)}{stands}{_price(job)}{_notes(job)}"


def headline(job: Job) -> str:
    """`k7-4 · by Ana`"""
    what = f"Film of {job.story_code}" if job.kind is JobKind.STITCH else job.subject
    return f"{what} · by {job.person.name}"


def stage(job: Job, *, place_in_line: int, now: datetime, usual_s: float | None = None) -> str:
    """Where it stands: a percent only where the provider gave one, else how long it takes already and, where known, usually."""
    if job.is_unwanted and job.state in LIVE:
        return "cancelling, as soon as it is handed over"
    match job.state:
        case JobState.ASKING:
            return f"{Quote(job.quoted_usd)}: waits for somebody to agree"
        case JobState.QUEUED | JobState.SUBMITTING if job.trouble:
            return job.trouble
        case JobState.QUEUED if job.waits_for:
            return f"waiting for {job.waits_for}, which it continues"
        case JobState.QUEUED if place_in_line > 1:
            return f"waiting, {_ordinal(place_in_line)} in line"
        case JobState.QUEUED | JobState.SUBMITTING:
            return "starting" if job.tries == 0 else f"{job.provider} is busy; trying again"
        case JobState.RENDERING:
            percent = f" {job.percent:.0f} %" if job.percent is not None else ""
            silent = f" · {job.provider} does not answer; it is asked again" if job.tries else ""
            silent = f" · {job.trouble}" if job.trouble else silent
            usually = f" · usually {about_s(usual_s)}" if usual_s is not None and not (percent or silent) else ""
            return f"rendering{percent} · {_clock(job, now)}{usually}{silent}"
        case JobState.SAVING if job.kind is JobKind.STITCH:
            percent = f" {job.percent:.0f} %" if job.percent is not None else ""
            return f"joining {len(job.plan)} shots{percent}"
        case JobState.SAVING if job.trouble:
            return f"finished; {job.trouble}"
        case JobState.SAVING:
            return "finished, saving the clip" if job.tries == 0 else "finished; its clip is asked for again"
        case JobState.READY | JobState.DELIVERED:
            return f"done in {_took(job)}"
        case JobState.FAILED:
            return f"failed: {job.failure.sentence}" if job.failure else "failed"
        case JobState.CANCELLED:
            return "cancelled"
        case JobState.UNCONFIRMED:
            return "it is not known whether this render was taken"


def done(job: Job, *, prompt: str) -> str:
    """What the status message says at last."""
    return f"{headline(job)}\n{quoted(prompt)}done in {_took(job)}{_notes(job)}"


def _price(job: Job) -> str:
    """What it will cost; what is free or unknown is not told with every shot."""
    return f" · {Quote(job.quoted_usd)}" if job.quoted_usd else ""


def _notes(job: Job) -> str:
    return "".join(f"\n{note}" for note in job.notes)


def shot_caption(shot: Shot, clip: Clip, take: Take | None, job: Job | None = None) -> str:
    """Beside a shot's video. `job` is what made it: what it cost is told where that is known."""
    nth = f" · take {take.number}" if take and take.number > 1 else ""
    edit = f"changed: {quoted(take.edit)}" if take and take.edit else ""
    cost = f" · {dollars(job.cost_usd)}" if job and job.cost_usd else ""
    return f"{shot.code} · {_by(shot)}{nth}\n{quoted(shot.prompt)}{edit}{clip_facts(clip)}{cost}{ending_line(clip)}"


def film_caption(film: Film, story: Story | None) -> str:
    """Beside a film's video: its title, its shots."""
    title = f"“{story.title}”\n" if story else ""
    return f"{film.code} · {_count(len(film.shots), 'shot')} of {film.story_code}\n{title}{clip_facts(film.clip)}"


def clip_facts(clip: Clip) -> str:
    """`6.0 s · 1280x720 · 2.1 MB`"""
    return f"{clip.seconds:.1f} s · {clip.width}x{clip.height} · {clip.bytes / 1e6:.1f} MB"


def failure(job: Job, ways: WaysOut | None = None) -> str:
    """What happened, whether it was billed, what next: `ways` are offered beside it."""
    if job.state is JobState.CANCELLED:
        return f"{headline(job)}\ncancelled{_charged_though_cancelled(job)}"
    if job.failure is None:
        return f"{headline(job)}\nfailed"
    return f"{headline(job)}\n{job.failure.sentence} {_charged(job, job.failure.billed, ways)}"


def _charged(job: Job, billed: Billed, ways: WaysOut | None) -> str:
    if billed is Billed.YES:
        return "The render was charged."
    if job.cost_usd:  # of a job that failed, this is what its first frame cost
        render = "was not" if billed is Billed.NO else "may have been, too"
        return f"Its first frame was painted and charged ({dollars(job.cost_usd)}); the render {render}."
    if billed is Billed.UNKNOWN:
        return "It may have been charged."
    return "Nothing was rendered, and nothing was charged." if ways else "Nothing was charged."


def _charged_though_cancelled(job: Job) -> str:
    if NOBODY_AGREED in job.notes:
        return f": {NOBODY_AGREED[0].lower()}{NOBODY_AGREED[1:]}"
    if WAS_CHARGED in job.notes:
        return "; its render was charged"
    is_open = MAY_STILL_COST in job.notes
    if job.cost_usd:
        painted = f"; its first frame was painted and charged ({dollars(job.cost_usd)})"
        return f"{painted}, and its render may still be charged" if is_open else painted
    return "; it may still be charged" if is_open else ""


def shot_view(view: ShotView) -> str:
    """One shot with all its options and takes."""
    shot = view.shot
    lines = [f"{shot.code} · {_by(shot)}", quoted(shot.prompt).rstrip("\n")]
    if shot.provider:
        facts = f"{shot.seconds:g} s · {shot.ratio} · {shot.resolution} · {shot.style} · {shot.provider} {shot.model}"
        lines.append(facts)
    unseeded = ", without its last frame" if shot.is_unseeded else ""
    unseeded = f" from {shot.from_s:.1f} s on" if shot.from_s is not None and not unseeded else unseeded
    lines.append(f"continues {view.parent_code}{unseeded}" if view.parent_code else "begins the story")
    lines += seam_lines(view.clip, view.parent_code)
    if not view.on_canon:
        lines.append(f"a branch: /choose {shot.code} lets the film follow it")
    if view.is_stale:
        lines.append(f"{view.parent_code} was retaken after it: /retake {shot.code} makes the cut fit again")
    for take in view.takes:
        mark = " (chosen)" if take.id == shot.chosen_take_id else ""
        facts = clip_facts(take.clip) if take.clip else "no clip"
        how = f"“{_short(take.edit, 60)}”" if take.edit else f"seed {take.seed}"
        lines.append(f"take {take.number}{mark}: {how} · {facts}" if shot.provider else facts)
    return "\n".join(lines) + ending_line(view.clip)


def story_view(view: StoryView) -> str:
    """A story as an outline: every shot under the one that it continues, the canon marked."""
    lines = [f"{view.story.code} · “{view.story.title}” · by {view.story.director.name}"]
    children: dict[str | None, list[ShotView]] = {}
    living = {each.shot.code for each in view.shots}
    for each in view.shots:
        parent = each.parent_code if each.parent_code in living else None
        children.setdefault(parent, []).append(each)

    # an explicit stack: a story may be a line of a thousand shots
    stack = [(each, 0) for each in reversed(children.get(None, []))]
    while stack:
        each, depth = stack.pop()
        lines.append("  " * depth + _shot_line(each))
        below = children.get(each.shot.code, [])
        # a line of shots stays at one depth; only branches go in
        stack.extend((child, depth + (0 if child.on_canon or len(below) == 1 else 1)) for child in reversed(below))
    lines.extend(
        f"{film.code} · film of {_count(len(film.shots), 'shot')}, {film.clip.seconds:.1f} s" for film in view.films
    )
    if not view.shots:
        lines.append("no shots yet; /create begins a new story")
    return "\n".join(lines)


def stories(all_stories: Sequence[Story], current: str | None) -> str:
    """The stories of a place."""
    if not all_stories:
        return f"No story yet. Begin one: /create {EXAMPLE}"
    lines = [
        f"{story.code} · “{story.title}” · by {story.director.name}" + (" (current)" if story.code == current else "")
        for story in all_stories
    ]
    return "\n".join([*lines, "/story and a code goes to another one."])


def history(page: HistoryPage, *, mine: bool, here: bool = False) -> str:
    """A page of clips. `here`: only those of a place where several people read."""
    ending = [ONLY_HERE] if mine and here else []
    if not page.items:
        return "\n".join([f"No clips yet. Begin: /create {EXAMPLE}", *ending])
    lines = [
        f"{item.shot_code} · {item.person.name} · {_short(item.prompt, 60)} · {item.clip.seconds:.1f} s"
        for item in page.items
    ]
    if page.next_before is not None:
        lines.append(f"older ones: /history {'mine ' if mine else ''}--before {page.next_before}")
    return "\n".join([*lines, *ending])


def welcome() -> str:
    """How it begins."""
    return (
        "Tell a film together, shot by shot.\n"
        f"/create {EXAMPLE}\n"
        "/continue a boat answers from the fog\n"
        "/stitch joins the shots into one film. /help lists everything."
    )


def help_reply() -> str:
    """All commands."""
    return help_text()


def deleted(code: str) -> str:
    return f"{code} was deleted."


def chosen(view: ShotView, take: int | None) -> str:
    if take is not None:
        return f"{view.shot.code} is take {take} now."
    return f"The film follows {view.shot.code} now."


def added(view: ShotView) -> str:
    """A video is a shot now; answering this message continues it."""
    shot = view.shot
    where = f"continues {view.parent_code}" if view.parent_code else "begins the story"
    facts = clip_facts(view.clip) if view.clip else "no clip"
    branch = "" if view.on_canon else f", a branch: /choose {shot.code} lets the film follow it"
    notes = "".join(f"\n{note}" for note in view.notes)
    return f"{shot.code} · {_by(shot)}\n{quoted(shot.prompt)}{facts}\n{where}{branch}{notes}\n{question(shot.code)}"


def question(code: str) -> str:
    """What is asked before a shot is continued by a button."""
    return f"What happens after {code}?"


def asked_of(text: str) -> str | None:
    """The shot, or a frame of it, of a `question` that a text ends with; None: it ends with none."""
    found = _ASKED.search(text)
    return found[1] if found else None


def settings(place: PlaceOptions) -> str:
    """What new stories get here, what of it was chosen, and how to choose."""
    used, chosen = place.used, _chosen(place.chosen)
    lines = [
        f"A new story here: {used.seconds:g} s · {used.ratio} · {used.resolution} · {used.style} · {used.provider} {used.model}",
        f"chosen here: {chosen}" if chosen else "nothing is chosen here, so these are the defaults",
        "/settings --ratio 9:16 --seconds 6 changes it, --ratio default takes that back.",
        "There are also --resolution, --style, --provider and --model; /models lists what they can be.",
    ]
    return "\n".join(lines)


def opened(view: StoryView) -> str:
    return f"The story is {view.story.code} now.\n{story_view(view)}"


def broken(reference: str) -> str:
    """For what no sentence was written for."""
    return f"Something broke inside Nextshot and nothing was started. The operator finds it as {reference} in the log."


def _chosen(options: ShotOptions) -> str:
    chosen = ((name, getattr(options, name)) for name in KEPT)
    return ", ".join(f"{name} {value:g}" if name == "seconds" else f"{name} {value}" for name, value in chosen if value)


def _by(shot: Shot) -> str:
    """Whose it is: a shot without a provider is a video that somebody gave."""
    return f"{'by' if shot.provider else 'given by'} {shot.person.name}"


def _shot_line(view: ShotView) -> str:
    shot, clip = view.shot, view.clip
    mark = "●" if view.on_canon else "○"
    if clip:
        facts = f"{clip.seconds:.1f} s"
    elif view.job:
        facts = view.job.state.value
    else:
        facts = "no clip"
    return f"{mark} {shot.code} {shot.person.name}: {_short(shot.prompt, 60)} ({facts})"


def quoted(prompt: str) -> str:
    """A prompt on a line of its own, cut; nothing where there is none."""
    return f"“{_short(prompt, PROMPT_SHOWN)}”\n" if prompt else ""


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _clock(job: Job, now: datetime) -> str:
    elapsed_s = max(0, int((now - (job.started_at or job.created_at)).total_seconds()))
    return f"{elapsed_s // 60}:{elapsed_s % 60:02d}"


def about_s(seconds: float) -> str:
    """`about 8 s`, `about 40 s`, `about 2 min`: as exactly as anybody can say."""
    if seconds < 20:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 10) * 10} s" if seconds < 95 else f"about {round(seconds / 60)} min"


def _took(job: Job) -> str:
    seconds = max(0, round(((job.finished_at or job.created_at) - job.created_at).total_seconds()))
    return f"{seconds} s" if seconds < 90 else f"{seconds // 60}:{seconds % 60:02d} min"


def said_again(text: str) -> str:
    """Under what may have arrived as a message of its own before."""
    return f"{text}\n(shown here, as it is not known whether it arrived below)"


def sent_again(text: str) -> str:
    """Under a second message, where the first one may have arrived."""
    return f"{text}\n(sent again, as it is not known whether it arrived above)"


def kept(text: str, code: str, *, may_stand: bool) -> str:
    """What the status message says where the result cannot be shown, or `may_stand` there."""
    why = "it is not known whether it arrived here; it" if may_stand else "it could not be shown here, and"
    return f"{text}\n{why} is kept: /show {code}"


def made_smaller(*, limit_bytes: int, lines: int | None, parts: int, link: str | None, whole_bytes: int) -> str:
    """What was done to a video so that it passes."""
    size = f" in {lines}p" if lines is not None else ""
    cut = f", in {parts} parts" if parts > 1 else ""
    whole = f"\nthe whole {whole_bytes / 1e6:.0f} MB: {link}" if link else ""
    return f"made smaller to pass here ({limit_bytes / 1e6:.0f} MB): shown{size}{cut}{whole}"


def does_not_fit(*, limit_bytes: int, whole_bytes: int, link: str | None) -> str:
    """For a video that cannot be made to pass."""
    where = link or "the operator has the file"
    return f"It has {whole_bytes / 1e6:.0f} MB, of which only {limit_bytes / 1e6:.0f} MB pass here: {where}"


EXPORT_LATE = "That file took too long to make; try again, or take the MP4."


def no_export(why: str, link: str | None) -> str:
    """For a film that cannot be had as the kind of file that was asked for."""
    return f"{why} The film as it is: {link}" if link else why


def not_let_in(chat_id: str | None, setting: str = "NEXTSHOT_TELEGRAM_ALLOWED") -> str:
    """For who is not on the operator's list."""
    how = f" Its operator lets this chat in with {setting}={chat_id}" if chat_id else ""
    return f"This Nextshot is not open to everybody.{how}"


def code_of(text: str) -> str | None:
    """The shot that a message of ours is about, read from its beginning; None: it is about none.

    A list of clips is about none, although a code begins it.
    """
    found = _ABOUT.match(text)
    return found[1] if found else None
