"""Every request has an id: the caller's `X-Request-Id` where it is sound, else a fresh one.

It is answered in the same header, stands in every log line of the request and in its log entries.
"""

import random
import re
from collections.abc import Callable
from itertools import count
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

    A fresh id is a name for the process and a number: unique, and no secret. To be made in the process
    that serves, because those that are forked from one would have the same name.
    """
    process = f"{random.getrandbits(64):016x}"
    numbers = count(1)

    def name_request(request: web.Request) -> str:
        sent = request.headers.get(HEADER)
        name = sent if sent is not None and _SOUND.fullmatch(sent) else f"{process}-{next(numbers)}"
        request[_KEY] = name
        return name

    return name_request
