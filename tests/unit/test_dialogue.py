"""The dialogue format: what is read, what is refused, how placeholders are filled."""

import json
from typing import Any

import pytest

from scimserver.cli.dialogue import Dialogue, DialogueError, load, needs, parse
from scimserver.cli.placeholders import Unfilled, fill, fill_text, names_in


def dialogue(*steps: dict[str, Any], **fields: Any) -> Dialogue:
    return parse(text_of(*steps, **fields))


def text_of(*steps: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"peer": "okta", "title": "t", "description": "d", "steps": list(steps), **fields})


def step(number: int = 1, **fields: Any) -> dict[str, Any]:
    plain = {
        "id": f"step-{number}",
        "title": "t",
        "request": {"method": "GET", "path": "/Users"},
        "expect": {"status": [200]},
    }
    return plain | fields


def request(**fields: Any) -> dict[str, Any]:
    return {"request": {"method": "GET", "path": "/Users"} | fields}


def expecting(*checks: Any, **fields: Any) -> dict[str, Any]:
    return {"expect": {"status": [200], "assert": list(checks)} | fields}


def test_dialogue_gives_its_steps_in_order():
    assert [found.id for found in dialogue(step(1), step(2)).steps] == ["step-1", "step-2"]


def test_shipped_dialogue_is_found_by_the_name_of_its_peer():
    assert load("entra").peer == "entra"


def test_unknown_peer_has_no_dialogue():
    with pytest.raises(FileNotFoundError):
        load("nobody")


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("[", "not JSON"),
        ("[]", "dialogue: must be an object"),
        (text_of().replace("[]", "{}"), "steps: must be a list"),
        (text_of(surprise=1), "dialogue: unknown surprise"),
        (text_of(step() | {"surprise": 1}), r"steps\[0\]: unknown surprise"),
        (text_of({"id": "a"}), r"steps\[0\]: missing expect, request, title"),
        (text_of(step(**request(surprise=1))), "step-1.request: unknown surprise"),
        (text_of(step(**request(method="GRAB"))), "request.method: not one of"),
        (text_of(step(**request(path="Users"))), "request.path: must begin with /"),
        (
            text_of(step(**request(path="/Users?count=1"))),
            "request.path: must begin with / and hold no query",
        ),
        (text_of(step(**request(headers={"Accept": 1}))), "headers.Accept: must be text"),
        (text_of(step(expect={"status": []})), "expect.status: at least one"),
        (text_of(step(expect={"status": ["200"]})), "expect.status: must be an integer"),
        (text_of(step(expect={"status": [True]})), "expect.status: must be an integer"),
        (text_of(step(**expecting(max_ms="soon"))), "expect.max_ms: must be an integer"),
        (text_of(step(**expecting({"is": 1}))), r"assert\[0\].path: must be text"),
        (text_of(step(**expecting({"path": "id"}))), r"assert\[0\]: needs exactly one of is, present"),
        (text_of(step(**expecting({"path": "id", "is": 1, "present": True}))), "needs exactly one of"),
        (text_of(step(**expecting({"path": "id", "is": 1, "surprise": 1}))), "needs exactly one of"),
        (text_of(step(**expecting({"path": "id", "present": False}))), "present: must be true"),
        (text_of(step(**expecting({"path": "id", "type": "text"}))), "type: not one of boolean, integer"),
        (text_of(step(**expecting({"path": "id", "matches": "("}))), "matches: "),
        (text_of(step(**expecting({"path": "id", "is": "a", "caseless": 1}))), "caseless: must be true or"),
        (text_of(step(**expecting({"path": "a[", "is": 1}))), "not a path at character 1"),
        (
            text_of(step(**expecting(headers={"ETag": {"is": 1, "has": 2}}))),
            "headers.ETag: needs exactly one",
        ),
        (text_of(step(save={"id": 7})), "save.id: must be text"),
        (text_of(step(1), step(1)), "step-1 is there twice"),
    ],
)
def test_dialogue_is_refused_when_it_breaks_the_format(text: str, complaint: str):
    with pytest.raises(DialogueError, match=complaint):
        parse(text)


@pytest.mark.parametrize(
    "text, complaint",
    [
        (text_of(step(**request(path="/Users/{{id}}"))), "step-1.request: undefined id"),
        (text_of(step(**request(query="a={{b}}&c={{a}}"))), "step-1.request: undefined a, b"),
        (text_of(step(**request(query={"filter": "{{a}}"}))), "undefined a"),
        (text_of(step(**request(headers={"X": "{{a}}"}))), "undefined a"),
        (text_of(step(**request(body={"deep": [{"er": "{{a}}"}]}))), "undefined a"),
        (text_of(step(), headers={"X": "{{a}}"}), "undefined a"),
        (text_of(step(**expecting({"path": "id", "is": "{{a}}"}))), "step-1.expect: undefined a"),
        (text_of(step(**expecting({"path": "members[value={{a}}]", "present": True}))), "undefined a"),
        (text_of(step(save={"a": "members[value={{b}}].id"})), "save.a: undefined b"),
        (text_of(step(save={"run": "id"})), "save.run: already defined"),
        (text_of(step(1, save={"a": "id"}), step(2, save={"a": "id"})), "step-2.save.a: already defined"),
        (text_of(variables={"domain": "x"}), "variables.domain: already defined"),
        (text_of(variables={"a": "{{b}}", "b": "c"}), "variables.a: undefined b"),
        (text_of(step(title="{{ run }}")), "not a placeholder: {{ run }}"),
        (text_of(step(**request(body=["{{run}"]))), "not a placeholder"),
    ],
)
def test_dialogue_is_refused_when_a_placeholder_has_no_value_in_time(text: str, complaint: str):
    with pytest.raises(DialogueError, match=complaint):
        parse(text)


def test_expectation_may_use_what_its_own_step_saves():
    own = step(save={"a": "id"}, **expecting({"path": "meta.location", "is": "{{a}}"}))
    assert needs(dialogue(own), dialogue(own).steps[0]) == frozenset()


def test_step_needs_what_its_request_and_its_expectation_use():
    used = {"headers": {"X": "{{run}}"}, "variables": {"a": "1", "b": "2"}}
    later = step(**request(path="/Users/{{a}}"), **expecting({"path": "id", "is": "{{b}}"}))
    assert needs(dialogue(later, **used), dialogue(later, **used).steps[0]) == {"a", "b", "run"}


@pytest.mark.parametrize(
    "value, filled",
    [
        ("{{number}}", 7),
        ("{{object}}", {"a": [1]}),
        ("{{nothing}}", None),
        ("n={{number}}", "n=7"),
        ("{{text}}{{number}}", "seven7"),
        ("{{yes}}!", "true!"),
        ("{{object}}.", '{"a": [1]}.'),
        (["{{text}}", {"{{text}}": "{{number}}"}], ["seven", {"{{text}}": 7}]),
        (True, True),
        ("plain", "plain"),
    ],
)
def test_placeholder_becomes_its_value(value: Any, filled: Any):
    variables: dict[str, Any] = {
        "number": 7,
        "object": {"a": [1]},
        "nothing": None,
        "text": "seven",
        "yes": True,
    }
    assert fill(value, variables) == filled


def test_placeholder_keeps_the_json_type_of_a_boolean():
    assert fill("{{yes}}", {"yes": True}) is True


def test_placeholder_without_value_is_named():
    with pytest.raises(Unfilled) as raised:
        fill(["{{known}}", "{{b}} and {{a}}"], {"known": 1})
    assert raised.value.names == ("a", "b")


def test_filled_text_passes_each_value_through_the_quoting():
    assert fill_text("<{{a}}>", {"a": "<>"}, quote=lambda text: f"({text})") == "<(<>)>"


def test_value_that_looks_like_a_placeholder_is_not_filled_again():
    assert fill_text("{{a}} {{b}}", {"a": "{{b}}", "b": "c"}) == "{{b}} c"


def test_names_are_found_at_any_depth():
    assert names_in({"a": ["{{x}}", {"b": "{{y}}-{{x}}"}], "c": 1}) == {"x", "y"}
