"""Every request has an id: the caller's `X-Request-Id` where it is sound, else a fresh one.

It is answered in the same header, stands in every log line of the request and in its log entries.
"""

import re
from typing import Final

from aiohttp import web

from scimserver.kernel.ids import new_uuid_text

HEADER: Final = "X-Request-Id"
_SOUND = re.compile(r"[A-Za-z0-9._-]{8,128}")
_KEY: Final = web.RequestKey("request_id", str)

ROUTE: Final = web.RequestKey("route", str)
"""What logs and metrics call the path that was asked for: no identifier in it."""


def request_id(request: web.Request) -> str:
    """The id of a request that has its name."""
    return request[_KEY]


def name_request(request: web.Request) -> str:
    """Give the request its id: `request_id` knows it from then on."""
    sent = request.headers.get(HEADER)
    name = sent if sent is not None and _SOUND.fullmatch(sent) else new_uuid_text()
    request[_KEY] = name
    return name
