"""How our key for an identity provider is exchanged for another: published, switched to, retired.

Each step requires its permission first, holds the connection, and refuses what is out of order.
Proven by tests/database/test_cli_saml_keys.py.
"""

from contextlib import AbstractContextManager

from scimserver.db.queries import load
from scimserver.directory.saml.keys import Key, Role, Safe, key_of, keys_of, new_pair, place_of
from scimserver.directory.saml.model import SamlConnection
from scimserver.kernel.errors import InvalidValue, NotFound
from scimserver.kernel.facts import Change, Fact, SamlKeyPublished, SamlKeyRetired, SamlKeySwitched
from scimserver.kernel.ids import SamlKeyId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling

_QUERIES = load("saml")
_LOCK = _QUERIES["lock_connection"]
_LIST = _QUERIES["list_keys"]
_INSERT = _QUERIES.change("insert_key")
_ADVANCE = _QUERIES.change("advance_keys")
_DELETE = _QUERIES.change("delete_key")


async def publish_key(work: Work, connection: SamlConnection, safe: Safe) -> tuple[Key, ...]:
    """Make the next key: our metadata shows it from the commit on. The keys that there are then.

    Raises `InvalidValue` where there is a next one already, `NotFound`, `NotPermitted`.
    """
    work.require(Permission.SAML_MANAGE)
    keys = await _held(work, connection)
    there = key_of(keys, Role.NEXT)
    if there is not None:
        with _about(connection):
            raise InvalidValue(
                f"The next key is published already, SHA-256 {there.certificate.sha256}: `switch` has it"
                " sign, `withdraw` gives it up.",
                attribute="keys",
            )
    private, certificate = new_pair(connection.id, work.now)
    identity = SamlKeyId(new_uuid())
    organization = work.actor.organization
    sealed = safe.close(private, place_of(organization, connection.id, identity))
    await work.run(_INSERT, organization, connection.id, identity, certificate.pem, sealed, work.now)
    return await _noted(work, connection, keys, SamlKeyPublished)


async def switch_key(work: Work, connection: SamlConnection, safe: Safe) -> tuple[Key, ...]:
    """Have the next key sign from the commit on. The keys that there are then.

    Raises `InvalidValue` where there is no next key, or one that cannot be used, or the previous one was not
    retired; `NotFound`, `NotPermitted`.
    """
    work.require(Permission.SAML_MANAGE)
    keys = await _held(work, connection)
    coming = key_of(keys, Role.NEXT)
    with _about(connection):
        if coming is None:
            raise InvalidValue("There is no next key to switch to: `publish` makes one.", attribute="keys")
        if key_of(keys, Role.PREVIOUS) is not None:
            raise InvalidValue(
                "The previous key is still in our metadata: `retire` it first.", attribute="keys"
            )
        place = place_of(work.actor.organization, connection.id, coming.id)
        if coming.sealed is None or safe.open(coming.sealed, place) is None:
            raise InvalidValue(
                "The next key was made with another SCIMSERVER_SECRET, and cannot be used: `withdraw` it,"
                " and `publish` another one.",
                attribute="keys",
            )
    await work.run(_ADVANCE, work.actor.organization, connection.id)
    return await _noted(work, connection, keys, SamlKeySwitched)


async def retire_key(work: Work, connection: SamlConnection, role: Role = Role.PREVIOUS) -> tuple[Key, ...]:
    """Take a key that does not sign out of our metadata. The keys that there are then.

    Raises `InvalidValue` where there is none in that role, `NotFound`, `NotPermitted`.
    """
    work.require(Permission.SAML_MANAGE)
    assert role is not Role.CURRENT, "there is always a key that signs, once there was one"
    keys = await _held(work, connection)
    key = key_of(keys, role)
    if key is None:
        with _about(connection):
            raise InvalidValue(f"There is no {role.value} key.", attribute="keys")
    await work.run(_DELETE, work.actor.organization, connection.id, key.id)
    return await _noted(work, connection, keys, SamlKeyRetired)


async def _held(work: Work, connection: SamlConnection) -> tuple[Key, ...]:
    """The keys of a connection, which nobody else changes until the work ends. Raises `NotFound`."""
    await work.begin()
    if await work.fetchrow(_LOCK, work.actor.organization, connection.id) is None:
        raise NotFound("The SAML connection was removed meanwhile.")
    return await _keys(work, connection)


async def _keys(work: Work, connection: SamlConnection) -> tuple[Key, ...]:
    rows = await work.fetch(_LIST, work.actor.organization, connection.id)
    return keys_of(tuple(row) for row in rows)


async def _noted(
    work: Work, connection: SamlConnection, before: tuple[Key, ...], fact: type[Fact]
) -> tuple[Key, ...]:
    """Put on record which key came to be what, by their certificates' fingerprints."""
    after = await _keys(work, connection)
    changes = tuple(
        Change(path=role.value, old=old, new=new)
        for role in Role
        if (old := _fingerprint(before, role)) != (new := _fingerprint(after, role))
    )
    work.note(fact(target=connection.id, display=connection.wanted.name, changes=changes))
    return after


def _fingerprint(keys: tuple[Key, ...], role: Role) -> str | None:
    key = key_of(keys, role)
    return None if key is None else key.certificate.sha256


def _about(connection: SamlConnection) -> AbstractContextManager[object]:
    return telling(connection.wanted.name, target=connection.id)
