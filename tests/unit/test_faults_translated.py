"""What a driver's error says of the connection, and of the change that was asked for."""

import asyncpg
import pytest
from asyncpg import exceptions

from scimserver.db.failures import DatabaseUnavailable, Pool, breaks_connection, translated

LOST = [
    # what failed, whether the change may have been committed
    (ConnectionRefusedError(), True),
    (ConnectionResetError(), True),
    (exceptions.ConnectionDoesNotExistError("closed in the middle of operation"), True),
    (exceptions.ConnectionFailureError(""), True),
    (exceptions.StatementCompletionUnknownError(""), True),
    (exceptions.AdminShutdownError(""), True),
    (exceptions.CrashShutdownError(""), True),
    (asyncpg.InternalClientError("cannot switch to state 15"), True),
    (exceptions.TargetServerAttributeNotMatched("read-write"), True),
    (exceptions.ReadOnlySQLTransactionError(""), False),
    (exceptions.IdleInTransactionSessionTimeoutError(""), False),
    (exceptions.PostgresIOError(""), False),
]
GOOD = [
    exceptions.QueryCanceledError(""),
    exceptions.LockNotAvailableError(""),
    exceptions.TooManyConnectionsError(""),
    exceptions.DiskFullError(""),
]


def unavailable(error: Exception, *, closed: bool = False, commits: bool = True) -> DatabaseUnavailable:
    """What a driver's error becomes, which must be that the database is unavailable."""
    failure = translated(error, pool=Pool.POINTS, closed=closed, commits=commits)
    assert isinstance(failure, DatabaseUnavailable)
    return failure


@pytest.mark.parametrize("error, in_doubt", LOST, ids=lambda value: type(value).__name__)
def test_lost_connection_is_ended_and_worth_another_try(error: Exception, *, in_doubt: bool):
    assert breaks_connection(error)
    failure = unavailable(error)
    assert (failure.lost, failure.in_doubt) == (True, in_doubt)


@pytest.mark.parametrize("error, in_doubt", LOST, ids=lambda value: type(value).__name__)
def test_statement_within_a_transaction_leaves_no_doubt(error: Exception, *, in_doubt: bool):
    assert not unavailable(error, commits=False).in_doubt


@pytest.mark.parametrize("error", GOOD, ids=lambda value: type(value).__name__)
def test_server_that_cannot_now_keeps_its_connection_and_leaves_no_doubt(error: Exception):
    assert not breaks_connection(error)
    failure = unavailable(error)
    assert (failure.lost, failure.in_doubt) == (False, False)


def test_starting_server_has_done_nothing():
    assert not unavailable(exceptions.CannotConnectNowError("")).in_doubt


def test_time_out_ends_the_connection_leaves_doubt_and_is_not_worth_waiting_for_again():
    assert breaks_connection(TimeoutError())
    failure = unavailable(TimeoutError())
    assert (failure.lost, failure.in_doubt) == (False, True)


def test_call_of_a_closed_connection_is_a_lost_connection():
    assert unavailable(asyncpg.InterfaceError("connection is closed"), closed=True).lost


def test_call_that_makes_no_sense_stays_our_mistake():
    error = asyncpg.InterfaceError("another operation is in progress")
    assert translated(error, pool=Pool.POINTS, closed=False, commits=True) is error
