"""A headless Chromium, driven over its own pipe (Chrome DevTools Protocol), with nothing to install."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_PATIENCE = 60


class Page:
    """One page. ``said`` is what it logged or what went wrong in it, ``asked`` each address it asked for."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.said: list[str] = []
        self.asked: list[str] = []
        self.loaded = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, path: Path) -> None:
        """Load a file, and wait until it is there."""
        self.loaded = False
        self.call("Page.navigate", url=path.as_uri())
        self._wait_for_load()

    def leave(self, script: str) -> None:
        """Run a script that leads to another page, and wait until that is there."""
        self.loaded = False
        self.run(script)
        self._wait_for_load()

    def _wait_for_load(self) -> None:
        while not self.loaded:
            self._take(self._message())

    def run(self, script: str) -> Any:
        """The value of a script, once it is known."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until a condition holds, looking with every frame."""
        self.run(
            "new Promise(done => { const look = () => "
            f"({condition}) ? done(true) : requestAnimationFrame(look); look(); }})"
        )

    def press(self, key: str, text: str = "") -> None:
        """Press a key."""
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            found = self._message()
            if found.get("id") == self._number:
                assert "error" not in found, found
                result: dict[str, Any] = found["result"]
                return result
            self._take(found)

    def _take(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Page.loadEventFired":
                self.loaded = True
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded":
                self.said.append(json.dumps(event["params"]))
            case "Network.requestWillBeSent":
                self.asked.append(event["params"]["request"]["url"])
            case "Page.javascriptDialogOpening":
                self.said.append("a dialog")

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._back], [], [], _PATIENCE)
            assert ready, "the browser says nothing"
            self._buffer += os.read(self._back, 1 << 20)
        first, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message


@contextmanager
def page() -> Iterator[Page]:
    """A page in a browser of its own."""
    assert CHROMIUM
    # Above what the browser expects: 3 to read from, 4 to write to.
    pipes = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (*os.pipe(), *os.pipe())]
    theirs_in, to, back, theirs_out = pipes

    def connect() -> None:
        os.dup2(theirs_in, 3)
        os.dup2(theirs_out, 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]
        process = subprocess.Popen(
            command,
            preexec_fn=connect,  # noqa: PLW1509 (it only duplicates descriptors, which cannot wait for a lock)
            pass_fds=(3, 4),
            env={**os.environ, "TMPDIR": profile},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Page(to, back)
        finally:
            process.kill()
            process.wait()
            for end in pipes:
                os.close(end)
