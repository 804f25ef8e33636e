"""The world of a run: services and a chat that live on, people in it, and a process that is killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench.kills_found import processes_in
from bot.control.remote import served_at
from bot.control.server import drop_socket
from tests.bot_process import CHECKOUT
from tests.chaos.door import Door
from tests.chaos.services import ASKS_ABOVE_USD, KINDS, PaidService, toml
from tests.chaos.victim import Life, reached_file
from tests.fakes.bot_api.refusals import Refusal
from tests.fakes.bot_api.server import BotApiServer
from tests.fakes.bot_api.wire import Call
from tests.fakes.telegram import Chat, FakeTelegram, Message, Person

STARTS_S = 90.0
LOOK_S = 0.05


class HeldServer(BotApiServer):
    """Every call passes the door, before it is carried out and after."""

    def __init__(self, like: BotApiServer, door: Door) -> None:
        super().__init__(like.world, like.token, like.reading, like.contract)
        self.door = door

    async def _carry_out(self, call: Call, token: str) -> Any:
        who = str(call.params.get("chat_id", ""))
        before, after = {
            "sendmessage": ("status", "status-sent"),
            "sendvideo": ("upload", "uploaded"),
            "sendanimation": ("upload", "uploaded"),
            "getupdates": ("", "update"),
        }.get(call.method.lower(), ("", ""))
        if before and not await self.door.passes(before, who):
            raise Refusal(502, "Bad Gateway")  # nobody is there to read it
        result = await super()._carry_out(call, token)
        if after and (after != "update" or result) and not await self.door.passes(after, who):
            raise Refusal(502, "Bad Gateway")  # nobody is there to read it
        return result


class HeldTelegram(FakeTelegram):
    """The chat server, with a door."""

    def __init__(self) -> None:
        super().__init__(flood=False)
        self.door = Door()
        self.server = HeldServer(self.server, self.door)
        self._listener = self.server


class House:
    """All of it. `start` and `kill` as often as wanted."""

    def __init__(self, home: Path, telegram: HeldTelegram, services: Mapping[str, PaidService]) -> None:
        self.home = home
        self.data = home / "data"
        self.telegram = telegram
        self.services = services
        self.pid: int | None = None
        self.starts_s: list[float] = []
        self.kills = 0
        self.cpu_s = 0.0
        """What all lives that ended here have used of the processor, with their children that ended before."""
        self._zygote: subprocess.Popen[str] | None = None
        (home / "nextshot.toml").write_text(self._toml(), encoding="utf-8")
        (home / "nextshot.toml").chmod(0o600)  # there are keys in it
        home.joinpath("reached.txt").write_text("", encoding="utf-8")

    def _toml(self) -> str:
        lines = []
        for name, service in self.services.items():
            lines += [f"[providers.{name}]", *(f"{key} = {toml(value)}" for key, value in service.table().items()), ""]
        return "\n".join(lines)

    @property
    def doors(self) -> list[Door]:
        return [self.telegram.door, *(service.door for service in self.services.values())]

    def environment(self) -> dict[str, str]:
        """What the process is started with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NEXTSHOT_")}
        return {
            **kept,
            "PYTHONPATH": str(CHECKOUT),
            "NEXTSHOT_DATA_DIR": str(self.data),
            "NEXTSHOT_WEB_PORT": "0",
            "NEXTSHOT_LOG_LEVEL": "info",
            "NEXTSHOT_LOG_FORMAT": "text",
            "NEXTSHOT_PROVIDER": next(iter(self.services)),
            "NEXTSHOT_ASK_ABOVE_USD": str(ASKS_ABOVE_USD),
            "NEXTSHOT_TELEGRAM_TOKEN": self.telegram.token,
            "NEXTSHOT_TELEGRAM_API_URL": self.telegram.url,
            "NEXTSHOT_TELEGRAM_ALLOWED": "*",
        }

    async def start(
        self, *, holds: Mapping[str, str] | None = None, dies_at: str = "", stops_at: str = "", after: int = 1
    ) -> None:
        """Until a long poll of it waits, or it is dead again."""
        if self._zygote is None:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.victim"],
                cwd=CHECKOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith("NEXTSHOT_")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        life = Life(
            home=str(self.home),
            environment=self.environment(),
            holds=holds or {},
            dies_at=dies_at,
            stops_at=stops_at,
            after=after,
        )
        polls = len(self.telegram.calls_of("getUpdates"))
        began_s = time.monotonic()
        self._zygote.stdin.write(life.line())
        self._zygote.stdin.flush()
        self.pid = int(await asyncio.to_thread(self._zygote.stdout.readline))

        def is_up() -> bool:
            return not self.is_alive or len(self.telegram.calls_of("getUpdates")) > polls

        try:
            await self.telegram.wait_until(is_up, STARTS_S, "A long poll")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-4000:]}") from None
        self.starts_s.append(time.monotonic() - began_s)

    @property
    def is_alive(self) -> bool:
        if self.pid is None:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def strike(self, *, with_children: bool = False) -> None:
        """SIGKILL, also for what it started if asked. Safe to call from a fake, in the middle of a request."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        for pid in processes_in(self.data) if with_children else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    async def kill(self, *, with_children: bool = False) -> None:
        """SIGKILL, and wait until it is gone. What was held on its way to a fake is lost."""
        self.cpu_s += self._used_s()
        self.strike(with_children=with_children)
        await self.gone()
        self.kills += 1
        for door in self.doors:
            door.open_all()
        await asyncio.sleep(LOOK_S)

    def _used_s(self) -> float:
        """https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; 0 where it is dead already."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return 0.0
        return sum(map(int, told.rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")

    async def gone(self, within_s: float = 30.0) -> None:
        """Wait until it is dead."""
        end_s = time.monotonic() + within_s
        while self.is_alive:
            assert time.monotonic() < end_s, f"{self.pid} lives on"
            await asyncio.sleep(0.01)

    async def terminate(self) -> None:
        """SIGTERM."""
        assert self.pid is not None
        self.cpu_s += self._used_s()
        os.kill(self.pid, signal.SIGTERM)
        await self.gone()

    def signal(self, number: signal.Signals) -> None:
        """Any other."""
        assert self.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> None:
        self.strike(with_children=True)
        if self._zygote is not None:
            self._zygote.kill()
            self._zygote.wait()
            for pipe in (self._zygote.stdin, self._zygote.stdout):
                assert pipe is not None
                pipe.close()
        if (left_behind := served_at(self.data)) is not None:
            drop_socket(left_behind)

    # --- looking

    @property
    def log(self) -> str:
        path = self.home / "stderr.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def reached(self) -> set[str]:
        """The points at which something is held."""
        inside = set(Path(reached_file(str(self.home))).read_text().split())
        return inside.union(*(door.reached for door in self.doors))

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the database as a stranger."""
        connection = sqlite3.connect(f"file:{self.data / 'nextshot.db'}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    async def until(self, predicate: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Wait for it; the log is in the sentence of a failure."""
        try:
            await self.telegram.wait_until(predicate, timeout_s, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-6000:]}") from None

    def is_at_rest(self) -> bool:
        """No job, message or update is left to do, and nobody is asked anything."""
        if self.telegram.world.updates.pending:
            return False
        return self.rows(
            """SELECT (SELECT count(*) FROM job WHERE due_at IS NOT NULL OR state IN ('ready', 'asking', 'unconfirmed'))
            + (SELECT count(*) FROM outbox WHERE due_at IS NOT NULL) + (SELECT count(*) FROM inbox WHERE done_at IS NULL)"""
        ) == [(0,)]

    def left(self) -> str:
        """What still is to do."""
        jobs = self.rows(
            "SELECT id, provider, state, tries FROM job WHERE state NOT IN ('delivered','failed','cancelled')"
        )
        says = self.rows("SELECT job_id, kind, state, tries, error FROM outbox WHERE due_at IS NOT NULL")
        heard = self.rows("SELECT id FROM inbox WHERE done_at IS NULL")
        return f"jobs {jobs} messages {says} updates {heard} pending {len(self.telegram.world.updates.pending)}"


class People:
    """They answer what they are asked, and ask again where nothing happens."""

    PATIENCE_S = 30.0

    def __init__(self, house: House, chance: random.Random, *, cancels: float = 0.1, leaves: float = 0.4) -> None:
        """`cancels`: how likely a price is refused; `leaves`: that a lost render is left alone."""
        self._house = house
        self._chance = chance
        self._cancels = cancels
        self._leaves = leaves
        self._pressed: dict[tuple[int, int, str], tuple[float, str]] = {}
        self.answers = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0.3)

    def look(self) -> None:
        """Press what stands there."""
        for chat in list(self._house.telegram.world.chats.values()):
            for message in self._house.telegram.bot_messages(chat)[-30:]:
                self._answer(chat, message)

    def _answer(self, chat: Chat, message: Message) -> None:
        labels = [label for label, _ in message.buttons]
        question = next((label for label in labels if label == "Render" or label.startswith("Send again")), None)
        if question is None:
            return
        key = (chat.id, message.id, question)
        at_s, word = self._pressed.get(key, (0.0, ""))
        if time.monotonic() - at_s < self.PATIENCE_S:
            return
        word = word or self._choice(question)
        label = next((each for each in labels if each == word), question)
        self._pressed[key] = (time.monotonic(), label)
        self.answers += 1
        who = next(person for person in chat.members.values() if not person.name.startswith("Owner"))
        data = dict(message.buttons)[label]
        self._house.telegram.presses(who, message, data)

    def _choice(self, question: str) -> str:
        if question == "Render":
            return "Cancel" if self._chance.random() < self._cancels else "Render"
        return "Leave it" if self._chance.random() < self._leaves else question


@asynccontextmanager
async def opened(home: Path, kinds: tuple[str, ...] = tuple(KINDS)) -> AsyncIterator[House]:
    """The fakes run, and nothing else yet."""
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(HeldTelegram())
        services = {kind: await stack.enter_async_context(KINDS[kind]()) for kind in kinds}
        house = House(home, telegram, services)
        try:
            yield house
        finally:
            for door in house.doors:
                door.open_all()
            house.close()


__all__ = ["Chat", "House", "People", "Person", "opened"]
