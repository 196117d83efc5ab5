"""Actions on one user for which RFC 7644 has no verb: a POST to a path below the user.

`POST /Users/{id}/.clone` makes a user from another one (rule P6). Its body is optional: a message of
our own schema, whose `userName` takes the place of the placeholder.
`POST /Users/{id}/.password` gives a user a password, or has a link mailed where the user sets one (rule P7).
Its body is a message of our own schema too.
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


class Method(StrEnum):
    """How a user comes by a password."""

    SET = "set"
    EMAIL = "email"


_MEMBERS: Final = {
    Method.SET: ("schemas", "method", "password", "mustChange"),
    Method.EMAIL: ("schemas", "method"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPassword:
    """A password that somebody wants a user to have."""

    password: NewPassword
    must_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLink:
    """A user is to set a password by a link that is mailed."""


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
) -> SetPassword | MailLink:
    """How a user is to come by a password; `take` takes one in. What is sent is never repeated.

    Raises `InvalidSyntaxException`, `InvalidValueException`. Members that are not known are refused from
    everybody: a misspelt `mustChange` would do the contrary of what was meant.
    """
    message = service.decode_body(request.body, request.header("Content-Type"))
    named = _named(message, _MEMBERS[Method.SET])
    _check_schemas(named, PASSWORD_REQUEST, strict=service.strict)
    method = named.get("method")
    if not isinstance(method, str) or method not in set(Method):
        raise InvalidValueException(detail=f"method is one of: {', '.join(Method)}.")
    members = _MEMBERS[Method(method)]
    if len(named) < len(message) or not named.keys() <= set(members):
        raise InvalidSyntaxException(
            detail=f"A password request of this method holds {', '.join(members)}, nothing else."
        )
    return MailLink() if method == Method.EMAIL else _set_password(named, take)


def _set_password(named: JsonObject, take: Callable[[str], NewPassword]) -> SetPassword:
    password, must_change = named.get("password"), named.get("mustChange", True)
    if not isinstance(password, str):
        raise InvalidValueException(detail="password is required, and a string.")
    if not isinstance(must_change, bool):
        raise InvalidValueException(detail="mustChange is true or false.")
    return SetPassword(password=take(password), must_change=must_change)


def _named(message: JsonObject, names: Collection[str]) -> JsonObject:
    """The members of a message that are known, by their names as we write them (RFC 7643, section 2.1)."""
    known = {name.lower(): name for name in ("schemas", *names)}
    return {known[name.lower()]: value for name, value in message.items() if name.lower() in known}


def _check_schemas(named: dict[str, Any], schema: str, *, strict: bool) -> None:
    if (strict or "schemas" in named) and named.get("schemas") != [schema]:
        raise InvalidSyntaxException(detail=f'schemas must be ["{schema}"].')
