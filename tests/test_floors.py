"""The house stands: everybody looks down only, nobody in a circle, and every file says what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.floors import find_modules, problems

ROOT = Path(__file__).parents[1]


def test_every_import_looks_down() -> None:
    """bot → storage, engine; storage → engine; engine → nobody; no circle, no drawer, no file of over 400 lines."""
    assert {"engine.model", "bot.message", "storage"} <= set(find_modules(ROOT))
    assert not (wrong := problems(ROOT)), "\n" + "\n".join(wrong)


SOUND = {
    "engine/model.py": "from dataclasses import dataclass",
    "engine/ports.py": "from engine.model import Shot",
    "engine/driver.py": "from apscheduler.schedulers.asyncio import AsyncIOScheduler\nfrom . import ports",
    "engine/media/frames.py": "import av, numpy\nfrom PIL import Image\nfrom ..model import Clip",
    "engine/providers/fal.py": "import httpx",
    "storage/store.py": "import sqlmodel\nfrom engine import ports",
    "bot/message.py": "from engine.model import Person",
    "bot/web/adapter.py": "import aiohttp\nfrom bot.message import Reply\nfrom bot.web import translate",
    "bot/web/translate.py": "",
    "bot/telegram/adapter.py": "from bot.message import Reply",
    "bot/__main__.py": "import bot.web.adapter\nimport bot.telegram.adapter\nfrom storage.store import Store",
}


def _build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_sound_house_has_no_problems(tmp_path: Path) -> None:
    """What the plan allows is allowed."""
    assert problems(_build(tmp_path, SOUND)) == []


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (
            "engine/studio.py",
            "import storage.store",
            "engine.studio (line 1) imports storage.store: engine/ may not look at storage/.",
        ),
        (
            "engine/studio.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bot.message import Reply",
            "engine.studio (line 3) imports bot.message: engine/ may not look at bot/.",
        ),
        (
            "storage/files.py",
            "def late():\n    from bot import message",
            "storage.files (line 2) imports bot.message: storage/ may not look at bot/.",
        ),
        (
            "engine/studio.py",
            "import importlib\nstore = importlib.import_module('storage.store')",
            "engine.studio (line 2) imports storage.store: engine/ may not look at storage/.",
        ),
        (
            "bot/delivery.py",
            "import tests.fakes",
            "bot.delivery (line 1) imports tests.fakes: the product may not look at tests/.",
        ),
        (
            "bot/telegram/translate.py",
            "from ..web import translate",
            "bot.telegram.translate (line 1) imports bot.web.translate: bot/telegram/ may not look at another platform's room",
        ),
        (
            "engine/studio.py",
            "import sqlmodel",
            "engine.studio (line 1) imports sqlmodel: engine/ may use the standard library and apscheduler, httpx, av",
        ),
        (
            "engine/studio.py",
            "import httpx",
            "engine.studio (line 1) imports httpx: in engine/ only engine.providers may.",
        ),
        (
            "engine/providers/fal.py",
            "import numpy",
            "engine.providers.fal (line 1) imports numpy: in engine/ only engine.media and engine.providers.animatic may.",
        ),
        (
            "engine/model.py",
            "from .ports import Store",
            "These modules import each other in a circle: ",
        ),
        ("bot/web/utils.py", "", "bot/web/utils.py says nothing of what is in it: name it for its one purpose."),
        ("tests/helpers.py", "", "tests/helpers.py says nothing of what is in it: name it for its one purpose."),
        (
            "bot/web/page.js",
            "\n" * 401,
            "bot/web/page.js has 401 lines, and a file of the product has at most 400: split it by purpose.",
        ),
    ],
)
def test_a_breach_is_named(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    """One wrong line in a sound house gives one sentence that names the arrow."""
    (wrong,) = problems(_build(tmp_path, SOUND | {name: text}))
    assert wrong.startswith(sentence)


def test_a_circle_is_drawn_in_its_order(tmp_path: Path) -> None:
    """A circle over three modules names each of them once on its way round."""
    files = {
        "engine/a.py": "import engine.b",
        "engine/b.py": "from engine.c import x",
        "engine/c.py": "from . import a",
    }
    (wrong,) = problems(_build(tmp_path, files))
    ring = wrong.removesuffix(".").partition(": ")[2].split(" -> ")
    assert ring[0] == ring[-1]
    assert sorted(ring[:-1]) == ["engine.a", "engine.b", "engine.c"]
    assert f"{ring[0]} -> {ring[1]}" in {"engine.a -> engine.b", "engine.b -> engine.c", "engine.c -> engine.a"}
