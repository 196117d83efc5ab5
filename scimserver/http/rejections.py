"""Requests that are no HTTP, or expect what nobody offers: refused in our words (RFC 9112; RFC 9110, 10.1.1).

aiohttp's parser answers before any handler runs, and repeats the bytes that it stumbled over: the
token of an `Authorization` header may be among them. It also logs a traceback for each, so that
anybody could fill the log. Here both say what is wrong, and no more.
Proven by tests/hostile/test_rejections.py.
"""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import hdrs, http_exceptions, web

_SENTENCES: Final[Mapping[type[Exception], str]] = {
    http_exceptions.LineTooLong: "The first line or a header of the request is too long.",
    http_exceptions.PayloadEncodingError: "The body is not framed as was said.",
    http_exceptions.BadHttpMethod: "The request does not begin with a method of HTTP.",
    http_exceptions.BadStatusLine: "The request does not begin with a line of HTTP/1.1.",
    http_exceptions.InvalidURLError: "The target of the request is not a URL.",
    http_exceptions.InvalidHeader: "A header of the request is not sound.",
    http_exceptions.HttpProcessingError: "The request is not sound HTTP/1.1: look at its headers and length.",
}
_OF_CLIENTS: Final = (http_exceptions.HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""What a client does wrong, or a connection that ends: nothing that an operator could mend."""


class Runner(web.AppRunner):
    """Serves an application, and refuses in words of ours what does not get as far."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # An application makes its server itself, and offers no other way to make it another one.
        server.__class__ = _Server
        return server


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """One client's connection."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what never was a request, or to a failure that no handler caught."""
        if isinstance(exc, http_exceptions.HttpProcessingError):
            message = _SENTENCES[next(kind for kind in type(exc).__mro__ if kind in _SENTENCES)]
        return super().handle_error(request, status, exc, message)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Write an error line; not for what clients do wrong."""
        if not isinstance(kw.get("exc_info"), _OF_CLIENTS):
            super().log_exception(*args, **kw)


async def go_on(request: web.Request) -> None:
    """Tell a client that waits for it to send its body; what else one may expect is nobody's concern."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # As aiohttp's own does: the answer itself has not begun.
        request.writer.output_size = 0
