"""What happens to groups."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCreated(Fact):
    """A group was added to the directory."""

    attempt = "group.create"
    name = "group.created"
    target_kind = TargetKind.GROUP
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUpdated(Fact):
    """Attributes or members of a group were changed."""

    attempt = "group.update"
    name = "group.updated"
    target_kind = TargetKind.GROUP
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDeleted(Fact):
    """A group was deleted; its members stay in the directory."""

    attempt = "group.delete"
    name = "group.deleted"
    target_kind = TargetKind.GROUP
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUnchanged(Fact):
    """An update of a group asked for what was already so."""

    attempt = "group.update"
    name = "group.unchanged"
    target_kind = TargetKind.GROUP
    outcome = Outcome.NOOP
