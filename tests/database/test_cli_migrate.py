"""`scimserver migrate`: what is pending is applied once, and told."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from scimserver.cli import main
from scimserver.db.migrations import read
from scimserver.db.queries import sql_folder

ALL = [str(migration) for migration in read(sql_folder() / "migrations")]

Migrate = Callable[..., Result]


@pytest.fixture
def migrate(bare_database_dsn: str, clean_settings: Callable[..., None]) -> Migrate:
    """Runs the command on a database without tables."""
    clean_settings(SCIMSERVER_DATABASE_URL=bare_database_dsn)
    return lambda *options: CliRunner().invoke(main, ["migrate", *options])


def test_migrate_applies_what_is_pending_and_says_what(migrate: Migrate):
    result = migrate()
    assert result.exit_code == 0, result.output
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == ALL


def test_migrate_applies_nothing_twice(migrate: Migrate):
    migrate()
    result = migrate()
    assert (result.exit_code, result.stdout) == (0, "Nothing was pending.\n")


def test_migrate_prints_a_document(migrate: Migrate):
    applied = json.loads(migrate("--json").stdout)["applied"]
    assert [f"{each['version']:04}_{each['name']}" for each in applied] == ALL
    assert json.loads(migrate("--json").stdout) == {"applied": []}


def test_migrate_check_ends_with_1_and_applies_nothing_when_something_is_pending(migrate: Migrate):
    for _ in range(2):
        result = migrate("--check")
        assert (result.exit_code, result.stdout) == (1, f"Pending: {', '.join(ALL)}.\n")


def test_migrate_check_ends_with_0_when_nothing_is_pending(migrate: Migrate):
    migrate()
    result = migrate("--check")
    assert (result.exit_code, result.stdout) == (0, "Nothing is pending.\n")


def test_migrate_check_prints_a_document(migrate: Migrate):
    assert json.loads(migrate("--check", "--json").stdout) == {"pending": ALL}


def test_migrate_makes_the_other_commands_work(migrate: Migrate):
    migrate()
    assert CliRunner().invoke(main, ["org", "list"]).exit_code == 0
