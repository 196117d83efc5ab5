"""The one table from the directory's refusals to SCIM errors (RFC 7644, section 3.12)."""

import re
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from scim2_models import (
    Error,
    ForbiddenException,
    InvalidValueException,
    NotFoundException,
    PreconditionFailedException,
    SCIMException,
    SensitiveException,
    TooManyException,
    UnauthorizedException,
    UniquenessException,
)

from scimserver.kernel import errors


class ServiceUnavailable(SCIMException):
    """Nothing is known to have changed; the client tries again after `retry_after` seconds."""

    status = 503
    _default_detail = "The service cannot answer at the moment; nothing was changed. Try again."

    def __init__(self, *, detail: str | None = None, retry_after: int = 1) -> None:
        super().__init__(detail=detail)
        self.retry_after = retry_after


class Sensitive(SensitiveException):
    """Confidential data in a filter or a URI: 403 (verified erratum 6893 of RFC 7644)."""

    status = 403


_TRANSLATION: Final[Mapping[type[errors.Refused], type[SCIMException]]] = {
    errors.NotFound: NotFoundException,
    errors.InvalidValue: InvalidValueException,
    errors.AlreadyTaken: UniquenessException,
    errors.NotPermitted: ForbiddenException,
    errors.VersionMismatch: PreconditionFailedException,
    errors.TooMany: TooManyException,
    errors.Unauthenticated: UnauthorizedException,
}


def scim_error(failure: Exception) -> SCIMException | None:
    """The SCIM error that tells a client of a failure, or None for a broken promise of our own."""
    match failure:
        case SensitiveException():
            return failure if isinstance(failure, Sensitive) else Sensitive(detail=str(failure))
        case SCIMException(__cause__=ValidationError() as cause) if "\n" in str(failure):
            # Applying a PATCH passes on pydantic's own text, of several lines.
            return scim_error(cause)
        case SCIMException():
            return failure
        case ValidationError():
            return SCIMException.from_error(Error.from_validation_errors(failure)[0])
        case errors.Conflicted():
            return ServiceUnavailable()
        case errors.Unavailable():
            # What is known of the outside (hosts, sockets) is for operators, not for clients.
            return ServiceUnavailable(retry_after=failure.retry_after)
        case errors.Refused():
            kind = next(kind for kind in type(failure).__mro__ if kind in _TRANSLATION)
            return _TRANSLATION[kind](detail=failure.detail)
        case _:
            return None


def reason_of(failure: Exception, error: SCIMException | None) -> str:
    """The stable word under which the log files a refusal."""
    if isinstance(failure, errors.Refused):
        return failure.reason
    if error is None:
        return "internal_error"
    if not error.scim_type:
        return f"http_{error.status}"
    # One vocabulary: invalidValue of the protocol core is the directory's invalid_value.
    return re.sub("(?=[A-Z])", "_", error.scim_type).lower()
