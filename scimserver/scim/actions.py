"""Actions on one resource for which RFC 7644 has no verb: a POST to a path below the resource.

`POST /Users/{id}/.clone` makes a user from another one (rule P6). Its body is optional: a message of
our own schema, whose `userName` takes the place of the placeholder.
Proven by tests/api/test_clone.py.
"""

import re
from typing import Final

from scim2_models import InvalidSyntaxException, InvalidValueException
from scim2_server.errors import MethodNotAllowedException
from scim2_server.requests import ScimRequest

from scimserver.scim.json_body import JsonObject
from scimserver.scim.service import ProvisioningService

CLONE_REQUEST: Final = "urn:ietf:params:scim:api:messages:scimserver:2.0:CloneRequest"

_CLONE: Final = re.compile(r"/Users/([^/]+)/\.clone")
_NAMES: Final = {"schemas": "schemas", "username": "userName"}


def source_of_clone(request: ScimRequest) -> str | None:
    """The id of the user whom a request asks to clone; None where it asks for something else.

    Raises `MethodNotAllowedException` for another method than POST.
    """
    found = _CLONE.fullmatch(request.path)
    if found is None:
        return None
    if request.method != "POST":
        raise MethodNotAllowedException(allowed=["POST"])
    return found[1]


def read_clone_request(service: ProvisioningService, request: ScimRequest) -> str | None:
    """The `userName` that the clone is to have; None for the next placeholder.

    Raises `InvalidSyntaxException`, `InvalidValueException`.
    """
    if not request.body:
        return None
    message = service.decode_body(request.body, request.header("Content-Type"))
    named = {_NAMES[name.lower()]: value for name, value in message.items() if name.lower() in _NAMES}
    _check_message(message, named, strict=service.strict)
    wanted = named.get("userName")
    if wanted is not None and not isinstance(wanted, str):
        raise InvalidValueException(detail="userName is a string: the address that the clone is to have.")
    return wanted


def _check_message(message: JsonObject, named: JsonObject, *, strict: bool) -> None:
    schemas = named.get("schemas")
    if (strict or "schemas" in named) and schemas != [CLONE_REQUEST]:
        raise InvalidSyntaxException(detail=f'schemas must be ["{CLONE_REQUEST}"].')
    if strict and len(named) < len(message):
        raise InvalidSyntaxException(detail="A clone request holds schemas and userName, nothing else.")
