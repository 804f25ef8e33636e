"""From the words of a prompt to what is drawn. Any text in any script gives an idea."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from engine.providers.animatic.noise import Dice
from engine.providers.animatic.palette import MOODS
from engine.providers.animatic.vocabulary import (
    ACTIONS,
    CAMERAS,
    HOME_OF_SUBJECT,
    PARTICLES_OF,
    SCENES,
    SUBJECTS,
    TIMES,
    WEATHERS,
    Words,
)

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")


_UNDER_WATER = re.compile(r"\bunder(?:neath)? (?:the )?(?:water|sea|ocean|waves|lake)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """What to draw. Everything is settled; what the prompt did not say was chosen from its hash."""

    scene: str
    is_known: bool
    """Whether the prompt named something that can be drawn."""
    mood: str
    weather: tuple[str, ...]
    subjects: tuple[str, ...]
    action: str | None
    camera: str
    particles: tuple[str, ...]


def fold(text: str) -> str:
    """Lower case, one spelling for each letter, no accents: what words are compared by."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


class _Index:
    """A vocabulary made ready for look-up."""

    def __init__(self, words: Words) -> None:
        self.whole: dict[str, str] = {}
        self.stems: list[tuple[str, str]] = []
        self.parts: list[tuple[str, str]] = []
        for name, text in words.items():
            for word in fold(text).split():
                if word.endswith("*"):
                    self.stems.append((word[:-1], name))
                elif _is_without_spaces(word):
                    self.parts.append((word, name))
                else:
                    self.whole.setdefault(word, name)

    def of_word(self, word: str) -> str | None:
        for form in _forms(word):
            if form in self.whole:
                return self.whole[form]
        return next((name for stem, name in self.stems if word.startswith(stem)), None)

    def find(self, text: str) -> list[str]:
        """The names that the folded text speaks of, in its order, each once."""
        hits: list[tuple[int, str]] = []
        for match in _WORD.finditer(text):
            name = self.of_word(match[0])
            if name is not None:
                hits.append((match.start(), name))
        for part, name in self.parts:
            at = text.find(part)
            if at >= 0:
                hits.append((at, name))
        return list(dict.fromkeys(name for _, name in sorted(hits)))


def _is_without_spaces(word: str) -> bool:
    """Whether the word is of a script that writes no spaces, so that it is looked for inside of words."""
    return any("\u3040" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff" for letter in word)


def _forms(word: str) -> list[str]:
    """The word and the plain forms that it may come from."""
    forms = [word]
    for ending, instead in (
        ("'s", ""), ("s", ""), ("es", ""), ("ies", "y"), ("y", ""), ("ing", ""), ("ing", "e"),
        ("ed", ""), ("ed", "e"),
    ):  # fmt: skip
        if len(word) > len(ending) + 2 and word.endswith(ending):
            forms.append(word[: -len(ending)] + instead)
    if len(word) > 5 and word.endswith("ing") and word[-4] == word[-5]:
        forms.append(word[:-4])
    return forms


_SCENES, _TIMES, _WEATHERS = _Index(SCENES), _Index(TIMES), _Index(WEATHERS)
_SUBJECTS, _ACTIONS, _CAMERAS = _Index(SUBJECTS), _Index(ACTIONS), _Index(CAMERAS)


def read_prompt(prompt: str, seed: int, *, is_dark_before: bool | None = None) -> Idea:
    """The idea of a prompt. What it leaves open is chosen by the prompt and the seed.

    `is_dark_before`: whether the picture that it goes on from is dark, so that night stays night; None: there is none.
    """
    text = _UNDER_WATER.sub("underwater", fold(prompt))
    dice = Dice("idea", text.strip(), seed)
    subjects = _SUBJECTS.find(text)
    named = _SCENES.find(text)
    homes = [HOME_OF_SUBJECT[subject] for subject in subjects if subject in HOME_OF_SUBJECT]
    is_known = bool(named or subjects)
    scene = (named or homes or [dice.choose(("mountains", "field", "sea", "forest"))])[0]
    times, weather, actions = _TIMES.find(text), _WEATHERS.find(text), _ACTIONS.find(text)
    if "door" in subjects and not named:
        scene = "doorway"
    mood = _mood(scene, times, weather, subjects, dice, is_dark_before=is_dark_before)
    particles = [
        PARTICLES_OF[name]
        for name in (*weather, *(time for time in times if time == "golden"), *subjects, scene)
        if name in PARTICLES_OF
    ]
    cameras = _CAMERAS.find(text)
    return Idea(
        scene=scene,
        is_known=is_known,
        mood=mood,
        weather=tuple(weather),
        subjects=tuple(subjects[:3]),
        action=actions[0] if actions else None,
        camera=cameras[0] if cameras else dice.choose(("push", "push", "left", "right", "pull")),
        particles=tuple(dict.fromkeys(particles))[:2],
    )


def _mood(scene: str, times: list[str], weather: list[str], subjects: list[str], dice: Dice, *,
          is_dark_before: bool | None) -> str:  # fmt: skip
    """The light of the scene: the place first where it has its own, then time, then weather, then what suits."""
    fixed = {"underwater": "deep", "space": "space"}.get(scene)
    if fixed:
        return fixed
    if "fog" in weather and (not times or times[0] in ("night", "dusk")):
        return "night fog" if times or is_dark_before or "lighthouse" in subjects else "fog"
    if times:
        return times[0]
    by_weather = next((name for name in weather if name in ("storm", "fire", "winter", "snow")), None)
    if by_weather:
        return "winter" if by_weather == "snow" else by_weather
    if "rain" in weather:
        return "neon" if scene == "city" else "storm"
    usual = _USUAL.get(scene, ("dawn", "sunset", "day", "golden", "night", "sunset"))
    if {"lighthouse", "door", "lantern"} & set(subjects):
        usual = ("night", "dusk")
    alike = tuple(mood for mood in usual if MOODS[mood].is_dark is is_dark_before)
    return dice.choose(alike or usual)


_USUAL: dict[str, tuple[str, ...]] = {
    "city": ("neon", "night", "dusk"),
    "room": ("golden", "dusk"),
    "desert": ("golden", "sunset"),
    "doorway": ("night", "dusk"),
}
"""The lights of a scene whose prompt tells no time. Any other place takes any hour."""
