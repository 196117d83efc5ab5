"""`scimserver saml`: identity providers that sign people in.

Proven by tests/database/test_cli_saml.py.
"""

from dataclasses import replace
from datetime import timedelta
from typing import BinaryIO

import click

from scimserver.access.saml.fetch import Fetcher
from scimserver.access.saml.metadata import MAX_METADATA, parse_metadata
from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.cli.saml_keys import keys
from scimserver.cli.saml_text import as_object, in_words, standing, tell, until
from scimserver.directory import organizations
from scimserver.directory import saml as connections
from scimserver.directory.saml import Provider, State, Wanted
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import (
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
_jit = click.option(
    "--jit/--no-jit", default=None, help="Whether somebody new whom it signs in is added as a user."
)
_external_id = click.option(
    "--match-external-id",
    "external_id_attribute",
    metavar="ATTRIBUTE",
    help='In which attribute the externalId is by which users are found the first time; "" for by address.',
)
_names = click.option(
    "--names/--no-names",
    "takes_names",
    default=None,
    help="Whether users' given and family names follow what it says of them.",
)


@click.group()
def saml() -> None:
    """SAML: identity providers that sign the people of an organisation in."""


saml.add_command(keys)


@saml.command()
@click.argument("org")
@click.argument("name")
@_metadata
@_metadata_url
@_jit
@_external_id
@_names
@show.json_option
def create(
    org: str,
    name: str,
    *,
    metadata: BinaryIO | None,
    metadata_url: str | None,
    jit: bool | None,
    external_id_attribute: str | None,
    takes_names: bool | None,
    as_json: bool,
) -> None:
    """Give ORG a SAML connection called NAME: a draft, which signs nobody in yet."""
    if (metadata is None) == (metadata_url is None):
        raise click.UsageError("Give the metadata: as a file with --metadata, or with --metadata-url.")

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, SamlConnectionCreated, name, organization.id) as work:
            provider = await _provider(session, metadata, metadata_url)
            wanted = Wanted(
                name=name,
                metadata_url=metadata_url,
                jit=bool(jit),
                external_id_attribute=external_id_attribute or None,
                takes_names=bool(takes_names),
            )
            made = await connections.create(work, wanted, provider)
        tell(session, organization, made, as_json=as_json)

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
            show.document([as_object(session, organization, each) for each in found])
            return
        now = session.room.clock()
        show.table(
            ("name", "state", "identity provider", "metadata", "certificates"),
            [
                (
                    each.wanted.name,
                    each.state.value,
                    each.provider.entity_id,
                    standing(each),
                    "; ".join(until(one, now) for one in each.provider.certificates),
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
        tell(session, organization, found, as_json=as_json)

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
                click.echo("\n".join(map(show.plain, in_words(changes))), err=True)
                click.confirm("Take this over?", abort=True, err=True)
            changed = await connections.update(work, found, found.wanted, provider)
        if not as_json:
            show.sentence("\n".join(in_words(changes)) if changes else "Nothing has changed.")
            return
        tell(session, organization, changed, as_json=True)

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
@click.option(
    "--sign-requests/--no-sign-requests",
    default=None,
    help="Whether requests to the identity provider are signed.",
)
@click.option("--reset-uri", metavar="URL", help='Where passwords are managed; "" for nowhere.')
@click.option("--contact", metavar="TEXT", help="Whom people are told to ask: your systems administrator.")
@_jit
@_external_id
@_names
@show.json_option
def update(
    org: str,
    name: str,
    *,
    new_name: str | None,
    unsolicited: bool | None,
    hours: float | None,
    sign_requests: bool | None,
    reset_uri: str | None,
    contact: str | None,
    jit: bool | None,
    external_id_attribute: str | None,
    takes_names: bool | None,
    as_json: bool,
) -> None:
    """Change how the SAML connection NAME of ORG is treated."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, SamlConnectionUpdated, name, organization.id) as work:
            found = await connections.find(session.database, organization.id, name)
            old = found.wanted
            attribute = old.external_id_attribute if external_id_attribute is None else external_id_attribute
            wanted = replace(
                old,
                name=old.name if new_name is None else new_name,
                allow_unsolicited=old.allow_unsolicited if unsolicited is None else unsolicited,
                authenticated_within=old.authenticated_within if hours is None else timedelta(hours=hours),
                reset_uri=old.reset_uri if reset_uri is None else reset_uri or None,
                contact=old.contact if contact is None else contact,
                sign_requests=old.sign_requests if sign_requests is None else sign_requests,
                jit=old.jit if jit is None else jit,
                external_id_attribute=attribute or None,
                takes_names=old.takes_names if takes_names is None else takes_names,
            )
            changed = await connections.update(work, found, wanted)
        tell(session, organization, changed, as_json=as_json)

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
        tell(session, organization, changed, as_json=as_json)

    run(command)


async def _provider(session: Session, metadata: BinaryIO | None, url: str | None) -> Provider:
    """The identity provider that a file, or the document at an address, tells of. Raises `InvalidValue`."""
    if metadata is not None:
        xml = metadata.read(MAX_METADATA + 1)
    else:
        assert url is not None
        xml = await Fetcher().fetch(url)
    return parse_metadata(xml, session.room.clock())
