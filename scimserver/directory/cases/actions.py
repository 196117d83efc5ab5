"""What can be done to cases. Every action that somebody asks for requires its permission first.

A case is given to active users only: with somebody who is deactivated it would lie unseen. A user who
owns it and is deactivated later may keep it; which of the two, the organisation says.
"""

from dataclasses import replace
from typing import Final

from scimserver.directory.cases import store
from scimserver.directory.cases.model import Case, Document, Status, arranged, columns, encoded
from scimserver.directory.differences import difference
from scimserver.directory.limits import require_bounded, require_short, shown
from scimserver.directory.views import Reference
from scimserver.kernel.errors import InvalidValue, NotFound
from scimserver.kernel.facts import (
    CaseAssigned,
    CaseCreated,
    CaseDeleted,
    CaseUnassigned,
    CaseUnchanged,
    CaseUpdated,
    Change,
    Fact,
)
from scimserver.kernel.ids import CaseId, UserId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling

AT_ONCE: Final = 250
"""How many cases one statement takes off a user: their entries are written before the next ones are made."""


async def get(work: Work, case: CaseId) -> Case:
    """The case as committed, with its owner, to be changed. Raises `NotFound`."""
    found = await store.get(work, case)
    if found is None:
        raise NotFound(f"There is no case {case}.")
    return found


async def create(work: Work, wanted: Document, owner: UserId | None) -> Case:
    """Register a case, open unless it says otherwise. Raises `InvalidValue`.

    When the work ends, `Conflicted` if the owner was deleted or deactivated meanwhile.
    """
    work.require(Permission.CASES_WRITE)
    case_id = CaseId(new_uuid())
    document = arranged({**wanted, "status": wanted.get("status", Status.OPEN.value)}, case_id)
    changes = (*difference({}, document), *_owner_change(None, owner))
    with telling(str(document.get("subject") or ""), *changes):
        document = _ruled(document)
        reference = await _new_owner(work, owner) if owner else None
        stored = require_bounded(encoded(document))
    case = Case(
        id=case_id,
        version=1,
        created=work.now,
        last_modified=work.now,
        document=document,
        stored=stored,
        owner=reference,
    )
    work.change(store.INSERT, work.actor.organization, case_id, work.now, *columns(document, stored), owner)
    changes = (*difference({}, document), *_owner_change(None, owner))
    work.note(CaseCreated(target=case_id, display=case.subject, changes=changes))
    return case


async def update(work: Work, current: Case, wanted: Document, owner: UserId | None) -> Case:
    """Give a case another document and owner; what changes nothing leaves the version alone.

    Raises as `create` does; when the work ends, also `Conflicted` if `current` is no longer current.
    """
    work.require(Permission.CASES_WRITE)
    document = arranged(wanted, current.id)
    before = UserId(current.owner.id) if current.owner else None
    changes = (*difference(current.document, document), *_owner_change(before, owner))
    with telling(current.subject, *changes, target=current.id):
        document = _ruled(document)
        reference = await _next_owner(work, current.owner, owner)
        stored = require_bounded(encoded(document))
    if document == current.document and owner == before:
        work.note(CaseUnchanged(target=current.id, display=current.subject))
        return current
    work.change(
        store.UPDATE,
        work.actor.organization,
        current.id,
        work.now,
        *columns(document, stored),
        owner,
        owner if owner != before else None,
        current.version,
    )
    changed = replace(
        current,
        version=current.version + 1,
        last_modified=work.now,
        document=document,
        stored=stored,
        owner=reference,
    )
    work.note(_updated(current, changed))
    return changed


async def delete(work: Work, current: Case) -> None:
    """Delete a case. Raises `Conflicted` when it was changed meanwhile."""
    work.require(Permission.CASES_WRITE)
    work.change(store.DELETE, work.actor.organization, current.id, new_uuid(), current.version)
    before = UserId(current.owner.id) if current.owner else None
    changes = (*difference(current.document, {}), *_owner_change(before, None))
    work.note(CaseDeleted(target=current.id, display=current.subject, changes=changes))


async def unassign(work: Work, owner: UserId) -> int:
    """Take every case off a user whom the work holds, each with an entry of its own; how many there were.

    A part of what becomes of the user, so who may is the caller's to ask.
    """
    count = 0
    change = _owner_change(owner, None)
    while True:
        cases = await store.unassign(work, owner, AT_ONCE)
        for case in cases:
            work.note(CaseUnassigned(target=case.id, display=case.subject, changes=change))
        count += len(cases)
        if len(cases) < AT_ONCE:
            return count
        await work.flush()


def _ruled(document: Document) -> Document:
    """The document by the rules, its status in its one spelling. Raises `InvalidValue`."""
    subject = document.get("subject")
    if not isinstance(subject, str) or not subject.strip():
        raise InvalidValue("subject is required and may not be blank.", attribute="subject")
    require_short({"subject": subject, "externalId": document.get("externalId")})
    status = document.get("status")
    if status is None:
        return document
    status = str(status)
    if status.lower() not in set(Status):
        raise InvalidValue(
            f'"{shown(status)}" is no status of a case: write {", ".join(Status)}.', attribute="status"
        )
    return {**document, "status": status.lower()}


async def _next_owner(work: Work, before: Reference | None, owner: UserId | None) -> Reference | None:
    """The owner from now on; who owns the case already is not looked at."""
    if owner is None or (before is not None and before.id == owner):
        return before if owner else None
    return await _new_owner(work, owner)


async def _new_owner(work: Work, owner: UserId) -> Reference:
    """The user who is given a case. Raises `InvalidValue` for who is no active user of the organisation."""
    found = await store.owner(work, owner)
    if found is None:
        raise InvalidValue(
            f"Only users of the organisation can own a case; there is no user {owner}.", attribute="owner"
        )
    if not found.active:
        raise InvalidValue(
            f"The user {owner} is deactivated and can be given no case: name an active user.",
            attribute="owner",
        )
    return found.reference


def _updated(old: Case, new: Case) -> Fact:
    """The one fact of an update, called by what matters most about it."""
    before = UserId(old.owner.id) if old.owner else None
    after = UserId(new.owner.id) if new.owner else None
    kind: type[CaseUpdated | CaseAssigned | CaseUnassigned] = CaseUpdated
    if before != after:
        kind = CaseAssigned if after else CaseUnassigned
    changes = (*difference(old.document, new.document), *_owner_change(before, after))
    return kind(target=new.id, display=new.subject, changes=changes)


def _owner_change(old: UserId | None, new: UserId | None) -> tuple[Change, ...]:
    if old == new:
        return ()
    return (Change(path="owner.value", old=str(old) if old else None, new=str(new) if new else None),)
