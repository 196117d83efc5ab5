"""`scimserver org`: organisations (rule P1).

Proven by tests/database/test_cli_org.py.
"""

from collections.abc import Sequence

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import domains, organizations
from scimserver.directory.organizations import Addresses, Deactivation, Organization, PasswordPush
from scimserver.kernel.domains import parse_domain
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import DomainAdded, Json, OrganizationCreated, OrganizationUpdated
from scimserver.kernel.profiles import Profile

_addresses = click.option(
    "--addresses",
    type=click.Choice([each.value for each in Addresses]),
    help="Which user names are taken: e-mail addresses in the Email Domains (required), or any (free).",
)
_timezone = click.option("--timezone", help="The IANA time zone that users without one get.")
_deactivation = click.option(
    "--deactivation",
    type=click.Choice([each.value for each in Deactivation]),
    help="Whether who is deactivated keeps their Cases, or these become nobody's.",
)
_title = click.option("--title", help="What people call it.")
_profile = click.option(
    "--password-profile",
    type=click.Choice([each.value for each in Profile]),
    help="What passwords have to be: as NIST SP 800-63B has it (default), or also as PCI DSS has it (pci).",
)
_contact = click.option(
    "--support-contact",
    metavar="TEXT",
    help="Whom people ask, shown wherever requirements of passwords are; empty for nobody.",
)
_must_change = click.option(
    "--must-change/--must-change-optional",
    "must_change_locked",
    default=None,
    help="Whether a password that an administrator sets always has to be changed by its owner.",
)


@click.group()
def org() -> None:
    """Organisations."""


@org.command()
@click.argument("name")
@_title
@_addresses
@_timezone
@_deactivation
@click.option(
    "--domain", "with_domains", multiple=True, metavar="DOMAIN", help="An Email Domain; repeatable."
)
@show.json_option
def create(
    name: str,
    *,
    title: str | None,
    addresses: str | None,
    timezone: str | None,
    deactivation: str | None,
    with_domains: Sequence[str],
    as_json: bool,
) -> None:
    """Make an organisation called NAME (lower-case letters, digits and hyphens)."""

    async def command(session: Session) -> None:
        async with attempt(session, OrganizationCreated, name) as work:
            for domain in with_domains:
                parse_domain(domain)
            made = await organizations.create(
                work,
                name=name,
                title=title or "",
                addresses=Addresses(addresses or Addresses.REQUIRED),
                timezone=timezone or "UTC",
                deactivation=Deactivation(deactivation or Deactivation.KEEP_CASES),
            )
        added = await _add_domains(session, made, with_domains)
        if as_json:
            show.document({**_as_object(made), "domains": added})
        else:
            suffix = f" with {', '.join(added)}" if added else ""
            show.sentence(f'Made the organisation "{made.name}"{suffix}.')

    run(command)


async def _add_domains(session: Session, organization: Organization, names: Sequence[str]) -> list[str]:
    """Add all or none; a refusal says that the organisation is there all the same."""
    if not names:
        return []
    try:
        async with attempt(session, DomainAdded, " ".join(names), organization.id) as work:
            return [await domains.add(work, name) for name in names]
    except Refused as refused:
        refused.detail = f'The organisation "{organization.name}" was made, without domains: {refused.detail}'
        raise


@org.command("list")
@show.json_option
def list_all(*, as_json: bool) -> None:
    """All organisations."""

    async def command(session: Session) -> None:
        found = await organizations.every(session.database)
        if as_json:
            show.document([_as_object(each) for each in found])
            return
        show.table(
            ("name", "title", "addresses", "time zone", "created"),
            [
                (each.name, each.title, each.addresses.value, each.timezone, show.moment(each.created))
                for each in found
            ],
            empty="There is no organisation yet: make one with `scimserver org create`.",
        )

    run(command)


@org.command("show")
@click.argument("name")
@show.json_option
def show_one(name: str, *, as_json: bool) -> None:
    """The organisation NAME and its Email Domains."""

    async def command(session: Session) -> None:
        found = await organizations.find(session.database, name)
        names = [entry.domain for entry in await domains.every(session.database, found.id)]
        if as_json:
            show.document({**_as_object(found), "domains": names})
        else:
            show.fields(_as_fields(found) | {"domains": ", ".join(names) or show.NOTHING})

    run(command)


@org.command()
@click.argument("name")
@_title
@_addresses
@_timezone
@_profile
@_contact
@_must_change
@click.option(
    "--password-push",
    type=click.Choice([each.value for each in PasswordPush]),
    help="What becomes of a change over SCIM that is nothing but a password of somebody who is SAML-managed:"
    " an error, or nothing.",
)
@_deactivation
@show.json_option
def update(
    name: str,
    *,
    title: str | None,
    addresses: str | None,
    timezone: str | None,
    password_profile: str | None,
    support_contact: str | None,
    must_change_locked: bool | None,
    deactivation: str | None,
    password_push: str | None,
    as_json: bool,
) -> None:
    """Change how the organisation NAME works; what is not given stays."""
    given = {title, addresses, timezone, password_profile, support_contact, must_change_locked, deactivation}
    if given | {password_push} == {None}:
        raise click.UsageError(
            "Say what to change: --title, --addresses, --timezone, --deactivation, --password-profile,"
            " --password-push, --support-contact, --must-change or --must-change-optional."
        )

    async def command(session: Session) -> None:
        found = await organizations.find(session.database, name)
        async with attempt(session, OrganizationUpdated, name, found.id) as work:
            await organizations.update(
                work,
                found,
                title=title,
                addresses=None if addresses is None else Addresses(addresses),
                timezone=timezone,
                password_profile=None if password_profile is None else Profile(password_profile),
                support_contact=support_contact,
                must_change_locked=must_change_locked,
                deactivation=None if deactivation is None else Deactivation(deactivation),
                password_push=None if password_push is None else PasswordPush(password_push),
            )
        changed = await organizations.find(session.database, name)
        if as_json:
            show.document(_as_object(changed))
        else:
            show.fields(_as_fields(changed))

    run(command)


def _as_object(organization: Organization) -> dict[str, Json]:
    return {
        "id": str(organization.id),
        "name": organization.name,
        "title": organization.title,
        "addresses": organization.addresses.value,
        "timezone": organization.timezone,
        "passwordProfile": organization.password_profile.value,
        "supportContact": organization.support_contact,
        "mustChangeLocked": organization.must_change_locked,
        "deactivation": organization.deactivation.value,
        "passwordPush": organization.password_push.value,
        "created": show.stamp(organization.created),
    }


def _as_fields(organization: Organization) -> dict[str, str]:
    return {
        "name": organization.name,
        "title": organization.title,
        "id": str(organization.id),
        "addresses": organization.addresses.value,
        "time zone": organization.timezone,
        "passwords": organization.password_profile.value,
        "support contact": organization.support_contact or show.NOTHING,
        "passwords of administrators": (
            "always to be changed" if organization.must_change_locked else "to be changed unless they say so"
        ),
        "deactivation": organization.deactivation.value,
        "passwords sent for who is SAML-managed": organization.password_push.value,
        "created": show.moment(organization.created),
    }
