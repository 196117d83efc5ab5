"""Adding a user as an administrator does (rule P3): all that is missing or wrong is told at once, by field.

Proven by tests/database/test_adding.py.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from scimserver.directory import roles
from scimserver.directory.differences import difference
from scimserver.directory.organizations import Addresses
from scimserver.directory.users import store
from scimserver.directory.users.actions import create
from scimserver.directory.users.model import Document, User
from scimserver.directory.users.rules import (
    chosen_role,
    parsed,
    require_address,
    require_covered,
    settle_role,
    settle_timezone,
)
from scimserver.kernel.errors import AlreadyTaken, FieldsAtFault, InvalidValue
from scimserver.kernel.facts import Json
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling

REQUIRED: Final = ("userName", "name.givenName", "name.familyName")
"""What an administrator has to give; role and time zone have defaults."""

_Fault: TypeAlias = InvalidValue | AlreadyTaken


async def add(work: Work, wanted: Document) -> User:
    """Add a user who has an address, a given name and a family name.

    Raises what `users.create` raises, for all that is at fault together: `FieldsAtFault` for more than one.
    """
    work.require(Permission.USERS_CREATE)
    with telling(str(wanted.get("userName") or ""), *difference({}, wanted)):
        faults = [*_missing(wanted), *await _wrong(work, wanted)]
        if faults:
            raise _together(faults)
    return await create(work, wanted)


def _together(faults: Sequence[_Fault]) -> _Fault:
    if len(faults) == 1:
        return faults[0]
    fields = {str(fault.attribute): fault.detail for fault in faults}
    return FieldsAtFault(" ".join(fields.values()), fields=fields)


def _missing(wanted: Document) -> Iterator[_Fault]:
    for path in REQUIRED:
        if not str(_value(wanted, path) or "").strip():
            yield InvalidValue(f"{path.rpartition('.')[2]} is required and may not be blank.", attribute=path)


def _value(wanted: Document, path: str) -> Json:
    value: Json = wanted
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


async def _wrong(work: Work, wanted: Document) -> list[_Fault]:
    """What of the address, the role and the time zone the rules would refuse."""
    document = dict(wanted)
    address = parsed(document.get("userName"))
    asked = store.Asked(
        work.actor.organization,
        address.domain if address else None,
        None,
        roles.role_key(chosen_role(document)),
    )
    context = await store.writing_context(work, asked)
    checks: list[Callable[[], object]] = [
        lambda: settle_role(work, document, context, None),
        lambda: settle_timezone(document, context, None),
    ]
    if context.addresses is Addresses.REQUIRED and str(document.get("userName") or "").strip():
        checks.insert(0, lambda: require_address(document, None, placeholder=False))
        checks.insert(1, lambda: require_covered(address, context))
    faults = list(_refusals(checks))
    if address is not None and await store.find_named(work, str(document["userName"])) is not None:
        faults.insert(0, store.taken())
    return faults


def _refusals(checks: list[Callable[[], object]]) -> Iterator[_Fault]:
    for check in checks:
        try:
            check()
        except InvalidValue as refused:
            yield refused
