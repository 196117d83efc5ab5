"""What happens to an organisation, its Email Domains and its log."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationCreated(Fact):
    """An operator made an organisation."""

    attempt = "organization.create"
    name = "organization.created"
    target_kind = TargetKind.ORGANIZATION


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationUpdated(Fact):
    """An operator changed how an organisation works, such as which addresses it accepts."""

    attempt = "organization.update"
    name = "organization.updated"
    target_kind = TargetKind.ORGANIZATION


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationUnchanged(Fact):
    """An update of an organisation asked for what was already so."""

    attempt = "organization.update"
    name = "organization.unchanged"
    target_kind = TargetKind.ORGANIZATION
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainAdded(Fact):
    """An Email Domain was added to the organisation."""

    attempt = "domain.add"
    name = "domain.added"
    target_kind = TargetKind.DOMAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRemoved(Fact):
    """An Email Domain was taken from the organisation; its users stay."""

    attempt = "domain.remove"
    name = "domain.removed"
    target_kind = TargetKind.DOMAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainProofAsked(Fact):
    """It was settled what the owner of an Email Domain publishes in DNS to prove it."""

    attempt = "domain.ask_proof"
    name = "domain.proof_asked"
    target_kind = TargetKind.DOMAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainVerified(Fact):
    """DNS proved that the organisation holds an Email Domain."""

    attempt = "domain.verify"
    name = "domain.verified"
    target_kind = TargetKind.DOMAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainVerifiedBefore(Fact):
    """An Email Domain was to be proven that was proven already."""

    attempt = "domain.verify"
    name = "domain.verified_before"
    target_kind = TargetKind.DOMAIN
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEnforced(Fact):
    """Everybody whose address is in an Email Domain signs in by a SAML connection; users have entries too."""

    attempt = "domain.enforce"
    name = "domain.enforced"
    target_kind = TargetKind.DOMAIN
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEnforcedBefore(Fact):
    """SAML was to be enforced in an Email Domain where it was already, for everybody."""

    attempt = "domain.enforce"
    name = "domain.enforced_before"
    target_kind = TargetKind.DOMAIN
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainReleased(Fact):
    """SAML is no longer enforced in an Email Domain; who is SAML-managed stays so."""

    attempt = "domain.release"
    name = "domain.released"
    target_kind = TargetKind.DOMAIN
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainNotEnforced(Fact):
    """SAML was to be enforced no longer in an Email Domain where it was not."""

    attempt = "domain.release"
    name = "domain.not_enforced"
    target_kind = TargetKind.DOMAIN
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRead(Fact):
    """Somebody read the provisioning log of the organisation."""

    attempt = "log.read"
    name = "log.read"
    target_kind = TargetKind.ORGANIZATION
