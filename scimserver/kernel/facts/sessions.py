"""What happens to sessions."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Fact):
    """A user signed in; `method` says by what. Refused attempts have the same event, and a reason."""

    attempt = "session.sign_in"
    name = "session.started"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Fact):
    """A session of a user was ended: by signing out, or from the list of sessions."""

    attempt = "session.end"
    name = "session.ended"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsEnded(Fact):
    """A user's sessions were ended, all or all others: by somebody, by another password, or with the user."""

    attempt = "session.end_all"
    name = "session.all_ended"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsAbsent(Fact):
    """The sessions of a user who had none were to be ended."""

    attempt = "session.end_all"
    name = "session.none_ended"
    target_kind = TargetKind.USER
    outcome = Outcome.NOOP
