"""`scimserver domain`: Email Domains (rule P2).

Proven by tests/database/test_cli_domain.py.
"""

import click

from scimserver.access.nameservers import Nameservers
from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import domains, enforcing, organizations, saml
from scimserver.directory.organizations import Organization
from scimserver.kernel.domains import display_domain, parse_domain
from scimserver.kernel.facts import (
    DomainAdded,
    DomainEnforced,
    DomainReleased,
    DomainRemoved,
    DomainVerified,
    Json,
)


@click.group()
def domain() -> None:
    """Email Domains: which addresses an organisation's users may have."""


@domain.command()
@click.argument("org")
@click.argument("name", metavar="DOMAIN")
@click.option("--subdomains", is_flag=True, help="Allow its sub-domains too.")
@click.option("--allow-public", is_flag=True, help="Even if it is a public mail service.")
@show.json_option
def add(org: str, name: str, *, subdomains: bool, allow_public: bool, as_json: bool) -> None:
    """Let users of ORG have addresses in DOMAIN."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, DomainAdded, name, organization.id) as work:
            added = await domains.add(work, name, subdomains=subdomains, public_override=allow_public)
        if as_json:
            show.document({"domain": added, "subdomains": subdomains, "public_override": allow_public})
        else:
            extent = " and its sub-domains" if subdomains else ""
            show.sentence(f'"{display_domain(added)}"{extent} may be used in "{org}" now.')

    run(command)


@domain.command("list")
@click.argument("org")
@show.json_option
def list_all(org: str, *, as_json: bool) -> None:
    """The Email Domains of ORG."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await domains.every(session.database, organization.id)
        if as_json:
            show.document([_as_object(entry) for entry in found])
            return
        show.table(
            ("domain", "sub-domains", "verified", "SAML enforced", "added"),
            [
                (
                    display_domain(entry.domain),
                    show.yes_no(entry.subdomains),
                    show.moment(entry.verified_at),
                    entry.enforced or show.NOTHING,
                    show.moment(entry.created),
                )
                for entry in found
            ],
            empty=f'"{org}" has no Email Domains: add one with `scimserver domain add`.',
        )

    run(command)


@domain.command()
@click.argument("org")
@click.argument("name", metavar="DOMAIN")
@click.option("--yes", is_flag=True, help="Do not ask.")
@show.json_option
def remove(org: str, name: str, *, yes: bool, as_json: bool) -> None:
    """Take DOMAIN from the list of ORG; shows first how many users it strands, and deletes nobody."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, DomainRemoved, name, organization.id) as work:
            if not yes:
                await _ask(session, organization, name)
            stranded = await domains.remove(work, name)
        canonical = parse_domain(name)
        if as_json:
            show.document({"domain": canonical, "stranded_users": stranded})
        else:
            show.sentence(f'Removed "{display_domain(canonical)}"; users it strands: {stranded}.')

    run(command)


@domain.command()
@click.argument("org")
@click.argument("name", metavar="DOMAIN")
@show.json_option
def verify(org: str, name: str, *, as_json: bool) -> None:
    """Prove that ORG holds DOMAIN, by a TXT record in DNS; says which one to publish."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        # Twice: what is to be published stays, also where it is not found.
        async with attempt(session, DomainVerified, name, organization.id) as work:
            proof = await domains.proof_of(work, name)
            before = await domains.standing(work, name)
        found: list[str] = []
        if before.verified_at is None:
            click.echo(f"Looking for a TXT record at {proof.name}: {proof.value}", err=True)
            found = await Nameservers(session.settings.dns_servers).texts(proof.name)
        async with attempt(session, DomainVerified, name, organization.id) as work:
            await domains.verify(work, proof, found)
        if as_json:
            entries = await domains.every(session.database, organization.id)
            show.document(next(_as_object(entry) for entry in entries if entry.domain == proof.domain))
        else:
            show.sentence(f'"{display_domain(proof.domain)}" is proven to be held by "{org}".')

    run(command)


@domain.command()
@click.argument("org")
@click.argument("name", metavar="DOMAIN")
@click.option("--connection", required=True, metavar="NAME", help="By which SAML connection.")
@show.json_option
def enforce(org: str, name: str, *, connection: str, as_json: bool) -> None:
    """Have everybody of DOMAIN of ORG sign in by SAML, and end their passwords; recovery accounts stay."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, DomainEnforced, name, organization.id) as work:
            found = await saml.find(session.database, organization.id, connection)
            marked = await enforcing.enforce(work, name, found)
        canonical = parse_domain(name)
        if as_json:
            show.document({"domain": canonical, "connection": found.wanted.name, "marked_users": marked})
        else:
            show.sentence(
                f'Everybody of "{display_domain(canonical)}" signs in by "{found.wanted.name}";'
                f" users who do so from now on: {marked}."
            )

    run(command)


@domain.command()
@click.argument("org")
@click.argument("name", metavar="DOMAIN")
@show.json_option
def release(org: str, name: str, *, as_json: bool) -> None:
    """End that everybody of DOMAIN of ORG signs in by SAML; who is SAML-managed stays so."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, DomainReleased, name, organization.id) as work:
            await enforcing.release(work, name)
        canonical = parse_domain(name)
        if as_json:
            show.document({"domain": canonical, "connection": None})
        else:
            show.sentence(
                f'SAML is not enforced in "{display_domain(canonical)}". Its users stay SAML-managed until'
                " samlManaged is set to false for them."
            )

    run(command)


async def _ask(session: Session, organization: Organization, name: str) -> None:
    """Ask on standard error, and abort unless the answer is yes; about an unknown domain nothing is asked."""
    canonical = parse_domain(name)
    if all(entry.domain != canonical for entry in await domains.every(session.database, organization.id)):
        return
    stranded = await domains.stranded_by(session.database, organization.id, canonical)
    question = (
        f"Users whose address only this domain allows: {stranded}."
        " They stay as they are, but nobody else can be given an address there."
        f' Remove "{display_domain(canonical)}"?'
    )
    click.confirm(question, abort=True, err=True)


def _as_object(entry: domains.EmailDomain) -> dict[str, Json]:
    return {
        "domain": entry.domain,
        "subdomains": entry.subdomains,
        "public_override": entry.public_override,
        "verified_at": show.stamp(entry.verified_at),
        "enforced": entry.enforced,
        "created": show.stamp(entry.created),
    }
