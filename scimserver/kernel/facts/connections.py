"""What happens to the connections of identity providers, and to their tokens."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCreated(Fact):
    """An identity provider was given a connection."""

    attempt = "connection.create"
    name = "connection.created"
    target_kind = TargetKind.CONNECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionUpdated(Fact):
    """A connection's dialect, strictness or handling of passwords was changed."""

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
