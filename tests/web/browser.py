"""A real Chromium, and the real house in a process of its own, for the tests of the page."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

START_S = 30.0
STOP_S = 10.0
QUIET = (
    "--no-sandbox",  # a container's root has no other way
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)


def chromium() -> str | None:
    """Where this machine's Chromium is; None: there is none."""
    named = os.environ.get("NEXTSHOT_CHROMIUM")
    if named:
        return named
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def open_browser(executable: str) -> Iterator[Browser]:
    """A browser that talks to nobody but the pages that it opens."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class DemoHouse:
    """`nextshot demo` on a data directory. It can be stopped, killed and started again on the same port."""

    directory: Path
    port: int = 0
    url: str = ""
    lines: list[str] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait for the line that says where it is."""
        command = [sys.executable, "-m", "bot", "demo", "--port", str(self.port), "--no-open"]
        environment = {**os.environ, "NEXTSHOT_DATA_DIR": str(self.directory), "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            command,
            env=environment,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.url = ""
        reader = threading.Thread(target=self._read, args=(self._process,), name="demo output", daemon=True)
        reader.start()
        until = time.monotonic() + START_S
        while not self.url:
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("nextshot demo did not start:\n" + "".join(self.lines[-40:]))
            time.sleep(0.05)
        self.port = int(re.findall(r":(\d+)/", self.url)[0])

    def stop(self, by: signal.Signals = signal.SIGTERM) -> float:
        """Stop it; gives how many seconds that took."""
        process, self._process = self._process, None
        if process is None:
            return 0.0
        began = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(by)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return time.monotonic() - began

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                self.lines.append(line)
                found = re.search(r"Open (http://\S+)", line)
                if found:
                    self.url = found[1]


class Visitor:
    """A person at the page."""

    def __init__(self, browser: Browser, url: str, *, name: str, width: int = 1280, height: int = 800) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", color_scheme="dark"
        )
        self.context.add_init_script(f"localStorage.setItem('nextshot-name', '{name}')")
        self.url = url
        self.errors: list[str] = []
        self.page: Page = self.open()

    def open(self, path: str = "") -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.goto(self.url + path)
        page.locator("#loading").wait_for(state="hidden")
        return page

    def say(self, text: str) -> None:
        """Type it as a person does, with completion on the way, and send it."""
        box = self.page.locator("#say")
        box.fill("")
        box.press_sequentially(text)
        box.press("Enter")

    def close(self) -> None:
        self.context.close()
