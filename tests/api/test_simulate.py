"""The command: what it prints, and the code it ends with."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from scimserver.cli.dialogue import Dialogue, parse
from scimserver.cli.simulate import report, simulate, visible


async def refuse(_request: web.Request) -> web.Response:
    return web.json_response({"detail": "not \x1b[31mred\x1b[0m, [bold]not bold[/bold]"}, status=400)


async def agree(request: web.Request) -> web.Response:
    return web.json_response({"id": "7", "path": request.path})


@pytest.fixture
async def server() -> AsyncGenerator[str]:
    """The address of a server that refuses everything but `/Users`."""
    application = web.Application()
    application.router.add_route("GET", "/scim/v2/Users", agree)
    application.router.add_route("*", "/{tail:.*}", refuse)
    async with TestServer(application) as running:
        yield str(running.make_url("/scim/v2"))


def dialogue(*paths: str) -> Dialogue:
    steps = [
        {
            "id": f"s{number}",
            "quirks": [f"O{number}"],
            "title": "Looks [red]around[/red]",
            "request": {"method": "GET", "path": path},
            "expect": {"status": [200]},
        }
        for number, path in enumerate(paths)
    ]
    return parse(json.dumps({"peer": "okta", "title": "T", "description": "d", "steps": steps}))


async def reported(url: str, told: Dialogue, **options: Any) -> int:
    given: dict[str, Any] = {"url": url, "token": "tok-en", "domain": "example.com", "run": "r1"} | options
    return await asyncio.to_thread(report, told, **given)


async def invoked(*arguments: str, **environment: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, simulate, arguments, env=environment)


async def test_report_ends_with_zero_when_every_step_passed(server: str, capsys: pytest.CaptureFixture[str]):
    assert await reported(server, dialogue("/Users", "/Users")) == 0
    assert "2 passed, 0 failed, 0 not run" in capsys.readouterr().out


async def test_report_ends_with_one_when_a_step_failed(server: str, capsys: pytest.CaptureFixture[str]):
    assert await reported(server, dialogue("/Users", "/Groups")) == 1
    assert "1 passed, 1 failed, 0 not run" in capsys.readouterr().out


async def test_report_explains_a_failed_step(server: str, capsys: pytest.CaptureFixture[str]):
    await reported(server, dialogue("/Groups"))
    out = capsys.readouterr().out
    assert "status: expected 200, found 400" in out
    assert f"> GET {server}/Groups" in out
    assert "< 400" in out
    assert "habits not met: O0" in out


async def test_report_leaves_markup_and_terminal_codes_without_effect(
    server: str, capsys: pytest.CaptureFixture[str]
):
    await reported(server, dialogue("/Groups"))
    out = capsys.readouterr().out
    assert "Looks [red]around[/red]" in out
    assert "[bold]not bold[/bold]" in out
    assert "\x1b[31m" not in out


async def test_report_as_json_is_one_document(server: str, capsys: pytest.CaptureFixture[str]):
    assert await reported(server, dialogue("/Users", "/Groups"), as_json=True) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["summary"] == {
        "passed": 1,
        "failed": 1,
        "not_run": 0,
        "ms": document["summary"]["ms"],
        "quirks_failed": ["O1"],
        "success": False,
    }
    assert [(step["id"], step["outcome"], step["status"]) for step in document["steps"]] == [
        ("s0", "passed", 200),
        ("s1", "failed", 400),
    ]


async def test_command_plays_the_shipped_dialogue(server: str):
    result = await invoked("okta", "--url", server, "--token", "tok-en", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["peer"]) == (1, "okta")
    assert "tok-en" not in result.output


async def test_command_takes_the_token_from_the_environment(server: str):
    result = await invoked("entra", "--url", server, "--json", SCIMSERVER_TOKEN="tok-en")
    assert json.loads(result.stdout)["peer"] == "entra"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nobody", "--url", "https://scim.example.com", "--token", "t"),
        ("okta", "--token", "t"),
        ("okta", "--url", "https://scim.example.com"),
        ("okta", "--url", "scim.example.com/scim/v2", "--token", "t"),
        ("okta", "--url", "ftp://scim.example.com", "--token", "t"),
        ("okta", "--url", "https:///scim/v2", "--token", "t"),
        ("okta", "--url", "https://scim.example.com/#part", "--token", "t"),
        ("okta", "--url", "https://scim.example.com", "--token", ""),
        ("okta", "--url", "https://scim.example.com", "--token", "two words"),
        ("okta", "--url", "https://scim.example.com", "--token", "line\nend"),
        ("okta", "--url", "https://scim.example.com", "--token", "tökén"),
    ],
)
async def test_command_ends_with_two_when_it_is_given_wrongly(arguments: tuple[str, ...]):
    result = await invoked(*arguments)
    assert result.exit_code == 2


@pytest.mark.parametrize(
    "text, shown",
    [("a\nb", "a\nb"), ("äöü €", "äöü €"), ("\x1b[31m", "�[31m"), ("\r\x08\x9b", "���"), ("\u202e", "�")],
)
def test_text_is_shown_without_what_a_terminal_obeys(text: str, shown: str):
    assert visible(text) == shown
