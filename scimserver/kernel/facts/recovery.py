"""What happens to recovery accounts."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPrepared(Fact):
    """A user was given the secret for codes; it is a recovery account when the user has shown one."""

    attempt = "recovery.prepare"
    name = "recovery.prepared"
    target_kind = TargetKind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryEnrolled(Fact):
    """A user has a recovery account, which gets in when the identity provider lets nobody in."""

    attempt = "recovery.enrol"
    name = "recovery.enrolled"
    target_kind = TargetKind.USER
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryWithdrawn(Fact):
    """A user has no recovery account any more."""

    attempt = "recovery.withdraw"
    name = "recovery.withdrawn"
    target_kind = TargetKind.USER
    announced = True
