"""Request bodies as strict JSON (RFC 8259), as tables of what is taken and what is refused, and how."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import InvalidSyntaxException, PayloadTooLargeException

from scimserver.scim.json_body import MAX_COMMAS, MAX_DEPTH, JsonObject, check_entries, parse

MANY = 100_000


def nested(levels: int, opening: bytes = b'{"a":', closing: bytes = b"}") -> bytes:
    return opening * (levels - 1) + b"{}" + closing * (levels - 1)


def refusal(body: bytes) -> str:
    with pytest.raises(InvalidSyntaxException) as refused:
        parse(body)
    return refused.value.detail


@pytest.mark.parametrize(
    "body,value",
    [
        (b"{}", {}),
        (b' \r\n\t{ "a" : [ ] } ', {"a": []}),
        (
            b'{"a":[1,-2,0.5,1e3,true,false,null,"x",{}]}',
            {"a": [1, -2, 0.5, 1000.0, True, False, None, "x", {}]},
        ),
        ('{"a":"Zoë 😀"}'.encode(), {"a": "Zoë 😀"}),
        (b'{"a":"\\ud83d\\ude00\\n\\/"}', {"a": "😀\n/"}),
        (b'{"a":{"b":1},"c":{"b":2}}', {"a": {"b": 1}, "c": {"b": 2}}),
        (b'{"a":18446744073709551615,"b":-9223372036854775808}', {"a": 2**64 - 1, "b": -(2**63)}),
        (b'{"a":0.1000000000000000055511151231257827}', {"a": 0.1}),
        (b'{"a":"99999999999999999999999999999999"}', {"a": "9" * 32}),
        (b'{"a":"\\\\u0000"}', {"a": "\\u0000"}),
        (b'{"":1," ":2}', {"": 1, " ": 2}),
    ],
)
def test_parse_takes_valid_json(body: bytes, value: JsonObject) -> None:
    assert parse(body) == value


def test_parse_keeps_whole_numbers_apart_from_decimals_and_booleans() -> None:
    assert [type(item) for item in parse(b'{"a":1,"b":1.0,"c":true}').values()] == [int, float, bool]


def test_parse_takes_a_long_list_of_shallow_objects() -> None:
    members = [{"value": str(number)} for number in range(1000)]
    assert parse(json.dumps({"members": members}).encode()) == {"members": members}


@pytest.mark.parametrize(
    "body,detail",
    [
        (b"", "The body is empty: a JSON object was expected."),
        (b" \n", "The body is empty: a JSON object was expected."),
        (b"[]", "The body must be a JSON object: { ... }."),
        (b'"text"', "The body must be a JSON object: { ... }."),
        (b"null", "The body must be a JSON object: { ... }."),
        (b"\xef\xbb\xbf{}", "The body begins with a byte order mark: send JSON without one."),
        ('{"a":1}'.encode("utf-16"), "The body is not UTF-8 (byte 1)."),
        (b'{"a":"\xff"}', "The body is not UTF-8 (byte 7)."),
        (b'{"a":"\xed\xa0\x80"}', "The body is not UTF-8 (byte 7)."),
        (b'{"a":"\xc0\xaf"}', "The body is not UTF-8 (byte 7)."),
    ],
)
def test_parse_refuses_what_is_no_json_object_in_utf_8(body: bytes, detail: str) -> None:
    assert refusal(body) == detail


@pytest.mark.parametrize(
    "body,place",
    [
        (b'{"a":1,}', "line 1, column 7"),
        (b'{"a":1}\n{}', "line 2, column 1"),
        (b'{"a" 1}', "line 1, column 6"),
        (b"{'a':1}", "line 1, column 2"),
        (b'{"a":01}', "line 1, column 6"),
        (b'{"a":+1}', "line 1, column 6"),
        (b'{"a":NaN}', "line 1, column 6"),
        (b'{"a":Infinity}', "line 1, column 6"),
        (b'{"a":-Infinity}', "line 1, column"),
        (b'{"a":1e400}', "line 1, column 6"),
        (b'{"a":"\x00"}', "line 1, column 7"),
        (b'{"a":"\n"}', "line 1, column 7"),
        (b'{"a":"\\ud800"}', "line 1, column"),
        (b'{"a":"\\udc00\\ud800"}', "line 1, column"),
        (b'{"a":"\\x"}', "line 1, column"),
        (b'{"a":"text', "line 1, column"),
        (b'{"a":1} // why', "line 1, column 9"),
    ],
)
def test_parse_refuses_malformed_json_with_its_place(body: bytes, place: str) -> None:
    detail = refusal(body)
    assert detail.startswith("The body is not valid JSON: ")
    assert place in detail


@pytest.mark.parametrize(
    "body,detail",
    [
        (b'{"a":1,"b":2,"a":3}', 'The name "a" appears twice in one object.'),
        (b'{"a":1,"\\u0061":3}', 'The name "a" appears twice in one object.'),
        (b'{"e":[{"value":"x"},{"value":"y","value":"z"}]}', 'The name "value" appears twice in one object.'),
        (b'{"":1,"":2}', 'The name "" appears twice in one object.'),
        (
            b'{"userName":"a","USERNAME":"b"}',
            '"userName" and "USERNAME" in one object are one name: names compare without case.',
        ),
        (
            b'{"op":"add","value":{"active":true,"Active":false}}',
            '"active" and "Active" in one object are one name: names compare without case.',
        ),
    ],
)
def test_parse_refuses_a_name_that_comes_twice(body: bytes, detail: str) -> None:
    assert refusal(body) == detail


def test_parse_shortens_a_long_name_in_its_refusal() -> None:
    name = b"n" * 5000
    assert refusal(b'{"%b":1,"%b":2}' % (name, name)) == f'The name "{"n" * 64}" appears twice in one object.'


@pytest.mark.parametrize(
    "body,place",
    [
        (b'{"a":"x\\u0000"}', "a"),
        (b'{"emails":[{"value":"ok"},{"value":"\\u0000"}]}', "emails[1].value"),
        (b'{"name":{"a\\u0000":1}}', "name.a\\u0000"),
        (b'{"a":"\\\\u0000","b":"\\u0000"}', "b"),
    ],
)
def test_parse_refuses_a_nul_character_with_its_place(body: bytes, place: str) -> None:
    assert refusal(body) == f"There is a NUL character (\\u0000) at {place}."


@pytest.mark.parametrize(
    "body,place",
    [
        (b'{"externalId":18446744073709551616}', "externalId"),
        (b'{"externalId":-9223372036854775809}', "externalId"),
        (b'{"a":{"b":["an oversized number",%b]}}' % (b"1" * 300), "a.b[1]"),
        (b'{"a":0.%b}' % (b"1" * 39), "a"),
        (b"1" * 30, "the top level"),
    ],
)
def test_parse_refuses_a_number_that_would_lose_digits(body: bytes, place: str) -> None:
    assert refusal(body) == f"The number at {place} has too many digits: send it as a string."


def test_parse_takes_the_deepest_nesting_allowed() -> None:
    body = nested(MAX_DEPTH)
    assert parse(body) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        nested(MAX_DEPTH + 1),
        b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        b'{"a":' + b'[{"b":' * 16 + b"1" + b"}]" * 16 + b"}",
    ],
)
def test_parse_refuses_nesting_beyond_the_limit(body: bytes) -> None:
    assert refusal(body) == "The body nests deeper than 32 levels."


def test_parse_does_not_count_brackets_inside_text_as_nesting() -> None:
    assert parse(b'{"a":"%b"}' % (b"[{" * MANY)) == {"a": "[{" * MANY}


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_parse_refuses_endless_nesting_without_exhausting_the_stack(opening: bytes) -> None:
    assert sys.getrecursionlimit() < MANY
    assert refusal(opening * MANY).startswith("The body is not valid JSON: ")


@pytest.mark.parametrize(
    "body",
    [
        b'{"password":"hunter2",}',
        b'{"password":"hunter2","password":"hunter2"}',
        b'{"password":"hunter2\\u0000"}',
        b'{"password":"hunter2","a":%b}' % (b"9" * 40),
        b'{"password":"hunter2\xff"}',
        b'{"password":"hunter2',
    ],
)
def test_parse_repeats_no_value_in_a_refusal(body: bytes) -> None:
    assert "hunter2" not in refusal(body)


SCRAPS = st.text('{}[]",:aA01.eE+-\\u \n', max_size=20)


@given(body=st.binary(max_size=20) | SCRAPS.map(str.encode) | SCRAPS.map("{{{}}}".format).map(str.encode))
def test_parse_gives_an_object_or_a_refusal_whatever_the_bytes(body: bytes) -> None:
    try:
        value = parse(body)
    except InvalidSyntaxException:
        return
    assert value == json.loads(body)


NAMES = st.sampled_from(['"a"', '"A"', '"b"', '"\\u0061"', '"a:"', '"é"', '"É"', '""'])
SCALARS = st.sampled_from(['"a"', '"A:"', '"\\""', '"é"', "true", "null", "1", "1.0", '""'])


def objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts of objects and lists, in which names may come again."""
    members = st.lists(st.tuples(NAMES, inner).map(" : ".join), max_size=4)
    return members.map(lambda parts: f"{{{','.join(parts)}}}") | st.lists(inner, max_size=3).map(
        lambda parts: f"[{', '.join(parts)}]"
    )


def says_a_name_twice(text: str) -> bool:
    """Whether an object has two names that are one without letter case, as Python's own reader tells."""
    twice: list[bool] = []

    def keep(pairs: list[tuple[str, object]]) -> dict[str, object]:
        twice.append(len({name.lower() for name, _ in pairs}) < len(pairs))
        return dict(pairs)

    json.loads(text, object_pairs_hook=keep)
    return any(twice)


@given(inner=st.recursive(SCALARS, objects, max_leaves=12))
def test_parse_refuses_exactly_the_bodies_in_which_a_name_comes_twice(inner: str) -> None:
    body = f'{{"name": {inner}}}'
    if says_a_name_twice(body):
        assert "in one object" in refusal(body.encode())
    else:
        assert parse(body.encode()) == json.loads(body)


@pytest.mark.parametrize(
    "text",
    ["a" + "\u0301" * 31, "漢" * 40 + "\u0315\u0300" * 16, "\u0301" * 31, "漢" * 9 + "\u0301" * 31 + "漢"],
)
def test_parse_refuses_more_combining_marks_in_a_row_than_any_language_has(text: str) -> None:
    with pytest.raises(InvalidSyntaxException, match="combining marks in a row at name"):
        parse(json.dumps({"name": text}, ensure_ascii=False).encode())
    with pytest.raises(InvalidSyntaxException, match="combining marks in a row at name"):
        parse(json.dumps({"name": text}).encode())


@pytest.mark.parametrize("text", ["a" + "\u0301" * 30, "a\u0301" * 100, "漢字" * 100, "e\u0301\u0323" * 50])
def test_parse_takes_marks_as_languages_have_them(text: str) -> None:
    assert parse(json.dumps({"name": text}, ensure_ascii=False).encode()) == {"name": text}


def entries(*counts: int) -> bytes:
    return json.dumps({f"list{number}": [1] * count for number, count in enumerate(counts)}).encode()


@pytest.mark.parametrize("body", [entries(1000), entries(400, 600), b'{"a":"%s"}' % (b"x" * 9999)])
def test_lists_of_as_many_values_as_allowed_are_taken(body: bytes) -> None:
    check_entries(body, parse(body), 1000)


@pytest.mark.parametrize("body", [entries(1001), entries(400, 601), b'{"a":{"b":[%s[]]}}' % (b"[]," * 1000)])
def test_lists_of_more_values_are_refused(body: bytes) -> None:
    with pytest.raises(PayloadTooLargeException, match="more than 1000 values"):
        check_entries(body, parse(body), 1000)


def test_body_of_more_values_than_anybody_has_is_refused_before_it_is_read() -> None:
    with pytest.raises(PayloadTooLargeException, match=f"more than {MAX_COMMAS} values"):
        parse(b"[0" + b",0" * (MAX_COMMAS + 1))
