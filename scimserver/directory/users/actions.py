"""What can be done to users. Every action requires its permission first, and notes what happened."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

from scimserver.directory import cases, passwords, removals, sessions
from scimserver.directory.differences import difference
from scimserver.directory.limits import shown
from scimserver.directory.passwords import NewPassword
from scimserver.directory.passwords.actions import CHANGED
from scimserver.directory.users import store
from scimserver.directory.users.endings import end_of_change
from scimserver.directory.users.holding import held_groups, hold, leave_cases
from scimserver.directory.users.marking import Mark, WantedMark, changes_of
from scimserver.directory.users.model import (
    Document,
    Former,
    User,
    arranged,
)
from scimserver.directory.users.protection import require_no_take_over, require_others
from scimserver.directory.users.rules import Settled, settle
from scimserver.directory.users.versions import columns_of, first_version, is_as_settled, next_version
from scimserver.kernel.addresses import address_key
from scimserver.kernel.errors import NotFound, Refused
from scimserver.kernel.facts import (
    Change,
    Fact,
    GroupUpdated,
    UserActivated,
    UserCreated,
    UserDeactivated,
    UserDeleted,
    UserUnchanged,
    UserUpdated,
)
from scimserver.kernel.ids import UserId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Broken, Work


async def get(work: Work, user: UserId) -> User:
    """The user as committed, to be changed. Raises `NotFound`."""
    found = await store.get(work, user)
    if found is None:
        raise NotFound(f"There is no user {user}.")
    return found


async def find(work: Work, name: str) -> User:
    """The user whom somebody names by address (letter case does not count) or by id. Raises `NotFound`."""
    found = await store.find(work, name)
    if found is None:
        raise NotFound(f'There is no user "{shown(name)}".')
    return found


async def find_named(work: Work, user_name: str) -> User | None:
    """The user of that `userName`, letter case does not count."""
    return await store.find_named(work, user_name)


async def find_inactive(work: Work, user_name: str) -> User | None:
    """The deactivated user of that name, whom a client may want back."""
    return await store.find_inactive(work, address_key(user_name))


async def create(
    work: Work, wanted: Document, password: NewPassword | None = None, *, mark: WantedMark = Mark.AS_IS
) -> User:
    """Add a user (P3); whoever is SAML-managed gets no password.

    Raises `InvalidValue`, `DomainNotAllowed`, `Immutable`; when the work ends, `AlreadyTaken`.
    """
    work.require(Permission.USERS_CREATE, *_password_permission(password))
    user = await _added(work, await _new(work, wanted, mark=mark))
    changes = (*difference({}, user.document), *changes_of(None, user))
    allowed = await passwords.attribute(work, user, user, password, changes)
    if allowed is not None:
        passwords.store_attribute(work, user, allowed)
        changes = (*changes, CHANGED)
    work.note(UserCreated(target=user.id, display=user.user_name, changes=changes))
    return user


async def add_clone(work: Work, wanted: Document, broken: Broken, *, placeholder: bool) -> User:
    """Add a user made from another one, for `directory.cloning`, which says what of it is wanted.

    `placeholder` lets the address be one that nobody may choose (P6); `broken` is what to raise where
    it is taken. The fact is the caller's to note, and who may, the caller's to ask.
    """
    return await _added(work, await _new(work, wanted, placeholder=placeholder), broken)


async def add_again(work: Work, wanted: Document, former: Former, broken: Broken) -> User:
    """Add a user who was deleted, under the same id, for `directory.bin`; the rest as for a clone."""
    mark = Mark.AGAIN if former.managed else Mark.AS_IS
    settled = await _new(work, wanted, placeholder=True, mark=mark)
    made = await first_version(work, former.id, settled)
    user = replace(made, version=former.version + 1, created=former.created)
    work.change(
        store.RESTORE,
        work.actor.organization,
        user.id,
        work.now,
        *columns_of(user),
        settled.rules,
        user.version,
        user.created,
        new_uuid(),
        broken={**store.BROKEN, **broken},
    )
    return user


async def _added(work: Work, settled: Settled, broken: Broken = store.BROKEN) -> User:
    user = await first_version(work, UserId(new_uuid()), settled)
    work.change(
        store.INSERT,
        work.actor.organization,
        user.id,
        work.now,
        *columns_of(user),
        settled.rules,
        broken=broken,
    )
    return user


async def update(
    work: Work,
    current: User,
    wanted: Document,
    password: NewPassword | None = None,
    *,
    replacing: bool = False,
    reviving: bool = False,
    exact_mail: bool = False,
    mark: Mark = Mark.AS_IS,
) -> User:
    """Give a user another document; what changes nothing leaves version and time alone.

    Whoever is SAML-managed, or becomes so, gets no password.

    `replacing` says that the document is all that somebody sent: one without e-mails then gets one.
    `reviving` says that a deactivated user is made anew: the address has to be one that is allowed now.
    `exact_mail` says that the e-mails are meant as they are, whatever becomes of `userName`.
    Raises as `create` does, and `ProviderPaused`; when the work ends, `Conflicted` if `current` is no longer
    current.
    """
    work.require(Permission.USERS_UPDATE, *_password_permission(password))
    with _explained(wanted, current):
        settled = await settle(
            work, wanted, current, replacing=replacing, reviving=reviving, exact_mail=exact_mail, mark=mark
        )
    document = arranged(settled.document, current.id)
    is_same = document == current.document and is_as_settled(current, settled)
    if is_same and password is None:
        return _unchanged(work, current)
    user = await next_version(work, current, settled, document)
    marked = changes_of(current, user)
    changes = (*difference(current.document, document), *marked)
    if user.user_name != current.user_name or user.active != current.active or marked:
        require_no_take_over(work, current, changes)
    # Before anything is held: it takes long.
    allowed = await passwords.attribute(work, current, user, password, changes)
    if is_same and allowed is None:
        return _unchanged(work, current)
    if not settled.active or settled.role != current.role:
        await require_others(work, current, changes, settled.permissions if settled.active else frozenset())
    await _held(work, current, user, changes, ends=bool(marked) or settled.shut_in)
    work.change(
        store.UPDATE,
        work.actor.organization,
        user.id,
        work.now,
        *columns_of(user),
        current.version,
        settled.rules,
        broken=store.BROKEN,
    )
    if allowed is not None:
        passwords.store_attribute(work, user, allowed)
        await passwords.end_former(work, user)
        changes = (*changes, CHANGED)
    await end_of_change(work, current, user, shut_in=settled.shut_in)
    work.note(_updated(current, user, changes))
    return user


async def _held(work: Work, current: User, user: User, changes: tuple[Change, ...], *, ends: bool) -> None:
    """Hold a user whom what ends with the change would hold, and the organisation before.

    Its rules were looked at, and enforcing SAML takes them in that order. Raises `Conflicted` and
    `ProviderPaused`.
    """
    if user.user_name != current.user_name or ends:
        await hold(work, current)
    if current.active and not user.active:
        await _kept_out(work, current, changes)


async def _kept_out(work: Work, current: User, changes: tuple[Change, ...]) -> None:
    """What goes with a user's deactivation. Raises `ProviderPaused`."""
    await hold(work, current)
    await removals.count(work, current.user_name, changes, is_deletion=False)
    await leave_cases(work, current)


def _unchanged(work: Work, current: User) -> User:
    work.note(UserUnchanged(target=current.id, display=current.user_name))
    return current


async def activate(work: Work, current: User) -> User:
    """Let a user in again; whoever is active stays so. Raises as `update` does."""
    return await update(work, current, {**current.document, "active": True})


async def deactivate(work: Work, current: User) -> User:
    """Keep a user out, without deleting anything. Raises as `update` does, and `LastAdministrator`."""
    return await update(work, current, {**current.document, "active": False})


async def mark(work: Work, current: User, *, managed: bool) -> User:
    """Have a user signed in by an identity provider from now on, or not any more (P8).

    Whoever is so already stays so. Raises as `update` does.
    """
    wanted = Mark.ON if managed else Mark.OFF
    is_so = managed == (current.provider is not None)
    return await update(work, current, current.document, mark=Mark.AS_IS if is_so else wanted)


async def delete(work: Work, current: User) -> int:
    """Delete a user (P5): memberships and credentials end, Cases become nobody's, each fact in the log.

    What it takes to have the user back is in the bin (`directory.bin`). Answers how many Cases the user
    owned. Raises `Conflicted` when the user was changed or deleted meanwhile, and `ProviderPaused`.
    """
    work.require(Permission.USERS_DELETE)
    changes = difference(current.document, {})
    require_no_take_over(work, current, changes)
    await require_others(work, current, changes)
    organization = work.actor.organization
    await hold(work, current)
    await sessions.end_every(work, current.id)
    with work.step("memberships"):
        groups = await held_groups(work, current)
        if groups:
            await work.run(store.LEAVE_GROUPS, organization, current.id, work.now)
    for group in groups:
        member = Change(path="members", old=[{"value": str(current.id)}])
        work.note(GroupUpdated(target=group.id, display=group.name or "", changes=(member,)))
    await removals.count(work, current.user_name, changes, is_deletion=True)
    with work.step("cases"):
        unassigned = await cases.unassign(work, current.id)
    ids = [group.id for group in groups]
    work.change(store.DELETE, organization, current.id, new_uuid(), work.now, work.origin.request_id, ids)
    work.note(UserDeleted(target=current.id, display=current.user_name, changes=changes))
    return unassigned


async def _new(
    work: Work, wanted: Document, *, placeholder: bool = False, mark: WantedMark = Mark.AS_IS
) -> Settled:
    """A new user's document by the rules."""
    with _explained(wanted, None):
        return await settle(work, wanted, None, replacing=True, placeholder=placeholder, mark=mark)


@contextmanager
def _explained(wanted: Document, current: User | None) -> Generator[None]:
    """Let a refusal by the rules say what would have changed, for the log."""
    try:
        yield
    except Refused as refused:
        before, user = (current.document, current.id) if current else ({}, UserId(new_uuid()))
        refused.attempted = difference(before, arranged(wanted, user))
        refused.display = current.user_name if current else str(wanted.get("userName") or "")
        refused.target = current.id if current else None
        raise


def _updated(old: User, new: User, changes: tuple[Change, ...]) -> Fact:
    """The one fact of an update, called by what matters most about it."""
    kind: type[UserUpdated | UserActivated | UserDeactivated] = UserUpdated
    if old.active != new.active:
        kind = UserActivated if new.active else UserDeactivated
    return kind(target=new.id, display=cast(str, new.document["userName"]), changes=changes)


def _password_permission(password: NewPassword | None) -> tuple[Permission, ...]:
    return (Permission.USERS_SET_PASSWORD,) if password else ()
