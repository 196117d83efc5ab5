"""Actions on one user for which RFC 7644 has no verb: a POST to a path below the user.

`POST /Users/{id}/.clone` makes a user from another one (rule P6). Its body is optional: a message of
our own schema, whose `userName` takes the place of the placeholder.
`POST /Users/{id}/.password` gives a user a password (rule P7). Its body is a message of our own schema too.
Proven by tests/api/test_clone.py and tests/api/test_password_action.py.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from scim2_models import InvalidSyntaxException, InvalidValueException
from scim2_server.errors import MethodNotAllowedException
from scim2_server.requests import ScimRequest

from scimserver.directory.passwords import NewPassword
from scimserver.scim.json_body import JsonObject
from scimserver.scim.service import ProvisioningService

CLONE_REQUEST: Final = "urn:ietf:params:scim:api:messages:scimserver:2.0:CloneRequest"
PASSWORD_REQUEST: Final = "urn:ietf:params:scim:api:messages:scimserver:2.0:PasswordRequest"  # noqa: S105 - it is a name

METHODS: Final = ("set",)
"""How a user comes by a password."""


class Action(StrEnum):
    """The last segment of an action's path."""

    CLONE = ".clone"
    PASSWORD = ".password"  # noqa: S105 - it is a path


_PATH: Final = re.compile(rf"/Users/([^/]+)/({'|'.join(map(re.escape, Action))})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An action that a request asks for, and the id of the user."""

    action: Action
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRequest:
    """A password that somebody wants a user to have."""

    password: NewPassword
    must_change: bool


def action_of(request: ScimRequest) -> Asked | None:
    """What a request asks to do with a user; None where it asks for something else.

    Raises `MethodNotAllowedException` for another method than POST.
    """
    found = _PATH.fullmatch(request.path)
    if found is None:
        return None
    if request.method != "POST":
        raise MethodNotAllowedException(allowed=["POST"])
    return Asked(action=Action(found[2]), user=found[1])


def read_clone_request(service: ProvisioningService, request: ScimRequest) -> str | None:
    """The `userName` that the clone is to have; None for the next placeholder.

    Raises `InvalidSyntaxException`, `InvalidValueException`.
    """
    if not request.body:
        return None
    message = service.decode_body(request.body, request.header("Content-Type"))
    named = _named(message, ("userName",))
    _check_schemas(named, CLONE_REQUEST, strict=service.strict)
    if service.strict and len(named) < len(message):
        raise InvalidSyntaxException(detail="A clone request holds schemas and userName, nothing else.")
    wanted = named.get("userName")
    if wanted is not None and not isinstance(wanted, str):
        raise InvalidValueException(detail="userName is a string: the address that the clone is to have.")
    return wanted


def read_password_request(
    service: ProvisioningService, request: ScimRequest, take: Callable[[str], NewPassword]
) -> PasswordRequest:
    """The password that a user is to have; `take` takes it in. What is sent is never repeated.

    Raises `InvalidSyntaxException`, `InvalidValueException`. Members that are not known are refused from
    everybody: a misspelt `mustChange` would do the contrary of what was meant.
    """
    message = service.decode_body(request.body, request.header("Content-Type"))
    named = _named(message, ("method", "password", "mustChange"))
    _check_schemas(named, PASSWORD_REQUEST, strict=service.strict)
    if len(named) < len(message):
        raise InvalidSyntaxException(
            detail="A password request holds schemas, method, password and mustChange, nothing else."
        )
    if named.get("method") not in METHODS:
        raise InvalidValueException(detail=f"method is one of: {', '.join(METHODS)}.")
    password, must_change = named.get("password"), named.get("mustChange", True)
    if not isinstance(password, str):
        raise InvalidValueException(detail="password is required, and a string.")
    if not isinstance(must_change, bool):
        raise InvalidValueException(detail="mustChange is true or false.")
    return PasswordRequest(password=take(password), must_change=must_change)


def _named(message: JsonObject, names: Collection[str]) -> JsonObject:
    """The members of a message that are known, by their names as we write them (RFC 7643, section 2.1)."""
    known = {name.lower(): name for name in ("schemas", *names)}
    return {known[name.lower()]: value for name, value in message.items() if name.lower() in known}


def _check_schemas(named: dict[str, Any], schema: str, *, strict: bool) -> None:
    if (strict or "schemas" in named) and named.get("schemas") != [schema]:
        raise InvalidSyntaxException(detail=f'schemas must be ["{schema}"].')
