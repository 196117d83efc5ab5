"""What happens to Cases."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCreated(Fact):
    """A Case was registered, with or without an owner."""

    attempt = "case.create"
    name = "case.created"
    target_kind = TargetKind.CASE
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUpdated(Fact):
    """Attributes of a Case were changed; its owner is the same."""

    attempt = "case.update"
    name = "case.updated"
    target_kind = TargetKind.CASE
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAssigned(Fact):
    """A Case was given to a user; other attributes may have changed with it."""

    attempt = "case.assign"
    name = "case.assigned"
    target_kind = TargetKind.CASE
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUnassigned(Fact):
    """A Case was taken off its owner, by a request for it or because the owner was deleted or deactivated."""

    attempt = "case.unassign"
    name = "case.unassigned"
    target_kind = TargetKind.CASE
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDeleted(Fact):
    """A Case was deleted."""

    attempt = "case.delete"
    name = "case.deleted"
    target_kind = TargetKind.CASE
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUnchanged(Fact):
    """An update of a Case asked for what was already so."""

    attempt = "case.update"
    name = "case.unchanged"
    target_kind = TargetKind.CASE
    outcome = Outcome.NOOP
