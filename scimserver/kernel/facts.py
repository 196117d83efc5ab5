"""What happened, as values with stable names.

A fact is noted by an action inside its unit of work; the log and the outbox are made from it.
Class attributes are vocabulary: `attempt` is the log's event, `name` the outbox's topic. They are
stored, so they are only ever added to. Each class's docstring is its public documentation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple, TypeAlias
from uuid import UUID

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class Outcome(StrEnum):
    """How an attempt ended. Values are stored: never rename one."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOOP = "noop"


class TargetKind(StrEnum):
    """What an attempt was aimed at. Values are stored: never rename one."""

    ORGANIZATION = "Organization"
    DOMAIN = "EmailDomain"
    CONNECTION = "Connection"
    TOKEN = "Token"
    USER = "User"
    GROUP = "Group"


class Change(NamedTuple):
    """One attribute's old and new value; None is unassigned. A secret has neither, only its path.

    A tuple, because a new user has twenty, and a frozen dataclass takes four times as long.
    """

    path: str
    old: Json = None
    new: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened to one thing of one organisation."""

    attempt: ClassVar[str]
    name: ClassVar[str]
    target_kind: ClassVar[TargetKind]
    outcome: ClassVar[Outcome] = Outcome.SUCCESS
    announced: ClassVar[bool] = False
    """Whether others must hear of it: the outbox carries it."""

    target: UUID
    display: str = ""
    """What people call the target: personal data, kept apart from the entry."""

    changes: tuple[Change, ...] = ()


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
class ConnectionCreated(Fact):
    """An identity provider was given a connection."""

    attempt = "connection.create"
    name = "connection.created"
    target_kind = TargetKind.CONNECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionUpdated(Fact):
    """A connection's dialect, strictness, handling of passwords or limit of removals was changed."""

    attempt = "connection.update"
    name = "connection.updated"
    target_kind = TargetKind.CONNECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionUnchanged(Fact):
    """An update of a connection asked for what was already so."""

    attempt = "connection.update"
    name = "connection.unchanged"
    target_kind = TargetKind.CONNECTION
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPaused(Fact):
    """A connection wanted to remove more users than it may in an hour, and waits until somebody agrees."""

    attempt = "connection.pause"
    name = "connection.paused"
    target_kind = TargetKind.CONNECTION
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionResumed(Fact):
    """An administrator agreed that a paused connection goes on; `held_back` says how many users stayed."""

    attempt = "connection.resume"
    name = "connection.resumed"
    target_kind = TargetKind.CONNECTION
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionNotPaused(Fact):
    """An administrator agreed to more removals of a connection that was not held up."""

    attempt = "connection.resume"
    name = "connection.not_paused"
    target_kind = TargetKind.CONNECTION
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued(Fact):
    """A bearer token was made for a connection. The secret is in no record."""

    attempt = "token.issue"
    name = "token.issued"
    target_kind = TargetKind.TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Fact):
    """A bearer token was ended, at once or at a moment that leaves time to rotate."""

    attempt = "token.revoke"
    name = "token.revoked"
    target_kind = TargetKind.TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRead(Fact):
    """Somebody read the provisioning log of the organisation."""

    attempt = "log.read"
    name = "log.read"
    target_kind = TargetKind.ORGANIZATION


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
class UserUnchanged(Fact):
    """An update of a user asked for what was already so."""

    attempt = "user.update"
    name = "user.unchanged"
    target_kind = TargetKind.USER
    outcome = Outcome.NOOP


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
