"""`/Roles` over `directory.roles`: a resource type and a schema of our own (RFC 7643, section 6).

A role has no stored document: the few roles of an organisation are read from their columns.
Proven by tests/api/test_roles_over_scim.py.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, cast
from uuid import UUID

import orjson
from scim2_models import PatchOp, Resource

from scimserver.directory import roles
from scimserver.directory.roles import Role, Wanted, parse_permission
from scimserver.directory.views import View
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.ids import RoleId
from scimserver.scim import bounds, models
from scimserver.scim.plain import PlainPatch
from scimserver.scim.projection import Document
from scimserver.scim.render import Rendered, Renderer
from scimserver.work import Work


class RoleAdapter:
    """`/Roles` over `directory.roles`."""

    name: ClassVar[str] = "Role"
    endpoint: ClassVar[str] = "Roles"
    model: ClassVar[type[Resource[Any]]] = models.Role

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def render(self, view: View) -> Rendered:
        """The role as it is answered."""
        return self._renderer.role(view)

    async def current(self, work: Work, resource_id: UUID) -> Role:
        """The stored role, to be changed. Raises `NotFound`."""
        return await roles.get(work, RoleId(resource_id))

    def view(self, current: Role) -> View:
        """A stored role as it is read."""
        return View(
            id=current.id,
            version=current.version,
            created=current.created,
            last_modified=current.last_modified,
            stored=orjson.dumps(self.document(current)),
        )

    def document(self, current: Role) -> Document:
        """A stored role's document, in the order in which it is read."""
        document: Document = {"schemas": [models.ROLE_SCHEMA], "id": str(current.id)}
        if current.external_id is not None:
            document["externalId"] = current.external_id
        document["displayName"] = current.name
        if current.start_page is not None:
            document["startPage"] = current.start_page
        if current.permissions:
            document["permissions"] = [{"value": each.value} for each in sorted(current.permissions)]
        document["builtIn"] = current.built_in
        return document

    def dumped(self, resource: Resource[Any]) -> Document:
        """The role's document."""
        bounds.check_schemas(resource)
        return resource.model_dump()

    async def create(self, work: Work, document: Document) -> Role:
        """Add the role."""
        return await roles.create(work, _wanted(document))

    async def update(self, work: Work, current: Role, document: Document, *, replacing: bool = False) -> Role:
        """Give the role its next state."""
        return await roles.update(work, current, _wanted(document))

    async def delete(self, work: Work, current: Role) -> None:
        """Delete the role; its users fall to the least one."""
        await roles.delete(work, current)

    def with_kept(self, current: Role, document: Document) -> Document:
        """Nothing more: a PUT without `permissions` leaves the role none."""
        return document

    async def check_patch(self, work: Work, current: Role, asked: "PlainPatch | PatchOp[Any]") -> None:
        """Nothing."""

    def before_patch(self, current: Role, resource: Resource[Any], patch: "PatchOp[Any]") -> None:
        """Nothing."""


def _wanted(document: Document) -> Wanted:
    """What a document asks for. Raises `InvalidValue`."""
    entries = cast("list[Mapping[str, Any]]", document.get("permissions") or [])
    return Wanted(
        name=str(document.get("displayName") or ""),
        start_page=cast("str | None", document.get("startPage")),
        permissions=frozenset(parse_permission(_value(entry)) for entry in entries),
        external_id=cast("str | None", document.get("externalId")),
    )


def _value(entry: Mapping[str, Any]) -> str:
    value = entry.get("value")
    if not value:
        raise InvalidValue("An entry of permissions has a value: its name.", attribute="permissions")
    return str(value)
