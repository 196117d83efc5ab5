"""`scimserver saml keys`: our own keys for signing requests to an identity provider.

Proven by tests/database/test_cli_saml_keys.py.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.cli.saml_text import key_object, until
from scimserver.config import ConfigurationError
from scimserver.directory import organizations
from scimserver.directory import saml as connections
from scimserver.directory.saml import Key, Role, Safe, SamlConnection
from scimserver.kernel.facts import Fact, SamlKeyPublished, SamlKeyRetired, SamlKeySwitched
from scimserver.work import Work

_Step = Callable[[Session, Work, SamlConnection], Awaitable[tuple[Key, ...]]]


@click.command()
@click.argument("org")
@click.argument("name")
@click.argument("step", type=click.Choice(["publish", "switch", "retire", "withdraw"]), required=False)
@show.json_option
def keys(org: str, name: str, *, step: str | None, as_json: bool) -> None:
    """Our keys for the SAML connection NAME of ORG; with a STEP, the next one of exchanging them.

    publish makes the next key, switch has it sign, retire takes the one before out of our metadata; withdraw
    gives the next one up.
    """

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        if step is None:
            found = await connections.find(session.database, organization.id, name)
            _tell(session, found.keys, name, as_json=as_json)
            return
        fact, act = _STEPS[step]
        async with attempt(session, fact, name, organization.id) as work:
            found = await connections.find(session.database, organization.id, name)
            there = await act(session, work, found)
        _tell(session, there, name, as_json=as_json)

    run(command)


def _safe(session: Session) -> Safe:
    """Where private keys are sealed. Raises `ConfigurationError` where there is no lasting secret."""
    secret = session.settings.secret
    if secret is None:
        raise ConfigurationError(
            ["SCIMSERVER_SECRET has to be set, here and for the server: it seals private keys."]
        )
    return Safe(secret.get_secret_value().encode())


async def _publish(session: Session, work: Work, connection: SamlConnection) -> tuple[Key, ...]:
    return await connections.publish_key(work, connection, _safe(session))


async def _switch(session: Session, work: Work, connection: SamlConnection) -> tuple[Key, ...]:
    return await connections.switch_key(work, connection, _safe(session))


async def _retire(role: Role, _: Session, work: Work, connection: SamlConnection) -> tuple[Key, ...]:
    return await connections.retire_key(work, connection, role)


_STEPS: Final[dict[str, tuple[type[Fact], _Step]]] = {
    "publish": (SamlKeyPublished, _publish),
    "switch": (SamlKeySwitched, _switch),
    "retire": (SamlKeyRetired, partial(_retire, Role.PREVIOUS)),
    "withdraw": (SamlKeyRetired, partial(_retire, Role.NEXT)),
}


def _tell(session: Session, found: tuple[Key, ...], name: str, *, as_json: bool) -> None:
    now = session.room.clock()
    if as_json:
        show.document([key_object(each, now) for each in found])
        return
    show.table(
        ("role", "made", "good", "SHA-256"),
        [
            (
                each.role.value,
                show.moment(each.created),
                until(each.certificate, now),
                each.certificate.sha256,
            )
            for each in found
        ],
        empty=f'There is no key for "{name}": `scimserver saml keys ORG NAME publish` makes one.',
    )
