"""What every command needs: settings, a database that is there and up to date, an operator's work.

Exit codes: 0 done, 1 refused (nothing was changed), 2 wrong usage or settings, 3 something outside
did not answer or could not be written, 4 done in part (rows of a file had errors), 130 interrupted (what was
done before stays).
"""

import asyncio
import getpass
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import click

from scimserver.config import ConfigurationError, Settings, load_settings
from scimserver.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from scimserver.db.migrate import check, migrate
from scimserver.db.migrations import MigrationError
from scimserver.db.pool import Database
from scimserver.kernel.actor import Actor, Origin, operator
from scimserver.kernel.errors import Conflicted, Refused, Unavailable
from scimserver.kernel.ids import INSTALLATION, OrganizationId, new_uuid
from scimserver.work import Trace, Work, WorkRoom

_T = TypeVar("_T")

REFUSED = 1
MISCONFIGURED = 2
OUTSIDE_FAILED = 3
PARTLY = 4
INTERRUPTED = 130
"""As shells have it for a program that SIGINT ended; here also where nobody reads the output any longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An operator at an open database."""

    settings: Settings
    database: Database
    room: WorkRoom
    operator_name: str

    def actor(self, organization: OrganizationId = INSTALLATION) -> Actor:
        """The operator, acting in an organisation."""
        return operator(self.operator_name, organization)

    def work(self, organization: OrganizationId = INSTALLATION, trace: Trace | None = None) -> Work:
        """A unit of work in an organisation, where what it changes is logged; `trace` is the attempt's."""
        origin = Origin(request_id=str(new_uuid()), method="CLI")
        return self.room.open(self.actor(organization), origin, trace=trace)


@contextmanager
def database_server(settings: Settings) -> Generator[str]:
    """The DSN of the configured server, or of our own for the time of the block.

    Our own is migrated; a configured one is its operator's to migrate.
    Raises `EmbeddedPostgresError`, `MigrationError`, `Unavailable`.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        _require_migrated(dsn)
        yield dsn
        return
    with EmbeddedPostgres(settings.data_dir, binaries=settings.postgres_binaries) as server:
        asyncio.run(migrate(server.dsn))
        yield server.dsn


def _require_migrated(dsn: str) -> None:
    pending = asyncio.run(check(dsn))
    if pending:
        names = ", ".join(f"{migration.version:04}_{migration.name}" for migration in pending)
        raise MigrationError(f"The database lacks the migrations {names}: run `scimserver migrate`.")


@asynccontextmanager
async def session(settings: Settings, dsn: str) -> AsyncGenerator[Session]:
    """An operator's session at the database."""
    async with Database.open(settings.database(dsn)) as database:
        yield Session(settings=settings, database=database, room=WorkRoom(database), operator_name=_account())


def run(command: Callable[[Session], Awaitable[_T]]) -> _T:
    """Run a command in a session; a failure ends the program with its exit code and a sentence."""
    with told():
        settings = load_settings()
        with database_server(settings) as dsn:
            return asyncio.run(_in_session(settings, dsn, command))


async def _in_session(settings: Settings, dsn: str, command: Callable[[Session], Awaitable[_T]]) -> _T:
    async with session(settings, dsn) as opened:
        return await command(opened)


@contextmanager
def told() -> Generator[None]:
    """Turn a failure of the block into a sentence on standard error and an exit code."""
    try:
        yield
    except Refused as refused:
        fail(refused.detail, REFUSED)
    except ConfigurationError as wrong:
        fail("\n".join(wrong.mistakes), MISCONFIGURED)
    except (EmbeddedPostgresError, MigrationError) as failed:
        fail(str(failed), OUTSIDE_FAILED)
    except Unavailable as unavailable:
        fail(unavailable.detail, OUTSIDE_FAILED)
    except Conflicted:
        fail("Somebody else changed the same thing at the same time: try again.", REFUSED)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        let_go_of_output()
        raise SystemExit(INTERRUPTED) from None


def let_go_of_output() -> None:
    """Have what is still to be written go nowhere: else the end of the program fails once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def fail(sentence: str, code: int) -> NoReturn:
    """Say why on standard error, and end."""
    shown = "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
        for letter in sentence
    )
    click.secho(shown, err=True, fg="red" if sys.stderr.isatty() else None)
    raise SystemExit(code)


def _account() -> str:
    """The operating system's name of whoever runs the command; a number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
