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
class LogRead(Fact):
    """Somebody read the provisioning log of the organisation."""

    attempt = "log.read"
    name = "log.read"
    target_kind = TargetKind.ORGANIZATION
