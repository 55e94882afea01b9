"""A headless Chromium, driven by the DevTools protocol over a pipe: no port, no library."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Browser", "Page", "chromium", "executable"]

_SECONDS = 60.0
_AT_3_AND_4 = (
    "import fcntl, os, sys; "
    "high = [fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3]]; "
    "[os.dup2(one, number) for one, number in zip(high, (3, 4))]; "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
"""Runs the browser, which reads commands from descriptor 3 and writes answers to 4."""
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str | None:
    """The browser of this machine, or None."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """A running browser. Sends one command at a time, and keeps the events that arrive meanwhile."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._rest = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **parameters: Any) -> Any:
        """Send a command and return its result. Raises AssertionError if the browser rejects it."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(_SECONDS)
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method: str, session: str) -> dict[str, Any]:
        """Return the first event of a session, which may have arrived already, and drop it."""
        end = time.monotonic() + _SECONDS
        while True:
            for n, event in enumerate(self.events):
                if event.get("method") == method and event.get("sessionId") == session:
                    return self.events.pop(n)
            self.events.append(self._next(max(end - time.monotonic(), 0.0)))

    def page(self, file: Path, *, width: int, height: int = 900, scheme: str = "light") -> Page:
        """Open a file in a tab of this width in CSS pixels. scheme: "light" or "dark"."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.call("Page.navigate", url=file.as_uri())
        self.wait_for("Page.loadEventFired", session)
        return page

    def _next(self, seconds: float) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], max(end - time.monotonic(), 0.0))
            assert ready, "the browser does not answer"
            read = os.read(self._answers, 1 << 20)
            assert read, "the browser ended"
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message


class Page:
    """A tab."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command to the tab."""
        return self._browser.call(method, self._session, **parameters)

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression. Raises AssertionError if it throws."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release a key. code: of Windows' virtual keys, such as 9 for Tab."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def events(self, *methods: str) -> list[Mapping[str, Any]]:
        """The parameters of the events of these kinds so far."""
        self.run("1")  # what happened before is reported before the answer
        mine = (e for e in self._browser.events if e.get("sessionId") == self._session)
        return [event["params"] for event in mine if event["method"] in methods]

    def screenshot(self, place: Path, *, whole: bool = True) -> None:
        """Write a PNG of the whole page, or of the window."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        place.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser with a profile of its own; it is stopped at the end."""
    program = executable()
    assert program is not None
    read_commands, commands = os.pipe()
    answers, write_answers = os.pipe()
    options = (
        "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-extensions "
        "--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars "
        "--remote-debugging-pipe"
    )
    with tempfile.TemporaryDirectory(prefix="phift-browser-", ignore_cleanup_errors=True) as profile:
        running = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _AT_3_AND_4,
                str(read_commands),
                str(write_answers),
                program,
                *options.split(),
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            pass_fds=(read_commands, write_answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        browser = Browser(commands, answers)
        try:
            browser.call("Browser.getVersion")
            yield browser
        finally:
            try:
                os.write(commands, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
                running.wait(20)
            except (OSError, subprocess.TimeoutExpired):
                running.kill()
                running.wait(20)
            os.close(commands)
            os.close(answers)
