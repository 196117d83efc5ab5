"""Objects out of JSON: one by one, strictly, with no more in memory than one of them."""

from io import StringIO
from itertools import islice

import pytest

from scimserver.directory.transfer.json_text import decoded, elements, lines
from scimserver.directory.transfer.records import MAX_RECORD, Fault
from scimserver.kernel.errors import InvalidValue


class Slow(StringIO):
    """A file that is read a few characters at a time."""

    def __init__(self, text: str, size: int) -> None:
        super().__init__(text)
        self._size = size

    def read(self, size: int | None = -1, /) -> str:
        """The next characters."""
        return super().read(self._size)


def read(text: str, size: int = 65_536) -> list[str]:
    """The elements; of what cannot be read, what is said of it."""
    return [each.detail if isinstance(each, Fault) else each.strip() for each in elements(Slow(text, size))]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 65_536])
@pytest.mark.parametrize(
    "text,found",
    [
        ("[]", []),
        (" [ ] \n", []),
        ('[{"a":1}]', ['{"a":1}']),
        ('[{"a":1},\n {"b":[1,{"c":2}]}]', ['{"a":1}', '{"b":[1,{"c":2}]}']),
        ('[{"a":"],}[{"},{"b":"\\"]"}]', ['{"a":"],}[{"}', '{"b":"\\"]"}']),
        ('[{"a":"\\\\"},{"b":1}]', ['{"a":"\\\\"}', '{"b":1}']),
        ("[1,[2],3]", ["1", "[2]", "3"]),
        ("[1,]", ["1", ""]),
        ("[,]", ["", ""]),
    ],
)
def test_elements_are_found_however_the_text_comes(text: str, found: list[str], size: int):
    assert read(text, size) == found


@pytest.mark.parametrize("text", ["", "  ", '{"a":1}', "1", '"[]"', "x[]", "null", '{"a":[1]}', "]"])
def test_what_is_no_list_is_refused(text: str):
    with pytest.raises(InvalidValue, match="holds one list"):
        read(text)


@pytest.mark.parametrize("text", ['[{"a":1}', '[{"a":"]', "[", '[{"a":1},'])
def test_list_that_is_not_closed_ends_with_a_fault(text: str):
    assert "not closed" in read(text)[-1]


@pytest.mark.parametrize("text", ["[] x", "[]]", '[{"a":1}][]'])
def test_what_stands_behind_the_list_is_a_fault(text: str):
    assert read(text)[-1] == "Something stands behind the list."


def test_element_without_end_is_given_up():
    found = list(elements(StringIO('[{"a":"' + "x" * 3 * MAX_RECORD)))
    assert [isinstance(each, Fault) and each.is_last for each in found] == [True]


def test_lines_are_read_as_they_are_asked_for_and_too_long_ones_are_faults():
    text = StringIO("1\n" + "x" * (2 * MAX_RECORD) + "\n\n3")
    one, long, *rest = islice(lines(text), 9)
    assert (one, rest) == ("1\n", ["\n", "3"])
    assert isinstance(long, Fault)


def test_object_is_decoded():
    assert decoded('{"a": [true, null, "x"]}') == {"a": [True, None, "x"]}


@pytest.mark.parametrize(
    "text,said",
    [
        ("{", "no JSON"),
        ("", "no JSON"),
        ('{"a":1,"a":2}', "twice"),
        ('{"a":NaN}', "NaN"),
        ('{"a":Infinity}', "Infinity"),
        ("[" * 100_000, "no JSON"),
        ('{"a":' + "1" * 5000 + "}", "no JSON"),
        ("[]", "no object"),
        ("1", "no object"),
        ("{'a': 1}", "no JSON"),
    ],
)
def test_what_is_no_object_is_refused(text: str, said: str):
    with pytest.raises(InvalidValue, match=said):
        decoded(text)
