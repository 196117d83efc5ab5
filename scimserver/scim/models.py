"""Our resource models: scim2-models' own, opened where real clients need it.

The stock models refuse real traffic: addresses in special-use domains, a manager without `$ref`,
photos that are no URI. Each class here keeps the schema of RFC 7643 and relaxes one thing. The
class name becomes the schema's name, so a subclass carries the name of what it replaces.
Proven by tests/conformance/test_models.py.
"""

# Narrowing a field is how pydantic models are extended; the type checker sees a mutable attribute.
# pyright: reportIncompatibleVariableOverride=false
# The name in a reference becomes a referenceType of the schema: it takes no type argument.
# pyright: reportMissingTypeArgument=false

import sys
from typing import Annotated, Any, ClassVar

from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    ExtensibleStringEnum,
    Extension,
    External,
    Mutability,
    Reference,
    Required,
    Resource,
    Returned,
    Uniqueness,
)
from scim2_models import Email as StockEmail
from scim2_models import EnterpriseUser as StockEnterpriseUser
from scim2_models import Group as StockGroup
from scim2_models import Photo as StockPhoto
from scim2_models import User as StockUser
from scim2_models.resources.resource import AnyExtension

from scimserver.kernel.permissions import OF_ORGANIZATION, Permission

if sys.version_info < (3, 11, 4):
    # Such a Python copies a member of an enumeration by its name; values beyond the canonical ones of
    # RFC 7643 have none, and a PATCH copies what it changes.
    setattr(ExtensibleStringEnum, "__deepcopy__", lambda self, _: self)  # noqa: B010 - not declared there

USER_SCHEMA = str(StockUser.__schema__)
GROUP_SCHEMA = str(StockGroup.__schema__)
ENTERPRISE_SCHEMA = str(StockEnterpriseUser.__schema__)
DIRECTORY_USER_SCHEMA = "urn:ietf:params:scim:schemas:extension:scimserver:2.0:User"
MANAGED_ELSEWHERE_SCHEMA = "urn:ietf:params:scim:schemas:extension:scimserver:2.0:PasswordManagedElsewhere"
ROLE_SCHEMA = "urn:ietf:params:scim:schemas:scimserver:2.0:Role"
CASE_SCHEMA = "urn:ietf:params:scim:schemas:scimserver:2.0:Case"


class Email(StockEmail):
    """An e-mail entry, answered as it was sent (a rewritten value makes Entra patch for ever)."""

    value: str | None = None
    """The address. Only the one that equals `userName` has to be in an Email Domain."""


class Photo(StockPhoto):
    """A photo whose value may be anything a client calls a photo."""

    value: Annotated[Reference[External] | str | None, CaseExact.true] = None
    """Where the photo is."""


class User(StockUser[AnyExtension]):
    """A person of the organisation, identified by an e-mail address (rule P1)."""

    emails: list[Email] | None = None
    """Ways to reach the person by mail."""

    Emails: ClassVar[type[ComplexAttribute]] = Email

    photos: list[Photo] | None = None
    """Pictures of the person."""

    Photos: ClassVar[type[ComplexAttribute]] = Photo


class Manager(ComplexAttribute):
    """The person's manager, referred to by `id`."""

    value: Annotated[str | None, CaseExact.true] = None
    """The id of the manager's own User resource."""

    ref: Annotated[Reference["User"] | None, CaseExact.true] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the manager's own User resource."""

    display_name: Annotated[str | None, Mutability.read_only] = None
    """The manager's `displayName`."""


class EnterpriseUser(StockEnterpriseUser):
    """The enterprise extension (RFC 7643, section 4.3)."""

    manager: Manager | None = None
    """The person's manager."""


class SigningProvider(ComplexAttribute):
    """The SAML connection by which the person signs in."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The id of the connection."""

    display: Annotated[str | None, Mutability.read_only] = None
    """What administrators call it."""

    ref: Annotated[Reference[External] | None, Mutability.read_only, CaseExact.true] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of our SAML metadata for it, which is our entity id there."""


class PasswordManagement(ComplexAttribute):
    """Whose matter the person's password is."""

    managed_by: Annotated[str | None, Mutability.read_only] = Field(None, examples=["identityProvider"])
    """`identityProvider`."""

    reset_uri: Annotated[Reference[External] | None, Mutability.read_only, CaseExact.true] = None
    """Where the person changes it, if the organisation says so."""

    contact: Annotated[str | None, Mutability.read_only] = None
    """Whom the person asks: the organisation's systems administrator."""


class SamlSubject(ComplexAttribute):
    """As whom the identity provider knows the person, once it has signed the person in."""

    name_id: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The NameID."""

    format: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The format of the NameID, where the identity provider named one."""

    linked_at: Annotated[str | None, Mutability.read_only] = None
    """When it signed the person in for the first time."""


class DirectoryUser(Extension):
    """How a person signs in (rule P8)."""

    __schema__ = URN(DIRECTORY_USER_SCHEMA)

    saml_managed: bool | None = None
    """Whether an identity provider signs the person in, who then has no password here."""

    authentication_method: Annotated[str | None, Mutability.read_only] = Field(None, examples=["saml"])
    """By what the person signs in: `saml`; whoever has no value here does so with a password."""

    identity_provider: Annotated[SigningProvider | None, Mutability.read_only] = None
    """By which connection, where it is SAML."""

    password_management: Annotated[PasswordManagement | None, Mutability.read_only] = None
    """Whose matter the password is, where it is not this service's."""

    saml_subject: Annotated[SamlSubject | None, Mutability.read_only, Returned.request] = None
    """As whom the identity provider knows the person; answered only to whoever asks for it."""


class GroupMember(ComplexAttribute):
    """A member of a team: a User."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the member."""

    ref: Annotated[Reference["User"] | None, Mutability.immutable, CaseExact.true] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the member."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """The kind of the member."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The member's `displayName`."""


class Group(StockGroup):
    """A team of the organisation."""

    members: list[GroupMember] | None = None
    """Who is in the team."""

    Members: ClassVar[type[ComplexAttribute]] = GroupMember


class RolePermission(ComplexAttribute):
    """One thing that the users of a role may do."""

    value: Annotated[str | None, Required.true, CaseExact.true] = Field(
        None, examples=[permission.value for permission in Permission if permission in OF_ORGANIZATION]
    )
    """The name of the permission."""


class Role(Resource[Any]):
    """What its users may do: each User has exactly one role, named in `roles`."""

    __schema__ = URN(ROLE_SCHEMA)

    display_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    """What people call the role, and what `roles` of a User may say."""

    start_page: Annotated[Reference[External] | str | None, CaseExact.true] = None
    """Where its users begin: a path of the product, or an https URL."""

    permissions: list[RolePermission] | None = None
    """What its users may do; those that a permission is of no use without come with it."""

    Permissions: ClassVar[type[ComplexAttribute]] = RolePermission

    built_in: Annotated[bool | None, Mutability.read_only] = None
    """Whether the role came with the organisation and can neither be changed nor deleted."""


class CaseOwner(ComplexAttribute):
    """The User who works on a case."""

    value: Annotated[str | None, CaseExact.true] = None
    """The id of the owner."""

    ref: Annotated[Reference["User"] | None, CaseExact.true] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the owner; it may stand for `value`."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The owner's `displayName`."""


class Case(Resource[Any]):
    """What a person of the organisation works on: registered by the product, owned by one User or nobody."""

    __schema__ = URN(CASE_SCHEMA)

    class Status(ExtensibleStringEnum):
        """How far the work is; no other values are taken."""

        open = "open"
        pending = "pending"
        closed = "closed"

    subject: Annotated[str | None, Required.true] = None
    """What the case is about."""

    status: Status | None = None
    """How far the work is: `open`, `pending` or `closed`; `open` where nothing is said."""

    owner: CaseOwner | None = None
    """Who works on it."""


ProvisionedUser: "type[Resource[Any]]" = User[EnterpriseUser | DirectoryUser]
"""The whole user as clients see it: core, enterprise extension, and ours."""
