"""What can be done to SAML connections. Every action requires its permission first, and notes what happened.

Proven by tests/database/test_cli_saml.py.
"""

from collections.abc import Collection
from dataclasses import replace

from scimserver.db.pool import Database
from scimserver.directory import sessions
from scimserver.directory.limits import shown
from scimserver.directory.saml import store
from scimserver.directory.saml.keys import Key, Role, key_of
from scimserver.directory.saml.model import (
    LOOKED_AT_EVERY,
    NEXT,
    Provider,
    SamlConnection,
    State,
    Wanted,
    difference,
    loses_trust,
    settled,
)
from scimserver.kernel.domains import display_domain
from scimserver.kernel.errors import Conflicted, InvalidValue, NotFound, SamlEnforced
from scimserver.kernel.facts import (
    Change,
    SamlConnectionCreated,
    SamlConnectionSwitched,
    SamlConnectionUnchanged,
    SamlConnectionUpdated,
)
from scimserver.kernel.ids import OrganizationId, SamlConnectionId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling


async def create(work: Work, wanted: Wanted, provider: Provider) -> SamlConnection:
    """A new connection, which is a draft.

    Raises `InvalidValue`, `NotPermitted`; when the work ends, `AlreadyTaken`.
    """
    work.require(Permission.SAML_MANAGE)
    wanted = settled(wanted)
    _require_key(wanted, ())
    made = SamlConnection(
        id=SamlConnectionId(new_uuid()),
        state=State.DRAFT,
        provider=provider,
        wanted=wanted,
        fetched=work.now if wanted.metadata_url else None,
        version=1,
        created=work.now,
        last_modified=work.now,
    )
    work.change(
        store.INSERT,
        work.actor.organization,
        made.id,
        *store.columns(made),
        work.now,
        work.now + LOOKED_AT_EVERY,
        broken=store.BROKEN,
    )
    changes = difference(None, provider, wanted)
    work.note(SamlConnectionCreated(target=made.id, display=wanted.name, changes=changes))
    return made


async def update(
    work: Work, current: SamlConnection, wanted: Wanted, provider: Provider | None = None
) -> SamlConnection:
    """Give a connection other settings, and other metadata where there is some: it counts from the commit on.

    The sessions that it began end where it loses a certificate, or becomes another identity provider's:
    whoever had that key may have begun them. Links end with the identity provider whose names they are: by
    the same name, another one may mean somebody else.
    Raises `InvalidValue`, `NotPermitted`; when the work ends, `AlreadyTaken`, and `Conflicted` if `current`
    is no longer current.
    """
    work.require(Permission.SAML_MANAGE)
    changes = difference(current, provider or current.provider, wanted)
    with telling(current.wanted.name, *changes, target=current.id):
        wanted = settled(wanted)
        _require_key(wanted, current.keys)
    changed = replace(
        current,
        wanted=wanted,
        provider=provider or current.provider,
        fetched=work.now if provider and wanted.metadata_url else current.fetched,
        tried=current.tried if provider in (None, current.provider) else None,
    )
    # Before the connection, as whoever enforces it does: else each may wait for the other.
    await store.hold_organization(work)
    if provider is not None:
        await work.run(store.FORGET_PENDING, work.actor.organization, current.id)
        changed = replace(changed, seen=replace(current.seen, failure=None, pending=()))
    if not changes:
        work.note(SamlConnectionUnchanged(target=current.id, display=current.wanted.name))
        return replace(current, seen=changed.seen)
    fact = SamlConnectionUpdated(target=current.id, display=wanted.name, changes=changes)
    is_another = current.provider.entity_id != changed.provider.entity_id
    ends = loses_trust(current.provider, changed.provider)
    return await _written(work, changed, fact, ends=ends, forgets=is_another)


async def switch(work: Work, current: SamlConnection, state: State) -> SamlConnection:
    """Take a connection into or out of use: out of use, the sessions that it began end.

    Raises `InvalidValue` for a state that does not follow, `SamlEnforced`, `NotPermitted`; when it ends,
    `Conflicted` if `current` is no longer current.
    """
    work.require(Permission.SAML_MANAGE)
    if state is current.state:
        work.note(SamlConnectionUnchanged(target=current.id, display=current.wanted.name))
        return current
    changes = (Change(path="state", old=current.state.value, new=state.value),)
    if state not in NEXT[current.state]:
        following = ", ".join(sorted(NEXT[current.state]))
        with telling(current.wanted.name, *changes, target=current.id):
            raise InvalidValue(
                f"After {current.state.value} comes {following}, not {state.value}.", attribute="state"
            )
    await store.hold_organization(work)
    if current.state is State.ACTIVE:
        with telling(current.wanted.name, *changes, target=current.id):
            await _require_not_enforced(work, current)
    fact = SamlConnectionSwitched(target=current.id, display=current.wanted.name, changes=changes)
    return await _written(work, replace(current, state=state), fact, ends=current.state is State.ACTIVE)


async def _require_not_enforced(work: Work, current: SamlConnection) -> None:
    """Raise `SamlEnforced` where nobody of a domain could sign in without the connection."""
    enforced = await store.enforced(work, current.id)
    if enforced:
        raise SamlEnforced(
            f"Everybody of {', '.join(map(display_domain, enforced))} signs in by it: end that first, with"
            " `scimserver domain release`."
        )


async def _written(
    work: Work,
    changed: SamlConnection,
    fact: SamlConnectionUpdated | SamlConnectionSwitched,
    *,
    ends: bool,
    forgets: bool = False,
) -> SamlConnection:
    """The connection's next version; with it, if need be, end the sessions that it began, and its links."""
    organization = work.actor.organization
    columns = store.columns(changed)
    if (
        await work.run(
            store.UPDATE, organization, changed.id, *columns, work.now, changed.version, broken=store.BROKEN
        )
        == 0
    ):
        raise Conflicted
    ended = await sessions.end_by_connection(work, changed.id) if ends else 0
    unlinked = await work.run(store.FORGET_LINKS, organization, changed.id) if forgets else 0
    counts = (("sessions", ended), ("links", unlinked))
    told = tuple(Change(path=path, old=count) for path, count in counts if count)
    work.note(replace(fact, changes=(*fact.changes, *told)))
    return replace(changed, version=changed.version + 1, last_modified=work.now)


def _require_key(wanted: Wanted, keys: Collection[Key]) -> None:
    """Raise `InvalidValue` where requests are to be signed, and there is nothing to sign them with."""
    if wanted.sign_requests and key_of(keys, Role.CURRENT) is None:
        raise InvalidValue(
            "There is no key to sign requests with: `scimserver saml keys ORG NAME publish` makes one,"
            " and `switch` has it sign.",
            attribute="signRequests",
        )


async def find(database: Database, organization: OrganizationId, name: str) -> SamlConnection:
    """The organisation's connection of that name. Raises `NotFound`."""
    found = await store.find(database, organization, name)
    if found is None:
        raise NotFound(f'There is no SAML connection called "{shown(name)}": see `scimserver saml list`.')
    return found


async def every(database: Database, organization: OrganizationId) -> list[SamlConnection]:
    """The organisation's connections, by name."""
    return await store.every(database, organization)
