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
    ROLE = "Role"
    CASE = "Case"
    SAML_CONNECTION = "SamlConnection"


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

    reason: str | None = None
    """Why it failed, where `outcome` says that it did: stable vocabulary for the log."""
