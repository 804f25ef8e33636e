"""The percent of renders, from a server's websocket: one listener, which nothing depends on. Polling alone is enough.

Messages: https://docs.comfy.org/development/comfyui-server/comms_messages and ComfyUI's comfy_execution/progress.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from engine.providers.reading import amount_of, json_of, table_of

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
MOST_WAIT_S = 60.0
OPEN_S = 10.0
QUIET_S = 120.0
"""How long a pong may take: a server that loads a model does not answer meanwhile."""
MOST_BYTES = 32 << 20
"""Of one message; previews are pictures."""
STEPS_PERCENT = 95.0
"""What all steps together are of a render; decoding and writing, which report nothing, are the rest."""


@dataclass
class Watched:
    """One render. `samplers`: the nodes of its graph that take the time; `done`: how much of each."""

    samplers: frozenset[str]
    done: dict[str, float] = field(default_factory=dict)
    percent: float | None = None

    def hear(self, parts: Mapping[str, float]) -> None:
        """News of some nodes, each 0 to 1. The percent is that of all steps of all samplers, and never goes back."""
        for node, part in parts.items():
            if node in self.samplers:
                self.done[node] = max(self.done.get(node, 0.0), min(max(part, 0.0), 1.0))
        if self.done:
            self.percent = STEPS_PERCENT * sum(self.done.values()) / len(self.samplers)


def read_message(text: str) -> tuple[str, Mapping[str, float]] | None:
    """The job that a message speaks of and how far its nodes are, 0 to 1; None: it speaks of something else."""
    try:
        said = table_of(json_of(text))
    except ValueError:
        return None
    data = table_of(said.get("data"))
    if not isinstance(data.get("prompt_id"), str):
        return None
    parts: dict[str, float] = {}
    match said.get("type"):
        case "progress_state" if isinstance(data.get("nodes"), Mapping):
            for node, state in data["nodes"].items():
                if isinstance(state, Mapping):
                    parts[str(node)] = 1.0 if state.get("state") == "finished" else _part(state)
        case "progress":
            parts[str(data.get("node"))] = _part(data)
        case "execution_cached" if isinstance(data.get("nodes"), list):
            parts = {str(node): 1.0 for node in data["nodes"]}
    return (data["prompt_id"], parts) if parts else None


def _part(state: Mapping[str, Any]) -> float:
    value, most = amount_of(state.get("value")), amount_of(state.get("max"))
    return float(value / most) if value is not None and most else 0.0


class ProgressListener:
    """Connected from the first render on until it is closed; anew only while something is watched.

    `url`: the server's address; `name`: the provider's, for the task and the log.
    """

    def __init__(
        self, url: str, client_id: str, name: str, headers: Callable[[], Awaitable[Mapping[str, str]]]
    ) -> None:
        scheme, _, rest = url.partition("://")
        self._url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}/ws?clientId={client_id}"
        self._name = name
        self._headers = headers
        self._watched: dict[str, Watched] = {}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def watch(self, task_id: str, samplers: frozenset[str]) -> None:
        """Hear of a render from now on."""
        self._watched[task_id] = Watched(samplers)
        self._wanted.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name=f"progress of {self._name}")

    def percent(self, task_id: str) -> float | None:
        """0 to 100; None: nothing was heard."""
        watched = self._watched.get(task_id)
        return watched.percent if watched else None

    def drop(self, task_id: str) -> None:
        """The render is over."""
        self._watched.pop(task_id, None)
        if not self._watched:
            self._wanted.clear()

    async def close(self) -> None:
        """End the listener."""
        self._watched.clear()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        certificates = await asyncio.to_thread(httpx.create_ssl_context) if self._url.startswith("wss") else None
        wait_s = FIRST_WAIT_S
        while True:
            await self._wanted.wait()
            try:
                async with connect(
                    self._url,
                    additional_headers=dict(await self._headers()),
                    ssl=certificates,
                    open_timeout=OPEN_S,
                    close_timeout=1.0,
                    ping_timeout=QUIET_S,
                    max_size=MOST_BYTES,
                    proxy=None,
                ) as socket:
                    wait_s = FIRST_WAIT_S
                    async for message in socket:
                        if isinstance(message, str):
                            self._hear(message)
            except (OSError, TimeoutError, WebSocketException) as error:
                log.info("progress not heard provider=%s: %s", self._name, type(error).__name__)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, MOST_WAIT_S)

    def _hear(self, message: str) -> None:
        news = read_message(message)
        if news is not None and news[0] in self._watched:
            self._watched[news[0]].hear(news[1])
