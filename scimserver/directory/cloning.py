"""Cloning (rule P6): a new user made from another one, for somebody who will do the same work.

A clone has its source's contact information, role, Teams and time zone; nothing by which the source
signs in or is known elsewhere. Until somebody changes it, its address is a placeholder: the source's,
with a number that no other clone of the same stem has.
Proven by tests/unit/test_cloning.py, tests/api/test_clone.py and tests/api/test_clone_concurrently.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from scimserver.db.queries import load
from scimserver.directory import users
from scimserver.directory.differences import difference
from scimserver.directory.users import Document, User
from scimserver.directory.users.model import ENTERPRISE, follow_user_name
from scimserver.kernel.addresses import Placeholder, address_key, format_placeholder, parse_placeholder
from scimserver.kernel.errors import Conflicted, Refused
from scimserver.kernel.facts import Change, Json, UserCloned
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

_QUERIES = load("cloning")
_LOCK_STEM = _QUERIES["lock_stem"]
_FREE_NUMBER = _QUERIES["free_number"]

COPIED: Final = frozenset(
    {
        "name",
        "displayName",
        "nickName",
        "title",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
        "emails",
        "phoneNumbers",
        "ims",
        "addresses",
        "roles",
        ENTERPRISE,
    }
)
"""The attributes of a user that a clone has too. What is not here belongs to one person or account:
`externalId`, the password, certificates, entitlements, a photo, a profile elsewhere."""

NOT_COPIED_OF_ENTERPRISE: Final = frozenset({"employeeNumber"})


async def clone(work: Work, source: User, user_name: str | None = None) -> User:
    """Add a user made from `source`, under an address of its own or the next placeholder.

    Raises `InvalidValue`, `DomainNotAllowed`; `NotPermitted` also where the source's role is one that
    the caller may not give; when the work ends, `AlreadyTaken`.
    """
    work.require(Permission.USERS_CLONE)
    await users.hold(work, source)
    groups = await users.held_groups(work, source)
    address = user_name if user_name is not None else await _placeholder(work, source)
    wanted = copied(source, address)
    cloned_from = Change(path="clonedFrom", new=str(source.id))

    def taken() -> Refused | Conflicted:
        if user_name is None:
            # Where names are free, somebody may have given a user the very address meanwhile.
            return Conflicted()
        return _told(users.taken(), source, cloned_from, wanted)

    try:
        made = await users.add_clone(
            work, wanted, {"users_user_name_key": taken}, placeholder=user_name is None
        )
    except Refused as refused:
        raise _told(refused, source, cloned_from, wanted) from None
    if groups:
        users.join(work, made, groups)
    changes = (cloned_from, *difference({}, made.document), *users.changes_of(None, made))
    work.note(UserCloned(target=made.id, display=made.user_name, changes=changes))
    return replace(made, groups=groups)


def copied(source: User, user_name: str) -> Document:
    """What a clone's document begins as. Pure."""
    document = {name: value for name, value in source.document.items() if name in COPIED | {"userName"}}
    document["userName"] = user_name
    enterprise = document.get(ENTERPRISE)
    if isinstance(enterprise, dict):
        document[ENTERPRISE] = {
            name: value
            for name, value in cast(Mapping[str, Json], enterprise).items()
            if name not in NOT_COPIED_OF_ENTERPRISE
        }
    if source.mail_stand_in:
        # It was made from the address, and is made anew from the clone's.
        document.pop("emails", None)
    elif document.get("emails"):
        document["emails"] = follow_user_name(document["emails"], source.user_name, user_name)
    return document


def _told(refused: Refused, source: User, cloned_from: Change, wanted: Document) -> Refused:
    """A refusal that says for the log what it was about: the source, and what its clone would have been."""
    refused.display, refused.attempted = source.user_name, (cloned_from, *difference({}, wanted))
    refused.target = source.id
    return refused


async def _placeholder(work: Work, source: User) -> str:
    """The address that a clone of `source` gets: clones of clones count on the same stem."""
    named = parse_placeholder(source.user_name)
    stem = named.stem if named else source.user_name
    # The keys of all copies are this, a number and a parenthesis.
    beginning = address_key(format_placeholder(Placeholder(stem=stem, number=1))).removesuffix("1)")
    transaction = await work.begin()
    await transaction.fetchval(_LOCK_STEM, work.actor.organization, beginning)
    number = await transaction.fetchval(_FREE_NUMBER, work.actor.organization, beginning)
    return format_placeholder(Placeholder(stem=stem, number=number))
