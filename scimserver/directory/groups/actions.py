"""What can be done to groups, in their plain form: members are written by what joins and leaves."""

from collections.abc import Collection
from dataclasses import replace

from scimserver.directory.differences import difference
from scimserver.directory.groups import store
from scimserver.directory.groups.model import Document, Group, arranged, columns, encoded
from scimserver.directory.limits import require_bounded, require_short
from scimserver.directory.views import Reference
from scimserver.kernel.errors import InvalidValue, NotFound
from scimserver.kernel.facts import (
    Change,
    GroupCreated,
    GroupDeleted,
    GroupUnchanged,
    GroupUpdated,
)
from scimserver.kernel.ids import GroupId, UserId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling


async def get(work: Work, group: GroupId) -> Group:
    """The group as committed, with its members, to be changed. Raises `NotFound`."""
    found = await store.get(work, group)
    if found is None:
        raise NotFound(f"There is no group {group}.")
    return found


async def create(work: Work, wanted: Document, members: Collection[UserId]) -> Group:
    """Add a group with its first members. Raises `InvalidValue` for a member that is no user."""
    work.require(Permission.GROUPS_WRITE)
    group_id = GroupId(new_uuid())
    document = arranged(wanted, group_id)
    changes = (*difference({}, document), *_joined(members))
    with telling(str(document.get("displayName") or ""), *changes):
        _require_display_name(document)
        references = await _references(work, members)
    group = Group(
        id=group_id,
        version=1,
        created=work.now,
        last_modified=work.now,
        document=document,
        stored=require_bounded(encoded(document)),
        members=references,
    )
    organization = work.actor.organization
    work.change(store.INSERT, organization, group_id, work.now, *columns(document))
    if members:
        _add(work, group_id, members)
    work.note(GroupCreated(target=group_id, display=group.display_name, changes=changes))
    return group


async def update(work: Work, current: Group, wanted: Document, members: Collection[UserId]) -> Group:
    """Give a group another document and membership; what changes nothing leaves the version alone.

    Raises `InvalidValue`; when the work ends, `Conflicted` if `current` is no longer current.
    """
    work.require(Permission.GROUPS_WRITE)
    document = arranged(wanted, current.id)
    before = {UserId(member.id) for member in current.members}
    joining = [user for user in members if user not in before]
    leaving = before - set(members)
    if document == current.document and not joining and not leaving:
        work.note(GroupUnchanged(target=current.id, display=current.display_name))
        return current
    organization = work.actor.organization
    changes = (*difference(current.document, document), *_joined(joining), *_left(sorted(leaving)))
    with telling(current.display_name, *changes, target=current.id):
        _require_display_name(document)
        joined = await _references(work, joining)
    work.change(store.UPDATE, organization, current.id, work.now, *columns(document), current.version)
    if joining:
        _add(work, current.id, joining)
    if leaving:
        work.change(store.REMOVE_MEMBERS, organization, current.id, sorted(leaving))
    changed = replace(
        current,
        version=current.version + 1,
        last_modified=work.now,
        document=document,
        stored=require_bounded(encoded(document)),
        members=sorted(
            (*(member for member in current.members if member.id not in leaving), *joined),
            key=lambda member: member.id,
        ),
    )
    work.note(GroupUpdated(target=current.id, display=changed.display_name, changes=changes))
    return changed


async def delete(work: Work, current: Group) -> None:
    """Delete a group; its members stay. Raises `Conflicted` when it was changed meanwhile."""
    work.require(Permission.GROUPS_WRITE)
    work.change(store.DELETE, work.actor.organization, current.id, new_uuid(), current.version)
    changes = (*difference(current.document, {}), *_left([UserId(member.id) for member in current.members]))
    work.note(GroupDeleted(target=current.id, display=current.display_name, changes=changes))


def _require_display_name(document: Document) -> None:
    name = document.get("displayName")
    if not isinstance(name, str) or not name.strip():
        raise InvalidValue("displayName is required and may not be blank.", attribute="displayName")
    require_short({"displayName": name, "externalId": document.get("externalId")})


async def _references(work: Work, users: Collection[UserId]) -> tuple[Reference, ...]:
    """The users by their names. Raises `InvalidValue` for what is no user of the organisation."""
    if not users:
        return ()
    known = await store.members(work, users)
    unknown = set(users) - {UserId(reference.id) for reference in known}
    if unknown:
        shown = ", ".join(str(user) for user in sorted(unknown)[:5])
        raise InvalidValue(
            f"Only users of the organisation can be members of a group; there is no user {shown}.",
            attribute="members",
        )
    return known


def _add(work: Work, group: GroupId, users: Collection[UserId]) -> None:
    gone = {
        "group_members_user_id_fkey": lambda: InvalidValue(
            "A user who was to join the group has just been deleted.", attribute="members"
        )
    }
    work.change(store.ADD_MEMBERS, work.actor.organization, group, list(users), work.now, broken=gone)


def _joined(users: Collection[UserId]) -> tuple[Change, ...]:
    listed = [{"value": str(user)} for user in users]
    return (Change(path="members", new=listed),) if listed else ()


def _left(users: Collection[UserId]) -> tuple[Change, ...]:
    listed = [{"value": str(user)} for user in users]
    return (Change(path="members", old=listed),) if listed else ()
