"""What can be offered for a field of a command, and which of it fits what was typed: pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from bot.commands import DEFAULT, Argument, Is, Option
from bot.discord.markdown import in_line, units
from bot.discord.slash import CHOICES_MOST, offered
from bot.parsing import is_code
from engine.abilities import Abilities
from engine.checks import ModelsByProvider
from engine.job_model import Job
from engine.jobs import LIVE
from engine.model import Film, Story
from engine.providers.painter import PaintersByName
from engine.views import ShotView, StoryView

NO_PAINTERS: PaintersByName = {}

CHOICE_CHARS = 100
"""https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-choice-structure"""
PROMPT_READ = 200
"""How much of a prompt is searched."""
_LIST_CHARS = 60
"""How much of a list of shots is shown before the one that is offered next."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One offer: what is shown, and what is filled in."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Something with a code."""

    code: str
    text: str
    owners: frozenset[str] = frozenset()
    """By key: who may steer it."""
    is_film: bool = False
    is_live: bool = False
    has_clip: bool = True
    is_given: bool = False


Rows = tuple[Row, ...]
_Fits = Callable[[Row], bool]
_FITS: Mapping[str, _Fits] = {
    "continue": lambda row: row.has_clip or row.is_live,
    "retake": lambda row: not row.is_given and not row.is_live,
    "edit": lambda row: row.has_clip and not row.is_given and not row.is_live,
    "stitch": lambda row: row.has_clip,
    "choose": lambda row: row.has_clip,
    "download": lambda row: row.has_clip,
    "delete": lambda row: not row.is_live,
}
"""What a command can do something with; the others take every shot."""
_OWN_FIRST = frozenset({"cancel", "delete"})


def _any(_: Row) -> bool:
    return True


def fitting(rows: Rows, command: str, argument: Argument, typed: str, person_key: str) -> list[Choice]:
    """What of these, newest first, can be meant in this argument of this command; ones own first where it has to be."""
    done, last = typed_of(argument, typed)
    takes_films = argument.kind is Is.CLIP
    wanted = [
        each
        for each in rows
        if (takes_films or not each.is_film) and each.code not in done and _FITS.get(command, _any)(each)
    ]
    if command in _OWN_FIRST:
        wanted.sort(key=lambda each: person_key not in each.owners)
    return _choices(_matching(wanted, last), done)


def typed_of(argument: Argument, typed: str) -> tuple[list[str], str]:
    """The words of a list that are done, and the one that is being typed."""
    if argument.kind is not Is.SHOTS:
        return [], typed.strip()
    words = re.split(r"[\s,]+", typed.lower())
    return [word for word in words[:-1] if word], words[-1]


def of_story(story: Story) -> Row:
    """By its title."""
    return Row(code=story.code, text=f"{story.code} · “{story.title}”")


def of_job(job: Job) -> Row:
    """What is being done, and for whom."""
    what = "a film" if job.shot_code is None else job.state.value
    return Row(code=job.subject, text=f"{job.subject} · {job.person.name}: {what}", owners=frozenset({job.person.key}))


def of_view(view: StoryView) -> Rows:
    """Shots and films, newest first."""
    director = view.story.director.key
    dated = [(each.shot.created_at, 1, each.shot.number, _of_shot(each, director)) for each in view.shots]
    dated += [(each.created_at, 2, each.number, _of_film(each, director)) for each in view.films]
    dated.sort(key=lambda each: each[:3], reverse=True)
    return tuple(row for *_, row in dated)


def _of_shot(view: ShotView, director: str) -> Row:
    shot = view.shot
    words = f": {shot.prompt[:PROMPT_READ]}" if shot.prompt else ""
    return Row(
        code=shot.code,
        text=f"{shot.code} · {shot.person.name}{words}",
        owners=frozenset({shot.person.key, director}),
        is_live=view.job is not None and view.job.state in LIVE,
        has_clip=view.clip is not None,
        is_given=not shot.provider,
    )


def _of_film(film: Film, director: str) -> Row:
    text = f"{film.code} · film of {len(film.shots)} shots"
    return Row(code=film.code, text=text, owners=frozenset({film.person.key, director}), is_film=True)


def _matching(rows: Iterable[Row], typed: str) -> list[Row]:
    """Those whose code begins so, then those whose words do; no more than are shown."""
    begun = typed.lower()
    words = [re.compile(rf"(?<!\w){re.escape(word)}", re.IGNORECASE) for word in re.findall(r"\w+", begun)]
    by_code: list[Row] = []
    by_words: list[Row] = []
    for row in rows:
        if row.code.startswith(begun):
            by_code.append(row)
        elif words and len(by_words) < CHOICES_MOST and all(word.search(row.text) for word in words):
            by_words.append(row)
        if len(by_code) >= CHOICES_MOST:
            break
    return by_code + by_words


def _choices(rows: Iterable[Row], done: Sequence[str]) -> list[Choice]:
    before = " ".join(done)
    shown = before if units(before) <= _LIST_CHARS else f"{len(done)} shots, then"
    choices = (
        Choice(in_line(f"{shown} {row.text}", CHOICE_CHARS), f"{before} {row.code}".strip())
        for row in islice(rows, CHOICES_MOST)
    )
    return [each for each in choices if len(each.value) <= CHOICE_CHARS]


def itself(typed: str) -> list[Choice]:
    """What was typed, where it is what could be meant."""
    words = [word for word in re.split(r"[\s,]+", typed.lower()) if word]
    value = " ".join(words)
    return [Choice(value, value)] if words and all(map(is_code, words)) and len(value) <= CHOICE_CHARS else []


def of_option(
    option: Option,
    typed: str,
    given: Mapping[str, str | float | bool],
    models: ModelsByProvider,
    painters: PaintersByName = NO_PAINTERS,
) -> list[Choice]:
    """What an option can be with these models and painters, those of the chosen provider and model where there are such."""
    provider, model = str(given.get("provider", "")).lower(), str(given.get("model", "")).lower()
    chosen = {provider: models[provider]} if provider in models else models
    able = [
        abilities
        for by_name in chosen.values()
        for name, abilities in by_name.items()
        if name.lower() == model or not any(model in map(str.lower, each) for each in chosen.values())
    ]
    texts: dict[str, str] = {DEFAULT: DEFAULT} if option.resets else {}
    match option.name:
        case "provider":
            texts |= {name: f"{name} · {', '.join(by_name)}" for name, by_name in models.items()}
        case "model":
            for name, by_name in chosen.items():
                for each in by_name:
                    texts[each] = f"{texts[each]}, {name}" if each in texts else f"{each} · {name}"
        case "still":
            texts |= {f"{name} {model}": f"{name} {model}" for name, by_name in painters.items() for model in by_name}
        case "style":
            texts |= {style: style for each in able for style in each.styles}
        case "seconds":
            texts |= {text: f"{text} s" for text in _seconds(able)}
        case _ if option.choices:
            texts |= {value: value for value in offered(option, able)}
        case _:
            return []
    begun = typed.strip().casefold()
    found = sorted(
        (value for value, text in texts.items() if begun in text.casefold() and len(value) <= CHOICE_CHARS),
        key=lambda value: not value.casefold().startswith(begun),
    )
    return [Choice(in_line(texts[value], CHOICE_CHARS), value) for value in found[:CHOICES_MOST]]


def _seconds(able: Sequence[Abilities]) -> list[str]:
    """The shortest, the usual and the longest."""
    if not able:
        return []
    usual = sorted({each.default_seconds for each in able})
    shortest, longest = min(each.min_seconds for each in able), max(each.max_seconds for each in able)
    return [f"{each:g}" for each in dict.fromkeys((*usual, shortest, longest))]
