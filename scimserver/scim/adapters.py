"""Resource types over the directory: what the protocol core does to a resource, done to a user or group."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, cast
from uuid import UUID

import orjson
from scim2_models import PatchOp, PatchOperation, Resource

from scimserver.access.connections import Passwords
from scimserver.directory import cloning, groups, password_resets, passwords, users
from scimserver.directory.password_resets import Purpose
from scimserver.directory.passwords import NewPassword, PasswordDesk
from scimserver.directory.views import View
from scimserver.kernel.errors import InvalidValue, NotFound, NotPermitted
from scimserver.kernel.ids import GroupId, UserId, parse_uuid
from scimserver.scim import bounds
from scimserver.scim.assigning import with_new_role
from scimserver.scim.models import Group, ProvisionedUser
from scimserver.scim.plain import plain_bodies
from scimserver.scim.projection import Document
from scimserver.scim.render import Rendered, Renderer
from scimserver.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """How the calling connection wants users treated."""

    passwords: Passwords = Passwords.IGNORE
    revive: bool = False


class Adapter(Protocol):
    """One resource type. `Current` is the directory's own idea of a stored resource."""

    name: ClassVar[str]
    endpoint: ClassVar[str]
    model: ClassVar[type[Resource[Any]]]

    def render(self, view: View) -> Rendered:
        """The resource as it is answered."""
        ...

    async def current(self, work: Work, resource_id: UUID) -> Any:
        """The stored resource, to be changed. Raises `NotFound`."""
        ...

    def view(self, current: Any) -> View:
        """A stored resource as it is read."""
        ...

    def document(self, current: Any) -> Document:
        """A stored resource with all that a PATCH can reach."""
        ...

    def dumped(self, resource: Resource[Any]) -> Document:
        """A resource that the models made, as a document.

        Raises `InvalidValue` for what dumping hides, `PayloadTooLargeException` for what it takes long for.
        """
        ...

    async def create(self, work: Work, document: Document) -> Any:
        """Store a new resource."""
        ...

    async def update(self, work: Work, current: Any, document: Document, *, replacing: bool = False) -> Any:
        """Store the next state of a resource; `replacing` says that it is all that a client sent."""
        ...

    async def delete(self, work: Work, current: Any) -> None:
        """Delete a resource."""
        ...

    def with_kept(self, current: Any, document: Document) -> Document:
        """The document of a PUT with what it does not mention, where clearing that would do harm."""
        ...

    def before_patch(self, current: Any, resource: Resource[Any], patch: "PatchOp[Any]") -> None:
        """Prepare the resource that a PATCH is applied to."""
        ...


class UserAdapter:
    """`/Users` over `directory.users`."""

    name: ClassVar[str] = "User"
    endpoint: ClassVar[str] = "Users"
    model: ClassVar[type[Resource[Any]]] = ProvisionedUser

    KEPT: ClassVar = ("active", "roles", "timezone")
    """A PUT without these keeps them (RFC 7644, section 3.5.1 leaves the choice): it must neither
    reactivate a user nor take away what administrators gave."""

    def __init__(self, renderer: Renderer, desk: PasswordDesk, treatment: Treatment) -> None:
        self._renderer = renderer
        self._desk = desk
        self._treatment = treatment
        self._passwords: dict[str, NewPassword] = {}
        """Of the request's passwords: a try that is repeated, holding rows, does not hash again."""

    def render(self, view: View) -> Rendered:
        """The user as it is answered."""
        return self._renderer.user(view)

    async def current(self, work: Work, resource_id: UUID) -> users.User:
        """The stored user, to be changed. Raises `NotFound`."""
        return await users.get(work, UserId(resource_id))

    def view(self, current: users.User) -> View:
        """A stored user as it is read."""
        return View(
            id=current.id,
            version=current.version,
            created=current.created,
            last_modified=current.last_modified,
            stored=current.stored,
            related=current.groups,
            manager=current.manager,
        )

    def document(self, current: users.User) -> Document:
        """A stored user's document."""
        return current.document

    def dumped(self, resource: Resource[Any]) -> Document:
        """The user's document."""
        bounds.check_schemas(resource)
        return resource.model_dump()

    async def create(self, work: Work, document: Document) -> users.User:
        """Add the user, or give a deactivated one back where the connection says so (D7)."""
        document, password = self._taken_out(document)
        if self._treatment.revive:
            former = await users.find_inactive(work, str(document.get("userName") or ""))
            if former is not None:
                revived = _revived(former, document)
                return await users.update(work, former, revived, password, replacing=True, reviving=True)
        return await users.create(work, document, password)

    async def clone(self, work: Work, source: users.User, user_name: str | None) -> users.User:
        """Add a user made from another one."""
        return await cloning.clone(work, source, user_name)

    async def set_password(
        self, work: Work, user: users.User, password: NewPassword, *, must_change: bool
    ) -> None:
        """Give the user a password. Raises `NotPermitted` where the connection's are dropped."""
        if self._treatment.passwords is Passwords.IGNORE:
            refused = NotPermitted(
                "This connection takes no passwords: an administrator changes that with"
                " `scimserver connection update --passwords accept`."
            )
            refused.display = user.user_name
            raise refused
        await passwords.set_by_administrator(work, user, password, must_change=must_change)

    async def mail_link(self, work: Work, user: users.User) -> None:
        """Have a link mailed to the user, who sets a password there. Raises `NotMailable`, `RateLimited`."""
        await password_resets.mail_link(work, user, Purpose.ADMINISTRATOR)

    async def update(
        self, work: Work, current: users.User, document: Document, *, replacing: bool = False
    ) -> users.User:
        """Give the user its next state."""
        document, password = self._taken_out(with_new_role(document, current.document))
        return await users.update(work, current, document, password, replacing=replacing)

    async def delete(self, work: Work, current: users.User) -> None:
        """Delete the user."""
        await users.delete(work, current)

    def with_kept(self, current: users.User, document: Document) -> Document:
        """Keep `active`, `roles` and `timezone`."""
        kept: Document = {name: current.document[name] for name in self.KEPT if name in current.document}
        return plain_bodies(self.name).object.ordered({**kept, **document})

    def before_patch(self, current: users.User, resource: Resource[Any], patch: "PatchOp[Any]") -> None:
        """Let e-mails that a client adds take the place of the one we made for it."""
        if current.mail_stand_in and any(_adds(operation, "emails") for operation in patch.operations or ()):
            cast(Any, resource).emails = None

    def _taken_out(self, document: Document) -> tuple[Document, NewPassword | None]:
        """The document without its password, and that."""
        if "password" not in document:
            return document, None
        password = document["password"]
        rest = {name: value for name, value in document.items() if name != "password"}
        if password is None or self._treatment.passwords is Passwords.IGNORE:
            return rest, None
        return rest, self.take(str(password))

    def take(self, text: str) -> NewPassword:
        """A password that came with the request."""
        if text not in self._passwords:
            self._passwords[text] = self._desk.take(text)
        return self._passwords[text]


class GroupAdapter:
    """`/Groups` over `directory.groups`."""

    name: ClassVar[str] = "Group"
    endpoint: ClassVar[str] = "Groups"
    model: ClassVar[type[Resource[Any]]] = Group

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def render(self, view: View) -> Rendered:
        """The group as it is answered."""
        return self._renderer.group(view)

    async def current(self, work: Work, resource_id: UUID) -> groups.Group:
        """The stored group, to be changed. Raises `NotFound`."""
        return await groups.get(work, GroupId(resource_id))

    def view(self, current: groups.Group) -> View:
        """A stored group as it is read."""
        return View(
            id=current.id,
            version=current.version,
            created=current.created,
            last_modified=current.last_modified,
            stored=current.stored,
            related=current.members,
        )

    def document(self, current: groups.Group) -> Document:
        """A stored group's document, with its members."""
        return {**current.document, "members": [{"value": str(member.id)} for member in current.members]}

    def dumped(self, resource: Resource[Any]) -> Document:
        """The group's document. Raises `InvalidValue` for a member that says nothing."""
        for member in cast(Any, resource).members or ():
            if not (member.value or member.ref):
                raise _no_member()
        bounds.check_schemas(resource)
        return resource.model_dump()

    async def create(self, work: Work, document: Document) -> groups.Group:
        """Add the group."""
        return await groups.create(work, document, _members(document))

    async def update(
        self, work: Work, current: groups.Group, document: Document, *, replacing: bool = False
    ) -> groups.Group:
        """Give the group its next state."""
        return await groups.update(work, current, document, _members(document))

    async def delete(self, work: Work, current: groups.Group) -> None:
        """Delete the group."""
        await groups.delete(work, current)

    def with_kept(self, current: groups.Group, document: Document) -> Document:
        """Nothing more: a PUT without `members` empties the group, as the RFC has it."""
        return document

    def before_patch(self, current: groups.Group, resource: Resource[Any], patch: "PatchOp[Any]") -> None:
        """Nothing."""


def resource_of(adapter: Adapter, view: View) -> Resource[Any]:
    """A stored resource as the protocol core handles it: its location is the answer's business."""
    resource = adapter.model.model_validate(orjson.loads(adapter.render(view).body))
    assert resource.meta is not None
    resource.meta.location = None
    return resource


def parse_resource_id(adapter: Adapter, text: str) -> UUID:
    """The id that a path names. Raises `NotFound` for what cannot be one of ours."""
    parsed = parse_uuid(text)
    if parsed is None:
        raise NotFound(f"There is no {adapter.name.lower()} with this id.")
    return parsed


def _members(document: Document) -> tuple[UserId, ...]:
    """The members' ids, each once, in the order sent. Raises `InvalidValue`."""
    ids: dict[UserId, None] = {}
    for member in cast("list[dict[str, Any]]", document.get("members") or ()):
        text = member.get("value") or str(member.get("$ref") or "").rpartition("/")[2]
        parsed = parse_uuid(text)
        if parsed is None:
            raise _no_member()
        ids[UserId(parsed)] = None
    return tuple(ids)


def _no_member() -> InvalidValue:
    return InvalidValue("A member's value is the id of a user of the organisation.", attribute="members")


def _revived(former: users.User, wanted: users.Document) -> users.Document:
    """What a POST makes of a deactivated user: as a PUT would, and active unless it says otherwise."""
    kept = {name: former.document[name] for name in UserAdapter.KEPT if name in former.document}
    return {**kept, "active": True, **wanted}


def _adds(operation: "PatchOperation[Any]", attribute: str) -> bool:
    """Whether an operation adds to a whole attribute, by its path or by a key of its value."""
    if operation.op is not PatchOperation.Op.add:
        return False
    if operation.path is not None:
        return _unqualified(operation.path) == attribute
    value: Any = operation.value
    return isinstance(value, dict) and attribute in map(_unqualified, cast("dict[Any, Any]", value))


def _unqualified(path: Any) -> str:
    """A path without its schema, in lower case."""
    return str(path).rpartition(":")[2].lower()
