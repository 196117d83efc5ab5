"""The servers that are measured, as processes of their own, and the process that sends the load."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from typing import Final
from uuid import UUID

from scimserver.config import PREFIX, Settings
from tests.bench import load, machine
from tests.bench.figures import Window

ROOT: Final = Path(__file__).resolve().parents[2]
_DEADLINE_S: Final = 60.0
_POLL_S: Final = 0.05
_UNLIMITED: Final = {"rate_limit": "0", "failure_burst": "0"}
"""Settings that take limits away, where there are such settings."""


class ServerFailedError(Exception):
    """A server did not start; the message has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that answers."""

    port: int
    processes: tuple[int, ...]
    """Those that answer."""


Sender = Callable[[load.Job], Window]


@contextmanager
def sender() -> Generator[Sender]:
    """What runs the load, in one process for the whole block."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as executor:
        yield lambda job: executor.submit(load.run, job).result()


@contextmanager
def bare(dsn: str, organization: UUID, role: UUID, folder: Path) -> Generator[Served]:
    """The bare reference."""
    arguments = ["tests.bench.bare", dsn, str(organization), str(role)]
    with _process("bare", arguments, {}, folder) as (process, log):
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise ServerFailedError(log.read_text("utf-8"))
        yield Served(port=int(port), processes=(process.pid,))


@contextmanager
def ours(
    dsn: str, folder: Path, *, workers: int = 1, module: str = "scimserver", **more: str
) -> Generator[Served]:
    """`scimserver serve` at its defaults, without rate limits; log lines go to a file in `folder`.

    `module` is another program that serves the same; `more` are settings.
    """
    settings = {name: value for name, value in _UNLIMITED.items() if name in Settings.model_fields}
    settings |= {"database_url": dsn, "public_url": "https://scim.example.com", "port": "0"}
    settings |= {"workers": str(workers)} | more
    name = f"{module}-{time.monotonic_ns()}"
    with _process(name, [module, "serve"], settings, folder) as (process, log):
        yield _answering(process, log, workers)


def _answering(process: subprocess.Popen[str], log: Path, workers: int) -> Served:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        lines = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
        started = [line["port"] for line in lines if line["event"] == "serve.started"]
        processes = machine.children(process.pid)
        if started and len(processes) == workers and all(map(_has_loop, processes)):
            _await_health(started[0], deadline)
            return Served(port=started[0], processes=tuple(processes))
        time.sleep(_POLL_S)
    raise ServerFailedError(f"the server did not start: {log.read_text('utf-8')}")


def _await_health(port: int, deadline: float) -> None:
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        with closing(connection), suppress(OSError):
            connection.request("GET", "/healthz")
            if connection.getresponse().status == HTTPStatus.OK:
                return
        time.sleep(_POLL_S)
    raise ServerFailedError("the server does not answer")


def _has_loop(process: int) -> bool:
    """Whether a worker has come as far as an event loop of its own."""
    entries = Path(f"/proc/{process}/fd").iterdir()
    return any("eventpoll" in str(entry.readlink()) for entry in entries)


@contextmanager
def _process(
    name: str, module: list[str], settings: Mapping[str, str], folder: Path
) -> Generator[tuple[subprocess.Popen[str], Path]]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    environment |= {PREFIX + key.upper(): value for key, value in settings.items()}
    log = folder / f"{name}.log"
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=lines,
            text=True,
        )
    try:
        yield process, log
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_DEADLINE_S)
