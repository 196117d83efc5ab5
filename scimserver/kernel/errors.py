"""What can go wrong, in the directory's own words (three kinds, kept apart).

- `Refused`: the caller asked for something the rules forbid. Nothing changed; each face
  translates it once, at its edge (SCIM: RFC 7644, section 3.12).
- `Conflicted`: another writer was faster. Doing the whole unit of work again is right.
- `Unavailable`: something outside failed. Nothing is known to have changed; retry later.

A broken promise of our own code is none of these: it is an assertion, and a 500.
"""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from scimserver.kernel.facts import Change
from scimserver.kernel.providers import IdentityProvider


class Refused(Exception):
    """The rules forbid what was asked. `reason` is stable vocabulary for the log."""

    reason: str = "refused"

    def __init__(self, detail: str, *, attribute: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.attribute = attribute
        self.attempted: tuple[Change, ...] = ()
        """What would have changed, for the log; filled in where it is known."""
        self.display = ""
        """What people call the thing that would have changed, for the log."""
        self.target: UUID | None = None
        """Its id, for the log, where it has one already."""


class NotFound(Refused):
    """There is no such thing in the caller's organisation."""

    reason = "not_found"


class InvalidValue(Refused):
    """A value is missing, malformed, or breaks one of the product's rules."""

    reason = "invalid_value"


class FieldsAtFault(InvalidValue):
    """Several values are at fault, and each is named (rule P3)."""

    def __init__(self, detail: str, *, fields: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(detail, attribute=next(iter(fields), None))
        self.fields = fields
        """A sentence for each value, by its name."""


class DomainNotAllowed(InvalidValue):
    """The address is not in one of the organisation's Email Domains (rule P2)."""

    reason = "domain_not_allowed"


class DomainNotProven(InvalidValue):
    """DNS does not say that the organisation holds the domain (rule P2)."""

    reason = "domain_not_proven"


class NotReady(InvalidValue):
    """Something has to be there first, so that nobody is locked out (rule P8)."""

    reason = "not_ready"


class PasswordNotAllowed(InvalidValue):
    """The password breaks the organisation's policy (rule P7)."""

    reason = "password_not_allowed"


class AlreadyTaken(Refused):
    """Another resource of the organisation already holds this unique value."""

    reason = "already_taken"


class NotPermitted(Refused):
    """The actor lacks the permission that the action requires."""

    reason = "not_permitted"


class Immutable(Refused):
    """What was asked for cannot be changed, by nobody."""

    reason = "immutable"


class LastAdministrator(NotPermitted):
    """Nobody would be left who may manage users (rule P5)."""

    reason = "last_administrator"


class SamlEnforced(NotPermitted):
    """SAML is enforced in an Email Domain, and what was asked for would undo what that rests on (rule P8)."""

    reason = "saml_enforced"


class LastRecoveryAccount(NotPermitted):
    """Nobody could get in any more when the identity provider lets nobody in (rule P8)."""

    reason = "last_recovery_account"


class ProviderPaused(NotPermitted):
    """The connection removed as many users in an hour as it may, until an administrator agrees (rule P11)."""

    reason = "provider_paused"


class PasswordManagedElsewhere(Refused):
    """The user has no password here: whoever signs the user in manages it (rule P8)."""

    reason = "password_managed_by_identity_provider"

    def __init__(self, provider: IdentityProvider) -> None:
        ask = provider.contact or "your organisation's systems administrator"
        super().__init__(
            f"This user's password is managed by the identity provider '{provider.name}' ({provider.host})."
            f" Reset it there, or ask {ask}.",
            attribute="password",
        )
        self.provider = provider

    def members(self) -> dict[str, object]:
        """What an error in JSON says of who manages the password."""
        named = {"value": str(self.provider.id), "display": self.provider.name}
        told: dict[str, object] = {"managedBy": "identityProvider", "identityProvider": named}
        if self.provider.reset_uri:
            told["resetUri"] = self.provider.reset_uri
        if self.provider.contact:
            told["contact"] = self.provider.contact
        return told


class VersionMismatch(Refused):
    """The resource is no longer the version that the caller expected (RFC 7644, section 3.14)."""

    reason = "version_mismatch"


class NotMailable(InvalidValue):
    """No mail can be sent to the user: deactivated, or without an address where mail arrives."""

    reason = "not_mailable"


class LinkNotLive(NotFound):
    """The link was used, withdrawn or replaced by a newer one, has expired, or never was one."""

    reason = "link_not_live"


class TooMany(Refused):
    """Answering would take more work than one request may cost."""

    reason = "too_many"


class Unauthenticated(Refused):
    """The credential is missing, unknown, expired or revoked."""

    reason = "unauthenticated"


class RateLimited(Refused):
    """The connection asks for more than it may in that time; a request `retry_after` seconds later passes."""

    reason = "rate_limited"

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooManyFailures(RateLimited):
    """Too many credentials that failed came from the client's address."""

    reason = "too_many_failures"


class Conflicted(Exception):
    """Another writer changed the row between reading and writing it. Run the work again."""


class Unavailable(Exception):
    """Something outside failed before the change was known to be stored; retry later."""

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""
