"""`scimserver migrate`: the schema, of the configured server or of our own.

Proven by tests/database/test_cli_migrate.py.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import click

from scimserver.cli import runtime, show
from scimserver.config import Settings, load_settings
from scimserver.db import migrate as schema
from scimserver.db.embedded import EmbeddedPostgres


@click.command()
@click.option("--check", is_flag=True, help="Apply nothing; end with 1 if something is pending.")
@show.json_option
def migrate(*, check: bool, as_json: bool) -> None:
    """Bring the database's schema up to date. Doing it twice is harmless."""
    with runtime.told(), _server(load_settings()) as dsn:
        if check:
            _check(dsn, as_json=as_json)
        else:
            _apply(dsn, as_json=as_json)


@contextmanager
def _server(settings: Settings) -> Generator[str]:
    """The DSN of a server whose schema may be of any age."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with EmbeddedPostgres(settings.data_dir, binaries=settings.postgres_binaries) as server:
        yield server.dsn


def _check(dsn: str, *, as_json: bool) -> None:
    pending = [str(migration) for migration in asyncio.run(schema.check(dsn))]
    if as_json:
        show.document({"pending": pending})
    else:
        show.sentence(f"Pending: {', '.join(pending)}." if pending else "Nothing is pending.")
    if pending:
        raise SystemExit(runtime.REFUSED)


def _apply(dsn: str, *, as_json: bool) -> None:
    applied = asyncio.run(schema.migrate(dsn))
    if as_json:
        show.document({"applied": [_as_object(each) for each in applied]})
        return
    for each in applied:
        note = "skipped: its extension is not to be had" if each.skipped else f"{each.duration_ms} ms"
        show.sentence(f"{each.version:04}_{each.name}: {note}")
    if not applied:
        show.sentence("Nothing was pending.")


def _as_object(each: schema.Applied) -> dict[str, str | int | bool]:
    return {
        "version": each.version,
        "name": each.name,
        "duration_ms": each.duration_ms,
        "skipped": each.skipped,
    }
