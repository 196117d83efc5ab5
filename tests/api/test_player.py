"""The player against a small server in this process that makes deliberate faults."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from scimserver.cli.dialogue import Dialogue, parse
from scimserver.cli.player import Outcome, StepResult, play

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FakeServer:
    """Answers in turn what it was told to, and remembers what it was sent."""

    answers: list[web.Response | Answering] = field(default_factory=list)
    seen: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def will(self, *answers: web.Response | Answering) -> None:
        self.answers += answers

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        answer = self.answers.pop(0) if self.answers else web.json_response({})
        return answer if isinstance(answer, web.Response) else await answer(request)


@pytest.fixture
async def server() -> AsyncGenerator[FakeServer]:
    fake = FakeServer()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", fake.answer)
    async with TestServer(application) as running:
        fake.url = str(running.make_url("/scim/v2"))
        yield fake


def step(number: int = 1, **fields: Any) -> dict[str, Any]:
    method, path, status = (fields.pop(name, None) for name in ("method", "path", "status"))
    request = {"method": method or "GET", "path": path or "/Users"}
    request |= {name: fields.pop(name) for name in ("query", "headers", "body") if name in fields}
    expect: dict[str, Any] = {"status": [status or 200], "assert": fields.pop("checks", [])}
    expect |= {name: fields.pop(name) for name in ("max_ms",) if name in fields}
    return {"id": f"s{number}", "title": "t", "request": request, "expect": expect} | fields


def dialogue(*steps: dict[str, Any], **fields: Any) -> Dialogue:
    plain = {"peer": "okta", "title": "t", "description": "d", "steps": list(steps)}
    return parse(json.dumps(plain | fields))


async def played(server: FakeServer | str, told: Dialogue, **options: Any) -> list[StepResult]:
    url = server if isinstance(server, str) else server.url
    given: dict[str, Any] = {
        "base_url": url,
        "token": "tok-en",
        "domain": "example.com",
        "run": "r1",
    } | options
    return [result async for result in play(told, **given)]


async def test_player_sends_what_the_step_says(server: FakeServer):
    wanted = step(method="POST", path="/Users", query="a=b", body={"userName": "u.{{run}}@{{domain}}"})
    await played(server, dialogue(wanted))
    (request,) = server.seen
    assert (request.method, request.raw_path) == ("POST", "/scim/v2/Users?a=b")
    assert json.loads(server.bodies[0]) == {"userName": "u.r1@example.com"}


async def test_player_calls_with_the_token_and_the_media_type_of_scim(server: FakeServer):
    await played(server, dialogue(step(method="POST", body={})))
    headers = server.seen[0].headers
    assert headers["Authorization"] == "Bearer tok-en"
    assert headers["Accept"] == headers["Content-Type"] == "application/scim+json"


async def test_player_sends_no_content_type_without_a_body(server: FakeServer):
    await played(server, dialogue(step()))
    assert "Content-Type" not in server.seen[0].headers


async def test_headers_of_a_step_replace_those_of_the_dialogue_whatever_their_case(server: FakeServer):
    wanted = step(headers={"authorization": "non-token", "x-one": "step", "X-Two": None})
    await played(
        server, dialogue(wanted, headers={"X-One": "dialogue", "X-Two": "dialogue", "X-Three": "{{run}}"})
    )
    headers = server.seen[0].headers
    assert headers.getall("Authorization") == ["non-token"]
    assert headers.getall("X-One") == ["step"]
    assert "X-Two" not in headers
    assert headers["X-Three"] == "r1"


@pytest.mark.parametrize(
    "query, sent",
    [
        ('filter=userName+eq+"{{name}}"', '?filter=userName+eq+"a%2Bb%40c%20%26"'),
        ("filter=a%20eq%20%22{{name}}%22&flag", "?filter=a%20eq%20%22a%2Bb%40c%20%26%22&flag"),
        ({"filter": 'a eq "{{name}}"', "count": 2}, "?filter=a%20eq%20%22a%2Bb%40c%20%26%22&count=2"),
        ("", ""),
    ],
)
async def test_query_goes_over_the_wire_as_written(server: FakeServer, query: Any, sent: str):
    await played(server, dialogue(step(query=query), variables={"name": "a+b@c &"}))
    assert server.seen[0].raw_path == "/scim/v2/Users" + sent


async def test_value_in_a_path_cannot_leave_its_segment(server: FakeServer):
    await played(server, dialogue(step(path="/Users/{{id}}"), variables={"id": "../a?b"}))
    assert server.seen[0].raw_path == "/scim/v2/Users/..%2Fa%3Fb"


async def test_query_of_the_base_address_comes_with_every_request(server: FakeServer):
    told = dialogue(step(1), step(2, query="count=1"))
    await played(server, told, base_url=server.url + "/?flag")
    assert [request.raw_path for request in server.seen] == [
        "/scim/v2/Users?flag",
        "/scim/v2/Users?flag&count=1",
    ]


async def test_player_gives_its_variables_to_the_dialogue(server: FakeServer):
    body = ["{{base_url}}", "{{domain}}", "{{run}}", "{{guid}}"]
    await played(server, dialogue(step(1, method="POST", body=body)))
    base_url, domain, run, guid = json.loads(server.bodies[0])
    assert (base_url, domain, run, len(guid)) == (server.url, "example.com", "r1", 36)


async def test_saved_value_is_used_with_its_json_type(server: FakeServer):
    server.will(web.json_response({"id": "7", "meta": {"version": 1}}))
    first = step(1, save={"id": "id", "meta": "meta"})
    second = step(2, method="PUT", path="/Users/{{id}}", body={"meta": "{{meta}}"})
    results = await played(server, dialogue(first, second))
    assert [result.outcome for result in results] == [Outcome.PASSED, Outcome.PASSED]
    assert server.seen[1].raw_path == "/scim/v2/Users/7"
    assert json.loads(server.bodies[1]) == {"meta": {"version": 1}}


@pytest.mark.parametrize(
    "text, check, failure",
    [
        ("", {"path": "id", "present": True}, "body: expected JSON, found none"),
        ("<html>", {"path": "id", "present": True}, "body: expected JSON, found none"),
        ("[" * 100_000, {"path": "id", "present": True}, "body: expected JSON, found none"),
        ('{"active": "false"}', {"path": "active", "is": False}, 'active: expected is false, found "false"'),
        ('{"total": "1"}', {"path": "total", "type": "integer"}, 'total: expected type "integer", found "1"'),
        ('{"members": []}', {"path": "members", "contains": "2"}, 'members: expected contains "2", found []'),
        ('{"members": ["1"]}', {"path": "members", "lacks": "1"}, 'members: expected lacks "1", found ["1"]'),
    ],
)
async def test_player_notices_a_wrong_answer(server: FakeServer, text: str, check: Any, failure: str):
    server.will(web.Response(text=text))
    (result,) = await played(server, dialogue(step(checks=[check])))
    assert (result.outcome, result.failures) == (Outcome.FAILED, (failure,))


async def test_player_notices_a_wrong_status(server: FakeServer):
    server.will(web.json_response({}, status=500))
    (result,) = await played(server, dialogue(step()))
    assert result.failures == ("status: expected 200, found 500",)


async def test_player_notices_a_missing_id(server: FakeServer):
    server.will(web.Response(text=""))
    (result,) = await played(server, dialogue(step(save={"id": "id"})))
    assert result.failures == ("id: the answer does not say",)


async def test_password_in_an_answer_is_noticed_and_not_repeated(server: FakeServer):
    server.will(web.json_response({"password": "s3cret", "note": "it is s3cret"}, status=201))
    created = step(
        method="POST",
        status=201,
        body={"password": "s3cret"},
        checks=[{"path": "password", "absent": True}, {"path": "note", "absent": True}],
    )
    (result,) = await played(server, dialogue(created))
    assert len(result.failures) == 2
    assert "s3cret" not in repr((result.failures, result.request, result.response))


async def test_token_that_the_server_echoes_is_not_repeated(server: FakeServer):
    server.will(web.json_response({"detail": "no such token: tok-en"}, status=401))
    (result,) = await played(server, dialogue(step()))
    assert "no such token: ***" in result.failures[0]
    assert "tok-en" not in repr((result.failures, result.request, result.response))


async def test_failed_step_shows_request_and_answer(server: FakeServer):
    server.will(web.json_response({"detail": "why"}, status=400, headers={"Retry-After": "1"}))
    (result,) = await played(server, dialogue(step(method="POST", body={"a": 1})))
    assert result.request.startswith(f"POST {server.url}/Users\n")
    assert result.response.startswith("400\n")
    assert "retry-after: 1" in result.response


async def test_passed_step_keeps_nothing_of_the_exchange(server: FakeServer):
    (result,) = await played(server, dialogue(step()))
    assert (result.failures, result.request, result.response) == ((), "", "")


async def test_step_is_not_run_when_what_it_needs_was_not_saved(server: FakeServer):
    server.will(web.json_response({}, status=500))
    told = dialogue(
        step(1, save={"user_id": "id", "etag": "meta.version"}),
        step(2, path="/Users/{{user_id}}", checks=[{"path": "meta.version", "is": "{{etag}}"}]),
        step(3),
    )
    results = await played(server, told)
    assert [result.outcome for result in results] == [Outcome.FAILED, Outcome.NOT_RUN, Outcome.PASSED]
    assert results[1].failures == ("not run: needs etag, user_id",)
    assert len(server.seen) == 2


async def test_value_is_saved_even_from_an_unexpected_status(server: FakeServer):
    server.will(web.json_response({"id": "7"}, status=200))
    told = dialogue(step(1, status=201, save={"id": "id"}), step(2, path="/Users/{{id}}"))
    results = await played(server, told)
    assert [result.outcome for result in results] == [Outcome.FAILED, Outcome.PASSED]


async def test_value_behind_an_unsaved_pick_is_reported_as_unsaid(server: FakeServer):
    server.will(web.json_response({}), web.json_response({"members": []}))
    told = dialogue(step(1, save={"id": "id"}), step(2, save={"display": "members[value={{id}}].display"}))
    results = await played(server, told)
    assert results[1].failures == ("display: the answer does not say",)


async def test_server_that_is_not_there_fails_the_step_and_what_depends_on_it():
    told = dialogue(step(1, save={"id": "id"}), step(2, path="/Users/{{id}}"), step(3))
    results = await played(f"http://127.0.0.1:{unused_port()}", told)
    assert [result.outcome for result in results] == [Outcome.FAILED, Outcome.NOT_RUN, Outcome.FAILED]
    assert results[0].failures[0].startswith("no answer: ")


async def test_connection_cut_in_the_middle_of_an_answer_fails_the_step(server: FakeServer):
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"id":')
        assert request.transport is not None
        request.transport.abort()
        return response

    server.will(cut)
    (result,) = await played(server, dialogue(step()))
    assert result.failures[0].startswith("no answer: ")


async def test_server_that_does_not_answer_fails_the_step_in_time(server: FakeServer):
    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    server.will(never)
    (result,) = await played(server, dialogue(step()), step_timeout=0.05)
    assert (result.status, result.failures) == (None, ("no answer within 0.05 s",))


async def test_answer_without_end_fails_the_step(server: FakeServer):
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(17):
            await response.write(bytes(1024 * 1024))
        return response

    server.will(flood)
    (result,) = await played(server, dialogue(step()))
    assert result.failures == ("no answer: the answer is larger than 16777216 bytes",)


async def test_redirect_is_not_followed(server: FakeServer):
    server.will(web.Response(status=308, headers={"Location": "https://elsewhere.example/"}))
    (result,) = await played(server, dialogue(step()))
    assert (result.status, len(server.seen)) == (308, 1)
    assert "location: https://elsewhere.example/" in result.response


async def test_cookie_of_a_server_is_not_sent_back(server: FakeServer):
    server.will(web.json_response({}, headers={"Set-Cookie": "a=b"}))
    await played(server, dialogue(step(1), step(2)))
    assert "Cookie" not in server.seen[1].headers


async def test_session_that_was_given_stays_open(server: FakeServer):
    async with aiohttp.ClientSession(headers={"X-Given": "1"}) as session:
        await played(server, dialogue(step()), session=session)
        assert not session.closed
    assert server.seen[0].headers["X-Given"] == "1"


async def test_pause_lies_between_steps_only(server: FakeServer):
    loop = asyncio.get_running_loop()
    began = loop.time()
    await played(server, dialogue(step(1), step(2), step(3)), wire_pause=0.02)
    assert loop.time() - began >= 0.04


async def test_duration_is_what_the_clock_says(server: FakeServer):
    readings = iter([1_000_000, 6_500_000])
    (result,) = await played(server, dialogue(step(max_ms=5)), clock=readings.__next__)
    assert (result.ms, result.is_slow, result.outcome) == (5.5, True, Outcome.PASSED)
