"""Errors of this face: Problem Details (RFC 9457), with the log's word for what was wrong as `reason`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import orjson
from aiohttp import hdrs, web

from scimserver.access.login import ChangeRequired, SignInRefused
from scimserver.http.hardening import BodyEncoded, BodyTooLarge, BodyTooSlow
from scimserver.kernel.errors import (
    Conflicted,
    NotPermitted,
    PasswordManagedElsewhere,
    RateLimited,
    Refused,
    Unauthenticated,
    Unavailable,
)

_STATUS: Final[Mapping[type[Refused], int]] = {
    Unauthenticated: 401,
    SignInRefused: 403,
    ChangeRequired: 403,
    NotPermitted: 403,
    PasswordManagedElsewhere: 409,
    Refused: 422,
}
_WAIT: Final = "The server cannot answer at the moment; nothing was changed: try again shortly."


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Exception):
    """What was wrong with a request."""

    status: int
    reason: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    members: Mapping[str, object] = field(default_factory=dict[str, object])
    """What it says beyond the standard (section 3.2)."""

    def response(self) -> web.Response:
        """The answer."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
            **self.members,
        }
        return web.Response(
            status=self.status,
            body=orjson.dumps(body),
            headers={"Content-Type": "application/problem+json", **self.headers},
        )


def malformed(detail: str, *, status: int = 400) -> Problem:
    """A request that cannot be read."""
    return Problem(status=status, reason="malformed", detail=detail)


def problem_of(failure: Exception) -> Problem | None:
    """The problem that tells of a failure; None for a broken promise of our own."""
    match failure:
        case Problem():
            return failure
        case BodyTooLarge():
            return malformed(f"The body is larger than {failure.limit} bytes.", status=413)
        case BodyEncoded():
            return malformed("A body is taken as it is: send it without Content-Encoding.", status=415)
        case BodyTooSlow():
            return malformed("The body did not arrive in time; nothing was done.", status=408)
        case web.RequestPayloadError() | ConnectionResetError():
            return malformed("The body is cut off.")
        case RateLimited():
            return _refused(429, failure, {hdrs.RETRY_AFTER: str(failure.retry_after)})
        case Conflicted() | Unavailable():
            wait = failure.retry_after if isinstance(failure, Unavailable) else 1
            return Problem(
                status=503, reason="unavailable", detail=_WAIT, headers={hdrs.RETRY_AFTER: str(wait)}
            )
        case Refused():
            status = next(_STATUS[kind] for kind in _STATUS if isinstance(failure, kind))
            return _refused(status, failure, {hdrs.WWW_AUTHENTICATE: "Bearer"} if status == 401 else {})
        case _:
            return None


def _refused(status: int, refused: Refused, headers: Mapping[str, str]) -> Problem:
    members = refused.members() if isinstance(refused, PasswordManagedElsewhere) else {}
    return Problem(
        status=status, reason=refused.reason, detail=refused.detail, headers=headers, members=members
    )
