"""What happens to users."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(Fact):
    """A user was added to the directory."""

    attempt = "user.create"
    name = "user.created"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCloned(Fact):
    """A user was added as a copy of another one, whose id is the change of `clonedFrom`."""

    attempt = "user.clone"
    name = "user.cloned"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersExported(Fact):
    """Somebody took users out of the directory, to a file; on record before the first one is given."""

    attempt = "user.export"
    name = "user.exported"
    target_kind = TargetKind.ORGANIZATION


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersImported(Fact):
    """A file of users was read to its end; each of them has an entry of their own."""

    attempt = "user.import"
    name = "user.imported"
    target_kind = TargetKind.ORGANIZATION


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUpdated(Fact):
    """Attributes of a user were changed."""

    attempt = "user.update"
    name = "user.updated"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivated(Fact):
    """A deactivated user was made active again; other attributes may have changed with it."""

    attempt = "user.activate"
    name = "user.activated"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeactivated(Fact):
    """A user was deactivated; other attributes may have changed with it."""

    attempt = "user.deactivate"
    name = "user.deactivated"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleted(Fact):
    """A user was deleted; the address is free again."""

    attempt = "user.delete"
    name = "user.deleted"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRestored(Fact):
    """A deleted user is back from the bin, under the same id; the change of `deleted` says since when."""

    attempt = "user.restore"
    name = "user.restored"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPurged(Fact):
    """A deleted user is gone from the bin for good: by somebody's wish, or because the time was over."""

    attempt = "user.purge"
    name = "user.purged"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUnchanged(Fact):
    """An update of a user asked for what was already so."""

    attempt = "user.update"
    name = "user.unchanged"
    target_kind = TargetKind.USER
    outcome = Outcome.NOOP
