"""What judges every answer of this tier: each of its complaints, and that it has none where all is right."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.hostile.judging import ERROR, LIMIT_S, complaints
from tests.hostile.plan import Request
from tests.hostile.values import PASSWORD
from tests.hostile.wire import Answer

SCIM = {"content-type": "application/scim+json"}
GET = Request(method=b"GET", target=b"/scim/v2/Users")
BULK = Request(method=b"POST", target=b"/scim/v2/Bulk")
BODY = {"schemas": [ERROR], "status": "400", "scimType": "invalidValue", "detail": "The value is too long."}


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    sent = SCIM | {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=sent, body=json.dumps(body).encode(), seconds=0.1)


def error(status: int = 400, **changed: Any) -> Answer:
    body = {
        name: item for name, item in (BODY | {"status": str(status)} | changed).items() if item is not None
    }
    return answer(status, body)


def told(request: Request, given: Answer) -> list[str]:
    return list(complaints(request, given, [b"scim_token", b"stranger"]))


@pytest.mark.parametrize(
    "request_,given",
    [
        (GET, answer(200, {"id": "1"})),
        (GET, error()),
        (GET, error(404, scimType=None)),
        (BULK, error(501, scimType=None)),
        (GET, replace(answer(304), headers={}, body=b"")),
        (replace(GET, target=b"/healthz"), replace(answer(200), headers={}, body=b"ok")),
        (replace(GET, is_http=False), replace(answer(400), headers={}, body=b"no HTTP")),
    ],
)
def test_judge_is_content_with_what_is_right(request_: Request, given: Answer):
    assert told(request_, given) == []


@pytest.mark.parametrize(
    "given,complaint",
    [
        (error(500, scimType=None), "a failure: 500"),
        (error(501, scimType=None), "a failure: 501"),
        (replace(answer(200, {}), seconds=LIMIT_S + 1), "slow: 3.0 s"),
        (answer(200, {"name": "scim_token"}), "a secret is repeated"),
        (answer(200, {"name": "stranger 1"}), "a secret is repeated"),
        (answer(200, {"title": PASSWORD}), "a secret is repeated"),
        (answer(405, {**BODY, "status": "405"}), "405 without allow"),
        (answer(401, {**BODY, "status": "401"}), "401 without www-authenticate"),
        (answer(429, {**BODY, "status": "429"}), "429 without retry-after"),
        (answer(200, [], content_type="text/plain"), "200 as 'text/plain'"),
        (answer(200, []), "200 without a JSON object"),
        (replace(answer(200), body=b"\xff"), "200 without a JSON object"),
        (answer(302, {}), "an answer that nobody asked for: 302"),
        (error(schemas=[]), "an error of schemas []"),
        (answer(400, {**BODY, "status": 400}), "status 400 in the body of 400"),
        (error(scimType=None), "400 with scimType None"),
        (error(scimType="invalid"), "400 with scimType 'invalid'"),
        (error(detail=None), "detail is no sentence: None"),
        (error(detail="Oh no"), "detail is no sentence: 'Oh no'"),
        (error(detail="This is\na line"), "detail runs over a line"),
        (error(detail="x y z " * 500), "detail runs over a line or over all bounds"),
        (error(detail="1 validation error, see pydantic.dev"), "detail shows internals (pydantic)"),
    ],
)
def test_judge_complains_of(given: Answer, complaint: str):
    assert any(each.startswith(complaint) for each in told(GET, given)), told(GET, given)
