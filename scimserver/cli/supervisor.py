"""The parent of workers: starts them, replaces those that die, and ends them in order.

It imports everything, then forks: importing the models takes most of a start.
Proven by tests/api/test_serve_process.py.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from scimserver.access.throttle import Accounts
from scimserver.app import Surroundings, secret_of
from scimserver.cli import runtime
from scimserver.cli.worker import run_worker
from scimserver.config import LogFormat, Settings
from scimserver.db.migrate import check
from scimserver.kernel.errors import Unavailable
from scimserver.scim.provider import provider
from scimserver.telemetry import configure_logging

_log = structlog.get_logger(__name__)

_WATCHED: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM})
_QUICK_DEATH_S: Final = 5.0
_QUICK_DEATHS_MAX: Final = 5
_LONGEST_PAUSE_S: Final = 5.0
_GRACE_S: Final = 10.0
"""What workers may take to end beyond the time that running requests have."""


def supervise(settings: Settings, dsn: str, listening: socket.socket, *, metrics_dir: str) -> int:
    """Serve the socket with workers until SIGTERM or SIGINT; the exit code.

    `metrics_dir` is where their counts meet; prometheus-client must know it from its import on.
    """
    assert settings.public_url is not None
    configure_logging(level=settings.log_level, as_json=settings.log_format is LogFormat.JSON)
    secret = secret_of(settings)
    surroundings = Surroundings(
        public_url=settings.public_url,
        secret=secret,
        multiprocess_dir=metrics_dir,
        # Before the workers are forked: they share its memory.
        accounts=Accounts(processes=settings.workers, salt=secret),
    )
    _warm_up()
    host, port = listening.getsockname()[:2]
    if settings.smtp_url is None:
        _log.warning("serve.mail_to_files", folder=str(settings.mail_folder))
    _log.info("serve.started", host=host, port=port, workers=settings.workers, url=settings.public_url)
    supervisor = Supervisor(
        workers=settings.workers,
        listening=listening,
        work=lambda post: run_worker(
            settings, dsn, replace(surroundings, seat=post.seat), listening, post.lifeline
        ),
        database_answers=lambda: _answers(dsn),
        drain_s=settings.drain_seconds,
    )
    return supervisor.run()


def _warm_up() -> None:
    """Build what workers would each build again, and keep the collector from copying shared pages."""
    provider(strict=False)
    provider(strict=True)
    gc.freeze()


def _answers(dsn: str) -> bool:
    try:
        asyncio.run(check(dsn))
    except Unavailable:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a worker is given. Its successor gets the same seat."""

    seat: int
    """From 0 on; no other living worker has it."""
    lifeline: int
    """A descriptor that ends when the supervisor does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    seat: int
    started: float


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Keeps `workers` processes at `work` until it is told to stop.

    Whoever dies is replaced, after a pause that grows while workers die as soon as they start.
    """

    workers: int
    listening: socket.socket
    work: Callable[[Post], None]
    """What a worker does until SIGTERM, or until its lifeline ends."""
    database_answers: Callable[[], bool]
    drain_s: float
    _started: dict[int, _Worker] = field(default_factory=dict[int, _Worker])
    _quick_deaths: int = 0
    _lifeline: tuple[int, int] = field(default_factory=os.pipe)
    """Nothing is ever written: its reading end ends when no process holds the writing one any more."""

    def run(self) -> int:
        """Watch until SIGTERM or SIGINT; the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        self._fill()
        while True:
            match signal.sigwait(_WATCHED):
                case signal.SIGALRM:
                    self._fill()
                case signal.SIGCHLD:
                    if not self._is_worth_going_on():
                        self._drain()
                        return runtime.OUTSIDE_FAILED
                case _:
                    self._drain()
                    return 0

    def _fill(self) -> None:
        taken = {worker.seat for worker in self._started.values()}
        for seat in sorted(set(range(self.workers)) - taken):
            child = os.fork()
            if child == 0:
                self._be_worker(seat)
            self._started[child] = _Worker(seat=seat, started=time.monotonic())

    def _be_worker(self, seat: int) -> None:
        """Work, and end: a child must never run on as its parent."""
        status = 1
        try:
            os.close(self._lifeline[1])
            for number in _WATCHED:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
            self.work(Post(seat=seat, lifeline=self._lifeline[0]))
            status = 0
        except Unavailable as unavailable:
            _log.error("worker.failed", failure=unavailable.detail)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the parent replaces the worker
            _log.error("worker.failed", exc_info=failure)
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _is_worth_going_on(self) -> bool:
        """Bury the dead and see to their successors; False where nobody can serve any more."""
        for child in self._dead():
            if child not in self._started:
                # Our own PostgreSQL, or an orphan that the kernel gave us, as it does in a container.
                if not self.database_answers():
                    _log.error("serve.database_ended")
                    return False
                continue
            lived = time.monotonic() - self._started.pop(child).started
            self._quick_deaths = self._quick_deaths + 1 if lived < _QUICK_DEATH_S else 0
            _log.warning("worker.died", seconds=round(lived, 1))
        if not self._started and self._quick_deaths > _QUICK_DEATHS_MAX:
            _log.error("serve.gave_up", deaths=self._quick_deaths)
            return False
        if len(self._started) < self.workers:
            pause = min(0.1 * 2**self._quick_deaths, _LONGEST_PAUSE_S)
            signal.setitimer(signal.ITIMER_REAL, pause)
        return True

    def _dead(self) -> Iterator[int]:
        while True:
            try:
                child, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if child == 0:
                return
            yield child

    def _drain(self) -> None:
        """End all workers: new connections are refused, running requests may end."""
        _log.info("serve.draining", workers=len(self._started))
        self.listening.close()
        self._signal_all(signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, self.drain_s + _GRACE_S)
        while self._started:
            match signal.sigwait(_WATCHED):
                case signal.SIGCHLD:
                    for child in self._dead():
                        self._started.pop(child, None)
                case signal.SIGALRM:
                    _log.warning("serve.cut_off", workers=len(self._started))
                    self._signal_all(signal.SIGKILL)
                case _:
                    pass
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _signal_all(self, number: signal.Signals) -> None:
        for child in self._started:
            os.kill(child, number)
