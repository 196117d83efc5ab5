"""`/Users` over `directory.users`: what a client sends for a user, taken apart.

A password, and whether an identity provider signs the user in (rule P8), are no part of the document.
Of whoever is SAML-managed `password` is read-only: what stands beside other values is dropped
(RFC 7644, sections 3.3 and 3.5.1), what stands alone in a PATCH is refused, or dropped where the organisation
says so. Proven by tests/api/test_saml_managed.py.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from scim2_models import PatchOp, PatchOperation, Resource

from scimserver.access.connections import Passwords
from scimserver.directory import cloning, organizations, password_resets, passwords, users
from scimserver.directory.organizations import PasswordPush
from scimserver.directory.password_resets import Purpose
from scimserver.directory.passwords import NewPassword, PasswordDesk
from scimserver.directory.passwords.actions import CHANGED
from scimserver.directory.views import View
from scimserver.kernel.errors import NotPermitted, PasswordManagedElsewhere
from scimserver.kernel.facts import PasswordIgnored
from scimserver.kernel.ids import UserId
from scimserver.scim import bounds
from scimserver.scim.assigning import with_new_role
from scimserver.scim.models import DIRECTORY_USER_SCHEMA, ProvisionedUser
from scimserver.scim.plain import PlainPatch, plain_bodies
from scimserver.scim.projection import Document
from scimserver.scim.render import Rendered, Renderer
from scimserver.work import Work, telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """How the calling connection wants users treated."""

    passwords: Passwords = Passwords.IGNORE
    revive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What a client sends for a user."""

    document: Document
    password: NewPassword | None
    has_password: bool
    """Whether one came, also where the connection's are dropped."""
    mark: users.Mark


_MARK: Final = "samlManaged"
_APART: Final = ("password", DIRECTORY_USER_SCHEMA)
"""What is sent with a user and kept elsewhere."""


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
            provider=current.provider,
            mark=current.mark,
        )

    def document(self, current: users.User) -> Document:
        """A stored user's document, with the mark that is no part of it."""
        return {**current.document, **_marked(current)}

    def dumped(self, resource: Resource[Any]) -> Document:
        """The user's document."""
        bounds.check_schemas(resource)
        return resource.model_dump()

    async def create(self, work: Work, document: Document) -> users.User:
        """Add the user, or give a deactivated one back where the connection says so (D7)."""
        sent = self._taken_out(document, None)
        if self._treatment.revive:
            former = await users.find_inactive(work, str(document.get("userName") or ""))
            if former is not None:
                sent = self._taken_out(document, former)
                revived = _revived(former, sent.document)
                user = await users.update(
                    work, former, revived, sent.password, replacing=True, reviving=True, mark=sent.mark
                )
                return _with_password_ignored(work, user, sent)
        user = await users.create(work, sent.document, sent.password, mark=sent.mark)
        return _with_password_ignored(work, user, sent)

    async def clone(self, work: Work, source: users.User, user_name: str | None) -> users.User:
        """Add a user made from another one."""
        return await cloning.clone(work, source, user_name)

    async def set_password(
        self, work: Work, user: users.User, password: NewPassword, *, must_change: bool
    ) -> None:
        """Give the user a password.

        Raises `PasswordManagedElsewhere`, and `NotPermitted` where the connection's are dropped.
        """
        with telling(user.user_name, target=user.id):
            passwords.require_local(user)
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
        sent = self._taken_out(with_new_role(document, current.document), current)
        user = await users.update(
            work, current, sent.document, sent.password, replacing=replacing, mark=sent.mark
        )
        return _with_password_ignored(work, user, sent)

    async def delete(self, work: Work, current: users.User) -> None:
        """Delete the user."""
        await users.delete(work, current)

    def with_kept(self, current: users.User, document: Document) -> Document:
        """Keep `active`, `roles` and `timezone`, and whether an identity provider signs the user in."""
        kept: Document = {name: current.document[name] for name in self.KEPT if name in current.document}
        if _sent_mark(document) is None:
            document = {**document, **_marked(current)}
        return plain_bodies(self.name).object.ordered({**kept, **document})

    def before_patch(self, current: users.User, resource: Resource[Any], patch: "PatchOp[Any]") -> None:
        """Let e-mails that a client adds take the place of the one we made for it."""
        if current.mail_stand_in and any(_adds(operation, "emails") for operation in patch.operations or ()):
            cast(Any, resource).emails = None

    async def check_patch(self, work: Work, current: users.User, asked: "PlainPatch | PatchOp[Any]") -> None:
        """Refuse a PATCH that does nothing but give a password to whoever has none here.

        Raises `PasswordManagedElsewhere`. One that says more is obeyed but for the password: it must not
        keep anybody from being deactivated.
        """
        if current.provider is None or not _gives_password_alone(asked):
            return
        if await organizations.password_push(work) is PasswordPush.REFUSE:
            with telling(current.user_name, CHANGED, target=current.id):
                raise PasswordManagedElsewhere(current.provider)

    def _taken_out(self, document: Document, current: users.User | None) -> "_Sent":
        """What a client sends for a user, taken apart; `current` is the user, if there is one."""
        password = document.get("password")
        takes = password is not None and self._treatment.passwords is Passwords.ACCEPT
        return _Sent(
            document={name: value for name, value in document.items() if name not in _APART},
            password=self.take(str(password)) if takes else None,
            has_password=password is not None,
            mark=_wanted(_sent_mark(document), current),
        )

    def take(self, text: str) -> NewPassword:
        """A password that came with the request."""
        if text not in self._passwords:
            self._passwords[text] = self._desk.take(text)
        return self._passwords[text]


def _revived(former: users.User, wanted: users.Document) -> users.Document:
    """What a POST makes of a deactivated user: as a PUT would, and active unless it says otherwise."""
    kept = {name: former.document[name] for name in UserAdapter.KEPT if name in former.document}
    return {**kept, "active": True, **wanted}


def _marked(current: users.User) -> Document:
    """What a user's document says of the mark."""
    said = current.saml_managed
    return {} if said is None else {DIRECTORY_USER_SCHEMA: {_MARK: said}}


def _sent_mark(document: Document) -> bool | None:
    return cast("dict[str, Any]", document.get(DIRECTORY_USER_SCHEMA) or {}).get(_MARK)


def _wanted(sent: bool | None, current: users.User | None) -> users.Mark:
    """What a client wants of a user's mark: nothing where it is sent as it is."""
    if current is None and sent is None:
        return users.Mark.AS_IS
    if current is not None and sent == current.saml_managed:
        return users.Mark.AS_IS
    return {None: users.Mark.UNSAID, True: users.Mark.ON, False: users.Mark.OFF}[sent]


def _with_password_ignored(work: Work, user: users.User, sent: _Sent) -> users.User:
    """The user, on record as one whose password was sent and dropped, where an identity provider has it."""
    if sent.has_password and user.provider is not None:
        work.note(PasswordIgnored(target=user.id, display=user.user_name, changes=(CHANGED,)))
    return user


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


def _gives_password_alone(asked: "PlainPatch | PatchOp[Any]") -> bool:
    """Whether a PATCH gives a password, and touches nothing else."""
    if isinstance(asked, PlainPatch):
        return bool(asked.writes) and all(write.location == ("password",) for write in asked.writes)
    operations = asked.operations or ()
    named = [name for operation in operations for name in _attributes_of(operation)]
    gives = any(each.op is not PatchOperation.Op.remove and each.value is not None for each in operations)
    return gives and bool(named) and all(_unqualified(name) == "password" for name in named)


def _attributes_of(operation: "PatchOperation[Any]") -> list[Any]:
    """What an operation touches: its path, or the names in its value."""
    value: Any = operation.value
    if operation.path is not None:
        return [operation.path]
    return [*cast("dict[Any, Any]", value)] if isinstance(value, dict) else [""]
