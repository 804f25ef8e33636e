"""The Dockerfile is whole: it can be read, what it copies is there, and what it promises is declared.

`python -m bench.dockerfile` runs its steps.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bench.dockerfile_text import Step, context_files, is_sent, options_of, pairs_of, read_steps, words_of

ROOT = Path(__file__).parents[1]
STEPS = read_steps((ROOT / "Dockerfile").read_text(encoding="utf-8"))
LAST_STAGE = STEPS[max(number for number, step in enumerate(STEPS) if step.keyword == "FROM") :]


def _values(keyword: str) -> list[str]:
    return [step.value for step in LAST_STAGE if step.keyword == keyword]


def test_every_copied_file_is_in_the_build_context() -> None:
    """Each COPY from the checkout finds what it names, and .dockerignore sends nothing that no COPY takes."""
    copies = [options_of(step.value) for step in STEPS if step.keyword == "COPY"]
    sources = [source for options, (*sources, _) in copies if "from" not in options for source in sources]
    sent = context_files(ROOT)
    assert {"pyproject.toml", "uv.lock", "bot"} <= set(sources)
    missing = [
        source for source in sources if not any(name == source or name.startswith(f"{source}/") for name in sent)
    ]
    assert not missing, f"The Dockerfile copies what no checkout has: {missing}"
    idle = [name for name in sent if not any(name == source or name.startswith(f"{source}/") for source in sources)]
    assert not idle, f"The build context holds what nothing copies: {idle}"


def test_every_stage_that_is_copied_from_is_named_before() -> None:
    """`COPY --from` and the FROM that it means agree."""
    named: set[str] = set()
    for step in STEPS:
        if step.keyword == "FROM":
            named.add(step.value.partition(" AS ")[2])
        if step.keyword == "COPY" and "from" in (options := options_of(step.value)[0]):
            assert options["from"] in named
    assert named == {"build", ""}


def test_the_image_does_not_run_as_root() -> None:
    """Its user is a number, so that a cluster can check it, and not 0."""
    (user,) = _values("USER")
    assert [int(part) > 0 for part in user.split(":")] == [True, True]


def test_the_image_declares_what_it_promises() -> None:
    """Data in a volume, the page's port, a health check without a shell, and the command."""
    environment = pairs_of(" ".join(_values("ENV")))
    assert environment["NEXTSHOT_DATA_DIR"] == "/data"
    assert environment["NEXTSHOT_WEB_HOST"] == "0.0.0.0"  # noqa: S104  # inside of a container
    assert (_values("VOLUME"), _values("EXPOSE")) == (["/data"], ["8420"])
    assert words_of(_values("CMD")[0]) == ["nextshot", "run"]
    check = words_of(_values("HEALTHCHECK")[0].partition("CMD ")[2])
    assert check[:2] == ["python", "-c"]
    compile(check[2], "HEALTHCHECK", "exec")


def test_the_label_tells_the_version_of_the_project() -> None:
    """A new version in pyproject.toml is a new one on the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    labels = pairs_of(" ".join(_values("LABEL")))
    assert labels["org.opencontainers.image.version"] == project["version"]
    assert labels["org.opencontainers.image.description"] == project["description"]


def test_steps_are_read_as_a_builder_reads_them() -> None:
    """Comments go, also between continued lines; the line of a step is its first."""
    text = '# one\nFROM a AS b\n\nRUN x \\\n  # why\n  && y\ncmd ["nextshot", "run it"]\n'
    assert read_steps(text) == [
        Step("FROM", "a AS b", 2),
        Step("RUN", "x && y", 4),
        Step("CMD", '["nextshot", "run it"]', 7),
    ]
    assert words_of('["nextshot", "run it"]') == ["nextshot", "run it"]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("bot/web/static/page.js", True),
        ("bot/__pycache__/a.pyc", False),
        ("bottle/x.py", False),
        ("data/nextshot.db", False),
        (".env", False),
        ("uv.lock", True),
    ],
)
def test_the_ignore_file_is_read_as_a_builder_reads_it(name: str, sent: bool) -> None:
    """The last pattern that matches a path or a folder above it decides."""
    assert is_sent(name, ["# words", "*", "!bot", "!uv.lock", "**/__pycache__"]) is sent
