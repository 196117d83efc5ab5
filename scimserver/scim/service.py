"""The protocol core, scim2-server's `ScimService`, with what ours does differently.

Each deviation is one small overriding method with its reason.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError
from scim2_models import (
    BaseModel,
    Context,
    ForbiddenException,
    InvalidPathException,
    PatchOp,
    PreconditionFailedException,
    Resource,
    ResourceType,
    SCIMException,
    SearchRequest,
    default_comparison_key,
)
from scim2_server.conditions import Conditions, EntityTags
from scim2_server.requests import ScimRequest
from scim2_server.routing import Operation, Target
from scim2_server.service import ScimService
from scim2_server.utils import parametrize

from scimserver.access.credentials import Caller
from scimserver.kernel.permissions import Permission
from scimserver.scim import bounds, json_body
from scimserver.scim.errors import LacksPermission, scim_error
from scimserver.scim.filter_dialect import normalise_filter
from scimserver.scim.filter_text import is_storable, take_apart
from scimserver.scim.normalise import normalise_patch, normalise_resource
from scimserver.scim.plain import PlainPatch, plain_bodies
from scimserver.scim.projection import Projector, check_names, projector
from scimserver.scim.provider import provider
from scimserver.scim.render import resource_version
from scimserver.scim.strictness import strict_patch

_ModelT = TypeVar("_ModelT", bound=BaseModel)

_READ = {
    "User": Permission.USERS_READ,
    "Group": Permission.GROUPS_READ,
    "Role": Permission.ROLES_READ,
    "Case": Permission.CASES_READ,
}
_WRITE = {
    ("User", Operation.create): Permission.USERS_CREATE,
    ("User", Operation.replace): Permission.USERS_UPDATE,
    ("User", Operation.patch): Permission.USERS_UPDATE,
    ("User", Operation.delete): Permission.USERS_DELETE,
    ("Group", Operation.create): Permission.GROUPS_WRITE,
    ("Group", Operation.replace): Permission.GROUPS_WRITE,
    ("Group", Operation.patch): Permission.GROUPS_WRITE,
    ("Group", Operation.delete): Permission.GROUPS_WRITE,
    ("Role", Operation.create): Permission.ROLES_MANAGE,
    ("Role", Operation.replace): Permission.ROLES_MANAGE,
    ("Role", Operation.patch): Permission.ROLES_MANAGE,
    ("Role", Operation.delete): Permission.ROLES_MANAGE,
    ("Case", Operation.create): Permission.CASES_WRITE,
    ("Case", Operation.replace): Permission.CASES_WRITE,
    ("Case", Operation.patch): Permission.CASES_WRITE,
    ("Case", Operation.delete): Permission.CASES_WRITE,
}

_ENDPOINTS = frozenset({"Users", "Groups", "Roles", "Cases"})
_ID = re.compile("[0-9A-Za-z-]+")
_OPERATIONS = {
    ("GET", False): Operation.search,
    ("POST", False): Operation.create,
    ("GET", True): Operation.query,
    ("PUT", True): Operation.replace,
    ("PATCH", True): Operation.patch,
    ("DELETE", True): Operation.delete,
}
"""By method, and whether the path names a resource."""

LAST_INDEX = 2**53 - 1
"""What a larger `startIndex` counts as: the largest number that every JSON reader keeps."""

ME_REFUSED = (
    "/Me is the user behind a user's token. This token belongs to a connection, which is no user: use /Users."
)


class ProvisioningService(ScimService):
    """The SCIM protocol for tolerant or for strict connections; `secret` seals cursors."""

    def __init__(self, *, strict: bool, secret: bytes) -> None:
        super().__init__(provider(strict=strict), secret=secret)
        self.strict = strict
        self._models: dict[str, type[Resource[Any]]] = {}
        # Our comparison key takes every string. Under one that is not its own, the library would
        # compare each string of a body with itself to see that: half of all the time to validate.
        self._reading = self.provider.policy.model_copy(update={"comparison_key": default_comparison_key})

    # -- where to ------------------------------------------------------------

    @staticmethod
    def match(request: ScimRequest) -> Target:
        """What a request asks for; of the usual paths without trying each route in turn."""
        endpoint, slash, resource_id = request.path.removeprefix("/").partition("/")
        operation = _OPERATIONS.get((request.method, bool(slash)))
        if operation is None or endpoint not in _ENDPOINTS or (slash and not _ID.fullmatch(resource_id)):
            return ScimService.match(request)
        return Target(operation, endpoint, resource_id or None)

    def get_model(self, resource_type: ResourceType) -> type[Resource[Any]]:
        """The model of a resource type, extensions included, put together once."""
        name = str(resource_type.name)
        if name not in self._models:
            self._models[name] = super().get_model(resource_type)
        return self._models[name]

    # -- who may -------------------------------------------------------------

    def authorize(self, request: ScimRequest, target: Target, resource_type: ResourceType) -> None:
        """Refuse before a body is read; the directory's actions ask the same again."""
        name = str(resource_type.name)
        _require(_WRITE.get((name, target.operation)) or _READ[name], request.subject)

    def require_read(self, resource_type: str, caller: Caller) -> None:
        """Refuse a caller who may not read resources of the type."""
        _require(_READ[resource_type], caller)

    def require(self, permission: Permission, caller: Caller) -> None:
        """Refuse a caller without the permission that an action of ours takes, before a body is read."""
        _require(permission, caller)

    def me_target(self, request: ScimRequest) -> tuple[ResourceType, str]:
        """Refuse: a machine is nobody (RFC 7644, section 3.11)."""
        raise ForbiddenException(detail=ME_REFUSED)

    def me_creation_type(self, request: ScimRequest) -> ResourceType:
        """Refuse: nobody registers through a connection's token."""
        raise ForbiddenException(detail=ME_REFUSED)

    # -- bodies --------------------------------------------------------------

    def read_document(
        self, resource_type: ResourceType, body: bytes, content_type: str | None, context: Context
    ) -> "json_body.JsonObject | Resource[Any]":
        """What the body of a POST or PUT holds: as a document if it is plain, else validated."""
        value = self._body(resource_type, body, content_type)
        plain = plain_bodies(str(resource_type.name)).document(value)
        return self._validated_resource(resource_type, body, value, context) if plain is None else plain

    def read_writes(
        self, resource_type: ResourceType, body: bytes, content_type: str | None
    ) -> "PlainPatch | PatchOp[Any]":
        """What the body of a PATCH asks for: as it is if it is plain, else validated operations."""
        value = self._patch(resource_type, body, content_type)
        plain = plain_bodies(str(resource_type.name)).patch(value, strict=self.strict)
        return self._validated_patch(resource_type, body, value) if plain is None else plain

    def _patch(
        self, resource_type: ResourceType, body: bytes, content_type: str | None
    ) -> json_body.JsonObject:
        value = self.decode_body(body, content_type)
        bounds.check_patch(str(resource_type.name), body, value)
        return value if self.strict else normalise_patch(str(resource_type.name), value)

    def _validated_patch(
        self, resource_type: ResourceType, body: bytes, value: json_body.JsonObject
    ) -> "PatchOp[Any]":
        bounds.check_patch_for_models(str(resource_type.name), body, value)
        if self.strict:
            value = strict_patch(self.get_model(resource_type), value)
        model: type[PatchOp[Any]] = parametrize(PatchOp, self.get_model(resource_type))
        patch = self._validated(model, value, Context.RESOURCE_PATCH_REQUEST)
        _check_paths(patch)
        return patch

    def decode_body(self, body: bytes, content_type: str | None) -> json_body.JsonObject:
        """Strict JSON: the core takes duplicate keys and NUL."""
        self.ensure_json(content_type)
        return json_body.parse(body)

    def read_search(self, resource_types: list[ResourceType], payload: Any) -> tuple[SearchRequest[Any], Any]:
        """Bound a filter and understand its dialect before the core parses it; bound `startIndex`."""
        if isinstance(payload, dict):
            payload = {
                key: self._bounded(key.lower(), value)
                for key, value in cast("dict[str, Any]", payload).items()
            }
        search, position = super().read_search(resource_types, payload)
        if search.start_index is not None:
            search.start_index = min(search.start_index, LAST_INDEX)
        return search, position

    def _bounded(self, name: str, sent: Any) -> Any:
        """A parameter of a search, once it is known that reading it takes no time."""
        if name in ("attributes", "excludedattributes"):
            check_names(sent)
        elif name == "sortby" and isinstance(sent, str) and len(sent) > bounds.MAX_SORT_LENGTH:
            raise InvalidPathException(detail=f"sortBy may have {bounds.MAX_SORT_LENGTH} characters at most.")
        elif name == "filter" and isinstance(sent, str):
            take_apart(sent)
            return sent if self.strict else normalise_filter(sent)
        return sent

    def _validated_resource(
        self, resource_type: ResourceType, body: bytes, value: json_body.JsonObject, context: Context
    ) -> Resource[Any]:
        bounds.check_body_for_models(str(resource_type.name), body, value)
        return self._validated(self.get_model(resource_type), value, context)

    def _body(
        self, resource_type: ResourceType, body: bytes, content_type: str | None
    ) -> json_body.JsonObject:
        value = self.decode_body(body, content_type)
        bounds.check_body(str(resource_type.name), body, value)
        return value if self.strict else normalise_resource(str(resource_type.name), value)

    def _validated(self, model: type[_ModelT], value: Any, context: Context) -> _ModelT:
        try:
            return model.model_validate(value, scim_ctx=context, scim_policy=self._reading)
        except ValidationError as invalid:
            raise _translated(invalid) from invalid

    # -- conditions ----------------------------------------------------------

    def check_conditions(self, etag: str, conditions: Conditions) -> None:
        """If-Match compares the row's version; what derives from other rows cannot be overwritten."""
        version = resource_version(etag)
        wanted = EntityTags.parse(conditions.if_match)
        if wanted is not None and not (
            wanted.any or version in {resource_version(tag) for tag in wanted.tags}
        ):
            raise PreconditionFailedException(
                detail="The resource is no longer the version of If-Match: read it again."
            )
        unwanted = EntityTags.parse(conditions.if_none_match)
        if unwanted is not None and unwanted.matches(etag):
            raise PreconditionFailedException(detail="The resource is the version of If-None-Match.")

    # -- answers -------------------------------------------------------------

    def projector(self, resource_type: ResourceType, query: Mapping[str, str]) -> Projector:
        """What `attributes` and `excludedAttributes` leave of a resource of the type."""
        names = {key.casefold(): value for key, value in query.items()}
        return projector(
            self.get_model(resource_type), names.get("attributes"), names.get("excludedattributes")
        )

    def seal(self, types: list[ResourceType], search: SearchRequest[Any], position: Any) -> str | None:
        """The cursor of RFC 9865 for a position, or None where there is no further page."""
        return self._seal(types, search, position)


def _require(needed: Permission, caller: Caller) -> None:
    if needed not in caller.actor.permissions:
        raise LacksPermission(
            detail=f"The token lacks the permission {needed}: issue one with a wider scope."
        )


def _check_paths(patch: "PatchOp[Any]") -> None:
    """A path's filter may become an entry, and its strings have escapes of their own."""
    for operation in patch.operations or ():
        if operation.path is not None and not is_storable(str(operation.path)):
            raise InvalidPathException(
                detail="A string in a path holds NUL (\\u0000) or half a surrogate pair, as no value does."
            )


def _translated(invalid: ValidationError) -> SCIMException:
    error = scim_error(invalid)
    assert error is not None
    return error
