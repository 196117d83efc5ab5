"""`scimserver saml`: identity providers that sign people in.

Proven by tests/database/test_cli_saml.py.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import BinaryIO

import click

from scimserver.access.saml.fetch import Fetcher
from scimserver.access.saml.metadata import MAX_METADATA, parse_metadata
from scimserver.access.saml.place import addresses_of
from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations
from scimserver.directory import saml as connections
from scimserver.directory.organizations import Organization
from scimserver.directory.saml import Provider, SamlConnection, State, Wanted
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import (
    Change,
    Json,
    SamlConnectionCreated,
    SamlConnectionSwitched,
    SamlConnectionUpdated,
)

_metadata = click.option(
    "--metadata",
    type=click.File("rb"),
    help="A file with the identity provider's metadata; - reads standard input.",
)
_metadata_url = click.option(
    "--metadata-url", metavar="URL", help="Where the identity provider publishes it: an https address."
)


@click.group()
def saml() -> None:
    """SAML: identity providers that sign the people of an organisation in."""


@saml.command()
@click.argument("org")
@click.argument("name")
@_metadata
@_metadata_url
@show.json_option
def create(
    org: str, name: str, *, metadata: BinaryIO | None, metadata_url: str | None, as_json: bool
) -> None:
    """Give ORG a SAML connection called NAME: a draft, which signs nobody in yet."""
    if (metadata is None) == (metadata_url is None):
        raise click.UsageError("Give the metadata: as a file with --metadata, or with --metadata-url.")

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, SamlConnectionCreated, name, organization.id) as work:
            provider = await _provider(session, metadata, metadata_url)
            made = await connections.create(work, Wanted(name=name, metadata_url=metadata_url), provider)
        _tell(session, organization, made, as_json=as_json)

    run(command)


@saml.command("list")
@click.argument("org")
@show.json_option
def list_all(org: str, *, as_json: bool) -> None:
    """The SAML connections of ORG."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await connections.every(session.database, organization.id)
        if as_json:
            show.document([_as_object(session, organization, each) for each in found])
            return
        show.table(
            ("name", "state", "identity provider", "certificates until"),
            [
                (
                    each.wanted.name,
                    each.state.value,
                    each.provider.entity_id,
                    ", ".join(show.moment(one.not_after) for one in each.provider.certificates),
                )
                for each in found
            ],
            empty=f'"{org}" has no SAML connections: make one with `scimserver saml create`.',
        )

    run(command)


@saml.command("show")
@click.argument("org")
@click.argument("name")
@show.json_option
def show_one(org: str, name: str, *, as_json: bool) -> None:
    """The SAML connection NAME of ORG, and what its identity provider has to know of us."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await connections.find(session.database, organization.id, name)
        _tell(session, organization, found, as_json=as_json)

    run(command)


@saml.command()
@click.argument("org")
@click.argument("name")
@_metadata
@click.option("--yes", is_flag=True, help="Do not ask.")
@show.json_option
def refresh(org: str, name: str, *, metadata: BinaryIO | None, yes: bool, as_json: bool) -> None:
    """Read the metadata of NAME of ORG anew, from its address or a file; shows first what changes."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, SamlConnectionUpdated, name, organization.id) as work:
            found = await connections.find(session.database, organization.id, name)
            if metadata is None and found.wanted.metadata_url is None:
                raise InvalidValue("It was made from a file: name another one with --metadata.")
            url = found.wanted.metadata_url if metadata is None else None
            provider = await _provider(session, metadata, url)
            changes = connections.difference(found, provider, found.wanted)
            if changes and not yes:
                click.echo("\n".join(map(show.plain, _in_words(changes))), err=True)
                click.confirm("Take this over?", abort=True, err=True)
            changed = await connections.update(work, found, found.wanted, provider)
        if not as_json:
            show.sentence("\n".join(_in_words(changes)) if changes else "Nothing has changed.")
            return
        _tell(session, organization, changed, as_json=True)

    run(command)


@saml.command()
@click.argument("org")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="Call it differently.")
@click.option("--unsolicited/--no-unsolicited", default=None, help="Whether people may come unasked.")
@click.option(
    "--within",
    "hours",
    type=click.FloatRange(0.25, 720),
    metavar="HOURS",
    help="How long ago somebody may have signed in to the identity provider.",
)
@click.option("--reset-uri", metavar="URL", help='Where passwords are managed; "" for nowhere.')
@click.option("--contact", metavar="TEXT", help="Whom people are told to ask: your systems administrator.")
@show.json_option
def update(
    org: str,
    name: str,
    *,
    new_name: str | None,
    unsolicited: bool | None,
    hours: float | None,
    reset_uri: str | None,
    contact: str | None,
    as_json: bool,
) -> None:
    """Change how the SAML connection NAME of ORG is treated."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, SamlConnectionUpdated, name, organization.id) as work:
            found = await connections.find(session.database, organization.id, name)
            old = found.wanted
            wanted = replace(
                old,
                name=old.name if new_name is None else new_name,
                allow_unsolicited=old.allow_unsolicited if unsolicited is None else unsolicited,
                authenticated_within=old.authenticated_within if hours is None else timedelta(hours=hours),
                reset_uri=old.reset_uri if reset_uri is None else reset_uri or None,
                contact=old.contact if contact is None else contact,
            )
            changed = await connections.update(work, found, wanted)
        _tell(session, organization, changed, as_json=as_json)

    run(command)


@saml.command()
@click.argument("org")
@click.argument("name")
@click.argument("state", type=click.Choice([each.value for each in State if each is not State.DRAFT]))
@show.json_option
def switch(org: str, name: str, state: str, *, as_json: bool) -> None:
    """Take the SAML connection NAME of ORG into or out of use."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, SamlConnectionSwitched, name, organization.id) as work:
            found = await connections.find(session.database, organization.id, name)
            changed = await connections.switch(work, found, State(state))
        _tell(session, organization, changed, as_json=as_json)

    run(command)


async def _provider(session: Session, metadata: BinaryIO | None, url: str | None) -> Provider:
    """The identity provider that a file, or the document at an address, tells of. Raises `InvalidValue`."""
    if metadata is not None:
        xml = metadata.read(MAX_METADATA + 1)
    else:
        assert url is not None
        xml = await Fetcher().fetch(url)
    return parse_metadata(xml, session.room.clock())


def _in_words(changes: Iterable[Change]) -> list[str]:
    return [f"{change.path}: {_worded(change.old)} → {_worded(change.new)}" for change in changes]


def _worded(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or show.NOTHING
    return show.NOTHING if value is None else str(value)


def _tell(session: Session, organization: Organization, found: SamlConnection, *, as_json: bool) -> None:
    told = _as_object(session, organization, found)
    if as_json:
        show.document(told)
        return
    certificates = [
        f"{each.subject}, until {show.moment(each.not_after)}, SHA-256 {each.sha256}"
        for each in found.provider.certificates
    ]
    show.fields(
        {name: _worded(value) for name, value in told.items()} | {"certificates": "; ".join(certificates)}
    )


def _as_object(session: Session, organization: Organization, found: SamlConnection) -> dict[str, Json]:
    wanted, provider = found.wanted, found.provider
    return {
        "id": str(found.id),
        "name": wanted.name,
        "state": found.state.value,
        "entityId": provider.entity_id,
        "ssoUrl": provider.sso_url,
        "metadataUrl": wanted.metadata_url,
        "fetched": show.stamp(found.fetched),
        "tried": show.stamp(found.tried),
        "allowUnsolicited": wanted.allow_unsolicited,
        "authenticatedWithinHours": wanted.authenticated_within.total_seconds() / 3600,
        "resetUri": wanted.reset_uri,
        "contact": wanted.contact or None,
        "certificates": [
            {"sha256": each.sha256, "subject": each.subject, "notAfter": show.stamp(each.not_after)}
            for each in provider.certificates
        ],
        **_addresses(session, organization, found),
    }


def _addresses(session: Session, organization: Organization, found: SamlConnection) -> dict[str, Json]:
    """What the identity provider has to know of us; nothing where it is not set where we are reached."""
    public_url = session.settings.public_url
    if public_url is None:
        return {}
    ours = addresses_of(public_url, organization.id, found.id)
    return {"ourEntityId": ours.entity_id, "ourAcsUrl": ours.acs_url, "ourLoginUrl": ours.login_url}
