"""What is said where something went wrong: every failure of a page is a page.

Proven by tests/console/test_face.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import hdrs, web

from scimserver.console.forms import BadForm, Form
from scimserver.console.visit import Visit
from scimserver.http.hardening import BodyEncoded, BodyTooLarge, BodyTooSlow
from scimserver.kernel.errors import Conflicted, NotFound, NotPermitted, RateLimited, Refused, Unavailable

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What an error page says."""

    status: int
    title: str
    sentence: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class WrongMethod(BadForm):
    """The page does not answer such a request."""

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__(405, "This page cannot be asked for in that way: follow a link to it.")
        self.methods = methods


def told(visit: Visit, failure: Exception) -> web.Response:
    """The page that tells of a failure."""
    fault = _fault(failure, visit)
    response = visit.page("error.html", Form(status=fault.status), title=fault.title, said=fault.sentence)
    response.headers.update(fault.headers)
    return response


def _fault(failure: Exception, visit: Visit) -> Fault:
    match failure:
        case WrongMethod():
            return _of(failure, {hdrs.ALLOW: ", ".join(failure.methods)})
        case BadForm():
            return _of(failure)
        case BodyEncoded():
            return _of(BadForm(415, "A form is taken as it is: send it without Content-Encoding."))
        case BodyTooLarge():
            return _of(BadForm(413, "The form is larger than any of ours: go back and fill it in again."))
        case BodyTooSlow():
            return _of(BadForm(408, "The form did not arrive in time; nothing was done: send it again."))
        case web.RequestPayloadError() | ConnectionResetError():
            return _of(BadForm(400, "The form is cut off; nothing was done: send it again."))
        case RateLimited():
            return _of(BadForm(429, failure.detail), {hdrs.RETRY_AFTER: str(failure.retry_after)})
        case Conflicted() | Unavailable():
            wait = failure.retry_after if isinstance(failure, Unavailable) else 1
            sentence = "The server cannot do this at the moment; nothing was changed: try again shortly."
            return _of(BadForm(503, sentence), {hdrs.RETRY_AFTER: str(wait)})
        case Refused():
            kinds = (kind for kind in _STATUS if isinstance(failure, kind))
            return _of(BadForm(_STATUS[next(kinds, Refused)], failure.detail))
        case _:
            _log.error("page.failed", request_id=visit.origin.request_id, exc_info=failure)
            return _of(BadForm(500, "The server made a mistake; nothing was changed as far as it knows."))


_STATUS: Final[Mapping[type[Refused], int]] = {NotFound: 404, NotPermitted: 403, Refused: 422}


def _of(bad: BadForm, headers: Mapping[str, str] | None = None) -> Fault:
    return Fault(
        status=bad.status, title=HTTPStatus(bad.status).phrase, sentence=bad.sentence, headers=headers or {}
    )
