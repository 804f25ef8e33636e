"""The words that choose a picture, read from `vocabulary.toml` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

Words = Mapping[str, str]

_TABLES: Mapping[str, Words] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

SCENES = _TABLES["scenes"]
TIMES = _TABLES["times"]
WEATHERS = _TABLES["weathers"]
SUBJECTS = _TABLES["subjects"]
ACTIONS = _TABLES["actions"]
CAMERAS = _TABLES["cameras"]
HOME_OF_SUBJECT = _TABLES["home_of_subject"]
"""The scene of a subject whose prompt names no place."""
PARTICLES_OF = _TABLES["particles_of"]
"""What falls or flies in a weather, around a subject or in a scene."""
