"""Paths into an answer, checks on what is there, and the sentences a failure gives."""

from typing import Any

import pytest

from scimserver.cli.expectation import (
    MISSING,
    Answer,
    Check,
    Expectation,
    Kind,
    Pick,
    find,
    holds,
    judge,
    parse_path,
)

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DOCUMENT: dict[str, Any] = {
    "id": "7",
    "active": False,
    "name": {"givenName": "Ada"},
    "emails": [{"type": "home", "value": "h"}, {"type": "work", "value": "w"}],
    "numbers": [1, 2],
    "$ref": "r",
    ENTERPRISE: {"manager": {"value": "9"}},
}


@pytest.mark.parametrize(
    "text, path",
    [
        ("", ()),
        ("id", ("id",)),
        ("Resources[0].name.givenName", ("Resources", 0, "name", "givenName")),
        ("a[12][3]", ("a", 12, 3)),
        ("emails[type=work].value", ("emails", Pick(key="type", value="work"), "value")),
        ("members[value={{id}}]", ("members", Pick(key="value", value="{{id}}"))),
        (f"['{ENTERPRISE}'].manager", (ENTERPRISE, "manager")),
        ("a['b.c']", ("a", "b.c")),
        ("$ref", ("$ref",)),
    ],
)
def test_path_is_read_step_by_step(text: str, path: tuple[Any, ...]):
    assert parse_path(text) == path


@pytest.mark.parametrize("text", [".a", "a..b", "a.", "a[b]", "a[-1]", "a b", "a[0]b", "['a", "a[type=]"])
def test_path_is_refused_when_it_is_none(text: str):
    with pytest.raises(ValueError, match="not a path"):
        parse_path(text)


@pytest.mark.parametrize(
    "path, found",
    [
        ("", DOCUMENT),
        ("name.givenName", "Ada"),
        ("emails[1].value", "w"),
        ("emails[type=work].value", "w"),
        ("emails[type={{kind}}].value", "h"),
        ("numbers[0]", 1),
        (f"['{ENTERPRISE}'].manager.value", "9"),
        ("emails[2]", MISSING),
        ("emails[type=other].value", MISSING),
        ("numbers[type=work]", MISSING),
        ("name[0]", MISSING),
        ("name.givenName.deeper", MISSING),
        ("active[type=work]", MISSING),
        ("Name", MISSING),
    ],
)
def test_path_leads_to_a_value_or_to_nothing(path: str, found: Any):
    assert find(DOCUMENT, parse_path(path), {"kind": "home"}) == found


@pytest.mark.parametrize(
    "kind, wanted, found",
    [
        (Kind.PRESENT, True, False),
        (Kind.PRESENT, True, 0),
        (Kind.PRESENT, True, {}),
        (Kind.ABSENT, True, MISSING),
        (Kind.ABSENT, True, None),
        (Kind.ABSENT, True, []),
        (Kind.IS, "a", "a"),
        (Kind.IS, 1, 1.0),
        (Kind.IS, None, None),
        (Kind.IS, [1, {"a": True}], [1, {"a": True}]),
        (Kind.CONTAINS, "b", ["a", "b"]),
        (Kind.CONTAINS, {"value": "1"}, [{"value": "1", "display": "x"}]),
        (Kind.CONTAINS, "b", "abc"),
        (Kind.LACKS, "b", ["a"]),
        (Kind.LACKS, {"value": "1"}, [{"value": "2"}]),
        (Kind.LACKS, "b", MISSING),
        (Kind.LACKS, "b", None),
        (Kind.TYPE, "integer", 7),
        (Kind.TYPE, "number", 7),
        (Kind.TYPE, "number", 7.5),
        (Kind.TYPE, "boolean", True),
        (Kind.TYPE, "string", ""),
        (Kind.TYPE, "array", []),
        (Kind.TYPE, "object", {}),
        (Kind.MATCHES, "^a.c", "abcd"),
    ],
)
def test_check_holds(kind: Kind, wanted: Any, found: Any):
    assert holds(kind, wanted, found)


@pytest.mark.parametrize(
    "kind, wanted, found",
    [
        (Kind.PRESENT, True, MISSING),
        (Kind.PRESENT, True, None),
        (Kind.PRESENT, True, []),
        (Kind.PRESENT, True, ""),
        (Kind.ABSENT, True, ""),
        (Kind.ABSENT, True, False),
        (Kind.ABSENT, True, {}),
        (Kind.IS, "a", "A"),
        (Kind.IS, True, 1),
        (Kind.IS, 1, True),
        (Kind.IS, True, "True"),
        (Kind.IS, 401, "401"),
        (Kind.IS, None, MISSING),
        (Kind.IS, [1, 2], [2, 1]),
        (Kind.IS, [1], [1, 2]),
        (Kind.IS, {"a": 1}, {"a": 1, "b": 2}),
        (Kind.IS, {"a": 1}, {"b": 1}),
        (Kind.CONTAINS, "b", ["a"]),
        (Kind.CONTAINS, {"value": "1"}, [{"value": "2"}]),
        (Kind.CONTAINS, {"value": None}, [{"type": "x"}]),
        (Kind.CONTAINS, "b", MISSING),
        (Kind.CONTAINS, 1, "1"),
        (Kind.CONTAINS, True, [1]),
        (Kind.LACKS, "b", ["b"]),
        (Kind.LACKS, "b", "abc"),
        (Kind.TYPE, "integer", 7.5),
        (Kind.TYPE, "integer", "7"),
        (Kind.TYPE, "number", True),
        (Kind.TYPE, "string", None),
        (Kind.TYPE, "string", MISSING),
        (Kind.MATCHES, "^b", "abc"),
        (Kind.MATCHES, "1", 1),
        (Kind.MATCHES, "a", MISSING),
    ],
)
def test_check_does_not_hold(kind: Kind, wanted: Any, found: Any):
    assert not holds(kind, wanted, found)


@pytest.mark.parametrize(
    "kind, wanted, found",
    [
        (Kind.IS, "ADA@example.com", "ada@Example.com"),
        (Kind.IS, ["A"], ["a"]),
        (Kind.IS, {"k": "A"}, {"k": "a"}),
        (Kind.CONTAINS, "B", "abc"),
        (Kind.CONTAINS, {"value": "A"}, [{"value": "a"}]),
        (Kind.MATCHES, "^A", "abc"),
    ],
)
def test_caseless_check_passes_over_letter_case_only_when_asked(kind: Kind, wanted: Any, found: Any):
    assert [holds(kind, wanted, found, caseless=caseless) for caseless in (True, False)] == [True, False]


def check(where: str, kind: Kind, value: Any = True, **fields: Any) -> Check:
    return Check(where=where, path=parse_path(where), kind=kind, value=value, **fields)


def header(where: str, kind: Kind, value: Any = True) -> Check:
    return Check(where=where, path=(), kind=kind, value=value)


def answer(body: Any = MISSING, status: int = 200, **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=body)


@pytest.mark.parametrize(
    "checks, failures",
    [
        ([check("id", Kind.IS, "7"), check("active", Kind.IS, value=False)], ()),
        ([check("id", Kind.IS, 7)], ('id: expected is 7, found "7"',)),
        ([check("id", Kind.ABSENT)], ('id: expected absent, found "7"',)),
        ([check("title", Kind.PRESENT)], ("title: expected present, found nothing",)),
        (
            [check("id", Kind.IS, "{{id}}"), check("emails[type={{kind}}].value", Kind.IS, "x")],
            ('emails[type=home].value: expected is "x", found "h"',),
        ),
        ([check("id", Kind.IS, "{{unsaid}}")], ("id: cannot be checked without unsaid",)),
        (
            [check("emails[type={{unsaid}}]", Kind.PRESENT)],
            ("emails[type={{unsaid}}]: cannot be checked without unsaid",),
        ),
    ],
)
def test_judgement_names_each_failed_check(checks: list[Check], failures: tuple[str, ...]):
    expectation = Expectation(statuses=(200,), checks=tuple(checks))
    assert judge(expectation, answer(DOCUMENT), {"id": "7", "kind": "home"}) == failures


def test_judgement_cuts_what_it_found_when_that_is_long():
    expectation = Expectation(statuses=(200,), checks=(check("", Kind.TYPE, "array"),))
    (failure,) = judge(expectation, answer("x" * 500), {})
    assert failure == 'body: expected type "array", found "' + "x" * 119 + "…"


def test_value_inside_a_pattern_stands_for_itself():
    expectation = Expectation(statuses=(200,), checks=(check("id", Kind.MATCHES, "^{{a}}$"),))
    assert judge(expectation, answer({"id": "abc"}), {"a": "a.c"}) != ()


def test_judgement_finds_headers_whatever_their_case():
    expectation = Expectation(statuses=(200,), headers=(header("ETag", Kind.IS, "W/1"),))
    assert judge(expectation, answer(etag="W/1"), {}) == ()


def test_judgement_names_a_header_that_is_not_there():
    expectation = Expectation(statuses=(200,), headers=(header("ETag", Kind.PRESENT),))
    assert judge(expectation, answer(), {}) == ("header ETag: expected present, found nothing",)


def test_judgement_says_that_there_is_no_json_when_a_check_needs_it():
    expectation = Expectation(statuses=(200,), checks=(check("id", Kind.ABSENT),))
    assert judge(expectation, answer(), {}) == ("body: expected JSON, found none",)


def test_judgement_needs_no_body_when_nothing_looks_at_it():
    assert judge(Expectation(statuses=(200, 204)), answer(status=204), {}) == ()


def test_judgement_stops_at_an_unexpected_status():
    expectation = Expectation(statuses=(200, 204), checks=(check("id", Kind.PRESENT),))
    assert judge(expectation, answer(status=500), {}) == ("status: expected 200 or 204, found 500",)


def test_judgement_repeats_what_a_scim_error_says():
    error = {"status": "409", "scimType": "uniqueness", "detail": "taken"}
    failures = judge(Expectation(statuses=(201,)), answer(error, status=409), {})
    assert failures == ('status: expected 201, found 409, "uniqueness", "taken"',)
