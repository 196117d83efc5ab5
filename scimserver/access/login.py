"""Signing in with an address and a password (rule P4).

Whoever fails learns nothing: a wrong password, an unknown address, somebody who is deactivated, locked,
without a password or under a clone's placeholder get one answer after the same work, the same statements
included. A name leads to one organisation at most (docs/decisions/0022).
Proven by tests/api/test_sign_in.py and tests/api/test_sign_in_refused.py; measured by tests/bench/timing.py.
"""

import hashlib
import hmac
import math
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from scimserver.access.refusals import Aim, Refusals
from scimserver.access.throttle.addresses import account_of
from scimserver.db.queries import load
from scimserver.directory import passwords, sessions, tries
from scimserver.directory.domains import parents
from scimserver.directory.limits import MAX_KEY_OCTETS
from scimserver.directory.passwords import Credential, PasswordHasher, SetBy, Standing, Verified
from scimserver.directory.passwords.policy import RULES, Profile
from scimserver.directory.sessions import Method, Started
from scimserver.directory.tries import Account
from scimserver.kernel.actor import NOBODY, Actor, ActorKind, Origin
from scimserver.kernel.addresses import address_key, parse_address, parse_placeholder
from scimserver.kernel.domains import hidden_character
from scimserver.kernel.errors import Conflicted, InvalidValue, Refused, TooManyFailures, Unavailable
from scimserver.kernel.facts import SessionStarted
from scimserver.kernel.ids import INSTALLATION, OrganizationId, SessionId, UserId, new_uuid
from scimserver.kernel.secrets import digest, new_secret
from scimserver.work import Work, WorkRoom

_QUERIES = load("login")
_ORGANIZATION = _QUERIES["organization_of_name"]
_CANDIDATE = _QUERIES["candidate"]

REFUSAL: Final = (
    "This address and this password do not go together, or there were too many tries. Check both; after"
    " several tries wait up to half an hour, or ask for a link to set a new password."
)
_NOT_A_NAME: Final = ""
"""The key of what can be nobody's name: it is looked up all the same."""


class SignInRefused(Refused):
    """Nobody is let in by what was given; why, only the log says."""

    reason = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__(REFUSAL)


class ChangeRequired(Refused):
    """The password is right, but the user has to choose another one before anything else."""

    reason = "password_change_required"

    def __init__(self) -> None:
        super().__init__("Another password has to be chosen first, on the page where people sign in.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody gives who wants to sign in."""

    address: str
    password: str = field(repr=False)
    organization: str = ""
    """Its name, for those whose address does not lead there."""
    device: str | None = field(default=None, repr=False)
    """The secret of a device that may be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Somebody who was let in."""

    actor: Actor
    user_name: str
    started: Started
    device: str = field(repr=False)
    """The secret by which the device is known from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """Whoever might be meant."""

    user: UserId
    user_name: str
    active: bool
    known_device: bool
    credential: Credential | None
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One attempt on its way."""

    origin: Origin
    now: datetime
    source: bytes
    account: Account
    candidate: _Candidate | None

    @property
    def standing(self) -> Standing | None:
        """What may be done with the password of whoever is meant."""
        if self.candidate is None or self.candidate.credential is None:
            return None
        return self.candidate.credential.standing(RULES[self.candidate.profile], self.now)

    @property
    def must_change(self) -> bool:
        """Whether another password has to be chosen before anything else."""
        return self.standing in (Standing.MUST_CHANGE, Standing.TOO_OLD)


class Login:
    """Lets people in. `secret` keys what stands for addresses and for names that nobody has."""

    def __init__(self, room: WorkRoom, hasher: PasswordHasher, refusals: Refusals, secret: bytes) -> None:
        self._room = room
        self._database = room.database
        self._hasher = hasher
        self._refusals = refusals
        self._key = hmac.digest(secret, b"scimserver sign-in", hashlib.sha256)

    async def sign_in(self, attempt: Attempt, origin: Origin, *, may_change: bool) -> Admitted:
        """Let somebody in, in a session of their own.

        Raises `SignInRefused`; `ChangeRequired` where another password has to be chosen first, unless the
        session `may_change` it; `TooManyFailures`, `Unavailable` and `Conflicted` before anything is decided.
        """
        case = await self._case(attempt, origin)
        in_time = await tries.take(self._database, case.account, case.now)
        verified = await self._verified(case, attempt.password)
        fault = _fault(case, in_time=in_time, matches=verified.matches)
        if fault is not None:
            await self._record(case, fault)
            raise SignInRefused
        await tries.give_back_to_source(self._database, case.source)
        if case.must_change and not may_change:
            await tries.give_back(self._database, case.account, case.now)
            await self._record(case, ChangeRequired.reason)
            raise ChangeRequired
        return await self._admit(case, verified, attempt.device)

    # -- looking ---------------------------------------------------------------

    async def _case(self, attempt: Attempt, origin: Origin) -> _Case:
        """Whom somebody means; it counts for where they come from. Raises `TooManyFailures`."""
        now, source = self._room.clock(), self._keyed(b"source", account_of(origin.client_address))
        await self._require_patience(source, origin, now)
        organization, key = await self._organization(attempt), _key(attempt.address)
        row = await self._database.fetchrow(
            _CANDIDATE, organization, key, digest(attempt.device) if attempt.device else None
        )
        candidate = _candidate(row) if row else None
        nobody = UUID(bytes=self._keyed(b"account", organization.bytes + key.encode())[:16])
        return _Case(
            origin=origin,
            now=now,
            source=source,
            account=Account(
                organization=organization,
                account=candidate.user if candidate else nobody,
                device=digest(attempt.device or "")
                if candidate and candidate.known_device
                else tries.STRANGER,
            ),
            candidate=candidate,
        )

    async def _require_patience(self, source: bytes, origin: Origin, now: datetime) -> None:
        wait = await tries.take_from_source(self._database, source, now)
        if wait:
            await self._log(NOBODY, origin, TooManyFailures.reason, now, status=429)
            raise TooManyFailures(
                "Too many tries to sign in came from this address: wait as Retry-After says.",
                retry_after=math.ceil(wait.total_seconds()),
            )

    async def _organization(self, attempt: Attempt) -> OrganizationId:
        """The organisation that is meant; where there is none, the installation, which has no users."""
        domain = _domain(attempt.address)
        name = attempt.organization.strip()
        found = await self._database.fetchval(
            _ORGANIZATION, _storable(name) if name else None, domain, parents(domain) if domain else []
        )
        return OrganizationId(found) if found else INSTALLATION

    async def _verified(self, case: _Case, password: str) -> Verified:
        credential = case.candidate.credential if case.candidate else None
        try:
            return await self._hasher.verify(credential.phc if credential else None, password)
        except Unavailable:
            await tries.give_back(self._database, case.account, case.now)
            await tries.give_back_to_source(self._database, case.source)
            raise

    # -- letting in, or not ----------------------------------------------------

    async def _admit(self, case: _Case, verified: Verified, device: str | None) -> Admitted:
        candidate = case.candidate
        assert candidate is not None, "nobody's password matches nothing"
        device = device or new_secret()
        actor = Actor(
            kind=ActorKind.USER,
            organization=case.account.organization,
            permissions=frozenset(),
            user=candidate.user,
            session=SessionId(new_uuid()),
        )
        async with self._room.open(actor, case.origin) as work:
            started = await _start(work, actor, candidate, verified)
            await tries.succeed(work, case.account, candidate.user, digest(device))
        return Admitted(actor=actor, user_name=candidate.user_name, started=started, device=device)

    async def _record(self, case: _Case, reason: str) -> None:
        whose, candidate = replace(NOBODY, organization=case.account.organization), case.candidate
        aim = Aim(
            account=case.account.account,
            user=candidate.user if candidate else None,
            user_name=candidate.user_name if candidate else "",
        )
        await self._log(whose, case.origin, reason, case.now, aim=aim)

    async def _log(
        self,
        actor: Actor,
        origin: Origin,
        reason: str,
        now: datetime,
        *,
        status: int | None = None,
        aim: Aim | None = None,
    ) -> None:
        """Put a refusal on record, like others of its kind within a minute by their number."""
        event = SessionStarted.attempt
        entry = self._refusals.seen(
            actor, origin, reason=reason, now=now, status=status, event=event, aim=aim
        )
        if entry is not None:
            await self._room.record(entry)

    def _keyed(self, what: bytes, value: bytes) -> bytes:
        return hmac.digest(self._key, what + b"\0" + value, hashlib.sha256)


async def _start(work: Work, actor: Actor, candidate: _Candidate, verified: Verified) -> Started:
    """The session of somebody whose password is still the one that was verified. Raises `Conflicted`."""
    assert actor.session is not None
    await sessions.hold(work, candidate.user)
    current = await passwords.find(work, candidate.user)
    if current is None or candidate.credential is None or current.changed != candidate.credential.changed:
        raise Conflicted
    passwords.use(work, current, verified.rehashed)
    return await sessions.start(work, candidate.user, candidate.user_name, Method.PASSWORD, actor.session)


def _fault(case: _Case, *, in_time: bool, matches: bool) -> str | None:
    """Why nobody is let in, as the log says it; None where somebody is."""
    candidate = case.candidate
    if not in_time:
        return "too_many_tries"
    if candidate is None:
        return "unknown_user"
    if candidate.credential is None:
        return "no_password"
    if not candidate.active:
        return "inactive"
    if parse_placeholder(candidate.user_name):
        return "placeholder"
    if not matches:
        return "wrong_password"
    return "password_expired" if case.standing is Standing.EXPIRED else None


def _candidate(row: Record) -> _Candidate:
    user = UserId(row["id"])
    credential = (
        Credential(
            user=user,
            phc=row["password_hash"],
            changed=row["changed"],
            must_change=row["must_change"],
            expires=row["expires"],
            set_by=SetBy(row["set_by"]),
        )
        if row["password_hash"] is not None
        else None
    )
    return _Candidate(
        user=user,
        user_name=row["user_name"],
        active=row["active"],
        known_device=row["known_device"],
        credential=credential,
        profile=Profile(row["password_profile"]),
    )


def _key(address: str) -> str:
    """What a name is looked up by."""
    name = address.strip()
    # Beyond that no user's key goes, and folding takes a time that grows with the text.
    if len(name) > MAX_KEY_OCTETS:
        return _NOT_A_NAME
    return _storable(address_key(name))


def _storable(text: str) -> str:
    """The text, if PostgreSQL can hold it."""
    return text if hidden_character(text) is None else _NOT_A_NAME


def _domain(address: str) -> str | None:
    try:
        return parse_address(address.strip()).domain
    except InvalidValue:
        return None
