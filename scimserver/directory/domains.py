"""Email Domains (rule P2): which domains the addresses of an organisation's users may be in."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.kernel.domains import PUBLIC_MAIL_DOMAINS, display_domain, parse_domain
from scimserver.kernel.errors import AlreadyTaken, InvalidValue, NotFound
from scimserver.kernel.facts import Change, DomainAdded, DomainRemoved
from scimserver.kernel.ids import OrganizationId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

_QUERIES = load("domains")
_LOCK = _QUERIES["lock_domains"]
_CLASHING = _QUERIES["clashing_domains"]
_INSERT = _QUERIES.change("insert_domain")
_DELETE = _QUERIES.change("delete_domain")
_LIST = _QUERIES["list_domains"]
_STRANDED = _QUERIES["count_stranded"]
_TAKE_FOR_PROVEN = _QUERIES.change("take_for_proven")

_NAMESPACE = UUID("5f0c8a3e-6d1b-4c59-9a7e-2b6f1d3e4a5c")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailDomain:
    """One entry. `verified_at` is when DNS proved that the organisation holds the domain."""

    domain: str
    subdomains: bool
    public_override: bool
    verified_at: datetime | None
    created: datetime


def parents(domain: str) -> list[str]:
    """The domains of which a canonical domain is a sub-domain, nearest first."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels) - 1)]


async def add(work: Work, domain: str, *, subdomains: bool = False, public_override: bool = False) -> str:
    """Add an Email Domain; answers its canonical form.

    Raises `InvalidValue` for what is no domain or is a public mail service's, and `AlreadyTaken`
    where it overlaps an entry: a domain belongs to one organisation.
    """
    work.require(Permission.DOMAINS_MANAGE)
    canonical = parse_domain(domain)
    _check_public(canonical, public_override)
    await _check_free(work, canonical, subdomains)
    await work.run(_INSERT, work.actor.organization, canonical, subdomains, public_override, work.now)
    work.note(
        DomainAdded(
            target=_target(work.actor.organization, canonical),
            display=canonical,
            changes=(Change(path="domain", new=canonical), Change(path="subdomains", new=subdomains)),
        )
    )
    return canonical


async def remove(work: Work, domain: str) -> int:
    """Take an Email Domain away; answers how many users it strands: none of them is deleted.

    Raises `NotFound` for a domain that is not in the list.
    """
    work.require(Permission.DOMAINS_MANAGE)
    canonical = parse_domain(domain)
    organization = work.actor.organization
    transaction = await work.begin()
    stranded = await transaction.fetchval(_STRANDED, organization, canonical)
    if await work.run(_DELETE, organization, canonical) == 0:
        raise NotFound(f'"{display_domain(canonical)}" is not in the organisation\'s Email Domains.')
    work.note(
        DomainRemoved(
            target=_target(organization, canonical),
            display=canonical,
            changes=(Change(path="domain", old=canonical), Change(path="stranded_users", new=stranded)),
        )
    )
    return stranded


async def take_for_proven(work: Work, domain: str) -> None:
    """Let an Email Domain count as proven without proof, in a demonstration. Raises `NotFound`."""
    work.require(Permission.DOMAINS_MANAGE)
    canonical = parse_domain(domain)
    if await work.run(_TAKE_FOR_PROVEN, work.actor.organization, canonical, work.now) == 0:
        raise NotFound(f'"{display_domain(canonical)}" is not in the organisation\'s Email Domains.')


async def stranded_by(database: Database, organization: OrganizationId, domain: str) -> int:
    """How many users' addresses only this entry allows: shown before it is removed."""
    return await database.fetchval(_STRANDED, organization, parse_domain(domain))


async def every(database: Database, organization: OrganizationId) -> list[EmailDomain]:
    """The organisation's Email Domains, by name."""
    return [EmailDomain(**dict(row)) for row in await database.fetch(_LIST, organization)]


def _target(organization: OrganizationId, domain: str) -> UUID:
    """A domain has no id of its own; the log names it by one made from its organisation and name."""
    return uuid5(_NAMESPACE, f"{organization}/{domain}")


def _check_public(domain: str, override: bool) -> None:
    if domain in PUBLIC_MAIL_DOMAINS and not override:
        raise InvalidValue(
            f'"{domain}" is a public mail service: everybody can get an address there.'
            " Say explicitly that you want it (--allow-public).",
            attribute="domain",
        )


async def _check_free(work: Work, domain: str, subdomains: bool) -> None:
    transaction = await work.begin()
    await transaction.fetchval(_LOCK)
    for row in await transaction.fetch(_CLASHING, domain, parents(domain), subdomains):
        if row["org_id"] != work.actor.organization:
            raise AlreadyTaken(
                f'"{display_domain(domain)}" overlaps a domain of another organisation.', attribute="domain"
            )
        if row["domain"] == domain:
            raise AlreadyTaken(
                f'"{display_domain(domain)}" is in the organisation\'s Email Domains already.',
                attribute="domain",
            )
