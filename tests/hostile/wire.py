"""Bytes on a socket: a connection that is kept as long as answers allow, and answers read without trust."""

import asyncio
import time
from dataclasses import dataclass

from tests.hostile.plan import Request, Sending

PATIENCE_S = 20.0
"""How long to wait for an answer; far longer than one may take."""

_SHORT_S = 0.5
"""The same where the request is none, and the server may still wait for the rest of it."""
_LINGER_S = 0.1
_PIECE = 64
_MAX_PIECES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, read whole."""

    status: int
    headers: dict[str, str]
    """By name in lower case; of several the last."""
    body: bytes
    seconds: float
    """From the last byte sent to the last byte read."""


class NoAnswer(Exception):
    """The connection ended, or nothing came, before an answer was complete."""


class Wire:
    """A client's connection to one address."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: Request) -> Answer:
        """Send a request, and read what comes. Raises `NoAnswer`."""
        reused = self._streams is not None
        try:
            return await self._exchange(request)
        except NoAnswer:
            await self.close()
            if not reused or not request.is_http:
                raise
        # A kept connection may end while a request is on its way: RFC 9112, section 9.5.
        return await self._exchange(request)

    async def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, request: Request) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=2**24)
        reader, writer = self._streams
        try:
            async with asyncio.timeout(PATIENCE_S if request.is_http else _SHORT_S):
                await _send(writer, request)
                sent = time.monotonic()
                answer = await _read(reader, request.method, sent)
        except (
            OSError,
            TimeoutError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ValueError,
        ) as error:
            await self.close()
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        except BaseException:
            await self.close()
            raise
        if request.tail:
            await _drain(reader)
        if not _is_kept(request, answer):
            await self.close()
        return answer


async def _send(writer: asyncio.StreamWriter, request: Request) -> None:
    head, body = _head(request), request.body
    match request.sending:
        case Sending.WHOLE:
            writer.write(head + body + request.tail)
        case Sending.CHUNKED:
            writer.write(head)
            size = max(1, len(body) // 3)
            for at in range(0, len(body), size):
                part = body[at : at + size]
                writer.write(b"%x\r\n" % len(part) + part + b"\r\n")
            writer.write(b"0\r\n\r\n")
        case Sending.PIECES:
            everything = head + body
            size = max(_PIECE, len(everything) // _MAX_PIECES)
            for at in range(0, len(everything), size):
                if writer.is_closing():
                    break
                writer.write(everything[at : at + size])
                await asyncio.sleep(0.001)
        case Sending.HALF:
            writer.write(head + body[: len(body) // 2])
            writer.write_eof()
    await writer.drain()


def _head(request: Request) -> bytes:
    lines = [request.method + b" " + request.target + b" HTTP/1.1"]
    names = {name.lower() for name, _ in request.headers}
    lines += [name + b": " + value for name, value in request.headers]
    if b"host" not in names:
        lines.append(b"Host: scim.test")
    if request.sending is Sending.CHUNKED:
        lines.append(b"Transfer-Encoding: chunked")
    elif names.isdisjoint({b"content-length", b"transfer-encoding"}) and (
        request.body or request.method in _BODIED
    ):
        lines.append(b"Content-Length: %d" % len(request.body))
    return b"\r\n".join(lines) + b"\r\n\r\n"


_BODIED = (b"POST", b"PUT", b"PATCH")


async def _read(reader: asyncio.StreamReader, method: bytes, sent: float) -> Answer:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        status, headers = _parsed(head)
        if status >= 200:
            break
    body = b""
    if method != b"HEAD" and status not in (204, 304):
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            body = await _chunks(reader)
        else:
            body = await reader.read()
    return Answer(status=status, headers=headers, body=body, seconds=time.monotonic() - sent)


def _parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    version, status, _ = first.split(" ", 2)
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise ValueError(f"not an answer of HTTP/1: {first}")
    return int(status), {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


async def _drain(reader: asyncio.StreamReader) -> None:
    """Read what comes after the answer: of what followed the request, anything may come, or nothing."""
    try:
        async with asyncio.timeout(_LINGER_S):
            while await reader.read(65536):
                pass
    except (OSError, TimeoutError):
        return


def _is_kept(request: Request, answer: Answer) -> bool:
    closes = answer.headers.get("connection", "").lower() == "close"
    return request.is_http and not request.tail and request.sending is not Sending.HALF and not closes
