"""Logs and metrics: structured, with request ids, and without personal data at info level."""

import logging
import sys
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

from scimserver.http.requestid import ROUTE, request_id
from scimserver.kernel.clock import monotonic_ns

_log = structlog.get_logger(__name__)
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def configure_logging(*, level: str, as_json: bool) -> None:
    """Write log lines to standard error, as JSON or for people; tracebacks never show values."""
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


class Metrics:
    """Counts of one application; `multiprocess_dir` adds up those of all processes that share it."""

    def __init__(self, *, multiprocess_dir: str | None) -> None:
        self._multiprocess_dir = multiprocess_dir
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

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def exposition(self) -> tuple[bytes, str]:
        """All metrics in Prometheus' text format, and its media type."""
        if self._multiprocess_dir is None:
            return generate_latest(self._registry), CONTENT_TYPE_LATEST
        everybody = CollectorRegistry()
        multiprocess.MultiProcessCollector(everybody, path=self._multiprocess_dir)
        return generate_latest(everybody), CONTENT_TYPE_LATEST


_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def observing(metrics: Metrics) -> Middleware:
    """Middleware that counts each answer and writes a log line for it: no address, no name, no id."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = monotonic_ns()
        response = await handler(request)
        seconds = (monotonic_ns() - begun) / 1e9
        route = request.get(ROUTE, "{unknown}")
        method = request.method if request.method in _METHODS else "OTHER"
        metrics.answered(method, route, response.status, seconds)
        _log.info(
            "request.answered",
            method=method,
            route=route,
            status=response.status,
            milliseconds=round(seconds * 1000, 1),
            request_id=request_id(request),
        )
        return response

    return observe
