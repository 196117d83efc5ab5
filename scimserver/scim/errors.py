"""The one table from the directory's refusals to SCIM errors (RFC 7644, section 3.12)."""

import re
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from scim2_models import (
    Error,
    ForbiddenException,
    InvalidValueException,
    MutabilityException,
    NotFoundException,
    PreconditionFailedException,
    SCIMException,
    SensitiveException,
    TooManyException,
    UnauthorizedException,
    UniquenessException,
)

from scimserver.kernel import errors
from scimserver.work import OutcomeUnknown


class ComeBackLater(SCIMException):
    """The client tries again after `retry_after` seconds (RFC 9110, section 10.2.3)."""

    def __init__(self, *, detail: str | None = None, retry_after: int = 1) -> None:
        super().__init__(detail=detail)
        self.retry_after = retry_after


class ServiceUnavailable(ComeBackLater):
    """Nothing is known to have changed."""

    status = 503
    _default_detail = "The service cannot answer at the moment; nothing was changed. Try again."


class TooManyRequests(ComeBackLater):
    """A limit on requests is used up; nothing was changed (RFC 6585, section 4)."""

    status = 429
    _default_detail = "Too many requests; nothing was changed. Wait as Retry-After says."


class TooSlow(SCIMException):
    """The body did not arrive in time; the connection is closed (RFC 9110, section 15.5.9)."""

    status = 408
    _default_detail = "The body did not arrive in time; nothing was changed."


class UnsupportedEncoding(SCIMException):
    """The body has a Content-Encoding; the answer says that none is taken (RFC 9110, section 15.5.16)."""

    status = 415
    _default_detail = "The body has a Content-Encoding: send it as it is, without one."


class UnknownOutcome(ServiceUnavailable):
    """What was asked for may have been done: the client looks, or asks for it again."""

    _default_detail = (
        "The service cannot answer at the moment, and it is not known whether the change was made."
        " Read the resource, or send the request again."
    )


class Sensitive(SensitiveException):
    """Confidential data in a filter or a URI: 403 (verified erratum 6893 of RFC 7644)."""

    status = 403


class ManagedElsewhere(MutabilityException):
    """A password that nobody can set here: of its user, `password` is read-only (RFC 7644, section 3.12)."""

    def __init__(self, refused: errors.PasswordManagedElsewhere) -> None:
        super().__init__(detail=refused.detail)
        self.members = refused.members()
        """What the error says beyond the standard, under its schema."""


class LacksPermission(ForbiddenException):
    """What the directory's actions would refuse as `NotPermitted`, refused before a body is read."""


MAX_DETAIL: Final = 500
"""Characters of the sentence that an error tells."""

_QUOTING: Final = frozenset({"invalidPath", "invalidFilter"})
"""Errors that repeat what a client wrote: not the strings in it, of which one may be a password."""

_TYPES: Final = re.compile(r"Expected (?:str or \w+|string), got \w+")
"""How the models say that something is no string: in the words of a program."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNSPEAKABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_TRANSLATION: Final[Mapping[type[errors.Refused], type[SCIMException]]] = {
    errors.NotFound: NotFoundException,
    errors.InvalidValue: InvalidValueException,
    errors.AlreadyTaken: UniquenessException,
    errors.Immutable: MutabilityException,
    errors.NotPermitted: ForbiddenException,
    errors.VersionMismatch: PreconditionFailedException,
    errors.TooMany: TooManyException,
    errors.Unauthenticated: UnauthorizedException,
}


def scim_error(failure: Exception) -> SCIMException | None:
    """The SCIM error that tells a client of a failure, or None for a broken promise of our own.

    Its detail is one line of at most `MAX_DETAIL` characters: what a client sent may stand in it.
    """
    error = _translated(failure)
    if error is not None:
        said = error.to_error()
        detail = said.detail or ""
        if said.scim_type in _QUOTING:
            detail = _STRING.sub('"..."', detail)
        detail = _one_line(_plainly(detail))
        if detail != said.detail:
            # An error that came with the exception, and the words of one that did not.
            said.detail, error.args = detail, (detail,)
    return error


def _plainly(detail: str) -> str:
    return _TYPES.sub("A string is expected here", detail.removeprefix("Value error, "))


def _one_line(detail: str) -> str:
    detail = _UNSPEAKABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", detail)
    # What to do stands at the end, so the middle goes.
    return detail if len(detail) <= MAX_DETAIL else f"{detail[: MAX_DETAIL - 203]}...{detail[-200:]}"


def _translated(failure: Exception) -> SCIMException | None:
    match failure:
        case SensitiveException():
            return failure if isinstance(failure, Sensitive) else Sensitive(detail=str(failure))
        case SCIMException(__cause__=ValidationError() as cause) if "\n" in str(failure):
            # Applying a PATCH passes on pydantic's own text, of several lines.
            return _translated(cause)
        case SCIMException():
            return failure
        case ValidationError():
            # The first one alone: a body may have a hundred thousand.
            return SCIMException.from_error(Error.from_validation_error(failure.errors()[0]))
        case errors.Conflicted():
            return ServiceUnavailable()
        case OutcomeUnknown():
            return UnknownOutcome(retry_after=failure.retry_after)
        case errors.Unavailable():
            # What is known of the outside (hosts, sockets) is for operators, not for clients.
            return ServiceUnavailable(retry_after=failure.retry_after)
        case errors.Refused():
            return _of_refused(failure)
        case _:
            return None


def _of_refused(refused: errors.Refused) -> SCIMException:
    match refused:
        case errors.PasswordManagedElsewhere():
            return ManagedElsewhere(refused)
        case errors.RateLimited():
            return TooManyRequests(detail=refused.detail, retry_after=refused.retry_after)
        case _:
            kind = next(kind for kind in type(refused).__mro__ if kind in _TRANSLATION)
            return _TRANSLATION[kind](detail=refused.detail)


def reason_of(failure: Exception, error: SCIMException | None) -> str:
    """The stable word under which the log files a refusal."""
    if isinstance(failure, errors.Refused):
        return failure.reason
    if isinstance(failure, LacksPermission):
        return errors.NotPermitted.reason
    if error is None:
        return "internal_error"
    if not error.scim_type:
        return f"http_{error.status}"
    # One vocabulary: invalidValue of the protocol core is the directory's invalid_value.
    return re.sub("(?=[A-Z])", "_", error.scim_type).lower()
