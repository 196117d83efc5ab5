"""`scimserver serve`: workers that share one port, watched by the process that started them.

The parent owns the listening socket and, where the database is our own, PostgreSQL. It imports
everything, then forks: importing the models takes most of a start. SIGTERM and SIGINT drain; a
worker that dies is replaced, unless workers keep dying at once.
"""

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import click
import structlog

from scimserver.app import Surroundings, secret_of
from scimserver.cli import runtime
from scimserver.cli.worker import listen, readable, run_worker
from scimserver.config import ConfigurationError, LogFormat, Settings, load_settings, require_public_url
from scimserver.scim.provider import provider
from scimserver.telemetry import configure_logging

_log = structlog.get_logger(__name__)

_QUICK_DEATH_S: Final = 5.0
_QUICK_DEATHS_MAX: Final = 5


@click.command()
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 256), help="How many processes serve the port.")
@click.option("--public-url", help="The URL under which clients reach the server.")
@click.option("--tls-cert", type=click.Path(), help="PEM file with the certificate chain.")
@click.option("--tls-key", type=click.Path(), help="PEM file with the certificate's private key.")
def serve(**options: object) -> None:
    """Serve SCIM until SIGTERM, which lets running requests end."""
    with runtime.told():
        settings = load_settings(**options)
        public_url = _checked(settings)
        configure_logging(level=settings.log_level, as_json=settings.log_format is LogFormat.JSON)
        with runtime.database_server(settings) as dsn, _metrics_directory() as metrics:
            listening = _listen(settings)
            surroundings = Surroundings(
                public_url=public_url, secret=secret_of(settings), multiprocess_dir=metrics
            )
            _warm_up()
            host, port = listening.getsockname()[:2]
            _log.info("serve.started", host=host, port=port, workers=settings.workers, url=public_url)
            status = _Supervisor(settings, dsn, surroundings, listening).run()
        sys.exit(status)


def _checked(settings: Settings) -> str:
    mistakes = [
        f"SCIMSERVER_{name.upper()}: {getattr(settings, name)} cannot be read"
        for name in ("tls_cert", "tls_key")
        if not readable(getattr(settings, name))
    ]
    try:
        public_url = require_public_url(settings)
    except ConfigurationError as missing:
        raise ConfigurationError([*missing.mistakes, *mistakes]) from None
    if mistakes:
        raise ConfigurationError(mistakes)
    return public_url


def _listen(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise ConfigurationError(
            [f"SCIMSERVER_HOST, SCIMSERVER_PORT: cannot listen on {settings.host}:{settings.port}: {error}"]
        ) from error


def _warm_up() -> None:
    """Build what workers would each build again."""
    provider(strict=False)
    provider(strict=True)


@contextmanager
def _metrics_directory() -> Generator[str]:
    """Where the workers' counts meet; prometheus-client learns of it from the environment."""
    directory = tempfile.mkdtemp(prefix="scimserver-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass
class _Supervisor:
    """Starts workers, replaces those that die, and ends them all in order."""

    settings: Settings
    dsn: str
    surroundings: Surroundings
    listening: socket.socket
    started: dict[int, float] = field(default_factory=dict[int, float])
    quick_deaths: int = 0

    def run(self) -> int:
        """Watch until told to stop; the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        for _ in range(self.settings.workers):
            self._fork()
        while True:
            received = signal.sigwait(_WATCHED)
            if received != signal.SIGCHLD:
                return self._drain()
            if not self._replace_the_dead():
                _log.error("serve.gave_up", deaths=self.quick_deaths)
                self._drain()
                return runtime.OUTSIDE_FAILED

    def _fork(self) -> None:
        child = os.fork()
        if child:
            self.started[child] = time.monotonic()
            return
        status = 1
        try:
            for number in _WATCHED:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
            run_worker(self.settings, self.dsn, self.surroundings, self.listening)
            status = 0
        except Exception as failure:  # noqa: BLE001 - a child must never run on as its parent
            _log.error("worker.failed", failure=str(failure), kind=type(failure).__name__)
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _replace_the_dead(self) -> bool:
        """Fork anew for each dead worker; False where workers keep dying as soon as they start."""
        for child in self._reaped():
            lived = time.monotonic() - self.started.pop(child)
            self.quick_deaths = self.quick_deaths + 1 if lived < _QUICK_DEATH_S else 0
            if self.quick_deaths > _QUICK_DEATHS_MAX:
                return False
            _log.warning("worker.died", seconds=round(lived, 1))
            self._fork()
        return True

    def _reaped(self) -> Iterator[int]:
        while self.started:
            child, _ = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            if child in self.started:
                yield child

    def _drain(self) -> int:
        _log.info("serve.draining", workers=len(self.started))
        self.listening.close()
        for child in self.started:
            os.kill(child, signal.SIGTERM)
        deadline = time.monotonic() + self.settings.drain_seconds + 10
        while self.started and time.monotonic() < deadline:
            child, _ = os.waitpid(-1, os.WNOHANG)
            if child:
                self.started.pop(child, None)
            else:
                time.sleep(0.05)
        for child in self.started:
            os.kill(child, signal.SIGKILL)
        return 0


_WATCHED: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
