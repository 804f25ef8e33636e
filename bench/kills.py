"""Is a clip ever lost or doubled? `python -m bench.kills --kills 30 --seed 1`.

A real `nextshot run` on a data directory of its own is told to create, continue, retake, stitch and cancel over HTTP, as the page
does it, and killed with SIGKILL at random moments, one time in four together with its renderers, as when a container is stopped.
A command whose answer was lost is sent again under the same key. In the end it may finish, and rows, page, files and processes
are compared. Exit code 1: something is wrong; the lines say what. The seed chooses the moments and the commands, not the timing.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.kills_found import Command, processes_in, rows, wrongs

CHECKOUT = Path(__file__).parents[1]
PEOPLE = ("Ana", "Ben", "Cem")
QUICK = "--seconds 2 --resolution 480p"
LIVE = ("queued", "submitting", "rendering", "saving")
FINISH_S = 120.0


@dataclass
class Server:
    """`nextshot run`, again and again on the same directory."""

    data: Path
    url: str = ""
    process: subprocess.Popen[str] | None = None
    starts_s: list[float] = field(default_factory=list)

    def start(self) -> subprocess.Popen[str]:
        """Start it and wait until it serves."""
        began = time.perf_counter()
        environment = {**os.environ, "NEXTSHOT_DATA_DIR": str(self.data), "NEXTSHOT_LOG_LEVEL": "error"}
        command = [sys.executable, "-m", "bot", "run", "--port", "0"]
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("Open "):
            raise SystemExit(f"nextshot run did not start: {line!r}")
        self.process, self.url = process, line.removeprefix("Open ").strip().rstrip("/")
        self.starts_s.append(time.perf_counter() - began)
        return process

    def kill(self, with_children: bool) -> None:
        """SIGKILL, also for what it started if asked."""
        assert self.process is not None
        self.process.kill()
        for pid in processes_in(self.data) if with_children else ():
            with_group(pid)

    def post(self, command: Command) -> None:
        """Say it. Raises httpx.HTTPError: no answer came."""
        said = {"key": command.key, "name": command.name, "text": command.text}
        command.tries += 1
        answer = httpx.post(f"{self.url}/api/room/home/say", json=said, headers={"Origin": self.url}, timeout=30)
        private = answer.raise_for_status().json()["private"]
        command.is_accepted = not (private and private["is_error"])


def with_group(pid: int) -> None:
    """Kill a renderer's process group, if it still is one."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def next_command(chance: random.Random, number: int, seed: int) -> Command:
    """What somebody says next. Whether it can be done just then is not asked."""
    words = [
        f"/create a lamp in the rain, number {number} {QUICK}",
        *[f"/continue the boat turns, number {number}"] * 4,
        *["/retake"] * 2,
        *["/stitch"] * 2,
        "/cancel",
    ]
    text = words[0] if number == 0 else chance.choice(words)
    return Command(f"kills-{seed}-{number:06d}", chance.choice(PEOPLE), text)


def torment(server: Server, kills: int, seed: int) -> list[Command]:
    """Speak and kill; gives everything that was said."""
    chance, said = random.Random(seed), list[Command]()
    for _ in range(kills):
        process = server.start()
        with_children = chance.random() < 0.25
        until, end = time.monotonic() + chance.uniform(0, 2.5), None
        while process.poll() is None:
            if not said or said[-1].is_accepted is not None:
                said.append(next_command(chance, len(said), seed))
            if end is None and time.monotonic() > until:  # while a command is being accepted, or soon after
                end = threading.Timer(chance.uniform(0, chance.choice((0.05, 0.6))), server.kill, (with_children,))
                end.start()
            try:
                server.post(said[-1])
            except httpx.HTTPError:
                process.wait(10)
            time.sleep(chance.uniform(0, 1.0))
    return said


def finish(server: Server, said: list[Command]) -> tuple[int, float]:
    """Start once more and let it come to rest; the videos on the page, and how many seconds that took."""
    began = time.monotonic()
    process = server.start()
    if said[-1].is_accepted is None:
        server.post(said[-1])
    live = f"SELECT count(*) FROM job WHERE state IN {(*LIVE, 'ready')}"  # noqa: S608  # our own constant
    while rows(server.data, live)[0][0] and time.monotonic() - began < FINISH_S:
        time.sleep(0.25)
    rested_s = time.monotonic() - began
    time.sleep(1.0)  # work directories are dropped right after the last word
    posts, before = list[dict[str, object]](), ""
    while True:
        path = f"/api/room/home/posts?before={before}" if before else "/api/room/home"
        page = httpx.get(server.url + path, timeout=30).raise_for_status().json()
        posts, before = page["posts"] + posts, str(page["posts"][0]["id"]) if page["posts"] else ""
        if not page["has_more"]:
            break
    process.terminate()
    process.wait(20)
    return sum(1 for post in posts if post["video"]), rested_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nextshot-kills-") as directory:
        server = Server(Path(directory) / "data")
        said = torment(server, asked.kills, asked.seed)
        videos, rested_s = finish(server, said)
        lost, doubled = wrongs(server.data, said, videos)
        states = Counter(str(state) for (state,) in rows(server.data, "SELECT state FROM job"))
        reasons = rows(server.data, "SELECT failure_sentence, count(*) FROM job WHERE state = 'failed' GROUP BY 1")
    again = sum(command.tries > 1 for command in said)
    print(f"seed {asked.seed}: {asked.kills} kills, {len(said)} commands ({again} sent again), {states.total()} jobs")
    print(
        f"jobs {dict(states)}, {videos} videos on the page, slowest start {max(server.starts_s):.1f} s, rest {rested_s:.1f} s"
    )
    print(*(f"failed {count}x: {reason}" for reason, count in reasons), sep="\n")
    print(f"lost {len(lost)}, doubled {len(doubled)}", *lost, *doubled, sep="\n  ")
    return 1 if lost or doubled else 0


if __name__ == "__main__":
    sys.exit(main())
