"""The shape of a filter stands for it: what the parser says of one it says of the other."""

import json

from hypothesis import given
from hypothesis import strategies as st
from scim2_models import InvalidFilterException, ScimFilter

from scimserver.scim.filter_text import Lifted, lift, take_apart

PIECES = ["a", " ", "eq", '"', "\\", "\\u0041", "u00e9", "\x01", "and", "5", "true", "(", ")", "é"]
PIECES += ['a eq "x"', ' and b.c sw "\\""', "e[f pr]", 'not (a ne "")', "null"]


def _parses(text: str) -> bool:
    try:
        ScimFilter(text)
    except InvalidFilterException:
        return False
    return True


@given(text=st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_filter_is_valid_exactly_if_its_shape_is(text):
    assert _parses(take_apart(text).shape) == _parses(text)


@given(strings=st.lists(st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8")), max_size=5))
def test_strings_taken_apart_are_those_that_the_parser_reads(strings):
    text = " and ".join(["title pr", *(f"title eq {json.dumps(string)}" for string in strings)])
    assert take_apart(text).literals == tuple(strings)
    terms = getattr(lift(ScimFilter(text)), "terms", ())
    assert [term.value for term in terms[1:]] == [Lifted(number) for number in range(len(strings))]
