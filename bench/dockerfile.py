"""Runs every step of the Dockerfile without a container engine: `python -m bench.dockerfile`, as root, as an image is built.

Each stage is a directory that stands for the image's `/`, with a bare Python for its base. COPY takes what a build context would
hold; RUN is run by a shell; the paths of the image are mapped into the directory. Then the CMD is started as the image's user, its
HEALTHCHECK asked, and the program stopped. What this cannot show: the base image itself, and what only an engine isolates.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bench.dockerfile_text import Step, context_files, options_of, pairs_of, read_steps, words_of

ROOT = Path(__file__).parents[1]
START_S = 30.0
"""HEALTHCHECK's start period."""
STOP_S = 10.0
"""What `docker stop` waits before it kills."""


@dataclass
class Stage:
    """One stage as it grows. `root` stands for its `/`; it moves to `kept` when the next stage begins, as paths are built in."""

    root: Path
    kept: Path
    base: Path
    python: Path
    mapped: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: int = 0
    health: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def path(self, written: str) -> Path:
        """Where a path of the image is on this machine; relative ones start at WORKDIR."""
        return self.root / os.path.normpath(os.path.join(self.directory, written)).lstrip("/")  # noqa: PTH118  # not a path here

    def translate(self, text: str) -> str:
        """The same text with the image's own directories mapped; the base's (`/usr`, `/tmp`) stay this machine's."""
        mapped = "|".join(map(re.escape, self.mapped))
        return re.sub(rf"(?<![\w.])({mapped})(?![\w-])", lambda found: f"{self.root}{found[1]}", text)

    def settings(self) -> dict[str, str]:
        """The environment of a process in it."""
        base = {
            "PATH": f"{self.base}/bin:/usr/bin:/bin",
            "HOME": str(self.root),
            "LANG": "C.UTF-8",
            "CC": "false",  # a slim image has no compiler
            "UV_PYTHON": str(self.python),  # an image has one Python; this machine may have more
        }
        passed = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "SSL_")) or name == "UV_CACHE_DIR"
        }
        passed.setdefault("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
        written = {
            name: self.translate(value.replace("$PATH", base["PATH"])) for name, value in self.environment.items()
        }
        return base | passed | written

    def start(self, argv: Sequence[str], output: IO[str], more: Mapping[str, str]) -> subprocess.Popen[str]:
        """A process in it, as its user, in a session of its own."""
        return subprocess.Popen(
            [self.translate(word) for word in argv],
            cwd=self.path("."),
            env=self.settings() | dict(more),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            user=self.user,
            group=self.user,
            extra_groups=[],
            start_new_session=True,
        )

    def run(
        self, argv: Sequence[str], more: Mapping[str, str] | None = None, *, timeout_s: float = 900.0
    ) -> tuple[int, str]:
        """Its exit code and all that it said."""
        with tempfile.TemporaryFile("w+") as output:
            process = self.start(argv, output, more or {})
            try:
                code = process.wait(timeout_s)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
            output.seek(0)
            return code, output.read()


def build(steps: Sequence[Step], top: Path, python: Path) -> Stage:
    """Every step of every stage, in order; the last stage."""
    destinations = [words_of(step.value)[-1] for step in steps if step.keyword in {"COPY", "WORKDIR", "VOLUME"}]
    mapped = sorted({path for path in destinations if path.startswith("/") and path != "/"})
    stages: list[Stage] = []
    for step in steps:
        began = time.perf_counter()
        if step.keyword == "FROM":
            if stages:
                stages[-1].root.rename(stages[-1].kept)
            number = len(stages)
            stages.append(Stage(top / "root", top / f"stage-{number}", top / f"base-{number}", python, mapped))
            stages[-1].root.mkdir(mode=0o755)
            subprocess.run([python, "-m", "venv", stages[-1].base], check=True)
        else:
            carry_out(step, stages, [one.value.rpartition(" AS ")[2] for one in steps if one.keyword == "FROM"])
        print(f"{time.perf_counter() - began:7.1f} s  line {step.line:3}  {step.keyword} {step.value[:90]}", flush=True)
    return stages[-1]


def carry_out(step: Step, stages: Sequence[Stage], names: Sequence[str]) -> None:
    """One step in the newest stage.

    Raises:
        SystemExit: with a sentence, when the step fails or is of a kind that is not known here.
    """
    stage = stages[-1]
    match step.keyword:
        case "ENV":
            stage.environment |= pairs_of(step.value)
        case "WORKDIR":
            stage.directory = step.value
            stage.path(".").mkdir(parents=True, exist_ok=True)
        case "RUN":
            code, said = stage.run(["/bin/sh", "-c", step.value])
            if code != 0:
                sys.exit(f"Line {step.line} ended with {code}: {step.value}\n{said}")
        case "COPY":
            copy(step, stage, dict(zip(names, stages, strict=False)))
        case "USER":
            stage.user = int(step.value.partition(":")[0])
        case "HEALTHCHECK":
            stage.health = words_of(step.value.partition("CMD ")[2])
        case "CMD":
            stage.command = words_of(step.value)
        case unknown if unknown not in {"VOLUME", "EXPOSE", "LABEL"}:  # those change nothing in it
            sys.exit(f"Line {step.line}: this script does not know {unknown}: teach it, or leave the instruction out.")


def copy(step: Step, stage: Stage, stages: Mapping[str, Stage]) -> None:
    """From another stage, or from the build context, to where it belongs. Links stay links."""
    options, (*sources, target) = options_of(step.value)
    for source in sources:
        place = stage.path(target) / (Path(source).name if target.endswith("/") else "")
        if "from" in options:
            shutil.copytree(stages[options["from"]].kept / source.lstrip("/"), place, symlinks=True)
            continue
        for name in context_files(ROOT):
            if name == source or name.startswith(f"{source}/"):
                path = place / name.removeprefix(source).lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, path)


def prove(image: Stage) -> None:
    """Starts what was built as an engine would.

    Raises:
        SystemExit: with a sentence on the first thing that is not as promised.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    given = {"NEXTSHOT_WEB_PORT": port, "NEXTSHOT_WEB_PASSWORD": "correct horse"}

    where = "import importlib.util, sys; print(*importlib.util.find_spec('bot').submodule_search_locations)"
    _, place = image.run(["python", "-I", "-c", where])
    expect(place.startswith(str(image.root)), f"the code is the image's, not the checkout's: {place.strip()}")
    code_files = [name for name in context_files(ROOT) if name.startswith(("bot/", "engine/", "storage/"))]
    lost = [name for name in code_files if not (Path(place.strip()).parent / name).exists()]
    expect(
        not lost,
        f"all {len(code_files)} files of the three storeys are in it, pages and migrations too: {lost or 'yes'}",
    )
    expect(image.user not in {0, os.getuid()}, f"it runs as user {image.user}, not as root")
    writable = f"test -w /opt/nextshot || test -w {image.root} || test ! -w /data"
    expect(image.run(["/bin/sh", "-c", writable])[0] == 1, "that user can write to /data, and not to the program")
    clip = ["nextshot", "create", "a lighthouse in the fog", "--seconds", "2", "--resolution", "480p", "--json"]
    code, said = image.run(clip, given, timeout_s=60.0)
    expect(code == 0, f"it renders a clip: {said.strip().splitlines()[-1:]}")
    expect(image.run(image.health, given)[0] != 0, "the health check fails while nothing runs")
    code, said = image.run(image.command, {"NEXTSHOT_WEB_PORT": port}, timeout_s=START_S)
    refused = code == 2 and "NEXTSHOT_WEB_PASSWORD" in said and "Traceback" not in said
    expect(refused, f"without a password it ends with 2 and a sentence: {code}, {said.strip()}")
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        process = image.start(image.command, output, given)
        try:
            while (code := image.run(image.health, given, timeout_s=10.0)[0]) != 0 and process.poll() is None:
                if time.perf_counter() - began > START_S:
                    break
                time.sleep(0.2)
            seconds = time.perf_counter() - began
            output.seek(0)
            expect(
                code == 0,
                f"with one it is healthy after {seconds:.1f} s" if code == 0 else f"it became healthy: {output.read()}",
            )
            process.terminate()
            began = time.perf_counter()
            code = process.wait(STOP_S)
            expect(
                code in {0, 128 + signal.SIGTERM},
                f"it ends by itself, with {code}, {time.perf_counter() - began:.1f} s after SIGTERM",
            )
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def expect(holds: bool, sentence: str) -> None:
    """Print what holds, or end with it."""
    if not holds:
        sys.exit(f"NOT SO: {sentence}")
    print(f"  holds:  {sentence}", flush=True)


def size_mb(folder: Path) -> float:
    """What its files take on disk, each link and each inode once."""
    seen = {
        (found.st_dev, found.st_ino): found.st_blocks * 512 for path in folder.rglob("*") if (found := path.lstat())
    }
    return sum(seen.values()) / 1e6


def find_python(user: int) -> Path:
    """The newest Python from 3.11 on that any user of this machine can run: it stands in for the base image."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    for name in ("python3.13", "python3.12", "python3.11", "python3"):
        for python in (folder / name for folder in folders):
            check = [str(python), "-c", "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"]
            try:
                if subprocess.run(check, user=user, capture_output=True, check=False).returncode == 0:
                    return python
            except OSError:
                continue  # not there, or not for everybody
    sys.exit("No Python from 3.11 on that every user can run: name one with --python.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--python", type=Path, help="stands in for the base image's Python; every user must be able to run it"
    )
    asked = parser.parse_args()
    if os.getuid() != 0:
        sys.exit("An image is built as root, and so is this proof of it: run it as root.")
    steps = read_steps((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    python = asked.python or find_python(10001)
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{next(step.value for step in steps if step.keyword == 'FROM')}: here {python}, {version}")
    with tempfile.TemporaryDirectory(prefix="nextshot-image-") as folder:
        top = Path(folder)
        top.chmod(0o755)
        began = time.perf_counter()
        image = build(steps, top, python)
        print(
            f"built in {time.perf_counter() - began:.1f} s; beside the base image it holds {size_mb(image.root):.0f} MB"
        )
        prove(image)


if __name__ == "__main__":
    main()
