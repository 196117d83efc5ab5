"""Logs and metrics: structured, with request ids, and without personal data at info level.

Whatever a request or a row holds may be personal: so of an exception the log has kinds and places,
and of a library's line the sentence, but the values of neither. Level `debug` shows them all.
Proven by tests/unit/test_telemetry.py and tests/api/test_serve_process.py.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.registry import Collector
from structlog.processors import JSONRenderer
from structlog.typing import EventDict

from scimserver.http.hardening import harden
from scimserver.http.requestid import HEADER, ROUTE, naming, request_id
from scimserver.kernel.clock import monotonic_ns
from scimserver.lines import Lines

_log = structlog.get_logger(__name__)
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def configure_logging(*, level: str, as_json: bool) -> None:
    """Write log lines to standard error, as JSON or for people: ours, and warnings of libraries."""
    is_debug = level.lower() == "debug"
    lines = Lines(sys.stderr)
    renderer = JSONRenderer(_json) if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamped if as_json else structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if is_debug else without_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Libraries(with_values=is_debug)]
    root.setLevel(logging.WARNING)


def _stamped(_logger: object, _method: str, line: EventDict) -> EventDict:
    """The same as structlog's own, but orjson writes it: a line of each request has one."""
    line["timestamp"] = datetime.now(UTC)
    return line


def _json(line: EventDict, default: Callable[[Any], Any]) -> str:
    return orjson.dumps(line, default=default, option=orjson.OPT_UTC_Z).decode()


def without_values(_logger: object, _method: str, line: EventDict) -> EventDict:
    """A structlog processor that turns an exception into its kinds and places."""
    failure = line.pop("exc_info", None)
    if isinstance(failure, BaseException):
        line["exception"] = "\n".join(_kinds_and_places(failure))
    return line


def _kinds_and_places(failure: BaseException | None) -> Iterator[str]:
    while failure is not None:
        kind = type(failure)
        places = "".join(traceback.format_tb(failure.__traceback__))
        yield f"{kind.__module__}.{kind.__qualname__}\n{places}".rstrip()
        failure = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)


class _Libraries(logging.Handler):
    """Takes lines of Python's own logging into ours."""

    def __init__(self, *, with_values: bool) -> None:
        super().__init__()
        self._with_values = with_values

    def emit(self, record: logging.LogRecord) -> None:
        """Log the sentence as the library wrote it down, before values were put into it."""
        sentence = record.getMessage() if self._with_values else str(record.msg).partition("\n")[0]
        failure = record.exc_info[1] if record.exc_info else None
        _log.log(record.levelno, "library.warned", library=record.name, sentence=sentence, exc_info=failure)


class Metrics:
    """Counts of one application; `multiprocess_dir` adds up those of all processes that share it."""

    def __init__(self, *, multiprocess_dir: str | None) -> None:
        self._multiprocess_dir = multiprocess_dir
        if multiprocess_dir is not None:
            # By default each count asks the kernel three times who we are; this process forks no more.
            own, untyped = os.getpid(), cast(Any, values)
            untyped.ValueClass = untyped.MultiProcessValue(lambda: own)
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "scimserver_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "scimserver_request_seconds",
            "Time from a request's first line to its answer.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._throttled = Counter(
            "scimserver_throttled",
            "Requests refused by a limit: `rate_limited`, `too_many_failures`.",
            ("reason",),
            registry=self._registry,
        )

        self._mail = Counter(
            "scimserver_mail",
            "Mails tried, by kind, and what came of it: `sent`, `deferred`, `postponed`, `failed`.",
            ("kind", "outcome"),
            registry=self._registry,
        )
        self._mail_waiting = Gauge(
            "scimserver_mail_waiting",
            "Mails that wait to be sent, of all organisations.",
            multiprocess_mode="mostrecent",
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        counter, histogram = self._of(method, route, status)
        counter.inc()
        histogram.observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a request that a limit refused."""
        self._throttled.labels(reason).inc()

    def mailed(self, kind: str, outcome: str) -> None:
        """Count what came of trying to send a mail."""
        self._mail.labels(kind, outcome).inc()

    def mail_waits(self, count: int) -> None:
        """Tell how many mails wait."""
        self._mail_waiting.set(count)

    @cache  # noqa: B019 - one Metrics lives as long as its process; labels are of a few values
    def _of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)

    def exposition(self) -> tuple[bytes, str]:
        """All metrics in Prometheus' text format, and its media type."""
        if self._multiprocess_dir is None:
            return generate_latest(self._registry), CONTENT_TYPE_LATEST
        everybody = CollectorRegistry()
        everybody.register(_OfAllProcesses(Path(self._multiprocess_dir)))
        return generate_latest(everybody), CONTENT_TYPE_LATEST


class _OfAllProcesses(Collector):
    """Adds up the files of all processes, also while one of them is just starting."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """The metrics. A process makes a file before it fills it, and an empty one cannot be read."""
        files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
        untyped = cast(Any, multiprocess.MultiProcessCollector)
        return untyped.merge(files)


_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def observing(metrics: Metrics) -> Middleware:
    """Middleware that names each request, hardens and counts its answer, and writes a log line for it.

    The line holds no address, no name, no id. One middleware, because each one is another turn that
    every request takes.
    """
    tell = _teller()
    name_request = naming()

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = monotonic_ns()
        name = name_request(request)
        response = await _answer(request, handler)
        harden(response)
        if not response.prepared:
            response.headers[HEADER] = name
        seconds = (monotonic_ns() - begun) / 1e9
        route = request.get(ROUTE, "{unknown}")
        method = request.method if request.method in _METHODS else "OTHER"
        metrics.answered(method, route, response.status, seconds)
        tell(method, route, response.status, round(seconds * 1000, 1), name)
        return response

    return observe


def _teller() -> Callable[[str, str, int, float, str], None]:
    """What writes the line of an answer: its method, route, status, milliseconds and request id.

    As structlog would, whose way through its processors takes three times as long. Nothing in it needs
    escaping: methods and routes are ours, and an id is sound.
    """
    # Bound once: finding out how to log costs as much as logging.
    log, configured = _log.bind(), structlog.get_config()
    if not (log.is_enabled_for(logging.INFO) and isinstance(configured["processors"][-1], JSONRenderer)):
        return lambda method, route, status, milliseconds, name: log.info(
            "request.answered",
            method=method,
            route=route,
            status=status,
            milliseconds=milliseconds,
            request_id=name,
        )
    lines = configured["logger_factory"]()
    return lambda method, route, status, milliseconds, name: lines.info(
        f'{{"event":"request.answered","method":"{method}","route":"{route}","status":{status},'
        f'"milliseconds":{milliseconds},"request_id":"{name}","level":"info",'
        f'"timestamp":"{datetime.now(UTC).isoformat()[:-6]}Z"}}'
    )


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
    except Exception as failure:  # noqa: BLE001 - an answer is owed, with its request id
        _log.error("request.failed", request_id=request_id(request), exc_info=failure)
        return web.Response(status=500, text="500: Internal Server Error")
