"""Every request has an id: the caller's `X-Request-Id` where it is sound, else a fresh one.

It is answered in the same header, stands in every log line of the request and in its log entries.
"""

import random
import re
from collections.abc import Callable
from typing import Final

from aiohttp import web

HEADER: Final = "X-Request-Id"
_SOUND = re.compile(r"[A-Za-z0-9._-]{8,128}")
_KEY: Final = web.RequestKey("request_id", str)

ROUTE: Final = web.RequestKey("route", str)
"""What logs and metrics call the path that was asked for: no identifier in it."""


def request_id(request: web.Request) -> str:
    """The id of a request that has its name."""
    return request[_KEY]


def naming() -> Callable[[web.Request], str]:
    """What gives requests their ids: `request_id` knows one's from then on.

    A fresh id is 128 bits, no secret but no number either, by which one client could count the requests
    of others. Half of it is the process's own: to be made in the process that serves.
    """
    process, chance = f"{random.getrandbits(64):016x}", random.getrandbits

    def name_request(request: web.Request) -> str:
        sent = request.headers.get(HEADER)
        name = sent if sent is not None and _SOUND.fullmatch(sent) else f"{process}-{chance(64):016x}"
        request[_KEY] = name
        return name

    return name_request
