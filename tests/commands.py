"""Commands, run as an operator runs them."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from click.testing import CliRunner, Result

from scimserver.cli import main

_USER = """
    INSERT INTO users (org_id, id, user_name, user_name_key, mail_domain, active, role_id, mail_stand_in,
                       version, created, last_modified, document, shadow)
    SELECT o.id, $1, $2, $2, split_part($2, '@', 2), true, r.id, true, 1, now(), now(), $3, '{}'
    FROM organizations AS o JOIN roles AS r ON r.org_id = o.id AND r.name_key = 'minimal permissions'
    WHERE o.name = $4
"""


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs `scimserver` in this process, against one database. Not for a running event loop."""

    dsn: str

    def __call__(self, *arguments: str, answer: str | None = None) -> Result:
        """What came of a command; `answer` is what the operator types. Crashes are raised."""
        result = CliRunner().invoke(main, arguments, input=answer, prog_name="scimserver")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def done(self, *arguments: str, answer: str | None = None) -> str:
        """What a command that succeeds prints."""
        result = self(*arguments, answer=answer)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *arguments: str, code: int = 1) -> str:
        """What a command that ends with `code` says on standard error."""
        result = self(*arguments)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        return result.stderr

    def json(self, *arguments: str) -> Any:
        """The document that a command prints."""
        return json.loads(self.done(*arguments, "--json"))

    def log(self, *arguments: str) -> list[dict[str, Any]]:
        """The log's entries, oldest first; without arguments, the installation's."""
        lines = self.done("audit", "list", *(arguments or ("--installation",)), "--json").splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] != "log.read"]


def put_user(dsn: str, organization: str, user: UUID, user_name: str) -> None:
    """Add a user past all rules, with an id of one's choice: no command does."""

    async def put() -> None:
        connection = await asyncpg.connect(dsn)
        document = {"id": str(user), "userName": user_name, "title": "Agent"}
        await connection.execute(_USER, user, user_name, json.dumps(document).encode(), organization)
        await connection.close()

    asyncio.run(put())


@pytest.fixture
def commands(database_dsn: str, clean_settings: Callable[..., None]) -> Commands:
    """Commands on a database of this test's own."""
    clean_settings(SCIMSERVER_DATABASE_URL=database_dsn)
    return Commands(database_dsn)


@pytest.fixture
def acme(commands: Commands) -> Commands:
    """Commands where there is an organisation `acme`: its domain acme.example, its connection `Okta`."""
    commands.done("org", "create", "acme", "--domain", "acme.example")
    commands.done("connection", "create", "acme", "Okta", "--dialect", "okta")
    return commands


@pytest.fixture
def clean_settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the settings of the process, and takes away all others."""

    def put(**variables: str) -> None:
        for name in os.environ:
            if name.startswith("SCIMSERVER_") and not name.startswith("SCIMSERVER_TEST_"):
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put
