"""The README's example of the library, run as a reader would: alone in an empty folder, without the bots."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import av
import pytest

README = Path(__file__).parents[1] / "README.md"
HEADING = "As a library"
ABSENT = ("bot", "aiohttp", "typer", "rich", "telegram", "discord", "pydantic_settings")
"""What only a chat front end or the terminal needs."""

BLOCKER = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (as if it were not installed)", name=name)

sys.meta_path.insert(0, Absent())
"""


def find_example(text: str, heading: str) -> str:
    """The first Python block under this heading and before the next one of any level.

    Raises:
        LookupError: with a sentence that says what is missing.
    """
    section = re.search(
        rf"^#+ +{re.escape(heading)} *\n(.*?)(?=^#+ |\Z)", _without_comments(text), re.MULTILINE | re.DOTALL
    )
    if section is None:
        raise LookupError(f"README.md has no heading '{heading}': write one with a Python block under it.")
    block = re.search(r"^```(?:python|py)\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    if block is None:
        raise LookupError(
            f"README.md has no Python block under its heading '{heading}': write one that runs as it stands."
        )
    return block[1].replace("\0", "#")


def _without_comments(text: str) -> str:
    """The same text with the `#` at the start of a line inside of a block hidden, so that it is not read as a heading."""
    return re.sub(
        r"^```.*?^```",
        lambda block: re.sub(r"^#", "\0", block[0], flags=re.MULTILINE),
        text,
        flags=re.MULTILINE | re.DOTALL,
    )


def run_without_bots(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it as a script in an empty folder. It and its child processes cannot import what is ABSENT."""
    blocked = folder / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(BLOCKER, encoding="utf-8")
    home = folder / "home"
    home.mkdir()
    (home / "example.py").write_text(code, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "example.py"],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(blocked)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_the_example_in_the_readme_makes_a_video(tmp_path: Path) -> None:
    """Ten lines of README run as they stand, end well, and leave a video that plays."""
    run = run_without_bots(find_example(README.read_text(encoding="utf-8"), HEADING), tmp_path)
    assert run.returncode == 0, f"The README's example failed:\n{run.stderr}"
    videos = [path for path in (tmp_path / "home").rglob("*.mp4") if path.is_file()]
    assert videos, "The README's example ended well but left no .mp4 below its folder."
    for video in videos:
        with av.open(str(video)) as container:
            assert sum(1 for _ in container.decode(video=0)) >= 24


@pytest.mark.parametrize("name", ABSENT)
def test_the_example_could_not_hide_a_bot(tmp_path: Path, name: str) -> None:
    """An example that needs one of them would fail, even inside of a child process."""
    child = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', 'import {name}.x']).returncode)"
    run = run_without_bots(child, tmp_path)
    assert run.returncode != 0
    assert f"No module named '{name}' (as if it were not installed)" in run.stderr


def test_the_block_is_found_by_its_heading() -> None:
    """Only the block under this heading counts, and a comment in it is no heading."""
    other = "```python\nno\n```\n"
    text = f"# A\n{other}## As a library\n```bash\nno\n```\nWords.\n```python\n# first\nyes\n```\n## B\n{other}"
    assert find_example(text, HEADING) == "# first\nyes\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# Nextshot\n", "README.md has no heading 'As a library': write one with a Python block under it."),
        (
            "## As a library\nWords.\n## B\n```python\nno\n```\n",
            "README.md has no Python block under its heading 'As a library': write one that runs as it stands.",
        ),
    ],
)
def test_a_readme_without_the_example_is_told(text: str, sentence: str) -> None:
    """What is missing is said in a sentence."""
    with pytest.raises(LookupError, match=re.escape(sentence)):
        find_example(text, HEADING)
