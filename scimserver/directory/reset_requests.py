"""What somebody asks for who cannot sign in: a link to set a password, mailed to whoever has the address.

Whoever asks learns nothing. The request is only written down, sealed, in the same time whatever the
address; whether there is such a user is looked up later, by a background job. What is written holds the
address and where the request came from in a form that only the server's secret opens, and it is gone
when it was answered: an address that nobody has stays nowhere (docs/decisions/0024).
Proven by tests/database/test_reset_requests.py.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final
from uuid import UUID

import orjson
from asyncpg import Record

from scimserver.db.queries import load
from scimserver.directory import mail, password_resets
from scimserver.directory.mail import Allowance
from scimserver.directory.mailboxes import mailbox
from scimserver.directory.password_resets import Purpose
from scimserver.directory.sealed import Seal, derived_key, keyed_digest
from scimserver.kernel.actor import NOBODY, Actor, Origin
from scimserver.kernel.addresses import address_key, parse_address
from scimserver.kernel.errors import RateLimited
from scimserver.kernel.facts import PasswordResetDropped, PasswordResetReferred, PasswordResetRequested
from scimserver.kernel.ids import INSTALLATION, OrganizationId, UserId, new_uuid
from scimserver.work import Work, WorkRoom

_QUERIES = load("reset_requests")
_INSERT = _QUERIES.change("insert_request")
_CLAIM = _QUERIES["claim_request"]
_DELETE = _QUERIES.change("delete_request")
_FIND = _QUERIES["find_accounts"]

PER_CLIENT: Final = Allowance(kind="reset_requests", per_hour=10)
"""Requests from one client's address (IPv6: its /64)."""

PER_ACCOUNT: Final = Allowance(kind="links_requested", per_hour=3, per_day=10)
"""Links that are mailed to one user for whoever gave the address; further requests are dropped silently."""

ANSWERED_WITHIN: Final = timedelta(hours=1)
"""After that, whoever asked has asked again."""

_LEASE: Final = timedelta(minutes=1)
"""How long answering may take before somebody else begins anew."""

_MOST_ACCOUNTS: Final = 10
"""Organisations of free user names may have users of one address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A request that was looked at."""

    origin: Origin
    accounts: int | None
    """How many users have the address; None where it came too late, or cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    organization: OrganizationId
    id: UUID
    created: datetime
    address: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    organization: OrganizationId
    user: UserId
    user_name: str
    active: bool
    mailbox: str | None
    managed: bool
    """Whether an identity provider manages the password (P8)."""


class ResetRequests:
    """Where requests are written down, and answered."""

    def __init__(self, room: WorkRoom, secret: bytes) -> None:
        self._room = room
        self._seal = Seal(secret, "reset requests")
        self._key = derived_key(secret, "clients of reset requests")

    async def ask(self, origin: Origin, address: str, organization: OrganizationId = INSTALLATION) -> None:
        """Have a link mailed to whoever has the address, in an organisation or, by default, in any.

        Raises `InvalidValue` for what is not exactly one address, and `RateLimited` where the client asks
        too often; neither depends on who is a user.
        """
        parse_address(address, attribute="address")
        async with self._room.open(replace(NOBODY, organization=organization), origin) as work:
            await self._count(work, origin)
            request = new_uuid()
            sealed = self._seal.close(_written(address, origin), _place(organization, request))
            work.change(_INSERT, organization, request, sealed, work.now)

    async def answer_next(self) -> Answered | None:
        """Answer the request that waits longest; None where none does."""
        now = self._room.clock()
        row = await self._room.database.fetchrow(_CLAIM, now, now + _LEASE)
        if row is None:
            return None
        request = self._opened(row)
        answered = Answered(origin=Origin(request_id=str(row["id"])), accounts=None)
        if request is not None and now - request.created <= ANSWERED_WITHIN:
            answered = Answered(origin=request.origin, accounts=await self._answer(request))
        async with self._room.open(_nobody_in(row["org_id"]), answered.origin) as work:
            await work.run(_DELETE, row["org_id"], row["id"])
        return answered

    async def _count(self, work: Work, origin: Origin) -> None:
        """Raise `RateLimited` where the client has asked too often; it is counted over all organisations."""
        network = keyed_digest(self._key, _network(origin.client_address))
        if not await mail.spend(work, PER_CLIENT, network, INSTALLATION):
            raise RateLimited(
                "Too many links were asked for from your network: wait an hour, or ask your administrator.",
                retry_after=3600,
            )

    def _opened(self, row: Record) -> _Request | None:
        opened = self._seal.open(row["sealed"], _place(row["org_id"], row["id"]))
        if opened is None:
            return None
        written: dict[str, Any] = orjson.loads(opened)
        return _Request(
            organization=OrganizationId(row["org_id"]),
            id=row["id"],
            created=row["created"],
            address=written["address"],
            origin=Origin(**written["origin"]),
        )

    async def _answer(self, request: _Request) -> int:
        one = None if request.organization == INSTALLATION else request.organization
        rows = await self._room.database.fetch(_FIND, one, address_key(request.address), _MOST_ACCOUNTS)
        for account in map(_account, rows):
            async with self._room.open(_nobody_in(account.organization), request.origin) as work:
                await _answer_for(work, account)
        return len(rows)


async def _answer_for(work: Work, account: _Account) -> None:
    reason = await _against(work, account)
    if reason is None and account.managed:
        mail.put(work, account.user, mail.Kind.PASSWORD_MANAGED)
        work.note(PasswordResetReferred(target=account.user, display=account.user_name))
    elif reason is None:
        password_resets.put_link(work, account.user, Purpose.SELF_SERVICE)
        work.note(PasswordResetRequested(target=account.user, display=account.user_name))
    else:
        work.note(PasswordResetDropped(target=account.user, display=account.user_name, reason=reason))


async def _against(work: Work, account: _Account) -> str | None:
    """Why no link is mailed, for the log."""
    if not account.active:
        return "inactive"
    if account.mailbox is None:
        return "no_address"
    if not await mail.spend(work, PER_ACCOUNT, str(account.user)):
        return "rate_limited"
    return None


def _nobody_in(organization: OrganizationId) -> Actor:
    return replace(NOBODY, organization=organization)


def _written(address: str, origin: Origin) -> bytes:
    return orjson.dumps({"address": address, "origin": origin})


def _place(organization: UUID, request: UUID) -> bytes:
    """What a request was sealed for: moved to another row, it cannot be opened."""
    return organization.bytes + request.bytes


def _network(address: str | None) -> str:
    """How a client counts: whoever has one IPv6 address has all of its network of 64 bits."""
    if address is None:
        return ""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)


def _account(row: Record) -> _Account:
    return _Account(
        organization=OrganizationId(row["org_id"]),
        user=UserId(row["id"]),
        user_name=row["user_name"],
        active=row["active"],
        managed=row["managed"],
        mailbox=mailbox(row["user_name"], orjson.loads(row["document"])),
    )
