"""What is shown of a request and its answer holds no secret."""

from typing import Any

import pytest

from scimserver.cli.expectation import MISSING, Answer
from scimserver.cli.redaction import (
    concealed,
    excerpt_of_answer,
    excerpt_of_request,
    secrets_in,
    without,
)

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.mark.parametrize(
    "value, shown",
    [
        ({"password": "s3cret"}, {"password": "***"}),
        ({"Password": "s3cret"}, {"Password": "***"}),
        ({"op": "replace", "value": {"password": "s3cret"}}, {"op": "replace", "value": {"password": "***"}}),
        ({"path": "password", "value": "s3cret"}, {"path": "password", "value": "***"}),
        ({"path": f"{CORE}:password", "value": "s3cret"}, {"path": f"{CORE}:password", "value": "***"}),
        ([{"a": [{"token": "s3cret"}]}], [{"a": [{"token": "***"}]}]),
        ({"path": "title", "value": "Engineer"}, {"path": "title", "value": "Engineer"}),
        ({"type": "work", "value": "w"}, {"type": "work", "value": "w"}),
        ("password", "password"),
    ],
)
def test_secret_is_concealed_where_it_stands(value: Any, shown: Any):
    assert concealed(value) == shown


def test_secrets_are_known_so_that_echoes_can_be_hidden():
    body: Any = {"Operations": [{"value": {"password": "one"}}, {"path": "password", "value": "two"}]}
    assert secrets_in(body) == {"one", "two"}


def test_longer_secret_is_hidden_before_a_shorter_one_inside_it():
    assert without(["abc", "abcdef", ""], "abcdef abc") == "*** ***"


def test_request_is_shown_without_its_credential():
    shown = excerpt_of_request(
        "GET", "https://a/Users", {"Authorization": "Bearer s3cret", "Accept": "x"}, None
    )
    assert shown == "GET https://a/Users\nAuthorization: ***\nAccept: x"


def test_request_is_shown_with_its_body():
    shown = excerpt_of_request("POST", "https://a/Users", {}, {"userName": "ädå", "password": "s3cret"})
    assert shown == 'POST https://a/Users\n\n{\n  "userName": "ädå",\n  "password": "***"\n}'


def test_answer_is_shown_with_the_headers_that_tell_something():
    headers = {"etag": "W/1", "set-cookie": "s3cret", "date": "today"}
    answer = Answer(status=200, headers=headers, body={"password": "s3cret"}, text="s3cret")
    assert excerpt_of_answer(answer) == '200\netag: W/1\n\n{\n  "password": "***"\n}'


def test_answer_that_is_no_json_is_shown_as_text_and_cut():
    shown = excerpt_of_answer(Answer(status=502, headers={}, body=MISSING, text="x" * 5000))
    assert shown == "502\n\n" + "x" * 2000 + "…"
