"""Signing in with an address and a password (rule P4), or by a recovery account with a code beside them (P8).

Whoever fails learns nothing: a wrong password, an unknown address, somebody who is deactivated, locked,
without a password or under a clone's placeholder get one answer after the same work, the same statements
included.
Proven by tests/console/test_sign_in_page.py, test_sign_in_refused.py and test_sign_in_concurrently.py;
measured by tests/bench/timing.py.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from scimserver.access.candidates import Attempt, Candidate, Candidates, is_enforced
from scimserver.access.guesses import Guess, Guesses
from scimserver.access.refusals import Aim, Refusals
from scimserver.access.sessions import Caller
from scimserver.directory import passwords, recovery, sessions, tries
from scimserver.directory.passwords import Credential, PasswordHasher, Standing, Verified
from scimserver.directory.passwords.policy import RULES
from scimserver.directory.recovery import Codes
from scimserver.directory.sessions import Method, Started
from scimserver.directory.tries import Account
from scimserver.kernel.actor import NOBODY, Actor, ActorKind, Origin
from scimserver.kernel.addresses import parse_placeholder
from scimserver.kernel.errors import Conflicted, Refused, Unavailable
from scimserver.kernel.facts import SessionStarted
from scimserver.kernel.ids import SessionId, new_uuid
from scimserver.kernel.secrets import digest, new_secret
from scimserver.work import Work, WorkRoom

REFUSAL: Final = (
    "This address and this password do not go together, or there were too many tries. Check both; after"
    " several tries wait up to half an hour, or ask for a link to set a new password."
)


class SignInRefused(Refused):
    """Nobody is let in by what was given; why, only the log says."""

    reason = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__(REFUSAL)


class WrongPassword(Refused):
    """Whoever is signed in does not know the password."""

    reason = "wrong_password"

    def __init__(self) -> None:
        super().__init__("This is not your password, or there were too many tries: after several, wait.")


class ChangeRequired(Refused):
    """The password is right, but the user has to choose another one before anything else."""

    reason = "password_change_required"

    def __init__(self) -> None:
        super().__init__("Another password has to be chosen first, on the page where people sign in.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Somebody who was let in."""

    actor: Actor
    user_name: str
    started: Started
    device: str = field(repr=False)
    """The secret by which the device is known from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One attempt on its way."""

    origin: Origin
    now: datetime
    guess: Guess
    account: Account
    candidate: Candidate | None

    @property
    def standing(self) -> Standing | None:
        """What may be done with the password of whoever is meant."""
        if self.candidate is None or self.candidate.credential is None:
            return None
        return self.candidate.credential.standing(RULES[self.candidate.profile], self.now)

    @property
    def longest_pause(self) -> timedelta | None:
        """How long a recovery account waits at most: strangers cannot shut it for ever. None for others."""
        recovers = self.candidate is not None and self.candidate.recovery_secret is not None
        return tries.LOCKED_FOR if recovers else None

    @property
    def must_change(self) -> bool:
        """Whether another password has to be chosen before anything else."""
        return self.standing in (Standing.MUST_CHANGE, Standing.TOO_OLD)


class Login:
    """Lets people in."""

    def __init__(
        self,
        room: WorkRoom,
        hasher: PasswordHasher,
        candidates: Candidates,
        guesses: Guesses,
        refusals: Refusals,
        codes: Codes,
    ) -> None:
        self._room = room
        self._database = room.database
        self._hasher = hasher
        self._candidates = candidates
        self._guesses = guesses
        self._refusals = refusals
        self._codes = codes

    async def sign_in(self, attempt: Attempt, origin: Origin, *, may_change: bool) -> Admitted:
        """Let somebody in, in a session of their own.

        Raises `SignInRefused`; `ChangeRequired` where another password has to be chosen first, unless the
        session `may_change` it; `TooManyFailures`, `Unavailable` and `Conflicted` before anything is decided.
        """
        case = await self._case(attempt, origin)
        in_time = await tries.take(self._database, case.account, case.now)
        verified = await self._verified(case, attempt.password, in_time=in_time)
        fault = _fault(case, in_time=in_time, matches=verified.matches) or _elsewhere(case)
        if fault is not None:
            await self._record(case, fault)
            raise SignInRefused
        await case.guess.take_back()
        if case.must_change and not may_change:
            await tries.give_back(self._database, case.account, case.now)
            await self._record(case, ChangeRequired.reason)
            raise ChangeRequired
        try:
            return await self._admit(case, verified, attempt.device)
        except SignInRefused:
            await self._record(case, "saml_enforced")
            raise

    async def recover(self, attempt: Attempt, code: str, origin: Origin) -> Admitted:
        """Let somebody in by a recovery account, in a session that is for sign-in settings.

        The password may be one that has to be changed: that is for another time. Owners are told by mail.
        Raises as `sign_in` does, but for `ChangeRequired`.
        """
        case = await self._case(attempt, origin)
        in_time = await tries.take(self._database, case.account, case.now, case.longest_pause)
        verified = await self._verified(case, attempt.password, in_time=in_time)
        step = self._step(case, code)
        fault = _fault(case, in_time=in_time, matches=verified.matches) or _of_code(case, step)
        if step is None or fault is not None:
            await self._record(case, fault or "wrong_code")
            raise SignInRefused
        try:
            admitted = await self._admit(case, verified, attempt.device, step)
        except SignInRefused:
            await self._record(case, "used_code")
            raise
        await case.guess.take_back()
        return admitted

    # -- looking ---------------------------------------------------------------

    async def _case(self, attempt: Attempt, origin: Origin) -> _Case:
        """Whom somebody means; it counts for where they come from. Raises `TooManyFailures`."""
        now, guess = self._room.clock(), await self._guesses.count(origin, SessionStarted.attempt)
        account, candidate = await self._candidates.find(attempt)
        return _Case(origin=origin, now=now, guess=guess, account=account, candidate=candidate)

    async def _verified(self, case: _Case, password: str, *, in_time: bool) -> Verified:
        credential = case.candidate.credential if case.candidate else None
        try:
            return await self._hasher.verify(credential.phc if credential else None, password)
        except Unavailable:
            # One that came too early was not counted: giving it back would take another one's place.
            if in_time:
                await tries.give_back(self._database, case.account, case.now)
            await case.guess.take_back()
            raise

    def _step(self, case: _Case, code: str) -> int | None:
        """Of which step the code is, of whoever is meant; it takes as long where that is nobody."""
        candidate, organization = case.candidate, case.account.organization
        if candidate is None:
            return self._codes.step(None, organization, None, code, case.now)
        return self._codes.step(candidate.recovery_secret, organization, candidate.user, code, case.now)

    async def verified_own(self, work: Work, caller: Caller, password: str) -> Credential:
        """The password of whoever is signed in, which they have to know to choose another one.

        Tries count for the session, so that whoever took one over cannot lock its owner out.
        Raises `WrongPassword`, `Unavailable`.
        """
        session, now = caller.signed_in.session, self._room.clock()
        account = Account(
            organization=caller.actor.organization, account=session.user, device=session.id.bytes
        )
        in_time = await tries.take(self._database, account, now)
        credential = await passwords.find(work, session.user)
        verified = await self._hasher.verify(credential.phc if credential else None, password)
        if credential is None or not in_time or not verified.matches:
            raise WrongPassword
        await tries.give_back(self._database, account, now)
        return credential

    # -- letting in, or not ----------------------------------------------------

    async def _admit(
        self, case: _Case, verified: Verified, device: str | None, step: int | None = None
    ) -> Admitted:
        """The session; `step` is that of a recovery account's code.

        Raises `SignInRefused` for a used one; without one, where SAML was enforced meanwhile.
        """
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
            method = Method.PASSWORD if step is None else Method.RECOVERY
            started = await _start(work, actor, candidate, verified, method)
            if step is None and await is_enforced(work, candidate.user):
                raise SignInRefused
            if step is not None:
                if not await recovery.use(work, candidate.user, step):
                    raise SignInRefused
                await recovery.tell_owners(work)
            await tries.succeed(work, case.account, candidate.user, digest(device))
        return Admitted(actor=actor, user_name=candidate.user_name, started=started, device=device)

    async def _record(self, case: _Case, reason: str) -> None:
        """Put a refusal on record, like others of its kind within a minute by their number."""
        whose, candidate = replace(NOBODY, organization=case.account.organization), case.candidate
        aim = Aim(
            account=case.account.account,
            user=candidate.user if candidate else None,
            user_name=candidate.user_name if candidate else "",
        )
        entry = self._refusals.seen(
            whose,
            case.origin,
            reason=reason,
            now=case.now,
            status=None,
            event=SessionStarted.attempt,
            aim=aim,
        )
        if entry is not None:
            await self._room.record(entry)


async def _start(
    work: Work, actor: Actor, candidate: Candidate, verified: Verified, method: Method
) -> Started:
    """The session of somebody whose password is still the one that was verified. Raises `Conflicted`."""
    assert actor.session is not None
    await sessions.hold(work, candidate.user)
    current = await passwords.find(work, candidate.user)
    if current is None or candidate.credential is None or current.changed != candidate.credential.changed:
        raise Conflicted
    passwords.use(work, current, verified.rehashed)
    return await sessions.start(work, candidate.user, candidate.user_name, method, actor.session)


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


def _elsewhere(case: _Case) -> str | None:
    """Why a password alone lets nobody in where SAML is enforced, not by a recovery account either."""
    return "saml_enforced" if case.candidate is not None and case.candidate.enforced else None


def _of_code(case: _Case, step: int | None) -> str | None:
    """Why a code lets nobody in."""
    candidate = case.candidate
    if candidate is None or candidate.recovery_secret is None:
        return "no_recovery_account"
    if step is None:
        return "wrong_code"
    return "used_code" if candidate.recovery_step is not None and step <= candidate.recovery_step else None
