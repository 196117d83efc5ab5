"""What asyncpg raises, in our words: the one place where a driver's error is translated.

- A broken constraint becomes `ConstraintViolated`.
- A lost race (serialization failure, deadlock, a plan outdated by a migration) becomes `Conflicted`.
- A search that outlives its time-out becomes `TooMany`.
- Whatever says that the server or the way to it failed becomes `DatabaseUnavailable`.
- Everything else, data errors among it, is the statement's fault and stays as it is.

Proven by tests/database/test_violations.py and tests/unit/test_faults_translated.py.
"""

from enum import Enum, auto

import asyncpg
from asyncpg import exceptions

from scimserver.db.violations import ConstraintViolated, ViolationKind
from scimserver.kernel.errors import Conflicted, TooMany, Unavailable

FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""All that asyncpg raises when a statement fails; a time-out is an OSError."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, broke while it was asked, or answers that it cannot now."""

    def __init__(self, detail: str, *, lost: bool, in_doubt: bool) -> None:
        super().__init__(detail)
        self.lost = lost
        """The connection is gone, or there was none: asking again at once, over a new one, makes sense."""
        self.in_doubt = in_doubt
        """What was asked for may have been committed all the same."""


class Pool(Enum):
    """Which promises the connection makes: only a search may be cut off by its time-out."""

    POINTS = auto()
    SEARCHES = auto()


_KINDS: tuple[tuple[type[Exception], ViolationKind], ...] = (
    (exceptions.UniqueViolationError, ViolationKind.UNIQUE),
    (exceptions.ForeignKeyViolationError, ViolationKind.FOREIGN_KEY),
    (exceptions.RestrictViolationError, ViolationKind.FOREIGN_KEY),
    (exceptions.CheckViolationError, ViolationKind.CHECK),
    (exceptions.NotNullViolationError, ViolationKind.NOT_NULL),
    (exceptions.ExclusionViolationError, ViolationKind.EXCLUSION),
)

_LOST_RACES = (
    exceptions.SerializationError,
    exceptions.DeadlockDetectedError,
    exceptions.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)

_OUTSIDE = (
    OSError,
    exceptions.PostgresConnectionError,
    exceptions.StatementCompletionUnknownError,
    exceptions.OperatorInterventionError,
    exceptions.InsufficientResourcesError,
    exceptions.PostgresSystemError,
    exceptions.ReadOnlySQLTransactionError,
    exceptions.IdleInTransactionSessionTimeoutError,
    exceptions.LockNotAvailableError,
    asyncpg.InternalClientError,
)

_BUSY = (
    exceptions.QueryCanceledError,
    exceptions.LockNotAvailableError,
    exceptions.InsufficientResourcesError,
)
"""The server answers that it cannot now, over a connection that is still good."""

_PERHAPS_COMMITTED = (
    exceptions.PostgresConnectionError,
    exceptions.StatementCompletionUnknownError,
    # A server that shuts down ends statements that are committed, and wait for a standby to say so too.
    exceptions.AdminShutdownError,
    exceptions.CrashShutdownError,
)
"""Errors with a server's code that do not say that the statement was undone; all others do."""


def translated(error: Exception, *, pool: Pool, closed: bool, commits: bool) -> Exception:
    """What to raise instead of a driver's error; the very same error if it has no translation.

    `closed` says whether the connection is gone: asyncpg raises a plain InterfaceError both for
    that and for a call of ours that makes no sense. `commits` says whether the statement would have
    committed something: a statement within a transaction does not.
    """
    if isinstance(error, exceptions.IntegrityConstraintViolationError):
        return _violation(error)
    if isinstance(error, _LOST_RACES):
        return Conflicted(str(error))
    if isinstance(error, exceptions.QueryCanceledError) and pool is Pool.SEARCHES:
        return TooMany("the search takes too long: narrow the filter or ask for less")
    if closed or isinstance(error, _OUTSIDE):
        undone = isinstance(error, asyncpg.PostgresError) and not isinstance(error, _PERHAPS_COMMITTED)
        return _unavailable(error, in_doubt=commits and not undone)
    return error


def unreachable(error: Exception) -> DatabaseUnavailable:
    """The error of a database to which there was no connection: nothing was asked."""
    return _unavailable(error, in_doubt=False)


def breaks_connection(error: Exception) -> bool:
    """Whether the connection cannot be trusted any more after this driver's error."""
    return isinstance(error, _OUTSIDE) and not isinstance(error, _BUSY)


def _unavailable(error: Exception, *, in_doubt: bool) -> DatabaseUnavailable:
    reason = str(error) or type(error).__name__
    lost = not isinstance(error, (*_BUSY, TimeoutError))
    return DatabaseUnavailable(f"the database does not answer: {reason}", lost=lost, in_doubt=in_doubt)


def _violation(error: exceptions.IntegrityConstraintViolationError) -> ConstraintViolated:
    kind = next((kind for cls, kind in _KINDS if isinstance(error, cls)), ViolationKind.OTHER)
    name = error.constraint_name or f"{error.table_name}.{error.column_name}"
    return ConstraintViolated(name, kind)
