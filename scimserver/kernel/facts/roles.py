"""What happens to roles."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCreated(Fact):
    """A role was added to the organisation."""

    attempt = "role.create"
    name = "role.created"
    target_kind = TargetKind.ROLE
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCloned(Fact):
    """A role was added as a copy of another one, whose id is the change of `clonedFrom`."""

    attempt = "role.clone"
    name = "role.cloned"
    target_kind = TargetKind.ROLE
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleUpdated(Fact):
    """A role's name, start page or permissions were changed; its users name it by the new name."""

    attempt = "role.update"
    name = "role.updated"
    target_kind = TargetKind.ROLE
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleUnchanged(Fact):
    """An update of a role asked for what was already so."""

    attempt = "role.update"
    name = "role.unchanged"
    target_kind = TargetKind.ROLE
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssigned(Fact):
    """A role was given to users; each of them has an entry of their own."""

    attempt = "role.assign"
    name = "role.assigned"
    target_kind = TargetKind.ROLE


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDeleted(Fact):
    """A role was deleted; its users have *Minimal Permissions*, and each an entry of their own."""

    attempt = "role.delete"
    name = "role.deleted"
    target_kind = TargetKind.ROLE
    announced = True
