"""No password in clear: one goes through every door, done and refused, and is looked for everywhere.

The server runs as in operation, with all that it can log (level debug, asyncio's own watching); what it
wrote, what it answered and every row of every table are searched.
"""

import asyncio
import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from scimserver.scim.actions import PASSWORD_REQUEST
from tests.commands import Commands
from tests.commands import clean_settings as clean_settings
from tests.commands import commands as commands
from tests.processes import PUBLIC_URL, Reply, ask, program
from tests.serving import PATCH_OP, USER

MARK = "umbr3ll4"
GOOD = f"eleven green {MARK}"
SHORT = MARK
LONG = f"{MARK} and " * 100
OF_NAMES = f"{MARK}-{MARK}"
"""For somebody called Umbrella."""
CONTROL = GOOD + "\n"


@dataclass(frozen=True, slots=True)
class Doors:
    """A server and a token of its client."""

    url: str
    token: str
    user: str

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """A request of the client."""
        return ask(f"{self.url}/scim/v2{path}", method=method, token=self.token, body=body)

    def every(self) -> Generator[Reply]:
        """The answers of all doors to all passwords."""
        for number, password in enumerate(
            (GOOD, SHORT, LONG, OF_NAMES, CONTROL, [GOOD], {"a": GOOD}, 7, None)
        ):
            yield from self._set(password, f"user{number}@acme.example")
            yield from self._signed_in(password)
        yield from self._read()
        yield from self._changed()

    def _set(self, password: Any, name: str) -> Generator[Reply]:
        person = {"schemas": [USER], "userName": name, "nickName": "Umbrella"}
        one = f"/Users/{self.user}"
        yield self.send("POST", "/Users", {**person, "password": password})
        yield self.send("PUT", one, {**person, "userName": "ada@acme.example", "password": password})
        operations: tuple[Any, ...] = (
            {"op": "replace", "path": "password", "value": password},
            {"op": "add", "value": {"password": password, "title": "Lead"}},
            {"op": "replace", "path": f'password[value eq "{password}"]', "value": password},
            {"op": "replace", "path": f"password {password}", "value": password},
        )
        for operation in operations:
            yield self.send("PATCH", one, {"schemas": [PATCH_OP], "Operations": [operation]})
        action: dict[str, Any] = {"schemas": [PASSWORD_REQUEST], "method": "set", "password": password}
        yield self.send("POST", f"{one}/.password", action)
        for other in ({"method": GOOD}, {"mustChange": GOOD}, {"schemas": [GOOD]}, {"other": GOOD}):
            yield self.send("POST", f"{one}/.password", {**action, **other})
        yield self.send("POST", "/Users/0190b4f0-0000-7000-8000-000000000000/.password", action)
        yield self.send("POST", f"{one}/.clone", {"userName": "eve@acme.example", "password": password})

    def _signed_in(self, password: Any) -> Generator[Reply]:
        for address in ("ada@acme.example", password):
            body = {"address": address, "password": password}
            yield ask(f"{self.url}/session", method="POST", body=body, Content_Type="application/json")
        yield self._sent("/signin", address="ada@acme.example", password=str(password))

    def mistaken(self) -> list[Reply]:
        """Passwords are typed where addresses go: that field alone, of whoever typed it, shows them again."""
        paths: dict[str, dict[str, str]] = {"/signin": {"password": ""}, "/forgot": {}}
        return [
            self._sent(path, address=password, **fields)
            for path, fields in paths.items()
            for password in (GOOD, SHORT)
        ]

    def _changed(self) -> Generator[Reply]:
        action = {"schemas": [PASSWORD_REQUEST], "method": "set", "password": GOOD, "mustChange": False}
        yield self.send("POST", f"/Users/{self.user}/.password", action)
        answer = self._sent("/signin", address="ada@acme.example", password=GOOD)
        assert answer.status == 303
        [session] = [each for each in answer.headers.get_all("Set-Cookie", []) if "session" in each]
        for new in (SHORT, LONG, OF_NAMES, CONTROL, GOOD, GOOD + " too"):
            fields = {"current": GOOD, "new": new, "again": new}
            yield self._sent("/password", session.partition(";")[0], **fields)

    def _sent(self, path: str, cookie: str = "", **fields: str) -> Reply:
        """The answer to a form of a page."""
        url, host = f"{self.url}{path}", PUBLIC_URL.partition("//")[2]
        page = ask(url, Cookie=cookie, Host=host)
        token = re.findall(r'name="token" value="([^"]*)"', page.text)[0]
        own = [each.partition(";")[0] for each in page.headers.get_all("Set-Cookie", [])]
        cookies = "; ".join(filter(None, (cookie, *own)))
        form = {"token": token, **fields}
        return ask(url, method="POST", form=form, Cookie=cookies, Host=host, Origin=PUBLIC_URL)

    def _read(self) -> Generator[Reply]:
        yield self.send("GET", f"/Users?filter={quote(f'password eq {chr(34)}{GOOD}{chr(34)}')}")
        yield self.send("POST", "/Users/.search", {"filter": f'password eq "{GOOD}"'})
        yield self.send("POST", "/Users/.search", {"sortBy": f"password {GOOD}"})
        yield self.send("GET", f"/Users/{self.user}?attributes=password")


@pytest.fixture
def staffed(commands: Commands) -> Commands:
    """Commands where there are an organisation of ours and a connection that takes passwords."""
    commands.done("org", "create", "acme", "--domain", "acme.example")
    commands.done("connection", "create", "acme", "Okta", "--passwords", "accept")
    return commands


def test_no_password_is_anywhere_in_clear(
    staffed: Commands, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    token = staffed.json("token", "create", "acme", "Okta")["secret"]
    settings = {"database_url": staffed.dsn, "public_url": PUBLIC_URL, "port": 0, "workers": 1}
    with program("serve", **settings, log_level="debug") as server:
        url = server.url()
        made = Doors(url, token, "").send("POST", "/Users", {"userName": "ada@acme.example"})
        doors = Doors(url, token, made.json["id"])
        answers = list(doors.every())
        assert {answer.status for answer in doors.mistaken()} == {422}
        shown = [ask(f"{url}/metrics").text, server.stdout, server.stderr]
        assert len(server.lines("request.answered")) > len(answers)
    shown += [
        staffed("user", "password", "acme", "ada@acme.example", "--set", *more, answer=password).output
        for password in (GOOD, SHORT, LONG, CONTROL)
        for more in ((), ("--json",))
    ]
    assert {answer.status for answer in answers} == {200, 201, 204, 303, 400, 403, 404, 409, 422}
    assert [
        text for text in (*(answer.text for answer in answers), *shown, caplog.text) if MARK in text
    ] == []
    assert found_in(staffed.dsn) == {}


def found_in(dsn: str) -> dict[str, list[str]]:
    """The rows that hold the mark, by their tables; what is stored as bytes is looked at as bytes."""

    async def search() -> dict[str, list[str]]:
        connection = await asyncpg.connect(dsn)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found: dict[str, list[str]] = {}
        for [table] in tables:
            rows = await connection.fetch(f'SELECT t::text AS text FROM "{table}" AS t')
            hits = [row["text"] for row in rows if MARK in row["text"] or MARK.encode().hex() in row["text"]]
            if hits:
                found[table] = hits
        await connection.close()
        return found

    return asyncio.run(search())
