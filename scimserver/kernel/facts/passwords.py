"""What happens to passwords. None of these facts holds one, nor anything made from one."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSetByAdministrator(Fact):
    """Somebody else set a user's password; `mustChange` says whether the user has to choose another one."""

    attempt = "password.set_by_admin"
    name = "password.set_by_admin"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Fact):
    """A user who knew the password chose another one."""

    attempt = "password.change"
    name = "password.changed"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSetByLink(Fact):
    """A user chose a password on the page that a mailed link leads to."""

    attempt = "password.set_by_link"
    name = "password.set_by_link"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCleared(Fact):
    """A user's password was taken away: nobody signs in with one until another one is set."""

    attempt = "password.clear"
    name = "password.cleared"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordIgnored(Fact):
    """A connection sent a password for a user whose password an identity provider manages."""

    attempt = "password.set_by_connection"
    name = "password.ignored"
    target_kind = TargetKind.USER
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPasswordIgnored(Fact):
    """A file had a password for a user whose password an identity provider manages."""

    attempt = "password.set_by_import"
    name = "password.import_ignored"
    target_kind = TargetKind.USER
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordAbsent(Fact):
    """A password was to be taken away from a user who has none."""

    attempt = "password.clear"
    name = "password.absent"
    target_kind = TargetKind.USER
    outcome = Outcome.NOOP
