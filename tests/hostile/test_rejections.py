"""What aiohttp refuses before any handler runs: in our words, without what was sent, without log lines."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from scimserver.http.rejections import Runner, go_on
from tests.hostile.plan import Request
from tests.hostile.wire import Answer, Wire

SECRET = b"Bearer scim_sesame"
AUTHORIZATION = (b"Authorization", SECRET)


@asynccontextmanager
async def echo() -> AsyncGenerator[Wire]:
    """A connection to an application that answers with the body of the request."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer, expect_handler=go_on)
    runner = Runner(app, access_log=None, max_line_size=8190)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    wire = Wire(*runner.addresses[0][:2])
    try:
        yield wire
    finally:
        await wire.close()
        await runner.cleanup()
        await asyncio.sleep(0)


async def asked(request: Request) -> Answer:
    async with echo() as wire:
        return await wire.exchange(request)


def get(*headers: tuple[bytes, bytes], method: bytes = b"GET", target: bytes = b"/") -> Request:
    return Request(method=method, target=target, headers=(AUTHORIZATION, *headers))


REJECTED = [
    ("another protocol", get(method=b"PRI"), "line of HTTP/1.1"),
    ("no method", get(method=b"get"), "method of HTTP"),
    ("a long line", get(target=b"/" + b"x" * 9_000), "too long"),
    ("a long header", get((b"X-Long", b"x" * 9_000)), "too long"),
    ("a header twice", get((b"Content-Type", b"a"), (b"Content-Type", b"b")), "headers and length"),
    ("a length that is none", get((b"Content-Length", b"x")), "HTTP/1.1"),
]


@pytest.mark.parametrize("request_,words", [row[1:] for row in REJECTED], ids=[row[0] for row in REJECTED])
async def test_rejection_says_what_is_wrong_and_repeats_nothing(
    request_: Request, words: str, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO):
        answer = await asked(request_)
    assert answer.status == 400
    assert words in answer.body.decode()
    assert b"sesame" not in answer.body
    assert caplog.messages == []


async def test_failure_of_ours_is_logged_all_the_same(caplog: pytest.LogCaptureFixture):
    async def fails(_: web.Request) -> web.Response:
        raise AssertionError

    app = web.Application()
    app.router.add_get("/", fails)
    runner = Runner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        wire = Wire(*runner.addresses[0][:2])
        assert (await wire.exchange(get())).status == 500
        await wire.close()
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
    assert caplog.messages == ["Error handling request from 127.0.0.1"]


@pytest.mark.parametrize("expected", [b"100-continue", b"100-Continue", b"the unexpected"])
async def test_request_that_expects_something_is_served(expected: bytes):
    answer = await asked(
        Request(method=b"POST", target=b"/", headers=((b"Expect", expected),), body=b"a body")
    )
    assert (answer.status, answer.body) == (200, b"a body")
