"""Organisations: the walls inside which everything else lives."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from asyncpg import Record

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory import roles
from scimserver.directory.limits import shown
from scimserver.kernel.errors import AlreadyTaken, InvalidValue, NotFound
from scimserver.kernel.facts import (
    Change,
    OrganizationCreated,
    OrganizationUnchanged,
    OrganizationUpdated,
)
from scimserver.kernel.ids import OrganizationId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.kernel.profiles import Profile
from scimserver.work import Work

_QUERIES = load("organizations")
_INSERT = _QUERIES.change("insert_organization")
_UPDATE = _QUERIES.change("update_organization")
_FIND = _QUERIES["find_organization"]
_LIST = _QUERIES["list_organizations"]
_DEACTIVATION = _QUERIES["read_deactivation"]
_PASSWORD_PUSH = _QUERIES["read_password_push"]

MAX_CONTACT: Final = 200
"""Characters of a support contact: it stands in errors, beside what is wrong."""

_PATHS: Final = {
    "password_profile": "passwordProfile",
    "support_contact": "supportContact",
    "must_change_locked": "mustChangeLocked",
    "password_push": "passwordPush",
}
"""What the log calls what changed."""


class Addresses(StrEnum):
    """Which user names an organisation accepts (rule P1). Values are stored."""

    REQUIRED = "required"
    """E-mail addresses in the organisation's Email Domains."""

    FREE = "free"
    """Any user name; the rule looks at the primary e-mail if there is one."""


class Deactivation(StrEnum):
    """What becomes of the Cases of a user who is deactivated (rule P5). Values are stored."""

    KEEP_CASES = "keep_cases"
    """They stay the user's."""

    UNASSIGN_CASES = "unassign_cases"
    """They become nobody's, as when the user is deleted."""


class PasswordPush(StrEnum):
    """What becomes of a change over SCIM that is nothing but a password of whoever has none here (rule P8).

    Values are stored.
    """

    REFUSE = "refuse"
    """An error tells that the identity provider manages it."""

    IGNORE = "ignore"
    """Nothing, without an error: for identity providers that cannot be kept from sending passwords."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organisation. `name` is how operators call it; `title` is for people."""

    id: OrganizationId
    name: str
    title: str
    addresses: Addresses
    timezone: str
    password_profile: Profile
    support_contact: str
    """Whom people ask about passwords; shown wherever requirements are."""
    must_change_locked: bool
    """Whether a password that an administrator sets always has to be changed by its owner."""
    deactivation: Deactivation
    password_push: PasswordPush
    created: datetime


@cache
def _timezones() -> frozenset[str]:
    # Asking costs milliseconds: the answer is gathered from files. Two of them name no place: what the
    # machine is set to, and the database's own word for "not set".
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def check_timezone(name: str) -> None:
    """Raise `InvalidValue` unless `name` is in the IANA time zone database."""
    if name not in _timezones():
        raise InvalidValue(
            f'"{shown(name)}" is not a time zone of the IANA database: write one such as Europe/Berlin.',
            attribute="timezone",
        )


async def create(
    work: Work,
    *,
    name: str,
    title: str = "",
    addresses: Addresses = Addresses.REQUIRED,
    timezone: str = "UTC",
    deactivation: Deactivation = Deactivation.KEEP_CASES,
) -> Organization:
    """A new organisation with its built-in roles. Raises `AlreadyTaken` for a taken name."""
    work.require(Permission.ORGANIZATIONS_MANAGE)
    _check_name(name)
    check_timezone(timezone)
    organization = Organization(
        id=OrganizationId(new_uuid()),
        name=name,
        title=title or name,
        addresses=addresses,
        timezone=timezone,
        password_profile=Profile.DEFAULT,
        support_contact="",
        must_change_locked=False,
        deactivation=deactivation,
        password_push=PasswordPush.REFUSE,
        created=work.now,
    )
    taken = {
        "organizations_name_key": lambda: AlreadyTaken(
            f'There is an organisation called "{name}" already.', attribute="name"
        )
    }
    work.note(
        OrganizationCreated(
            target=organization.id,
            changes=(
                Change(path="name", new=name),
                Change(path="addresses", new=addresses.value),
                Change(path="timezone", new=timezone),
                Change(path="deactivation", new=deactivation.value),
            ),
        )
    )
    await work.run(
        _INSERT,
        organization.id,
        name,
        organization.title,
        addresses.value,
        timezone,
        work.now,
        deactivation.value,
        broken=taken,
    )
    await roles.create_built_in(work, organization.id)
    return organization


async def update(
    work: Work,
    organization: Organization,
    *,
    title: str | None = None,
    addresses: Addresses | None = None,
    timezone: str | None = None,
    password_profile: Profile | None = None,
    support_contact: str | None = None,
    must_change_locked: bool | None = None,
    deactivation: Deactivation | None = None,
    password_push: PasswordPush | None = None,
) -> None:
    """Change how an organisation works; what is None stays. Raises `InvalidValue`."""
    work.require(Permission.ORGANIZATIONS_MANAGE)
    if timezone is not None:
        check_timezone(timezone)
    if support_contact is not None:
        support_contact = _checked_contact(support_contact)
    wanted: dict[str, str | bool | None] = {
        "title": title or None,
        "addresses": addresses,
        "timezone": timezone,
        "password_profile": password_profile,
        "support_contact": support_contact,
        "must_change_locked": must_change_locked,
        "deactivation": deactivation,
        "password_push": password_push,
    }
    changed = {
        name: new for name, new in wanted.items() if new is not None and new != getattr(organization, name)
    }
    changes = tuple(
        Change(path=_PATHS.get(name, name), old=_logged(getattr(organization, name)), new=_logged(new))
        for name, new in changed.items()
    )
    if not changes:
        work.note(OrganizationUnchanged(target=organization.id))
        return
    work.note(OrganizationUpdated(target=organization.id, changes=changes))
    after = replace(organization, **changed)
    work.change(
        _UPDATE,
        after.id,
        after.title,
        after.addresses.value,
        after.timezone,
        after.password_profile.value,
        after.support_contact,
        after.must_change_locked,
        after.deactivation.value,
        after.password_push.value,
    )


async def unassigns_cases(work: Work) -> bool:
    """Whether the Cases of who is deactivated become nobody's in the actor's organisation."""
    row = await work.fetchrow(_DEACTIVATION, work.actor.organization)
    return row is not None and Deactivation(row["deactivation"]) is Deactivation.UNASSIGN_CASES


async def password_push(work: Work) -> PasswordPush:
    """What becomes in the actor's organisation of a password that is sent for whoever has none here."""
    row = await work.fetchrow(_PASSWORD_PUSH, work.actor.organization)
    assert row is not None, "an actor's organisation exists"
    return PasswordPush(row["password_push"])


async def find(database: Database, name: str) -> Organization:
    """The organisation of that name. Raises `NotFound`."""
    row = await database.fetchrow(_FIND, name)
    if row is None:
        raise NotFound(f'There is no organisation called "{name}": see `scimserver org list`.')
    return _organization(row)


async def every(database: Database) -> list[Organization]:
    """All organisations of the installation, by name: for its operator."""
    return [_organization(row) for row in await database.fetch(_LIST)]


def _organization(row: Record) -> Organization:
    return Organization(
        id=OrganizationId(row["id"]),
        name=row["name"],
        title=row["title"],
        addresses=Addresses(row["addresses"]),
        timezone=row["timezone"],
        password_profile=Profile(row["password_profile"]),
        support_contact=row["support_contact"],
        must_change_locked=row["must_change_locked"],
        deactivation=Deactivation(row["deactivation"]),
        password_push=PasswordPush(row["password_push"]),
        created=row["created"],
    )


def _check_name(name: str) -> None:
    plain = name.isascii() and name.replace("-", "").isalnum() and name == name.lower()
    if not plain or len(name) > 63:
        raise InvalidValue(
            f'"{name}" cannot name an organisation: use up to 63 lower-case letters, digits and hyphens.',
            attribute="name",
        )


def _checked_contact(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_CONTACT or not text.isprintable():
        raise InvalidValue(
            f"A support contact is one line of at most {MAX_CONTACT} characters, such as"
            " helpdesk@example.com, +1 555 0100.",
            attribute="supportContact",
        )
    return text


def _logged(value: object) -> str | bool:
    return value if isinstance(value, bool) else str(value)
