"""Start the app as people do, in its own process, with a home of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mnist_core.paths import PROJECT

_START = 60.0  # seconds; a loaded machine is slow to import
_STOP = 10.0
_CLOSED = re.compile(
    r"Exception in ASGI application\n(?:(?!Exception in ASGI).*\n)*?"
    r'.*WebSocketDisconnected: Cannot call "send" once a close message has been sent\.\n'
)


@dataclass(frozen=True)
class App:
    """A running app: its address, its process, and the file that holds what it prints."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def printed(self) -> str:
        """Return everything the server has printed so far, but for one thing.

        Streamlit may close a connection that the browser has just closed, and says so at length.
        """
        return _CLOSED.sub("", self.log.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def serve(home: Path, *, script: Path = PROJECT / "app.py", passcode: str = "") -> Iterator[App]:
    """Run the app on a free port of this computer until the block ends.

    Args:
        home: becomes `DIGIT_STUDIO_HOME`; the server's log is written there too.
        script: what to serve.
        passcode: what guards this server, whatever guards one that people use.

    Raises:
        RuntimeError: the server ended, or wasn't ready in time; the message holds its log.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    command += ["--server.headless", "true", "--logger.enableRich", "false"]
    command += ["--secrets.files", str(home / "secrets.toml")]  # there is none
    own = {"DIGIT_STUDIO_HOME": str(home), "DIGIT_STUDIO_PASSCODE": passcode}
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **_web(), **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    app = App(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until_up(app)
        yield app
    finally:
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _web() -> dict[str, str]:
    """What `make run` sets for the web process."""
    (line,) = re.findall(r"^WEB = (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    return dict(setting.split("=") for setting in line.split())


def wait_until_up(app: App) -> None:
    """Return once the server answers.

    Raises:
        RuntimeError: it ended, or wasn't ready in time; the message holds its log.
    """
    until = time.monotonic() + _START
    while time.monotonic() < until:
        if app.process.poll() is not None:
            raise RuntimeError(f"The app ended while starting:\n{app.printed()}")
        try:
            with urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=5):
                return
        except OSError:  # refused, or not ready yet
            time.sleep(0.05)
    raise RuntimeError(f"The app wasn't ready within {_START:.0f} s:\n{app.printed()}")


def free_port() -> int:
    """Return a port of this computer that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
