"""A step's request as it goes over the wire, and the answer that comes back.

A redirect is never followed, so the token goes to the given host only.
Proven by tests/api/test_player.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from scimserver import __version__
from scimserver.cli.dialogue import Request
from scimserver.cli.expectation import MISSING, Answer, Missing
from scimserver.cli.placeholders import Json, as_text, fill, fill_text

_LARGEST_ANSWER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The line to a server: where it is, and who calls."""

    session: aiohttp.ClientSession
    base_url: str
    """What comes before `/Users`; a query in it is sent with every request."""

    token: str
    headers: Mapping[str, str | None]
    """What the dialogue sends with every request."""

    timeout: float
    """Seconds that an answer may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request with nothing left to fill in."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Json


def compose(line: Line, request: Request, variables: Mapping[str, Json]) -> Message:
    """The request with its placeholders filled; raises `Unfilled`."""
    return Message(
        method=request.method,
        url=_url(line.base_url, request, variables),
        headers=_headers(line, request, variables),
        body=fill(request.body, variables),
    )


def _url(base_url: str, request: Request, variables: Mapping[str, Json]) -> str:
    base, _, standing_query = base_url.partition("?")
    path = fill_text(request.path, variables, quote=_quoted)
    if isinstance(request.query, str):
        query = fill_text(request.query, variables, quote=_quoted)
    else:
        pairs = [(name, as_text(fill(value, variables))) for name, value in request.query.items()]
        query = urlencode(pairs, quote_via=quote, safe="")
    queries = "&".join(filter(None, (standing_query, query)))
    return base.rstrip("/") + path + ("?" + queries if queries else "")


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _headers(line: Line, request: Request, variables: Mapping[str, Json]) -> dict[str, str]:
    """Later layers replace earlier ones by name, without regard to case."""
    layers: list[Mapping[str, str | None]] = [
        {
            "Authorization": f"Bearer {line.token}",
            "Accept": "application/scim+json",
            "User-Agent": f"scimserver/{__version__}",
        },
        line.headers,
        request.headers,
    ]
    if request.body is not None:
        layers.insert(0, {"Content-Type": "application/scim+json"})
    chosen = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    return {name: fill_text(value, variables) for name, value in chosen.values() if value is not None}


async def exchange(line: Line, message: Message) -> Answer:
    """One request and its whole answer; raises ClientError, TimeoutError or ValueError."""
    body = None if message.body is None else json.dumps(message.body).encode()
    async with line.session.request(
        message.method,
        URL(message.url, encoded=True),
        headers=message.headers,
        data=body,
        allow_redirects=False,
        skip_auto_headers=("Content-Type",),
        timeout=aiohttp.ClientTimeout(total=line.timeout),
    ) as response:
        raw = await _read(response)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(
            status=response.status,
            headers=headers,
            body=_json_or_missing(raw),
            text=raw.decode("utf-8", "replace"),
        )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, but never more of it than a listing could need; raises ValueError beyond."""
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > _LARGEST_ANSWER:
            raise ValueError(f"the answer is larger than {_LARGEST_ANSWER} bytes")
    return bytes(raw)


def _json_or_missing(raw: bytes) -> Json | Missing:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return MISSING
