"""Email Domains (rule P2): which domains the addresses of an organisation's users may be in.

That an organisation holds one is proven by a TXT record in DNS.
Proven by tests/database/test_cli_domain.py and tests/database/test_cli_domain_verify.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from scimserver.db.pool import Database, Reader
from scimserver.db.queries import load
from scimserver.directory.limits import shown
from scimserver.kernel.domains import PUBLIC_MAIL_DOMAINS, display_domain, parse_domain
from scimserver.kernel.errors import (
    AlreadyTaken,
    Conflicted,
    DomainNotProven,
    InvalidValue,
    NotFound,
    SamlEnforced,
)
from scimserver.kernel.facts import (
    Change,
    DomainAdded,
    DomainProofAsked,
    DomainRemoved,
    DomainVerified,
    DomainVerifiedBefore,
)
from scimserver.kernel.ids import OrganizationId, SamlConnectionId
from scimserver.kernel.permissions import Permission
from scimserver.kernel.secrets import new_secret
from scimserver.work import Work, telling

_QUERIES = load("domains")
_LOCK = _QUERIES["lock_domains"]
_CLASHING = _QUERIES["clashing_domains"]
_INSERT = _QUERIES.change("insert_domain")
_DELETE = _QUERIES.change("delete_domain")
_FIND = _QUERIES["find_domain"]
_SET_PROOF = _QUERIES.change("set_proof")
_VERIFY = _QUERIES.change("verify_domain")
_LIST = _QUERIES["list_domains"]
_ALL_ENFORCED = _QUERIES["all_enforced"]
_STRANDED = _QUERIES["count_stranded"]

_NAMESPACE = UUID("5f0c8a3e-6d1b-4c59-9a7e-2b6f1d3e4a5c")

_MOST_TOLD: Final = 5
"""Records that a refusal tells of: there may be any number, of anybody's making."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailDomain:
    """One entry. `verified_at` is when DNS proved that the organisation holds the domain."""

    domain: str
    subdomains: bool
    public_override: bool
    verified_at: datetime | None
    created: datetime
    enforced: str | None
    """The name of the SAML connection by which all sign in whose addresses are in it, where that is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with one entry."""

    domain: str
    verified_at: datetime | None
    connection: SamlConnectionId | None
    """By what all sign in whose addresses are in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The TXT record that proves a domain: random for each organisation and domain, and no secret."""

    domain: str
    token: str

    @property
    def name(self) -> str:
        """Where it is published."""
        return f"_scimserver.{self.domain}"

    @property
    def value(self) -> str:
        """What is published there."""
        return f"scimserver-verification={self.token}"

    @property
    def advice(self) -> str:
        """What to do, for people."""
        return f'Publish a TXT record at {self.name} with the value "{self.value}".'


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
            target=target_of(work, canonical),
            display=canonical,
            changes=(Change(path="domain", new=canonical), Change(path="subdomains", new=subdomains)),
        )
    )
    return canonical


async def remove(work: Work, domain: str) -> int:
    """Take an Email Domain away; answers how many users it strands: none of them is deleted.

    Raises `NotFound` for a domain that is not in the list, and `SamlEnforced`.
    """
    work.require(Permission.DOMAINS_MANAGE)
    canonical = parse_domain(domain)
    organization = work.actor.organization
    transaction = await work.begin()
    stranded = await transaction.fetchval(_STRANDED, organization, canonical)
    if await work.run(_DELETE, organization, canonical) == 0:
        await standing(work, canonical)
        with telling(canonical, Change(path="domain", old=canonical), target=target_of(work, canonical)):
            raise SamlEnforced(
                f'SAML is enforced in "{display_domain(canonical)}": end that first, with'
                " `scimserver domain release`."
            )
    work.note(
        DomainRemoved(
            target=target_of(work, canonical),
            display=canonical,
            changes=(Change(path="domain", old=canonical), Change(path="stranded_users", new=stranded)),
        )
    )
    return stranded


async def standing(work: Work, domain: str) -> Standing:
    """How it stands with an Email Domain. Raises `NotFound` for one that is not in the list."""
    return (await _found(work, parse_domain(domain)))[0]


async def proof_of(work: Work, domain: str) -> Proof:
    """What proves an Email Domain; it stays the same until the domain is removed.

    Raises `NotFound`, and `InvalidValue` for a public mail service's, which belongs to nobody here.
    """
    work.require(Permission.DOMAINS_MANAGE)
    canonical = parse_domain(domain)
    target = target_of(work, canonical)
    with telling(canonical, target=target):
        if canonical in PUBLIC_MAIL_DOMAINS:
            raise InvalidValue(
                f'"{canonical}" is a public mail service, which cannot be proven to be yours.',
                attribute="domain",
            )
        _, token = await _found(work, canonical)
    if token is None:
        token = new_secret()
        if await work.run(_SET_PROOF, work.actor.organization, canonical, token) == 0:
            raise Conflicted
        proof = Proof(domain=canonical, token=token)
        changes = (Change(path="proof", new=proof.value),)
        work.note(DomainProofAsked(target=target, display=canonical, changes=changes))
    return Proof(domain=canonical, token=token)


async def verify(work: Work, proof: Proof, found: Sequence[str]) -> None:
    """Take an Email Domain for proven, if its proof is among the TXT records that were found.

    Raises `DomainNotProven`, `NotFound`, and `Conflicted` where the domain has another proof by now.
    """
    work.require(Permission.DOMAINS_MANAGE)
    target = target_of(work, proof.domain)
    before, _ = await _found(work, proof.domain)
    if before.verified_at is not None:
        work.note(DomainVerifiedBefore(target=target, display=proof.domain))
        return
    records = [shown(record) for record in found[:_MOST_TOLD]]
    with telling(proof.domain, Change(path="found", new=records), target=target):
        if proof.value not in found:
            raise DomainNotProven(f"{_told(proof, found)} {proof.advice} It may take a while to be seen.")
    if await work.run(_VERIFY, work.actor.organization, proof.domain, proof.token, work.now) == 0:
        raise Conflicted
    changes = (Change(path="verifiedAt", new=work.now.isoformat()),)
    work.note(DomainVerified(target=target, display=proof.domain, changes=changes))


def _told(proof: Proof, found: Sequence[str]) -> str:
    """What DNS says instead."""
    if not found:
        return f"There is no TXT record at {proof.name}."
    told = ", ".join(f'"{shown(record)}"' for record in found[:_MOST_TOLD])
    more = f" and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
    return f"At {proof.name} there is {told}{more}, which is not the proof."


async def _found(work: Work, domain: str) -> tuple[Standing, str | None]:
    """An entry, and the token of its proof."""
    row = await work.fetchrow(_FIND, work.actor.organization, domain)
    if row is None:
        raise NotFound(f'"{display_domain(domain)}" is not in the organisation\'s Email Domains.')
    connection = row["saml_connection_id"]
    found = Standing(
        domain=domain,
        verified_at=row["verified_at"],
        connection=SamlConnectionId(connection) if connection else None,
    )
    return found, row["proof"]


async def stranded_by(database: Database, organization: OrganizationId, domain: str) -> int:
    """How many users' addresses only this entry allows: shown before it is removed."""
    return await database.fetchval(_STRANDED, organization, parse_domain(domain))


async def every(database: Database, organization: OrganizationId) -> list[EmailDomain]:
    """The organisation's Email Domains, by name."""
    return [EmailDomain(**dict(row)) for row in await database.fetch(_LIST, organization)]


async def all_enforced(reader: Reader, organization: OrganizationId) -> bool:
    """Whether everybody whose address is in an Email Domain signs in by an identity provider (P8)."""
    return await reader.fetchval(_ALL_ENFORCED, organization)


def target_of(work: Work, domain: str) -> UUID:
    """A domain has no id of its own; the log names it by one made from its organisation and name."""
    return uuid5(_NAMESPACE, f"{work.actor.organization}/{domain}")


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
