"""What happens to mail, and to the links for setting a password that it carries."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLinkOrdered(Fact):
    """A link for setting a password is to be mailed to a user; `purpose` says what it is for."""

    attempt = "password.mail_link"
    name = "password.link_ordered"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLinkWithdrawn(Fact):
    """A user's link for setting a password, mailed or waiting to be, was made useless."""

    attempt = "password.withdraw_link"
    name = "password.link_withdrawn"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(Fact):
    """Somebody who gave a user's address asked for a link, which is mailed to the user."""

    attempt = "password.request_reset"
    name = "password.reset_requested"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetDropped(Fact):
    """Somebody who gave a user's address asked for a link; none is mailed, and nobody is told."""

    attempt = "password.request_reset"
    name = "password.reset_dropped"
    target_kind = TargetKind.USER
    outcome = Outcome.FAILURE


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetReferred(Fact):
    """Somebody who gave a user's address asked for a link; the user is mailed who manages the password."""

    attempt = "password.request_reset"
    name = "password.reset_referred"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSent(Fact):
    """A mail was handed to the mail server, or written to its file; `kind` says which one."""

    attempt = "mail.send"
    name = "mail.sent"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class MailGivenUp(Fact):
    """A mail could not be sent and will not be tried again. The reason says why."""

    attempt = "mail.send"
    name = "mail.given_up"
    target_kind = TargetKind.USER
    outcome = Outcome.FAILURE
