"""Logs and metrics: what is counted, what a log line holds, and what it never holds."""

import asyncio
import json
import logging
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client.parser import text_string_to_metric_families

from scimserver.http.requestid import ROUTE
from scimserver.telemetry import Metrics, configure_logging, observing

ADDRESS = "ada@example.com"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[..., StringIO]]:
    """Configures logging and gives what is written to standard error; undone after the test."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = set(root.handlers), root.level

    def configure(**options: Any) -> StringIO:
        monkeypatch.setattr("sys.stderr", written := StringIO())
        configure_logging(**options)
        return written

    yield configure
    structlog.configure(**before)
    root.handlers = [handler for handler in root.handlers if handler in handlers]
    root.setLevel(level)


@pytest.fixture
def lines(configured: Callable[..., StringIO]) -> Callable[[], list[Any]]:
    """Logging at info level as JSON; the lines written so far."""
    written = configured(level="info", as_json=True)
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def failure() -> Exception:
    """An exception that was raised, with another one as its cause; both hold an address."""
    try:
        look_up()
    except ValueError as error:
        return error
    raise AssertionError


def look_up() -> None:
    try:
        _ = {}[ADDRESS]
    except KeyError as cause:
        raise ValueError(f"{ADDRESS} is taken") from cause


def test_log_line_has_its_event_level_time_and_fields(lines: Callable[[], list[Any]]):
    structlog.get_logger().info("thing.done", times=2)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "thing.done", "level": "info", "times": 2}


def test_log_lines_below_the_level_are_left_out(lines: Callable[[], list[Any]]):
    structlog.get_logger().debug("thing.considered")
    assert lines() == []


def test_log_line_of_an_exception_has_kinds_and_places(lines: Callable[[], list[Any]]):
    structlog.get_logger().error("thing.failed", exc_info=failure())
    (line,) = lines()
    assert "builtins.ValueError" in line["exception"]
    assert "builtins.KeyError" in line["exception"]
    assert "in look_up" in line["exception"]


@pytest.mark.parametrize("as_json", [True, False])
def test_log_line_of_an_exception_has_no_values(configured: Callable[..., StringIO], *, as_json: bool):
    written = configured(level="info", as_json=as_json)
    structlog.get_logger().error("thing.failed", exc_info=failure())
    assert "ValueError" in written.getvalue()
    assert ADDRESS not in written.getvalue()


def test_log_line_of_an_exception_has_values_at_debug_level(configured: Callable[..., StringIO]):
    written = configured(level="debug", as_json=True)
    structlog.get_logger().error("thing.failed", exc_info=failure())
    assert ADDRESS in written.getvalue()


def test_log_line_of_a_library_is_its_sentence_without_values(lines: Callable[[], list[Any]]):
    logging.getLogger("aiohttp.server").error("Error from %s", "192.0.2.7", exc_info=failure())
    (line,) = lines()
    assert "ValueError" in line.pop("exception")
    del line["timestamp"]
    assert line == {
        "event": "library.warned",
        "level": "error",
        "library": "aiohttp.server",
        "sentence": "Error from %s",
    }


def test_log_line_of_a_library_ends_where_it_begins_to_list(lines: Callable[[], list[Any]]):
    logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: <{ADDRESS}>")  # noqa: G004 - as asyncio does
    assert [line["sentence"] for line in lines()] == ["Task exception was never retrieved"]


def test_log_lines_of_libraries_below_warning_are_left_out(lines: Callable[[], list[Any]]):
    logging.getLogger("asyncio").info("Using selector")
    assert lines() == []


# -- metrics ---------------------------------------------------------------------------------------


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """What is exposed, but for times: by name and labels' values."""
    text, _ = metrics.exposition()
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


async def passed(
    metrics: Metrics, handler: Callable[[web.Request], Any], method: str = "GET"
) -> web.StreamResponse:
    """The answer to a request that passed the middleware, and its lines written."""
    response = await observing(metrics)(make_mocked_request(method, f"/{ADDRESS}"), handler)
    await asyncio.sleep(0)
    return response


async def answer(request: web.Request) -> web.Response:
    request[ROUTE] = "/scim/v2/Users/{id}"
    return web.Response(status=204)


async def not_found(_request: web.Request) -> web.Response:
    raise web.HTTPMethodNotAllowed("PUT", ["GET"])


async def fail(_request: web.Request) -> web.Response:
    raise failure()


def test_metrics_put_a_time_into_every_bucket_that_is_large_enough():
    metrics = Metrics(multiprocess_dir=None)
    metrics.answered("GET", "/healthz", 200, 0.03)
    metrics.answered("GET", "/healthz", 200, 20.0)
    found = samples(metrics)
    name = "scimserver_request_seconds"
    counts = [found[f"{name}_bucket", le, "GET", "/healthz"] for le in ("0.025", "0.05", "10.0", "+Inf")]
    assert counts == [0, 1, 1, 2]
    assert found[f"{name}_sum", "GET", "/healthz"] == pytest.approx(20.03)


@pytest.mark.parametrize(
    "handler, method, labels",
    [
        (answer, "GET", ("GET", "/scim/v2/Users/{id}", "204")),
        (answer, "BREW", ("OTHER", "/scim/v2/Users/{id}", "204")),
        (not_found, "PUT", ("PUT", "{unknown}", "405")),
        (fail, "GET", ("GET", "{unknown}", "500")),
    ],
)
async def test_every_answer_is_counted(
    lines: Callable[[], list[Any]], handler: Callable[..., Any], method: str, labels: tuple[str, ...]
):
    metrics = Metrics(multiprocess_dir=None)
    response = await passed(metrics, handler, method)
    assert str(response.status) == labels[2]
    assert samples(metrics)["scimserver_requests_total", *labels] == 1
    assert lines()


async def test_refusal_that_was_raised_keeps_its_headers_and_gets_a_request_id(
    lines: Callable[[], list[Any]],
):
    response = await passed(Metrics(multiprocess_dir=None), not_found)
    assert response.headers["Allow"] == "GET"
    assert response.headers["X-Request-Id"] == lines()[0]["request_id"]


async def test_failure_is_logged_with_its_request_id_and_without_values(lines: Callable[[], list[Any]]):
    response = await passed(Metrics(multiprocess_dir=None), fail)
    failed, answered = lines()
    assert (failed["event"], answered["event"]) == ("request.failed", "request.answered")
    assert failed["request_id"] == answered["request_id"] == response.headers["X-Request-Id"]
    assert ADDRESS not in json.dumps([failed, answered])


async def test_line_of_an_answer_is_as_structlog_would_write_it(lines: Callable[[], list[Any]]):
    response = await passed(Metrics(multiprocess_dir=None), answer)
    structlog.get_logger().info(
        "request.answered",
        method="GET",
        route="/scim/v2/Users/{id}",
        status=204,
        milliseconds=0.5,
        request_id=response.headers["X-Request-Id"],
    )
    await asyncio.sleep(0)
    answered, oracle = lines()
    for line in (answered, oracle):
        assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is UTC
        assert isinstance(line.pop("milliseconds"), float)
    assert answered == oracle


async def test_lines_of_answers_are_left_out_below_the_level(configured: Callable[..., StringIO]):
    written = configured(level="warning", as_json=True)
    await passed(Metrics(multiprocess_dir=None), answer)
    assert written.getvalue() == ""


async def test_lines_of_answers_are_for_people_where_they_are_not_json(configured: Callable[..., StringIO]):
    written = configured(level="info", as_json=False)
    await passed(Metrics(multiprocess_dir=None), answer)
    assert "request.answered" in written.getvalue()
    assert "status=204" in written.getvalue()
